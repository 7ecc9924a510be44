//! `POST /embed` and `POST /embed_all`, as text-embeddings-inference's.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::vectors::OutputType;

use super::inputs::{Tei, dimensions, inputs};
use super::{Terms, json, reported};
use crate::errors::Refusal;
use crate::limits::read_fields;
use crate::numbers::{JSON_BYTES, Rows, push_float, push_list};
use crate::shared::Shared;
use crate::work::Failure;

pub(super) async fn embed(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let model = shared.models()?.first().clone();
    model.check_dense()?;
    let terms = Terms::read(&shared, request.headers())?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let inputs = inputs(&mut fields, "inputs", &shared.config)?;
    let mut tei = Tei::read(&mut fields, &model)?;
    tei.settings.normalize = Some(fields.boolean("normalize")?.unwrap_or(true));
    tei.settings.dimensions = dimensions(&mut fields, &model)?;
    fields.finish()?;

    let width = tei.settings.dimensions.unwrap_or(model.embedder.dimensions());
    let bytes = inputs.len() as u64 * (2 + JSON_BYTES * width as u64);
    check_answer(bytes, shared.config.limits.response_bytes).map_err(|failure| failure.refusal("inputs"))?;
    let job = tei.job(inputs, terms, &shared.config);
    let done = shared.work.embed(&model, job).await.map_err(|failure| failure.refusal("inputs"))?;
    let rows = Rows::new(done.value, OutputType::F32, "inputs")?;
    let indexes: Vec<usize> = (0..rows.len()).collect();
    let response =
        json(bytes as usize, |out| push_list(out, &indexes, |out, index| rows.push_list(out, *index)));
    Ok(reported(response, &model, done.measured, None))
}

pub(super) async fn embed_all(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Refusal> {
    let model = shared.models()?.first().clone();
    let terms = Terms::read(&shared, request.headers())?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let inputs = inputs(&mut fields, "inputs", &shared.config)?;
    let tei = Tei::read(&mut fields, &model)?;
    fields.finish()?;

    let most = shared.config.limits.response_bytes;
    let fits = move |tokens: u64, width: usize| check_answer(tokens * (2 + JSON_BYTES * width as u64), most);
    let job = tei.job(inputs, terms, &shared.config);
    let done =
        shared.work.embed_tokens(&model, job, fits).await.map_err(|failure| failure.refusal("inputs"))?;
    let bytes = done.value.iter().map(|vectors| vectors.values().len() as u64 * JSON_BYTES).sum::<u64>();
    let response = json(bytes as usize, |out| {
        push_list(out, &done.value, |out, vectors| {
            let rows: Vec<&[f32]> = vectors.rows().collect();
            push_list(out, &rows, |out, row| push_list(out, row, |out, value| push_float(out, *value)));
        });
    });
    Ok(reported(response, &model, done.measured, None))
}

/// Refuses a request whose answer would be too long.
pub(super) fn check_answer(bytes: u64, most: u64) -> Result<(), Failure> {
    if bytes <= most { Ok(()) } else { Err(Failure::AnswerTooLong { bytes, most }) }
}
