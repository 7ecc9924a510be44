//! `POST /api/embed`, `GET /api/tags` and `/api/version`, as Ollama's.

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::Vectors;
use nearsay::vectors::Level;
use serde::Serialize;
use utoipa::ToSchema;

use super::embed::check_answer;
use super::extras::Extras;
use super::inputs::{dimensions, inputs};
use super::{Terms, json, json_of, reported};
use crate::errors::Refusal;
use crate::limits::read_fields;
use crate::log::timestamp;
use crate::models::{Model, Models, Settings, Slot};
use crate::numbers::{JSON_BYTES, Lists, push_json};
use crate::shared::Shared;
use crate::work::Job;

/// Names of models end in this unless they have another tag.
const TAG: &str = ":latest";

/// The version of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OllamaVersion {
    version: &'static str,
}

/// The models of the server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OllamaTags {
    models: Vec<OllamaModel>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OllamaModel {
    name: String,
    model: String,
    /// When it was loaded, as RFC 3339 has it. Not there before, as what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_at: Option<String>,
    /// The SHA-256 of its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<OllamaDetails>,
}

/// Details of a model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OllamaDetails {
    format: &'static str,
    family: String,
    families: Vec<String>,
    quantization_level: String,
}

/// The vectors of texts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OllamaEmbedAnswer {
    model: String,
    /// One per text, of length 1.
    #[schema(value_type = Vec<Vec<f32>>)]
    embeddings: Lists<Vectors>,
    /// Nanoseconds from the request to the answer.
    total_duration: u64,
    /// Nanoseconds in which the model was loaded for this request.
    load_duration: u64,
    /// Tokens that were encoded, special tokens included.
    prompt_eval_count: u64,
}

/// `POST /api/embed`.
pub(super) async fn embed(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let start = Instant::now();
    let terms = Terms::read(&shared, request.headers())?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let slot = find(shared.models()?, fields.text("model")?.as_deref())?;
    let asked = Instant::now();
    let model = shared.load(slot, terms.deadline).await?;
    let load = asked.elapsed();
    model.check_makes(Level::Text)?;
    let inputs = inputs(&mut fields, "input", &shared.config)?;
    let truncates = fields.boolean("truncate")?.unwrap_or(true);
    let dimensions = dimensions(&mut fields, &model)?;
    // They are for models that are loaded on demand, and for those that write texts.
    let kept =
        [("keep_alive", fields.take("keep_alive").is_some()), ("options", fields.take("options").is_some())];
    let extras = Extras::read(fields, &terms)?.ignoring(&kept);
    let conditions = Terms { class: Some(extras.class), ..terms }.conditions(truncates, &shared.config);

    let width = dimensions.unwrap_or(model.embedder.dimensions());
    let bytes = inputs.len() as u64 * (2 + JSON_BYTES * width as u64);
    check_answer(bytes, shared.config.limits.response_bytes).map_err(|failure| failure.refusal("input"))?;
    let settings = Settings { normalize: Some(true), dimensions, ..Settings::default() };
    let job = Job { inputs, settings, conditions };
    let done = shared.work.embed(&model, job).await.map_err(|failure| failure.refusal("input"))?;
    let answer = OllamaEmbedAnswer {
        model: model.name.clone(),
        embeddings: Lists(done.value),
        total_duration: nanoseconds(start.elapsed()),
        load_duration: nanoseconds(load),
        prompt_eval_count: done.measured.counts.tokens,
    };
    let mut response = json(bytes as usize, |out| push_json(out, &answer));
    extras.list_ignored(&mut response);
    Ok(reported(response, &model, done.measured, extras.id))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The model of this name, which may end in the tag that Ollama's clients add.
fn find<'a>(models: &'a Models, asked: Option<&str>) -> Result<&'a Arc<Slot>, Refusal> {
    let found = models.find(asked);
    match asked.and_then(|name| name.strip_suffix(TAG)) {
        Some(name) if found.is_err() => models.find(Some(name)).or(found),
        _ => found,
    }
}

/// `GET /api/version`.
pub(super) async fn version() -> Response {
    json_of(&OllamaVersion { version: env!("CARGO_PKG_VERSION") })
}

/// `GET /api/tags`.
pub(super) async fn tags(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let described = |slot: &Arc<Slot>| {
        let (name, loaded) = (format!("{}{TAG}", slot.name()), slot.loaded());
        let model = loaded.as_deref();
        OllamaModel {
            model: name.clone(),
            name,
            modified_at: model.map(|model| timestamp(UNIX_EPOCH + Duration::from_secs(model.created))),
            digest: model.map(|model| model.sha256.clone()),
            details: model.map(details),
        }
    };
    Ok(json_of(&OllamaTags { models: shared.models()?.all().map(described).collect() }))
}

fn details(model: &Model) -> OllamaDetails {
    let family = model.embedder.session().model().family().name.to_owned();
    OllamaDetails {
        format: "safetensors",
        families: vec![family.clone()],
        family,
        quantization_level: model.provenance.precision.name().to_uppercase(),
    }
}
