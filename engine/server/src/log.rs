//! One line per request on standard error: never a text, never a key.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::work::Measured;

const DAY: u64 = 24 * 60 * 60;

/// The form of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `2026-12-01T09:30:00.125Z POST /embed 200 texts=1 ..`.
    Text,
    /// An object per line.
    Json,
}

/// A request that is done.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) method: &'a str,
    /// The route, not the path that was asked for.
    pub(crate) route: &'static str,
    pub(crate) status: u16,
    pub(crate) id: &'a str,
    /// The client's `traceparent`, if it has the form of one.
    pub(crate) trace: Option<&'a str>,
    pub(crate) measured: Option<Measured>,
    pub(crate) total: Duration,
}

/// Writes the line of a request. If this fails, it cannot be reported.
pub(crate) fn write(format: LogFormat, entry: &Entry<'_>) {
    let time = timestamp(SystemTime::now());
    let line = match format {
        LogFormat::Text => as_text(&time, entry),
        LogFormat::Json => as_json(&time, entry),
    };
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn as_text(time: &str, entry: &Entry<'_>) -> String {
    let Entry { method, route, status, id, .. } = entry;
    let mut line = format!("{time} {method} {route} {status}");
    // Writing to a string cannot fail.
    if let Some(Measured { counts, queue, encode, .. }) = entry.measured {
        let (texts, tokens) = (counts.texts, counts.tokens);
        let _ = write!(
            line,
            " texts={texts} tokens={tokens} queue={}ms encode={}ms",
            millis(queue),
            millis(encode)
        );
    }
    let _ = write!(line, " total={}ms id={id}", millis(entry.total));
    if let Some(trace) = entry.trace {
        let _ = write!(line, " traceparent={trace}");
    }
    line.push('\n');
    line
}

fn as_json(time: &str, entry: &Entry<'_>) -> String {
    let Entry { method, route, status, id, .. } = entry;
    let mut line = json!({
        "time": time, "method": method, "route": route, "status": status, "id": id,
        "total_ms": millis(entry.total),
    });
    if let Some(Measured { counts, queue, encode, .. }) = entry.measured {
        line["texts"] = counts.texts.into();
        line["tokens"] = counts.tokens.into();
        line["queue_ms"] = millis(queue).into();
        line["encode_ms"] = millis(encode).into();
    }
    if let Some(trace) = entry.trace {
        line["traceparent"] = trace.into();
    }
    format!("{line}\n")
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `2026-12-01T09:30:00.125Z`.
pub(crate) fn timestamp(time: SystemTime) -> String {
    // A clock before 1970 is wrong anyway.
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / DAY, since.as_secs() % DAY);
    let (year, month, day) = nearsay::bench::date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Counts;

    #[test]
    fn lines_have_what_a_request_took() {
        let counts = Counts { texts: 2, tokens: 30, truncated: 0, empty: 0 };
        let measured = Measured { counts, encode: Duration::from_micros(2500), ..Measured::default() };
        let entry = Entry {
            method: "POST",
            route: "/embed",
            status: 200,
            id: "a-1",
            trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            measured: Some(measured),
            total: Duration::from_micros(3210),
        };
        let time = timestamp(UNIX_EPOCH + Duration::from_millis(1_735_689_599_250));
        assert_eq!(time, "2024-12-31T23:59:59.250Z");
        assert_eq!(
            as_text(&time, &entry),
            "2024-12-31T23:59:59.250Z POST /embed 200 texts=2 tokens=30 queue=0ms encode=2.5ms total=3.21ms id=a-1 \
             traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n"
        );
        let line: serde_json::Value = serde_json::from_str(&as_json(&time, &entry)).unwrap();
        assert_eq!((&line["tokens"], &line["total_ms"]), (&30.into(), &3.21.into()));
    }

    #[test]
    fn leap_days_are_dates() {
        for (seconds, day) in [(951_782_400, "2000-02-29"), (4_107_542_400, "2100-03-01")] {
            assert!(timestamp(UNIX_EPOCH + Duration::from_secs(seconds)).starts_with(day));
        }
    }
}
