//! The routes: which there are, and who answers them.

mod bertscore;
mod embed;
mod embeddings;
mod extras;
mod inputs;
mod model;
mod ollama;
mod pooling;
mod predict;
mod relevance;
mod rerank;
mod score;
mod similarity;
mod status;
mod stream;
mod tokens;
mod usage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use nearsay::session::scheduler::Class;

use crate::config::Config;
use crate::errors::{Form, Reason, Refusal};
use crate::front::{Report, RequestId};
use crate::json::{one_of, shown};
use crate::models::Model;
use crate::openapi::{Bounds, document};
use crate::shared::Shared;
use crate::slices::Slices;
use crate::work::{self, Conditions, Measured, Rules};

/// The types of answers, for the OpenAPI document.
pub(crate) mod answers {
    pub(crate) use super::bertscore::BertScoreAnswer;
    pub(crate) use super::embed::SparseValue;
    pub(crate) use super::embeddings::EmbeddingsAnswer;
    pub(crate) use super::model::{Info, ModelList, ModelObject};
    pub(crate) use super::ollama::{OllamaEmbedAnswer, OllamaTags, OllamaVersion};
    pub(crate) use super::pooling::PoolingAnswer;
    pub(crate) use super::predict::Predictions;
    pub(crate) use super::rerank::{CohereRerankAnswer, Rank, RerankAnswer};
    pub(crate) use super::score::ScoreAnswer;
    pub(crate) use super::tokens::Token;
}

/// Answers longer than this are written on a thread that may block.
const LARGE: usize = 256 << 10;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Clients with a key.
    Key,
    /// All, if the server was started so.
    Models,
    /// All.
    Open,
}

/// A path and what it is.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    /// As in the header `Allow`.
    pub(crate) methods: &'static str,
    pub(crate) form: Form,
    pub(crate) access: Access,
}

impl Route {
    const fn post(path: &'static str, form: Form) -> Self {
        Self { path, methods: "POST", form, access: Access::Key }
    }

    const fn get(path: &'static str, form: Form, access: Access) -> Self {
        Self { path, methods: "GET, HEAD", form, access }
    }

    /// Its name in logs and metrics.
    pub(crate) fn label(&self) -> &'static str {
        self.path
    }
}

pub(crate) const ROUTES: [Route; 28] = [
    Route::post("/v1/embeddings", Form::OpenAi),
    Route::post("/embeddings", Form::OpenAi),
    Route::get("/v1/models", Form::OpenAi, Access::Models),
    Route::get(MODEL, Form::OpenAi, Access::Models),
    Route::post("/embed", Form::Tei),
    Route::post("/", Form::Tei),
    Route::post("/invocations", Form::Tei),
    Route::post("/embed_all", Form::Tei),
    Route::post("/embed_sparse", Form::Tei),
    Route::post("/similarity", Form::Tei),
    Route::post("/rerank", Form::Tei),
    Route::post("/predict", Form::Tei),
    Route::post("/v1/rerank", Form::OpenAi),
    Route::post("/v2/rerank", Form::Cohere),
    Route::post("/v1/score", Form::OpenAi),
    Route::post("/score", Form::OpenAi),
    Route::post("/pooling", Form::OpenAi),
    Route::post("/bertscore", Form::OpenAi),
    Route::post("/api/embed", Form::Ollama),
    Route::get("/api/tags", Form::Ollama, Access::Key),
    Route::get("/api/version", Form::Ollama, Access::Key),
    Route::post("/tokenize", Form::Tei),
    Route::post("/decode", Form::Tei),
    Route::get("/info", Form::Tei, Access::Key),
    Route::get("/health", Form::Tei, Access::Open),
    Route::get("/ready", Form::Tei, Access::Open),
    Route::get("/metrics", Form::Tei, Access::Key),
    Route::get("/openapi.json", Form::Tei, Access::Key),
];

/// The route of tools, if the server has some. Its messages are not described by OpenAPI: the protocol's own lists do that.
#[cfg(feature = "mcp")]
const TOOLS: Route = Route::post("/mcp", Form::OpenAi);

pub(crate) const MODEL: &str = "/v1/models/{*name}";
const BEFORE_MODEL: &str = "/v1/models/";

/// Paths that are no routes, in the form of those next to them.
const NO_ROUTE: [(&str, Route); 4] = [
    ("/v1/", Route::post("other", Form::OpenAi)),
    ("/v2/", Route::post("other", Form::Cohere)),
    ("/api/", Route::post("other", Form::Ollama)),
    ("", Route::post("other", Form::Tei)),
];

/// The OpenAPI document of all routes, of a server with keys.
pub fn openapi() -> serde_json::Value {
    document(&ROUTES, true, &Bounds::default())
}

/// The paths and the methods of all routes.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|route| (route.path, route.methods))
}

/// The route of a path.
pub(crate) fn find(path: &str) -> &'static Route {
    let is_model = path.starts_with(BEFORE_MODEL) && path.len() > BEFORE_MODEL.len();
    let pattern = if is_model { MODEL } else { path };
    #[cfg(feature = "mcp")]
    if pattern == TOOLS.path {
        return &TOOLS;
    }
    let known = ROUTES.iter().find(|route| route.path == pattern);
    let next_to = || NO_ROUTE.iter().find(|(beginning, _)| path.starts_with(beginning));
    // The last beginning is that of every path.
    known.or_else(|| next_to().map(|(_, route)| route)).unwrap_or(&NO_ROUTE[3].1)
}

/// The router of all routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let router = Router::new();
    #[cfg(feature = "mcp")]
    let router = with_tools(router, &shared);
    router
        .route("/v1/embeddings", post(embeddings::embeddings))
        .route("/embeddings", post(embeddings::embeddings))
        .route("/v1/models", get(model::list))
        .route(MODEL, get(model::one))
        .route("/embed", post(embed::embed))
        .route("/", post(embed::root))
        .route("/invocations", post(embed::root))
        .route("/embed_all", post(embed::embed_all))
        .route("/embed_sparse", post(embed::embed_sparse))
        .route("/similarity", post(similarity::similarity))
        .route("/rerank", post(rerank::rerank))
        .route("/predict", post(predict::predict))
        .route("/v1/rerank", post(rerank::jina))
        .route("/v2/rerank", post(rerank::cohere))
        .route("/v1/score", post(score::score))
        .route("/score", post(score::score))
        .route("/pooling", post(pooling::pooling))
        .route("/bertscore", post(bertscore::bertscore))
        .route("/api/embed", post(ollama::embed))
        .route("/api/tags", get(ollama::tags))
        .route("/api/version", get(ollama::version))
        .route("/tokenize", post(tokens::tokenize))
        .route("/decode", post(tokens::decode))
        .route("/info", get(model::info))
        .route("/health", get(status::health))
        .route("/ready", get(status::ready))
        .route("/metrics", get(status::metrics))
        .route("/openapi.json", get(status::openapi))
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(shared)
}

#[cfg(feature = "mcp")]
fn with_tools(router: Router<Arc<Shared>>, shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let Some(toolset) = &shared.config.mcp else { return router };
    let tools = crate::mcp::McpRoute::new(shared, toolset);
    router.route(TOOLS.path, post(move |request: Request| tools.answer(request)))
}

async fn no_route(request: Request) -> Refusal {
    Refusal::new(Reason::Route, format!("there is no route {}", shown(request.uri().path())))
}

async fn wrong_method(request: Request) -> Refusal {
    let route = find(request.uri().path());
    let message = format!("{} takes {}, got {}", route.path, route.methods, shown(request.method().as_str()));
    Refusal::new(Reason::Method(route.methods), message)
}

/// Settings in a request's headers.
#[derive(Debug, Clone, Copy)]
struct Terms {
    /// When the answer must be there: after the server's time, or after less.
    deadline: Instant,
    /// How urgent it is.
    class: Option<Class>,
}

impl Terms {
    fn read(shared: &Shared, headers: &HeaderMap) -> Result<Self, Refusal> {
        Ok(Self { deadline: deadline(shared, headers)?, class: class(headers)? })
    }

    /// Those of work whose long texts are truncated or refused.
    fn conditions(self, truncates: bool, config: &Config) -> Conditions {
        let Self { deadline, class } = self;
        let rules = Rules { truncates, refuses_empty: config.refuses_empty };
        Conditions { rules, class: class.unwrap_or_default(), deadline }
    }
}

fn deadline(shared: &Shared, headers: &HeaderMap) -> Result<Instant, Refusal> {
    const NAME: &str = "x-nearsay-timeout-ms";
    let most = shared.config.limits.request;
    let Some(value) = headers.get(NAME) else { return Ok(work::deadline_after(most)) };
    let text = value.to_str().unwrap_or_default();
    match text.parse::<u64>() {
        Ok(millis) if millis > 0 => Ok(work::deadline_after(Duration::from_millis(millis).min(most))),
        _ => {
            let message =
                format!("{NAME} must be a whole number of milliseconds, at least 1, got {}", shown(text));
            Err(Refusal::new(Reason::Value, message))
        }
    }
}

fn class(headers: &HeaderMap) -> Result<Option<Class>, Refusal> {
    const NAME: &str = "x-nearsay-priority";
    let Some(value) = headers.get(NAME) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    match Class::named(text) {
        Some(class) => Ok(Some(class)),
        None => {
            let names = one_of(&Class::ALL.map(|class| shown(class.name())));
            Err(Refusal::new(Reason::Value, format!("{NAME} must be {names}, got {}", shown(text))))
        }
    }
}

/// The id of a request.
fn request_id(request: &Request) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// An answer of JSON that `write` appends.
fn json(bytes_expected: usize, write: impl FnOnce(&mut Vec<u8>)) -> Response {
    let mut body = Vec::new();
    if bytes_expected > LARGE {
        tokio::task::block_in_place(|| write(&mut body));
    } else {
        write(&mut body);
    }
    answer("application/json", Body::new(Slices(body.into())))
}

/// An answer of JSON.
fn json_of(value: &impl serde::Serialize) -> Response {
    json(0, |out| crate::numbers::push_json(out, value))
}

fn answer(content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Reports the work of a request with its answer.
fn reported(mut response: Response, model: &Model, measured: Measured, id: Option<String>) -> Response {
    response.extensions_mut().insert(Report { model: model.name.clone(), measured, id });
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_as_they_are() {
        for (path, label, form) in [
            ("/embed", "/embed", Form::Tei),
            ("/", "/", Form::Tei),
            ("/v1/models/a/b", MODEL, Form::OpenAi),
            ("/v1/models", "/v1/models", Form::OpenAi),
            ("/v1/models/", "other", Form::OpenAi),
            ("/v1/embeddings/", "other", Form::OpenAi),
            ("//embed", "other", Form::Tei),
            ("/embed/..%2f", "other", Form::Tei),
        ] {
            let route = find(path);
            assert_eq!((route.label(), route.form), (label, form), "{path}");
        }
    }
}
