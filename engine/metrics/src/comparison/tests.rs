use super::*;
use crate::Signature;
use crate::lexical::ReferenceCount;

/// The mean of one value per row.
#[derive(Debug)]
struct Mean(Direction);

impl Metric for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn direction(&self) -> Direction {
        self.0
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        Signature::new("nrefs", references)
    }

    fn statistics(&self) -> Vec<String> {
        vec!["sum".to_owned(), "count".to_owned()]
    }

    fn score(&self, sums: &[f64]) -> f64 {
        sums[0] / sums[1]
    }
}

/// Systems that differ by a constant and by noise.
fn systems(shifts: &[f64]) -> Vec<Cow<'static, Sample>> {
    let noise = |row: i32, system: usize| f64::from(row * (system as i32 + 3)).sqrt().fract() / 4.0;
    let system = |(system, shift): (usize, &f64)| {
        let rows: Vec<[f64; 2]> =
            (1..=60).map(|row| [f64::from(row).sqrt() + shift + noise(row, system), 1.0]).collect();
        Cow::Owned(Sample::from_rows(&rows))
    };
    shifts.iter().enumerate().map(system).collect()
}

fn compared(direction: Direction, shifts: &[f64], options: &ComparisonOptions) -> Compared {
    let metric = Mean(direction);
    let contest = Contest { metric: &metric, systems: systems(shifts) };
    compare(&[contest], options, 2).remove(0)
}

const TESTS: [Test; 5] = [
    Test::ApproximateRandomization,
    Test::Bootstrap,
    Test::TwoSidedBootstrap,
    Test::Wilcoxon,
    Test::StudentT,
];

#[test]
fn a_clear_difference_is_found_by_every_test() {
    for test in TESTS {
        let options = ComparisonOptions { test, ..ComparisonOptions::default() };
        let found = compared(Direction::Higher, &[0.0, 0.5, 0.5], &options);
        let better: Vec<_> = found.pairs.iter().map(|pair| (pair.a, pair.b, pair.better)).collect();
        assert_eq!(better, [(0, 1, Some(1)), (0, 2, Some(2)), (1, 2, None)], "{test:?}");
        let mut ranks: Vec<_> =
            found.ranks.iter().map(|rank| (rank.system, rank.low, rank.high, rank.cluster)).collect();
        ranks.sort_unstable();
        assert_eq!(ranks, [(0, 3, 3, 2), (1, 1, 2, 1), (2, 1, 2, 1)], "{test:?}");
        assert!(found.pairs.iter().all(|pair| pair.p_adjusted >= pair.p));
        assert!(
            found
                .pairs
                .iter()
                .all(|pair| pair.interval.low <= pair.difference && pair.difference <= pair.interval.high)
        );
    }
}

#[test]
fn lower_is_better_for_error_rates() {
    let found = compared(Direction::Lower, &[0.5, 0.0], &ComparisonOptions::default());
    assert_eq!((found.order, found.pairs[0].better), (vec![1, 0], Some(1)));
    let neither = compared(Direction::Neither, &[0.5, 0.0], &ComparisonOptions::default());
    assert_eq!((neither.pairs[0].better, neither.ranks), (None, vec![]));
}

#[test]
fn a_system_is_not_better_than_itself() {
    let metric = Mean(Direction::Higher);
    let same = systems(&[0.0]).remove(0);
    for test in TESTS {
        let contest = Contest { metric: &metric, systems: vec![same.clone(), same.clone()] };
        let options = ComparisonOptions { test, ..ComparisonOptions::default() };
        let pair = compare(&[contest], &options, 1).remove(0).pairs.remove(0);
        assert_eq!((pair.difference, pair.p, pair.better), (0.0, 1.0, None), "{test:?}");
        assert_eq!((pair.interval.low, pair.interval.high), (0.0, 0.0));
    }
}

#[test]
fn pairs_are_chosen() {
    let of = |pairs| {
        let options = ComparisonOptions { pairs, ..ComparisonOptions::default() };
        let found = compared(Direction::Higher, &[0.0, 2.0, 1.0], &options);
        assert_eq!(found.ranks.is_empty(), pairs != Pairs::All);
        found.pairs.iter().map(|pair| (pair.a, pair.b)).collect::<Vec<_>>()
    };
    assert_eq!(of(Pairs::All), [(0, 1), (0, 2), (1, 2)]);
    assert_eq!(of(Pairs::With(0)), [(1, 0), (2, 0)]);
    assert_eq!(of(Pairs::WithBest), [(0, 1), (2, 1)]);
}

#[test]
fn a_difference_that_is_too_small_has_a_number_of_rows() {
    let found = compared(Direction::Higher, &[0.0, 0.001], &ComparisonOptions::default());
    let detectable = found.detectable.unwrap();
    assert!(found.pairs[0].better.is_none() && detectable > 0.001);
    for (delta, rows) in found.rows_for {
        let exact = 60.0 * (detectable / delta) * (detectable / delta);
        assert_eq!(rows, exact.ceil() as u64);
    }
}

#[test]
fn metrics_that_prefer_different_systems_contradict_each_other() {
    let (higher, lower) = (Mean(Direction::Higher), Mean(Direction::Lower));
    let contests = [&higher, &lower].map(|metric| Contest { metric, systems: systems(&[0.0, 0.5, 0.5]) });
    let found = contradictions(&compare(&contests, &ComparisonOptions::default(), 2));
    let expected = [(0, 1), (0, 2)].map(|(a, b)| Contradiction { a, b, for_a: vec![1], for_b: vec![0] });
    assert_eq!(found, expected);
}

#[test]
fn a_score_that_is_not_a_number_has_no_interval_and_is_last() {
    let metric = Mean(Direction::Higher);
    let mut samples = systems(&[0.0, 0.5]);
    samples[0] = Cow::Owned(Sample::from_values(2, vec![f64::NAN; 120]));
    let found =
        compare(&[Contest { metric: &metric, systems: samples }], &ComparisonOptions::default(), 1).remove(0);
    assert!(found.scores[0].is_nan() && found.intervals[0].low.is_nan());
    assert_eq!((found.order, found.pairs[0].better, found.pairs[0].p), (vec![1, 0], None, 1.0));
}
