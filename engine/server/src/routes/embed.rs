//! `POST /embed` and `POST /embed_all`, as text-embeddings-inference's.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::vectors::OutputType;

use super::inputs::{Tei, dimensions, inputs};
use super::{deadline, json, reported};
use crate::errors::{Reason, Refusal};
use crate::limits::read_fields;
use crate::models::Settings;
use crate::numbers::{JSON_BYTES, Rows, push_float, push_list};
use crate::shared::Shared;
use crate::work::{Failure, Job};

pub(super) async fn embed(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let model = shared.models()?.first().clone();
    model.check_dense()?;
    let deadline = deadline(&State(shared.clone()), request.headers())?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let inputs = inputs(&mut fields, "inputs", &shared.config)?;
    let Tei { settings, truncates } = Tei::read(&mut fields, &model)?;
    let normalize = Some(fields.boolean("normalize")?.unwrap_or(true));
    let settings = Settings { normalize, dimensions: dimensions(&mut fields, &model)?, ..settings };
    fields.finish()?;

    let width = settings.dimensions.unwrap_or(model.embedder.dimensions());
    let bytes = inputs.len() as u64 * (2 + JSON_BYTES * width as u64);
    check_answer(bytes, shared.config.limits.response_bytes).map_err(|failure| failure.refusal("inputs"))?;
    let job = Job { inputs, settings, truncates, refuses_empty: shared.config.refuses_empty, deadline };
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
    let deadline = deadline(&State(shared.clone()), request.headers())?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let inputs = inputs(&mut fields, "inputs", &shared.config)?;
    let Tei { settings, truncates } = Tei::read(&mut fields, &model)?;
    fields.finish()?;

    let most = shared.config.limits.response_bytes;
    let fits = |tokens: u64, width: usize| check_answer(tokens * (2 + JSON_BYTES * width as u64), most);
    let job = Job { inputs, settings, truncates, refuses_empty: shared.config.refuses_empty, deadline };
    let done =
        shared.work.embed_tokens(&model, job, fits).await.map_err(|failure| failure.refusal("inputs"))?;
    let (vectors, cu_seqlens) = (done.value.vectors, done.value.cu_seqlens);
    let texts: Vec<&[usize]> = cu_seqlens.windows(2).collect();
    let text_of = |row: usize| cu_seqlens.partition_point(|start| *start <= row) - 1;
    if let Some(place) = vectors.values().iter().position(|value| !value.is_finite()) {
        let text = text_of(place / vectors.dim().max(1));
        let message = format!("the vectors of inputs[{text}] must be finite, and one is not");
        return Err(Refusal::new(Reason::Bug, message));
    }
    let dim = vectors.dim();
    let bytes = vectors.values().len() * JSON_BYTES as usize;
    let response = json(bytes, |out| {
        push_list(out, &texts, |out, text| {
            let rows: Vec<&[f32]> =
                vectors.values()[text[0] * dim..text[1] * dim].chunks(dim.max(1)).collect();
            push_list(out, &rows, |out, row| push_list(out, row, |out, value| push_float(out, *value)));
        });
    });
    Ok(reported(response, &model, done.measured, None))
}

/// Refuses a request whose answer would be too long.
fn check_answer(bytes: u64, most: u64) -> Result<(), Failure> {
    if bytes <= most { Ok(()) } else { Err(Failure::AnswerTooLong { bytes, most }) }
}
