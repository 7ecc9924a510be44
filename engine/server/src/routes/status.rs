//! `GET /health`, `/ready`, `/metrics` and `/openapi.json`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;

use super::{ROUTES, answer, json_of};
use crate::openapi::{Bounds, document};
use crate::shared::{Phase, Shared};

/// Whether the process works: not after a device was lost, or if the encoder hangs.
pub(super) async fn health(State(shared): State<Arc<Shared>>) -> Response {
    status(shared.is_healthy())
}

/// Whether requests should be sent here: not while models are loaded, and not when the server is ending.
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    status(shared.phase() == Phase::Serving && shared.is_healthy())
}

fn status(is_good: bool) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    response
}

pub(super) async fn openapi(State(shared): State<Arc<Shared>>) -> Response {
    let models: Option<Vec<_>> = shared.all_models().all().map(|slot| slot.loaded()).collect();
    let bounds = Bounds::of(models.as_deref().unwrap_or_default(), &shared.config);
    json_of(&document(&ROUTES, !shared.keys().is_empty(), &bounds))
}

pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let text = shared.metrics.text(shared.all_models().loaded(), &shared.work.statistics());
    answer("text/plain; version=0.0.4; charset=utf-8", text.into())
}
