//! Measures of a run against judgements, and of a difference between two runs.

use std::thread::available_parallelism;

use nearsay_metrics::ranking::{CUTOFFS, Measure};
use nearsay_metrics::statistics::{Bootstrap, Interval, Sample, SignFlip, Statistic};

use super::judgements::Judgements;
use super::run::Run;

/// Number of values of a query: each measure at each rank.
pub const NUM_VALUES: usize = Measure::ALL.len() * CUTOFFS.len();

/// Each measure at each rank, measure by measure.
pub type Values<T = f64> = [T; NUM_VALUES];

/// The measures and ranks in the order of [`Values`].
pub fn measures() -> impl Iterator<Item = (Measure, usize)> {
    Measure::ALL.into_iter().flat_map(|measure| CUTOFFS.map(|cutoff| (measure, cutoff)))
}

/// The measures of every judged query.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RetrievalScores {
    /// The queries, in the order of their judgements.
    pub queries: Vec<Box<str>>,
    /// Their values. A query for which nothing was found has zeros, as with trec_eval's option -c.
    pub values: Vec<Values>,
    /// Judged queries for which nothing was found.
    pub without_hits: u64,
    /// Judged queries without a relevant document, whose values are 0.
    pub without_relevant: u64,
}

/// How a run differs from another one, the baseline.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// The baseline's means.
    pub baseline: Values,
    /// The means minus the baseline's.
    pub differences: Values,
    /// Intervals of the differences.
    pub intervals: Values<Interval>,
    /// p-values of the hypothesis that both are equally good, by [`SignFlip`].
    pub p_values: Values,
}

impl RetrievalScores {
    /// Measures a run. Its queries without judgement do not count.
    pub fn new(judgements: &Judgements, run: &Run) -> Self {
        let judged = judgements.queries();
        let values = judged.iter().map(|query| {
            let ranking = run.judged(query);
            let mut all = measures();
            std::array::from_fn(|_| {
                all.next().map_or(0.0, |(measure, cutoff)| ranking.measure(measure, cutoff))
            })
        });
        Self {
            queries: judged.iter().map(|query| query.id.clone()).collect(),
            values: values.collect(),
            without_hits: judged.iter().filter(|query| !run.has_query(&query.id)).count() as u64,
            without_relevant: judged.iter().filter(|query| !query.has_relevant()).count() as u64,
        }
    }

    /// The means over queries; zeros without queries, which [`Judgements::read`] refuses.
    pub fn means(&self) -> Values {
        let means = Sample::from_rows(&self.values).means();
        std::array::from_fn(|at| if means[at].is_nan() { 0.0 } else { means[at] })
    }

    /// 95 % intervals of the means.
    pub fn intervals(&self, seed: u64) -> Values<Interval> {
        intervals(&self.values, seed)
    }

    /// The difference to `baseline`, which was measured with the same judgements.
    pub fn compare(&self, baseline: &Self, seed: u64) -> Comparison {
        let differences: Vec<Values> = self.values.iter().zip(&baseline.values).map(minus).collect();
        let before = baseline.means();
        Comparison {
            differences: minus((&self.means(), &before)),
            baseline: before,
            intervals: intervals(&differences, seed),
            p_values: p_values(&self.values, &baseline.values, seed),
        }
    }
}

fn minus((left, right): (&Values, &Values)) -> Values {
    std::array::from_fn(|at| left[at] - right[at])
}

fn intervals(values: &[Values], seed: u64) -> Values<Interval> {
    let found = Bootstrap::default().seed(seed).means(&Sample::from_rows(values), threads());
    let none = Interval { low: 0.0, high: 0.0 };
    std::array::from_fn(|at| found.as_ref().map_or(none, |found| found[at]))
}

fn p_values(values: &[Values], baseline: &[Values], seed: u64) -> Values {
    let mean = |sums: &[f64], rows: usize| sums[0] / rows as f64;
    let columns: Vec<Sample> =
        [values, baseline].into_iter().flat_map(|values| Sample::from_rows(values).split_columns()).collect();
    let statistics: Vec<Statistic<'_>> = columns.iter().map(|sample| Statistic::new(sample, &mean)).collect();
    let pairs: Vec<(usize, usize)> = (0..NUM_VALUES).map(|at| (at, NUM_VALUES + at)).collect();
    let p_values = SignFlip::default().seed(seed).p_values(&statistics, &pairs, values.len(), threads());
    std::array::from_fn(|at| p_values[at])
}

/// No value depends on it.
fn threads() -> usize {
    available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(run: &str) -> RetrievalScores {
        let folder = tempfile::tempdir().unwrap();
        let [judged, found] = ["qrels.tsv", "run.txt"].map(|name| folder.path().join(name));
        std::fs::write(&judged, "a x 1\nb x 2\nb y 1\nc x 0\n").unwrap();
        std::fs::write(&found, run).unwrap();
        RetrievalScores::new(&Judgements::read(&judged).unwrap(), &Run::read(&found).unwrap())
    }

    fn value(values: &Values, key: &str) -> f64 {
        measures().position(|(measure, cutoff)| measure.key(cutoff) == key).map(|at| values[at]).unwrap()
    }

    #[test]
    fn queries_without_hits_count_and_those_without_judgement_do_not() {
        let scores = scores("a Q0 x 1 1 s\nother Q0 x 1 1 s\nc Q0 x 1 1 s\n");
        assert_eq!(scores.queries.iter().map(|id| &**id).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!((scores.without_hits, scores.without_relevant), (1, 1));
        assert_eq!(value(&scores.means(), "ndcg@10"), 1.0 / 3.0);
        assert_eq!(value(&scores.means(), "precision@100"), 0.01 / 3.0);
    }

    #[test]
    fn a_run_does_not_differ_from_itself() {
        let scores = scores("a Q0 x 1 1 s\nb Q0 z 1 2 s\nb Q0 y 2 1 s\n");
        let comparison = scores.compare(&scores, 1);
        assert_eq!(comparison.differences, [0.0; NUM_VALUES]);
        assert_eq!(comparison.p_values, [1.0; NUM_VALUES]);
        assert!(comparison.intervals.iter().all(|interval| (interval.low, interval.high) == (0.0, 0.0)));
    }

    #[test]
    fn a_difference_has_the_sign_of_the_better_run() {
        let (good, bad) = (scores("a Q0 x 1 1 s\nb Q0 x 1 2 s\nb Q0 y 2 1 s\n"), scores("a Q0 y 1 1 s\n"));
        let comparison = good.compare(&bad, 1);
        let at = |values| value(values, "ndcg@10");
        assert_eq!((at(&comparison.baseline), at(&comparison.differences)), (0.0, 2.0 / 3.0));
        // Two differences of 1: half of all signs reach the observed sum.
        assert!((at(&comparison.p_values) - 0.5).abs() < 0.02);
        assert!(good.intervals(1).iter().all(|interval| interval.low <= interval.high));
    }
}
