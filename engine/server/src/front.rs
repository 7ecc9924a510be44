//! Every request passes here: names and keys are checked before any work, the answer gets its form and its headers, and
//! one line is logged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH,
    HeaderName, HeaderValue, VARY,
};
use hyper::{HeaderMap, Method, StatusCode};
use tower::ServiceExt;

use crate::errors::{INTERNAL, Reason, Refusal};
use crate::ids;
use crate::log::{self, Entry};
use crate::metrics::Rejection;
use crate::routes::{self, Access, Route};
use crate::shared::{Broken, Shared};
use crate::work::Measured;

/// The headers of answers that web pages may read.
const EXPOSED: &str = "x-request-id, x-compute-tokens, x-total-time, x-tokenization-time, x-queue-time, \
                       x-inference-time, x-nearsay-ignored, x-nearsay-method, x-nearsay-truncated, server-timing, retry-after";

/// The status, in the log and the metrics, of a request whose client has gone before its answer. nginx's number for it.
const GONE: u16 = 499;

/// A route's report on its work, in the extensions of the response.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) model: String,
    pub(crate) measured: Measured,
    /// The client's id of the request, from its body.
    pub(crate) id: Option<String>,
}

/// The id of a request, in its extensions.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Answers requests.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    shared: Arc<Shared>,
    router: Router,
}

impl Front {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { router: routes::router(shared.clone()), shared }
    }

    /// Answers a request. Names are not checked if it `is_local`: no web page reaches a Unix socket.
    pub(crate) async fn answer(&self, mut request: Request, is_local: bool) -> Response {
        let visit = Visit::new(&self.shared, &request);
        let route = visit.route;
        request.extensions_mut().insert(RequestId(visit.id.clone()));
        // Its body has a share of the memory until the answer is there.
        let share = self.shared.body_memory.share();
        request.extensions_mut().insert(share.clone());
        let mut response = match self.checked(request, route, is_local).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        };
        drop(share);
        if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
            response = self.refused(refusal, route, &visit.id, response);
        }
        let report = response.extensions_mut().remove::<Report>();
        visit.end(response, report)
    }

    async fn checked(&self, request: Request, route: &Route, is_local: bool) -> Result<Response, Refusal> {
        let Shared { config, allowed, metrics, .. } = &*self.shared;
        if !is_local {
            let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
            allowed.check_host(request.headers(), authority.as_deref())?;
        }
        let origin = allowed.check_origin(request.headers())?.cloned();
        let mut response = if origin.is_some() && is_preflight(&request) {
            preflight(route)
        } else {
            let is_reading = request.method() == Method::GET || request.method() == Method::HEAD;
            let is_open = match route.access {
                Access::Open => is_reading,
                Access::Models => config.open_models && is_reading,
                Access::Key => false,
            };
            if !is_open && !self.shared.keys().admit(request.headers()) {
                metrics.reject(Rejection::Key);
                let message =
                    "a key of this server is needed, as Authorization: Bearer KEY or X-API-Key: KEY";
                Refusal::new(Reason::Key, message).into_response()
            } else {
                self.route(request).await
            }
        };
        if let Some(origin) = origin {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
            headers.insert(VARY, HeaderValue::from_static("origin"));
        }
        Ok(response)
    }

    /// The route's answer; a panic in it ends this request only. If no request can be answered any more, this one is not
    /// waited for.
    async fn route(&self, request: Request) -> Response {
        let answer = AssertUnwindSafe(self.router.clone().oneshot(request)).catch_unwind();
        let answer = tokio::select! {
            biased;
            answer = answer => answer,
            broken = self.shared.broken() => return broken.refusal().into_response(),
        };
        match answer {
            Ok(Ok(response)) => response,
            Ok(Err(impossible)) => match impossible {},
            Err(_) => Refusal::new(Reason::Bug, INTERNAL).into_response(),
        }
    }

    /// The refusal in the route's form. The headers that the response has stay.
    fn refused(&self, refusal: Refusal, route: &Route, id: &str, response: Response) -> Response {
        match refusal.reason {
            Reason::Forbidden => self.shared.metrics.reject(Rejection::Forbidden),
            Reason::TooLarge => self.shared.metrics.reject(Rejection::TooLarge),
            Reason::Bug => tracing::error!("{}", refusal.message),
            Reason::Lost => self.shared.break_down(Broken::DeviceLost),
            _ => {}
        }
        let mut formed = refusal.response(route.form, id);
        for (name, value) in response.headers().iter().filter(|(name, _)| *name != CONTENT_LENGTH) {
            formed.headers_mut().entry(name).or_insert(value.clone());
        }
        formed
    }
}

/// A request from its arrival to its answer. If it is dropped before, its connection ended.
struct Visit {
    shared: Arc<Shared>,
    start: Instant,
    route: &'static Route,
    method: &'static str,
    id: String,
    trace: Option<String>,
    is_answered: bool,
}

impl Visit {
    fn new(shared: &Arc<Shared>, request: &Request) -> Self {
        Self {
            start: Instant::now(),
            route: routes::find(request.uri().path()),
            method: known_method(request.method()),
            id: shared.ids.of(request.headers()),
            trace: ids::trace(request.headers()).map(str::to_owned),
            shared: shared.clone(),
            is_answered: false,
        }
    }

    /// The answer with its headers.
    fn end(mut self, mut response: Response, report: Option<Report>) -> Response {
        if let Some(id) = report.as_ref().and_then(|report| report.id.clone()) {
            self.id = id;
        }
        let total = self.start.elapsed();
        set_headers(response.headers_mut(), &self.id, report.as_ref(), total);
        if let Some(report) = &report {
            self.shared.metrics.count_work(&report.model, &report.measured);
        }
        self.is_answered = true;
        self.record(response.status().as_u16(), total, report.as_ref());
        response
    }

    /// Counts and logs it.
    fn record(&self, status: u16, total: Duration, report: Option<&Report>) {
        let route = self.route.label();
        self.shared.metrics.count(route, status, total.as_secs_f64());
        let (method, id, trace) = (self.method, &*self.id, self.trace.as_deref());
        let measured = report.map(|report| report.measured);
        let entry = Entry { method, route, status, id, trace, measured, total };
        if let Some(format) = self.shared.config.log {
            log::write(format, &entry);
        }
        #[cfg(feature = "otlp")]
        if let Some(traces) = &self.shared.traces {
            traces.add(&entry, report.map(|report| &*report.model));
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if !self.is_answered {
            self.record(GONE, self.start.elapsed(), None);
        }
    }
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a browser that asks whether a page may send a request.
fn preflight(route: &Route) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(route.methods));
    let allowed = "authorization, content-type, x-api-key, x-request-id, x-nearsay-priority, x-nearsay-timeout-ms, \
         mcp-protocol-version, mcp-method, mcp-name";
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

fn set_headers(headers: &mut HeaderMap, id: &str, report: Option<&Report>, total: Duration) {
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-request-id", id.to_owned());
    let Some(Report { measured, .. }) = report else { return };
    let Measured { counts, tokenize, queue, encode } = measured;
    set("x-compute-tokens", counts.tokens.to_string());
    if counts.truncated > 0 {
        set("x-nearsay-truncated", counts.truncated.to_string());
    }
    let timings = [
        ("x-tokenization-time", "tokenize", *tokenize),
        ("x-queue-time", "queue", *queue),
        ("x-inference-time", "encode", *encode),
        ("x-total-time", "total", total),
    ];
    for (name, _, time) in timings {
        set(name, time.as_millis().to_string());
    }
    let timing = timings.map(|(_, name, time)| format!("{name};dur={:.3}", time.as_secs_f64() * 1e3));
    set("server-timing", timing.join(", "));
}

/// The method's name if it is a usual one: a client may send any word.
fn known_method(method: &Method) -> &'static str {
    let known = [
        (Method::GET, "GET"),
        (Method::POST, "POST"),
        (Method::HEAD, "HEAD"),
        (Method::OPTIONS, "OPTIONS"),
        (Method::PUT, "PUT"),
        (Method::DELETE, "DELETE"),
        (Method::PATCH, "PATCH"),
    ];
    known.iter().find(|(known, _)| known == method).map_or("OTHER", |(_, name)| name)
}
