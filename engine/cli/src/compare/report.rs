//! The output of `nearsay compare --json`. NaN is written as `null`.

use nearsay::metrics::comparison::Compared;
use serde::Serialize;

use super::Comparison;

/// The whole object.
#[derive(Serialize)]
pub(super) struct ComparisonReport<'a> {
    metrics: Vec<MetricReport<'a>>,
    contradictions: Vec<ContradictionReport<'a>>,
    unit: &'static str,
    units: u64,
    alpha: f64,
    resamples: usize,
    confidence: f64,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct MetricReport<'a> {
    metric: &'a str,
    signature: String,
    test: &'static str,
    correction: &'static str,
    pairs: Vec<PairReport<'a>>,
    ranks: Vec<RankReport<'a>>,
    detectable: Option<f64>,
    rows_for: Vec<(f64, u64)>,
}

#[derive(Serialize)]
struct PairReport<'a> {
    a: &'a str,
    b: &'a str,
    difference: f64,
    interval: [f64; 2],
    p: f64,
    p_adjusted: f64,
    better: Option<&'static str>,
}

#[derive(Serialize)]
struct RankReport<'a> {
    system: &'a str,
    score: f64,
    interval: [f64; 2],
    /// `null` unless each system was compared with each other.
    rank: Option<[usize; 2]>,
    cluster: Option<usize>,
}

#[derive(Serialize)]
struct ContradictionReport<'a> {
    a: &'a str,
    b: &'a str,
    for_a: Vec<&'a str>,
    for_b: Vec<&'a str>,
}

impl<'a> ComparisonReport<'a> {
    pub(super) fn new(comparison: &'a Comparison<'a>) -> Self {
        let key = |metric: &usize| comparison.subjects.measured.metrics[*metric].key.as_str();
        let keys = |metrics: &[usize]| metrics.iter().map(key).collect();
        let contradictions = comparison.contradictions.iter().map(|found| ContradictionReport {
            a: comparison.name(found.a),
            b: comparison.name(found.b),
            for_a: keys(&found.for_a),
            for_b: keys(&found.for_b),
        });
        Self {
            metrics: (0..comparison.compared.len()).map(|metric| report(comparison, metric)).collect(),
            contradictions: contradictions.collect(),
            unit: if comparison.by_groups { "group" } else { "row" },
            units: comparison.units(),
            alpha: comparison.options.alpha,
            resamples: comparison.options.bootstrap.resamples,
            confidence: comparison.options.bootstrap.level,
            warnings: comparison.warnings(),
        }
    }
}

fn report<'a>(comparison: &'a Comparison<'a>, metric: usize) -> MetricReport<'a> {
    let compared = &comparison.compared[metric];
    let pair = |pair: &nearsay::metrics::comparison::PairDifference| PairReport {
        a: comparison.name(pair.a),
        b: comparison.name(pair.b),
        difference: pair.difference,
        interval: [pair.interval.low, pair.interval.high],
        p: pair.p,
        p_adjusted: pair.p_adjusted,
        better: pair.better.map(|better| if better == pair.a { "a" } else { "b" }),
    };
    MetricReport {
        metric: &comparison.subjects.measured.metrics[metric].key,
        signature: comparison.signature(metric),
        test: comparison.options.test.name(),
        correction: comparison.options.correction.name(),
        pairs: compared.pairs.iter().map(pair).collect(),
        ranks: ranks(comparison, compared),
        detectable: compared.detectable,
        rows_for: compared.rows_for.clone(),
    }
}

fn ranks<'a>(comparison: &'a Comparison<'a>, compared: &Compared) -> Vec<RankReport<'a>> {
    let rank = |system: &usize| {
        let found = compared.ranks.iter().find(|rank| rank.system == *system);
        let interval = compared.intervals[*system];
        RankReport {
            system: comparison.name(*system),
            score: compared.scores[*system],
            interval: [interval.low, interval.high],
            rank: found.map(|rank| [rank.low, rank.high]),
            cluster: found.map(|rank| rank.cluster),
        }
    };
    compared.order.iter().map(rank).collect()
}

impl Comparison<'_> {
    /// The signature of a metric with the settings of resampling.
    pub(super) fn signature(&self, metric: usize) -> String {
        let measured = &self.subjects.measured;
        let options = &self.options;
        let count = match options.test.name() {
            "ar" => options.trials.to_string(),
            _ => options.bootstrap.resamples.to_string(),
        };
        let test = match options.test.name() {
            test @ ("ar" | "bs" | "bs2") => (test, count),
            test => ("test", test.to_owned()),
        };
        let unit = if self.by_groups { "group" } else { "row" };
        let settings = [
            test,
            ("seed", options.bootstrap.seed.to_string()),
            ("ci", options.bootstrap.kind.name().to_owned()),
            ("unit", unit.to_owned()),
            ("corr", options.correction.name().to_owned()),
        ];
        let signature = measured.metrics[metric].metric.signature(measured.references);
        signature.with_resampling(&settings).to_string()
    }
}
