//! `POST /mcp`: a message per request. The server's own front has checked names, origins and keys.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::StatusCode;
use hyper::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use rmcp::model::{ErrorData, JsonRpcError};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::watch;

use super::engine::Engine;
use super::service::Service;
use super::stdio::parse;
use super::toolset::Toolset;
use crate::config::Limits;
use crate::errors::Refusal;
use crate::limits::read_body;
use crate::shared::Shared;

/// Answers messages over HTTP.
#[derive(Clone)]
pub(crate) struct McpRoute {
    service: StreamableHttpService<Service, NeverSessionManager>,
    limits: Limits,
    /// Kept, so that calls go on while the server does.
    _ending: Arc<watch::Sender<bool>>,
}

impl McpRoute {
    /// The tools with the models and limits of a server.
    pub(crate) fn new(shared: &Arc<Shared>, toolset: &Toolset) -> Self {
        let limits = shared.config.limits.clone();
        let (sender, ending) = watch::channel(false);
        let service = Service::new(toolset, Engine::of_server(shared.clone()), ending);
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .disable_allowed_hosts()
            .disable_allowed_origins()
            .with_max_request_body_bytes(limits.body_bytes);
        let sessions = Arc::new(NeverSessionManager::default());
        let service = StreamableHttpService::new(move || Ok(service.clone()), sessions, config);
        Self { service, limits, _ending: Arc::new(sender) }
    }

    /// Answers a message.
    pub(crate) async fn answer(self, mut request: Request) -> Result<Response, Refusal> {
        let bytes = read_body(&mut request, &self.limits).await?;
        let (mut parts, _) = request.into_parts();
        if let Err(error) = tokio::task::block_in_place(|| parse(&bytes).map(drop)) {
            return Ok(refused(&error));
        }
        // A client may get JSON or a stream of events, whether it says so or not.
        parts.headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        parts.headers.remove(TRANSFER_ENCODING);
        parts.headers.insert(CONTENT_LENGTH, bytes.len().into());
        let response = self.service.handle(hyper::Request::from_parts(parts, Full::new(bytes))).await;
        let is_message =
            response.status() == StatusCode::ACCEPTED || response.headers().contains_key(CONTENT_TYPE);
        if is_message {
            return Ok(response.map(Body::new));
        }
        // rmcp writes some refusals as plain text.
        let (parts, body) = response.into_parts();
        let text = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut response = refused(&JsonRpcError::new(None, ErrorData::invalid_request(text, None)));
        *response.status_mut() = parts.status;
        Ok(response)
    }
}

/// The answer to what is not a message.
fn refused(error: &JsonRpcError) -> Response {
    let body = serde_json::to_vec(error).unwrap_or_default();
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
