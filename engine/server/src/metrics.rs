//! What Prometheus reads. Every label has a fixed set of values.

mod process;

use std::fmt::Write as _;
use std::sync::Arc;

use nearsay::session::scheduler::SchedulerStatistics;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::models::Model;
use crate::work::Measured;

/// From 0.5 ms to 64 s, each bucket twice as wide as the one before.
const BUCKETS: [f64; 18] = [
    0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0, 2.0, 4.0, 8.0, 16.0,
    32.0, 64.0,
];

/// From 8 to 32,768 tokens: batches on a CPU have about 256, on a GPU 16,384.
const TOKEN_BUCKETS: [f64; 13] =
    [8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16_384.0, 32_768.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteAndStatus {
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfModel {
    model: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

/// Why requests are refused before any work.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rejection {
    QueueFull,
    WaitTooLong,
    Key,
    Forbidden,
    TooLarge,
    Unavailable,
}

impl Rejection {
    /// Why the scheduler refused a request for now.
    pub(crate) fn of(error: &nearsay::Error) -> Option<Self> {
        match error {
            nearsay::Error::QueueFull { .. } => Some(Self::QueueFull),
            nearsay::Error::WaitTooLong { .. } => Some(Self::WaitTooLong),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::WaitTooLong => "wait_too_long",
            Self::Key => "key",
            Self::Forbidden => "forbidden",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
        }
    }
}

/// All metrics. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    requests: Family<RouteAndStatus, Counter>,
    request_seconds: Seconds,
    queue_seconds: Seconds,
    encode_seconds: Seconds,
    tokens: Family<OfModel, Counter>,
    texts: Counter,
    truncated_texts: Counter,
    batch_tokens: BatchTokens,
    rejected: Family<OfReason, Counter>,
    pub(crate) connections: Gauge,
}

/// A histogram of times.
#[derive(Debug, Clone)]
struct Seconds(Histogram);

impl Default for Seconds {
    fn default() -> Self {
        Self(Histogram::new(BUCKETS))
    }
}

/// A histogram of the tokens of batches.
#[derive(Debug, Clone)]
struct BatchTokens(Histogram);

impl Default for BatchTokens {
    fn default() -> Self {
        Self(Histogram::new(TOKEN_BUCKETS))
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Counts a request that is done.
    pub(crate) fn count(&self, route: &'static str, status: u16, seconds: f64) {
        self.requests.get_or_create(&RouteAndStatus { route, status }).inc();
        self.request_seconds.0.observe(seconds);
    }

    /// Counts the work of a request.
    pub(crate) fn count_work(&self, model: &str, measured: &Measured) {
        let counts = &measured.counts;
        self.tokens.get_or_create(&OfModel { model: model.to_owned() }).inc_by(counts.tokens);
        self.texts.inc_by(counts.texts);
        self.truncated_texts.inc_by(counts.truncated);
        self.queue_seconds.0.observe(measured.queue.as_secs_f64());
        // A stream is counted when it begins.
        if !measured.encode.is_zero() {
            self.encode_seconds.0.observe(measured.encode.as_secs_f64());
        }
    }

    /// Counts a batch that was encoded.
    pub(crate) fn count_batch(&self, tokens: u64) {
        self.batch_tokens.0.observe(tokens as f64);
    }

    /// Counts a request that is refused.
    pub(crate) fn reject(&self, why: Rejection) {
        self.rejected.get_or_create(&OfReason { reason: why.name() }).inc();
    }

    /// The metrics in Prometheus' text format, version 0.0.4.
    pub(crate) fn text(
        &self,
        models: impl Iterator<Item = Arc<Model>>,
        scheduler: &SchedulerStatistics,
    ) -> String {
        let mut registry = Registry::with_prefix("nearsay");
        let Self { request_seconds, queue_seconds, encode_seconds, .. } = self;
        registry.register("requests", "Requests by route and status", self.requests.clone());
        registry.register("request_seconds", "Time from request to answer", request_seconds.0.clone());
        registry.register("queue_seconds", "Time that requests waited", queue_seconds.0.clone());
        registry.register("encode_seconds", "Time in the encoder", encode_seconds.0.clone());
        registry.register("tokens", "Tokens of answered texts, by model", self.tokens.clone());
        registry.register("texts", "Texts embedded", self.texts.clone());
        registry.register("truncated_texts", "Texts that were truncated", self.truncated_texts.clone());
        registry.register("batch_tokens", "Tokens of batches", self.batch_tokens.0.clone());
        register_scheduler(&mut registry, scheduler);
        registry.register("rejected", "Requests refused before any work", self.rejected.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        for model in models {
            let labels = vec![
                ("model", model.name.clone()),
                ("sha256", model.sha256.clone()),
                ("precision", model.provenance.precision.name().to_owned()),
                ("device", model.provenance.device.clone()),
            ];
            registry.register("model", "A loaded model", Info::new(labels));
        }
        let mut encoded = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut encoded, &registry);
        let mut text = as_version_0_0_4(&encoded);
        process::append(&mut text);
        text
    }
}

fn register_scheduler(registry: &mut Registry, now: &SchedulerStatistics) {
    let counter = ConstCounter::<u64>::new;
    let coalesced = "Texts that shared the vector of an equal text on its way";
    registry.register("coalesced_texts", coalesced, counter(now.counts.coalesced));
    registry.register("cached_texts", "Texts whose vector had been kept", counter(now.counts.cached));
    registry.register("queued_tokens", "Tokens that wait", ConstGauge::<u64>::new(now.queued_tokens));
    let speed = now.tokens_per_second.unwrap_or_default();
    registry.register("tokens_per_second", "Measured speed", ConstGauge::<f64>::new(speed));
}

/// OpenMetrics names counters and infos without `_total` and `_info` in their descriptions, and ends with a mark; the
/// format that every reader knows has full names, and one description for all models.
fn as_version_0_0_4(open_metrics: &str) -> String {
    let lines: Vec<&str> = open_metrics.lines().collect();
    let kind_of = |name: &str| {
        lines.iter().find_map(|line| line.strip_prefix("# TYPE ")?.strip_prefix(name)?.strip_prefix(' '))
    };
    let mut text = String::new();
    let mut described: Vec<&str> = Vec::new();
    for line in lines.iter().filter(|line| **line != "# EOF") {
        let Some((keyword, rest)) = line.strip_prefix("# ").and_then(|rest| rest.split_once(' ')) else {
            let _ = writeln!(text, "{line}");
            continue;
        };
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if described.contains(line) {
            continue;
        }
        described.push(line);
        let (suffix, rest) = match (kind_of(name), keyword) {
            (Some("counter"), _) => ("_total", rest),
            (Some("info"), "TYPE") => ("_info", "gauge"),
            (Some("info"), _) => ("_info", rest),
            _ => ("", rest),
        };
        let _ = writeln!(text, "# {keyword} {name}{suffix} {rest}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::work::Counts;

    #[test]
    fn counters_have_full_names_and_every_sample_a_description() {
        let metrics = Metrics::new();
        metrics.count("/embed", 200, 0.003);
        metrics.count("/embed", 429, 0.0001);
        metrics.reject(Rejection::QueueFull);
        metrics.count_batch(250);
        let counts = Counts { texts: 2, tokens: 30, truncated: 1, empty: 0 };
        metrics.count_work(
            "minilm",
            &Measured { counts, encode: Duration::from_millis(2), ..Measured::default() },
        );
        let text = metrics.text(std::iter::empty(), &SchedulerStatistics::default());
        for line in [
            "# TYPE nearsay_requests_total counter",
            "nearsay_requests_total{route=\"/embed\",status=\"429\"} 1",
            "nearsay_tokens_total{model=\"minilm\"} 30",
            "nearsay_texts_total 2",
            "nearsay_truncated_texts_total 1",
            "nearsay_request_seconds_bucket{le=\"0.004\"} 2",
            "nearsay_encode_seconds_count 1",
            "nearsay_batch_tokens_bucket{le=\"256.0\"} 1",
            "# TYPE nearsay_coalesced_texts_total counter",
            "nearsay_rejected_total{reason=\"queue_full\"} 1",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
        }
        let described: BTreeSet<&str> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            let base =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(described.contains(base) || described.contains(name), "{name} has no type\n{text}");
        }
        assert!(!text.contains("EOF"));
    }
}
