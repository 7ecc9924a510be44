//! Two reports next to each other: of two machines, commits or settings.
//!
//! Figures are of the same work if precision and length of the texts are the same; passes may have different
//! numbers of texts, since larger machines get more. A ratio is the speed in B divided by the speed in A, so
//! above 1 B is faster, in throughput and in latency. What else differs is listed, so that nobody takes a
//! faster machine for a faster program.

mod differences;

use serde::Serialize;

use super::{Latency, Report, Throughput};

pub use differences::{Difference, Topic};

/// Two reports, A and B.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Differences between the reports, other than their figures.
    pub differences: Vec<Difference>,
    /// Whether the same encoder was measured: otherwise ratios compare different work.
    pub same_work: bool,
    /// Whether the machine was busy during one of them; `None` if one does not say, and the other was not.
    pub busy: Option<bool>,
    /// Throughput figures in both.
    pub throughput: Vec<ThroughputRatio>,
    /// Latency figures in both.
    pub latency: Vec<LatencyRatio>,
    /// Figures only in A: `f32 32 x 128`, `int8 one text of 12 tokens`.
    pub only_in_a: Vec<String>,
    /// Figures only in B.
    pub only_in_b: Vec<String>,
}

/// A throughput figure in both reports.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ThroughputRatio {
    /// The number format of the products.
    pub precision: String,
    /// Tokens per text; `None` for the natural mix.
    pub length: Option<usize>,
    /// Tokens per second in A.
    pub a: f64,
    /// Tokens per second in B.
    pub b: f64,
    /// `b / a`.
    pub ratio: f64,
    /// Share of the peak in A.
    pub a_share_of_peak: f64,
    /// Share of the peak in B.
    pub b_share_of_peak: f64,
}

/// A latency figure in both reports.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LatencyRatio {
    /// The number format of the products.
    pub precision: String,
    /// Tokens of the text.
    pub tokens: usize,
    /// Median in A, in milliseconds.
    pub a_p50_ms: f64,
    /// Median in B, in milliseconds.
    pub b_p50_ms: f64,
    /// `a_p50_ms / b_p50_ms`.
    pub ratio: f64,
}

impl Comparison {
    /// Compares two reports.
    pub fn of(a: &Report, b: &Report) -> Self {
        let differences = differences::between(a, b);
        let throughput = Matched::of(&a.throughput, &b.throughput, |row| (row.precision.clone(), row.length));
        let latency = Matched::of(&a.latency, &b.latency, |row| (row.precision.clone(), row.tokens));
        let busy = |report: &Report| report.load.as_ref().map(|load| load.busy);
        let only = |many: &[&Throughput], single: &[&Latency]| {
            let many = many.iter().map(|row| format!("{} {}", row.precision, row.work));
            let single =
                single.iter().map(|row| format!("{} one text of {} tokens", row.precision, row.tokens));
            many.chain(single).collect()
        };
        Self {
            same_work: differences.iter().all(|difference| difference.about != Topic::Work),
            busy: match (busy(a), busy(b)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            throughput: throughput.both.iter().map(|(a, b)| ThroughputRatio::of(a, b)).collect(),
            latency: latency.both.iter().map(|(a, b)| LatencyRatio::of(a, b)).collect(),
            only_in_a: only(&throughput.only_in_a, &latency.only_in_a),
            only_in_b: only(&throughput.only_in_b, &latency.only_in_b),
            differences,
        }
    }

    /// Whether no figure is in both.
    pub fn is_empty(&self) -> bool {
        self.throughput.is_empty() && self.latency.is_empty()
    }
}

impl ThroughputRatio {
    fn of(a: &Throughput, b: &Throughput) -> Self {
        Self {
            precision: a.precision.clone(),
            length: a.length,
            a: a.tokens_per_second,
            b: b.tokens_per_second,
            ratio: b.tokens_per_second / a.tokens_per_second,
            a_share_of_peak: a.share_of_peak,
            b_share_of_peak: b.share_of_peak,
        }
    }
}

impl LatencyRatio {
    fn of(a: &Latency, b: &Latency) -> Self {
        Self {
            precision: a.precision.clone(),
            tokens: a.tokens,
            a_p50_ms: a.p50_ms,
            b_p50_ms: b.p50_ms,
            ratio: a.p50_ms / b.p50_ms,
        }
    }
}

/// Rows of two lists, matched by a key.
struct Matched<'a, T> {
    both: Vec<(&'a T, &'a T)>,
    only_in_a: Vec<&'a T>,
    only_in_b: Vec<&'a T>,
}

impl<'a, T> Matched<'a, T> {
    /// A row matches one row at most, the first with its key.
    fn of<K: PartialEq>(a: &'a [T], b: &'a [T], key: impl Fn(&T) -> K) -> Self {
        let (mut both, mut only_in_a, mut only_in_b) = (Vec::new(), Vec::new(), b.iter().collect::<Vec<_>>());
        for row in a {
            match only_in_b.iter().position(|other| key(other) == key(row)) {
                Some(index) => both.push((row, only_in_b.remove(index))),
                None => only_in_a.push(row),
            }
        }
        Self { both, only_in_a, only_in_b }
    }
}

#[cfg(test)]
mod tests;
