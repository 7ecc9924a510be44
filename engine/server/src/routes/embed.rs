//! `POST /embed`, `/embed_sparse` and `/embed_all`, as text-embeddings-inference's.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::Vectors;
use nearsay::vectors::{Level, OutputType};
use serde::Serialize;
use utoipa::ToSchema;

use super::inputs::{Tei, dimensions, inputs};
use super::stream::{StreamFormat, Streamed};
use super::{Terms, json, predict, reported, rerank, similarity};
use crate::config::Limits;
use crate::errors::Refusal;
use crate::json::Fields;
use crate::limits::read_fields;
use crate::models::Task;
use crate::numbers::{Float, JSON_BYTES, Lists, push_json, push_list};
use crate::shared::Shared;
use crate::work::Failure;

/// The bytes of an entry of a sparse vector without its value: `{"index":30521,"value":},`.
const SPARSE_BYTES: u64 = 28;

/// A value of a sparse vector that is not 0.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SparseValue {
    /// The place in the vocabulary.
    index: u32,
    value: Float,
}

/// `POST /embed`.
pub(super) async fn embed(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let format = StreamFormat::of(request.headers());
    let fields = read_fields(request, &shared.config.limits).await?;
    dense(&shared, terms, fields, format).await
}

/// `POST /` and `/invocations`: what the first model is for.
pub(super) async fn root(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let format = StreamFormat::of(request.headers());
    let fields = read_fields(request, &shared.config.limits).await?;
    let model = shared.model(None, terms.deadline).await?;
    match &model.task {
        Task::Labels(labels) if labels.names.len() == 1 && fields.has("query") => {
            rerank::of_tei(&shared, terms, fields).await
        }
        Task::Labels(_) => predict::of_tei(&shared, terms, fields).await,
        Task::Vectors(Level::Text) if fields.has_object("inputs") || fields.has("text_1") => {
            similarity::of_tei(&shared, terms, fields).await
        }
        Task::Vectors(Level::Sparse) => sparse(&shared, terms, fields).await,
        Task::Vectors(_) => dense(&shared, terms, fields, format).await,
    }
}

async fn dense(
    shared: &Arc<Shared>,
    terms: Terms,
    mut fields: Fields,
    format: Option<StreamFormat>,
) -> Result<Response, Refusal> {
    let model = shared.model(None, terms.deadline).await?;
    model.check_makes(Level::Text)?;
    let inputs = inputs(&mut fields, "inputs", &shared.config)?;
    let mut tei = Tei::read(&mut fields, &model)?;
    tei.settings.normalize = Some(fields.boolean("normalize")?.unwrap_or(true));
    tei.settings.dimensions = dimensions(&mut fields, &model)?;
    fields.finish()?;

    let width = tei.settings.dimensions.unwrap_or(model.embedder.dimensions());
    let bytes = inputs.len() as u64 * (2 + JSON_BYTES * width as u64);
    check_answer(bytes, shared.config.limits.response_bytes).map_err(|failure| failure.refusal("inputs"))?;
    let job = tei.job(inputs, terms, &shared.config)?;
    if let Some(format) = format {
        let streamed = Streamed { format, output_type: OutputType::F32, inputs: "inputs", id: None };
        return streamed.answer(shared, &model, job).await;
    }
    let done = shared.work.embed(&model, job).await.map_err(|failure| failure.refusal("inputs"))?;
    let response = json(bytes as usize, |out| push_json(out, &Lists(&done.value)));
    Ok(reported(response, &model, done.measured, None))
}

/// `POST /embed_sparse`.
pub(super) async fn embed_sparse(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let fields = read_fields(request, &shared.config.limits).await?;
    sparse(&shared, terms, fields).await
}

async fn sparse(shared: &Arc<Shared>, terms: Terms, mut fields: Fields) -> Result<Response, Refusal> {
    let model = shared.model(None, terms.deadline).await?;
    model.check_makes(Level::Sparse)?;
    let inputs = inputs(&mut fields, "inputs", &shared.config)?;
    let tei = Tei::read(&mut fields, &model)?;
    fields.finish()?;

    let job = tei.job(inputs, terms, &shared.config)?;
    let done = shared.work.embed_sparse(&model, job).await.map_err(|failure| failure.refusal("inputs"))?;
    // The number of values is not known before.
    let values: u64 = done.value.iter().map(|vector| vector.values.len() as u64).sum();
    let bytes = values * (SPARSE_BYTES + JSON_BYTES);
    check_answer(bytes, shared.config.limits.response_bytes).map_err(|failure| failure.refusal("inputs"))?;
    let response = json(bytes as usize, |out| {
        push_list(out, &done.value, |out, vector| {
            let pairs = vector.indices.iter().zip(&vector.values).filter(|(_, value)| **value != 0.0);
            let values: Vec<SparseValue> =
                pairs.map(|(index, value)| SparseValue { index: *index, value: Float(*value) }).collect();
            push_json(out, &values);
        });
    });
    Ok(reported(response, &model, done.measured, None))
}

/// `POST /embed_all`.
pub(super) async fn embed_all(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let model = shared.model(None, terms.deadline).await?;
    model.check_makes(Level::Token)?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let inputs = inputs(&mut fields, "inputs", &shared.config)?;
    let tei = Tei::read(&mut fields, &model)?;
    fields.finish()?;

    let job = tei.job(inputs, terms, &shared.config)?;
    let fits = fits_tokens(&shared.config.limits);
    let done =
        shared.work.embed_tokens(&model, job, fits).await.map_err(|failure| failure.refusal("inputs"))?;
    let response = json(tokens_bytes(&done.value), |out| {
        push_list(out, &done.value, |out, vectors| push_json(out, &Lists(vectors.clone())));
    });
    Ok(reported(response, &model, done.measured, None))
}

/// Whether the vectors of tokens fit in an answer: their number, and their width.
pub(super) fn fits_tokens(
    limits: &Limits,
) -> impl FnOnce(u64, usize) -> Result<(), Failure> + Send + 'static {
    let most = limits.response_bytes;
    move |tokens, width| check_answer(tokens * (2 + JSON_BYTES * width as u64), most)
}

/// The bytes of an answer with the vectors of tokens, at most.
pub(super) fn tokens_bytes(texts: &[Arc<Vectors>]) -> usize {
    texts.iter().map(|vectors| vectors.values().len() * JSON_BYTES as usize).sum()
}

/// Refuses a request whose answer would be too long.
pub(super) fn check_answer(bytes: u64, most: u64) -> Result<(), Failure> {
    if bytes <= most { Ok(()) } else { Err(Failure::AnswerTooLong { bytes, most }) }
}
