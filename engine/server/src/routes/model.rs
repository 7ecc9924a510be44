//! `GET /v1/models`, `/v1/models/NAME` and `/info`: what there is, and its limits.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::Precision;
use nearsay::vectors::Level;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Value, json};

use super::{BEFORE_MODEL, json_of};
use crate::errors::{Reason, Refusal};
use crate::models::Model;
use crate::shared::Shared;

/// A model, as OpenAI describes one, and what a client wants to know besides.
#[derive(Debug, Serialize)]
struct ModelObject {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: &'static str,
    max_model_len: usize,
    dimensions: usize,
    capabilities: Vec<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    revision: String,
    sha256: String,
}

impl ModelObject {
    fn new(model: &Model) -> Self {
        let capabilities = match model.embedder.level() {
            Level::Text => vec!["embed", "embed_all", "similarity"],
            _ => vec!["embed_all"],
        };
        Self {
            id: model.name.clone(),
            object: "model",
            created: model.created,
            owned_by: "nearsay",
            max_model_len: model.embedder.max_tokens(),
            dimensions: model.embedder.dimensions(),
            capabilities,
            revision: model.provenance.revision.clone(),
            sha256: model.sha256.clone(),
        }
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let models = shared.models()?;
    let data: Vec<ModelObject> = models.all().map(|model| ModelObject::new(model)).collect();
    Ok(json_of(&json!({ "object": "list", "data": data })))
}

pub(super) async fn one(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let name = request.uri().path().strip_prefix(BEFORE_MODEL).unwrap_or_default();
    let name = percent_decode_str(name).decode_utf8();
    let name =
        name.map_err(|_| Refusal::new(Reason::Route, "the name of a model must be UTF-8, and is not"))?;
    let model = shared.models()?.find(Some(&name))?;
    Ok(json_of(&ModelObject::new(&model)))
}

pub(super) async fn info(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let model = shared.models()?.first().clone();
    let limits = &shared.config.limits;
    let max_queued_tokens = shared.work.statistics().max_queued_tokens;
    let session = model.embedder.session();
    let (pooling, _) = model.embedder.pooling();
    let answer: Value = json!({
        "model_id": model.provenance.model,
        "model_sha": Some(&model.provenance.revision).filter(|revision| !revision.is_empty()),
        "model_dtype": dtype(model.provenance.precision),
        "model_type": { "embedding": { "pooling": pooling } },
        "served_model_name": model.name,
        "max_concurrent_requests": limits.connections,
        "max_input_length": model.embedder.max_tokens(),
        "max_batch_tokens": max_queued_tokens,
        "max_batch_requests": null,
        "max_client_batch_size": limits.inputs,
        "auto_truncate": true,
        "tokenization_workers": session.workers().threads(),
        "version": env!("CARGO_PKG_VERSION"),
        "sha": null,
        "docker_label": null,
        "sha256": model.sha256,
        "dimensions": model.embedder.dimensions(),
        "device": model.provenance.device,
        "limits": {
            "max_body": limits.body_bytes,
            "max_inputs": limits.inputs,
            "max_tokens_per_request": limits.tokens_per_request,
            "max_response_bytes": limits.response_bytes,
            "max_connections": limits.connections,
            "max_queued_tokens": max_queued_tokens,
            "max_wait": limits.wait.as_secs_f64(),
            "request_timeout": limits.request.as_secs_f64(),
        },
    });
    Ok(json_of(&answer))
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
