//! `GET /v1/models`, `/v1/models/NAME` and `/info`: what there is, and its limits.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::Precision;
use nearsay::vectors::{Level, Provenance};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{BEFORE_MODEL, json_of};
use crate::errors::{Reason, Refusal};
use crate::models::{Model, Slot, Task};
use crate::shared::Shared;

/// A model, as OpenAI describes one, and what a client wants to know besides. Of a model that is not loaded, only the name
/// is known.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ModelObject {
    id: String,
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    owned_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_model_len: Option<usize>,
    /// Of its vectors, if it makes any.
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    capabilities: Vec<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    revision: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

/// The models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelList {
    object: &'static str,
    data: Vec<ModelObject>,
}

/// The server and the first model, if that is loaded, by text-embeddings-inference's keys and our own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Info {
    #[serde(flatten)]
    server: InfoServer,
    #[serde(flatten)]
    model: Option<InfoModel>,
}

/// The server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InfoServer {
    served_model_name: String,
    /// Connections.
    max_concurrent_requests: usize,
    /// The most tokens that may wait.
    max_batch_tokens: u64,
    #[schema(required = true)]
    max_batch_requests: Option<usize>,
    /// The most texts of a request.
    max_client_batch_size: usize,
    auto_truncate: bool,
    version: &'static str,
    #[schema(required = true)]
    sha: Option<&'static str>,
    #[schema(required = true)]
    docker_label: Option<&'static str>,
    limits: InfoLimits,
}

/// A model that is loaded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InfoModel {
    model_id: String,
    /// The commit on the hub.
    #[schema(required = true)]
    model_sha: Option<String>,
    model_dtype: &'static str,
    /// `embedding` with the pooling, or `reranker` or `classifier` with the labels.
    #[schema(value_type = Object)]
    model_type: Value,
    /// The longest text in tokens.
    max_input_length: usize,
    tokenization_workers: usize,
    /// The SHA-256 of the model's files.
    sha256: String,
    /// Of its vectors, if it makes any.
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
    capabilities: Vec<&'static str>,
    device: String,
}

impl InfoModel {
    fn new(model: &Model) -> Self {
        let Provenance { model: model_id, revision, precision, device, .. } = model.provenance.clone();
        Self {
            model_id,
            model_sha: Some(revision).filter(|revision| !revision.is_empty()),
            model_dtype: dtype(precision),
            model_type: model_type(model),
            max_input_length: model.embedder.max_tokens(),
            tokenization_workers: model.embedder.session().workers().threads(),
            sha256: model.sha256.clone(),
            dimensions: dimensions(model),
            capabilities: capabilities(model),
            device,
        }
    }
}

/// The limits of requests.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InfoLimits {
    /// Bytes of a body.
    max_body: usize,
    /// Texts of a request.
    max_inputs: usize,
    max_tokens_per_request: u64,
    max_response_bytes: u64,
    max_connections: usize,
    max_queued_tokens: u64,
    /// Seconds.
    max_wait: f64,
    /// Seconds.
    request_timeout: f64,
}

impl ModelObject {
    fn new(slot: &Slot) -> Self {
        let known =
            Self { id: slot.name().to_owned(), object: "model", owned_by: "nearsay", ..Self::default() };
        let Some(model) = slot.loaded() else { return known };
        Self {
            created: Some(model.created),
            max_model_len: Some(model.embedder.max_tokens()),
            dimensions: dimensions(&model),
            capabilities: capabilities(&model),
            revision: model.provenance.revision.clone(),
            sha256: Some(model.sha256.clone()),
            ..known
        }
    }
}

/// The width of its vectors, if it makes any.
fn dimensions(model: &Model) -> Option<usize> {
    match model.task {
        Task::Vectors(_) => Some(model.embedder.dimensions()),
        Task::Labels(_) => None,
    }
}

/// What a model can do, by the names of routes.
fn capabilities(model: &Model) -> Vec<&'static str> {
    match &model.task {
        Task::Vectors(Level::Text) => {
            vec!["embed", "embed_all", "similarity", "rerank", "score", "bertscore"]
        }
        Task::Vectors(Level::Sparse) => vec!["embed_sparse", "embed_all", "bertscore"],
        Task::Vectors(_) => vec!["embed_all", "bertscore"],
        Task::Labels(labels) if labels.names.len() == 1 => vec!["rerank", "score", "predict", "bertscore"],
        Task::Labels(_) => vec!["predict", "bertscore"],
    }
}

/// The `model_type` of text-embeddings-inference.
fn model_type(model: &Model) -> Value {
    let Task::Labels(labels) = &model.task else {
        return json!({ "embedding": { "pooling": model.embedder.pooling().0 } });
    };
    let names = || labels.names.iter().enumerate();
    let id2label: Map<String, Value> = names().map(|(id, name)| (id.to_string(), json!(name))).collect();
    let label2id: Map<String, Value> = names().map(|(id, name)| (name.clone(), json!(id))).collect();
    let kind = if labels.names.len() == 1 { "reranker" } else { "classifier" };
    json!({ kind: { "id2label": id2label, "label2id": label2id } })
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let models = shared.models()?;
    let data: Vec<ModelObject> = models.all().map(|slot| ModelObject::new(slot)).collect();
    Ok(json_of(&ModelList { object: "list", data }))
}

pub(super) async fn one(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let name = request.uri().path().strip_prefix(BEFORE_MODEL).unwrap_or_default();
    let name = percent_decode_str(name).decode_utf8();
    let name =
        name.map_err(|_| Refusal::new(Reason::Route, "the name of a model must be UTF-8, and is not"))?;
    Ok(json_of(&ModelObject::new(shared.models()?.find(Some(&name))?)))
}

pub(super) async fn info(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let first = shared.models()?.first();
    let limits = &shared.config.limits;
    // Until the first model is loaded, the scheduler has not measured what it can take.
    let max_queued_tokens = match shared.work.statistics().max_queued_tokens {
        0 => limits.queued_tokens.unwrap_or(2 * limits.tokens_per_request),
        tokens => tokens,
    };
    let server = InfoServer {
        served_model_name: first.name().to_owned(),
        max_concurrent_requests: limits.connections,
        max_batch_tokens: max_queued_tokens,
        max_batch_requests: None,
        max_client_batch_size: limits.inputs,
        auto_truncate: true,
        version: env!("CARGO_PKG_VERSION"),
        sha: None,
        docker_label: None,
        limits: InfoLimits {
            max_body: limits.body_bytes,
            max_inputs: limits.inputs,
            max_tokens_per_request: limits.tokens_per_request,
            max_response_bytes: limits.response_bytes,
            max_connections: limits.connections,
            max_queued_tokens,
            max_wait: limits.wait.as_secs_f64(),
            request_timeout: limits.request.as_secs_f64(),
        },
    };
    let model = first.loaded().map(|model| InfoModel::new(&model));
    Ok(json_of(&Info { server, model }))
}

/// A number format as text-embeddings-inference names it.
fn dtype(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "float32",
        Precision::F16 => "float16",
        Precision::Bf16 => "bfloat16",
        other => other.name(),
    }
}
