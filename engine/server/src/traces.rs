//! A span per request, sent to a collector by OTLP over HTTP. It is off unless the environment names a collector, with the
//! variables of OpenTelemetry: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME`, ..
//!
//! Sending is the work of a thread of its own, every few seconds; spans that it has no room for are lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{Request, Response};
use nearsay::models::Environment;
use opentelemetry::trace::{
    Span, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use ureq::Agent;
use ureq::config::Config as AgentConfig;

use crate::log::Entry;
use crate::models::usage;

/// The variables that name a collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The longest that sending may take; at the end of the process, too.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where spans go.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Those of the environment, if it names a collector.
    ///
    /// # Errors
    /// If a variable breaks a rule of OpenTelemetry's.
    pub(crate) fn of_environment() -> nearsay::Result<Option<Self>> {
        let environment = Environment::of_process();
        if ENDPOINTS.iter().all(|name| environment.get(name).is_none()) {
            return Ok(None);
        }
        let exporter = SpanExporter::builder().with_http().with_http_client(Client::new()).build();
        let exporter = exporter.map_err(|error| usage(&format!("traces cannot be sent: {error}")))?;
        let mut resource = Resource::builder();
        if environment.get("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("nearsay");
        }
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build());
        Ok(Some(Self(provider.build())))
    }

    /// Adds the span of a request that just ended.
    pub(crate) fn add(&self, entry: &Entry<'_>, model: Option<&str>) {
        let end = SystemTime::now();
        let mut attributes = vec![
            KeyValue::new("http.request.method", entry.method.to_owned()),
            KeyValue::new("http.route", entry.route),
            KeyValue::new("http.response.status_code", i64::from(entry.status)),
            KeyValue::new("nearsay.request_id", entry.id.to_owned()),
        ];
        if let Some(measured) = &entry.measured {
            let millis = |time: Duration| time.as_secs_f64() * 1e3;
            attributes.extend([
                KeyValue::new("nearsay.texts", measured.counts.texts as i64),
                KeyValue::new("nearsay.tokens", measured.counts.tokens as i64),
                KeyValue::new("nearsay.tokenize_ms", millis(measured.tokenize)),
                KeyValue::new("nearsay.queue_ms", millis(measured.queue)),
                KeyValue::new("nearsay.encode_ms", millis(measured.encode)),
            ]);
        }
        attributes.extend(model.map(|name| KeyValue::new("nearsay.model", name.to_owned())));
        let tracer = self.0.tracer("nearsay");
        let builder = tracer
            .span_builder(format!("{} {}", entry.method, entry.route))
            .with_kind(SpanKind::Server)
            .with_start_time(end.checked_sub(entry.total).unwrap_or(end))
            .with_attributes(attributes);
        let parent =
            entry.trace.and_then(parent).map(|parent| Context::new().with_remote_span_context(parent));
        let mut span = tracer.build_with_context(builder, &parent.unwrap_or_default());
        if entry.status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(end);
    }

    /// Sends what has not been sent.
    pub(crate) fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(TIMEOUT) {
            tracing::warn!("the last traces were not sent: {error}");
        }
    }
}

/// The client's span in its `traceparent`, whose form has been checked.
fn parent(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    let context = SpanContext::new(trace, span, TraceFlags::new(flags), true, TraceState::default());
    context.is_valid().then_some(context)
}

/// Sends with the client that models are downloaded with.
#[derive(Debug)]
struct Client {
    agent: Agent,
    /// Whether a failure has been reported since the last success.
    fails: AtomicBool,
}

impl Client {
    fn new() -> Self {
        let config = AgentConfig::builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
        Self { agent: config.into(), fails: AtomicBool::new(false) }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let (parts, mut body) = self.agent.run(Request::from_parts(parts, body.to_vec()))?.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // It is called on the thread that does nothing else.
        let answer = self.send(request);
        let failure = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("the collector answers {}", answer.status())),
            Err(error) => Some(error.to_string()),
        };
        match failure {
            None => self.fails.store(false, Ordering::Relaxed),
            Some(failure) if !self.fails.swap(true, Ordering::Relaxed) => {
                tracing::warn!("traces are not sent: {failure}");
            }
            Some(_) => {}
        }
        answer
    }
}
