//! `POST /pooling`: a vector per token of each text, as vLLM's.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::Vectors;
use nearsay::vectors::Level;
use serde::Serialize;
use utoipa::ToSchema;

use super::embed::{fits_tokens, tokens_bytes};
use super::extras::Extras;
use super::inputs::inputs;
use super::usage::Usage;
use super::{Terms, json, reported, request_id};
use crate::errors::Refusal;
use crate::limits::read_fields;
use crate::models::Settings;
use crate::numbers::{Lists, push_json};
use crate::shared::Shared;
use crate::work::Job;

/// The vectors of the tokens of several texts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PoolingAnswer {
    /// The request's id.
    id: String,
    object: &'static str,
    /// When it was answered, in seconds since 1970.
    created: u64,
    model: String,
    data: Vec<PoolingData>,
    usage: Usage,
}

/// The vectors of the tokens of one text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PoolingData {
    index: usize,
    object: &'static str,
    #[schema(value_type = Vec<Vec<f32>>)]
    data: Lists<Arc<Vectors>>,
}

pub(super) async fn pooling(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let id = request_id(&request);
    shared.models()?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let model = shared.model(fields.text("model")?.as_deref(), terms.deadline).await?;
    model.check_makes(Level::Token)?;
    let inputs = inputs(&mut fields, "input", &shared.config)?;
    let truncates = fields.boolean("truncate")?.unwrap_or(true);
    let extras = Extras::read(fields, &terms)?;
    let conditions = Terms { class: Some(extras.class), ..terms }.conditions(truncates, &shared.config);

    let job = Job { inputs, settings: Settings::default(), conditions };
    let fits = fits_tokens(&shared.config.limits);
    let done =
        shared.work.embed_tokens(&model, job, fits).await.map_err(|failure| failure.refusal("input"))?;
    let bytes = tokens_bytes(&done.value);
    let id = extras.id.clone().unwrap_or(id);
    let data = |(index, vectors)| PoolingData { index, object: "pooling", data: Lists(vectors) };
    let answer = PoolingAnswer {
        id: id.clone(),
        object: "list",
        created: crate::log::now(),
        model: model.name.clone(),
        data: done.value.into_iter().enumerate().map(data).collect(),
        usage: Usage::of(&done.measured.counts),
    };
    let mut response = json(bytes, |out| push_json(out, &answer));
    extras.list_ignored(&mut response);
    Ok(reported(response, &model, done.measured, Some(id)))
}
