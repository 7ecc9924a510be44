//! Systems compared by metrics: intervals, paired tests, ranks, and metrics that contradict each other.
//!
//! All metrics and systems are resampled by one set of random draws, over the same units: rows, or groups of rows
//! that depend on each other, such as the segments of a document.

mod contradictions;
mod options;
mod result;

use std::borrow::Cow;
use std::cmp::Ordering;

pub use contradictions::{Contradiction, contradictions};
pub use options::{ComparisonOptions, Pairs, Test};
pub use result::{Compared, PairDifference};

use crate::lexical::{Direction, Metric};
use crate::statistics::{
    Bootstrap, Rank, Resampled, Sample, SignFlip, Statistic, Tail, bootstrap_p_value, detectable_difference,
    paired_t, ranks, rows_needed, signed_rank_sum, wilcoxon,
};

/// The statistics of all systems by one metric.
#[derive(Debug, Clone)]
pub struct Contest<'a> {
    /// The metric.
    pub metric: &'a dyn Metric,
    /// One sample per system, each with a row per unit.
    pub systems: Vec<Cow<'a, Sample>>,
}

type Score<'a> = Box<dyn Fn(&[f64], usize) -> f64 + Sync + 'a>;

impl Contest<'_> {
    fn score(&self) -> Score<'_> {
        Box::new(|sums, _| self.metric.score(sums))
    }

    /// The systems, the best first; those without a score are last, and equal ones in their order.
    fn order(&self, resampled: &[Resampled]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..resampled.len()).collect();
        let lower_first = self.metric.direction() == Direction::Lower;
        order.sort_by(|left, right| {
            let [left, right] = [left, right].map(|system| resampled[*system].estimate);
            let by_score = if lower_first { left.partial_cmp(&right) } else { right.partial_cmp(&left) };
            by_score.unwrap_or_else(|| left.is_nan().cmp(&right.is_nan())).then(Ordering::Equal)
        });
        order
    }

    /// The differences of the scores of two systems' units, without those that are not defined.
    fn unit_differences(&self, (a, b): (usize, usize)) -> Vec<f64> {
        let scores = |system: usize| self.systems[system].rows().map(|row| self.metric.segment_score(row));
        scores(a).zip(scores(b)).map(|(a, b)| a - b).filter(|difference| !difference.is_nan()).collect()
    }
}

/// The score of each system by each metric, in resamples too.
pub fn resample(contests: &[Contest<'_>], bootstrap: &Bootstrap, threads: usize) -> Vec<Vec<Resampled>> {
    let scores: Vec<Score<'_>> = contests.iter().map(Contest::score).collect();
    resample_all(contests, &statistics(contests, &scores), bootstrap, threads)
}

fn resample_all(
    contests: &[Contest<'_>],
    statistics: &[Statistic<'_>],
    bootstrap: &Bootstrap,
    threads: usize,
) -> Vec<Vec<Resampled>> {
    let values = bootstrap.resampling().values(statistics, units(contests), threads);
    let mut all =
        statistics.iter().zip(values).map(|(statistic, values)| bootstrap.resampled(statistic, values));
    contests.iter().map(|contest| all.by_ref().take(contest.systems.len()).collect()).collect()
}

/// How many rows each sample has.
fn units(contests: &[Contest<'_>]) -> usize {
    contests.iter().flat_map(|contest| &contest.systems).next().map_or(0, |sample| sample.len())
}

fn statistics<'a>(contests: &'a [Contest<'a>], scores: &'a [Score<'a>]) -> Vec<Statistic<'a>> {
    let of_contest = |(contest, score): (&'a Contest<'a>, &'a Score<'a>)| {
        contest.systems.iter().map(|sample| Statistic::new(sample, &**score))
    };
    contests.iter().zip(scores).flat_map(of_contest).collect()
}

/// Compares the systems by each metric. All samples must have as many rows.
pub fn compare(contests: &[Contest<'_>], options: &ComparisonOptions, threads: usize) -> Vec<Compared> {
    let scores: Vec<Score<'_>> = contests.iter().map(Contest::score).collect();
    let statistics = statistics(contests, &scores);
    let resampled = resample_all(contests, &statistics, &options.bootstrap, threads);
    let orders: Vec<Vec<usize>> =
        contests.iter().zip(&resampled).map(|(contest, resampled)| contest.order(resampled)).collect();
    let pairs: Vec<Vec<(usize, usize)>> = orders.iter().map(|order| pairs(options.pairs, order)).collect();
    let p_values = p_values((contests, &statistics), &resampled, &pairs, options, threads);
    let parts = contests.iter().zip(resampled).zip(orders).zip(pairs).zip(p_values);
    parts
        .map(|((((contest, resampled), order), pairs), p_values)| {
            Contested { contest, resampled, order, options }.compared(&pairs, &p_values)
        })
        .collect()
}

fn pairs(choice: Pairs, order: &[usize]) -> Vec<(usize, usize)> {
    let with =
        |one: usize| (0..order.len()).filter(move |other| *other != one).map(move |other| (other, one));
    match choice {
        Pairs::All => (0..order.len()).flat_map(|a| (a + 1..order.len()).map(move |b| (a, b))).collect(),
        Pairs::With(system) => with(system).collect(),
        Pairs::WithBest => order.first().into_iter().flat_map(|best| with(*best)).collect(),
    }
}

/// The p-values of each contest's pairs.
fn p_values(
    (contests, statistics): (&[Contest<'_>], &[Statistic<'_>]),
    resampled: &[Vec<Resampled>],
    pairs: &[Vec<(usize, usize)>],
    options: &ComparisonOptions,
    threads: usize,
) -> Vec<Vec<f64>> {
    let bootstrapped = |tail| {
        let of = |(resampled, pairs): (&Vec<Resampled>, &Vec<(usize, usize)>)| {
            pairs.iter().map(|&(a, b)| bootstrap_p_value(&resampled[a], &resampled[b], tail)).collect()
        };
        resampled.iter().zip(pairs).map(of).collect()
    };
    let by_units = |test: fn(&[f64]) -> f64| {
        let of = |(contest, pairs): (&Contest<'_>, &Vec<(usize, usize)>)| {
            pairs.iter().map(|pair| test(&contest.unit_differences(*pair))).collect()
        };
        contests.iter().zip(pairs).map(of).collect()
    };
    if units(contests) < 2 {
        // One unit shows nothing about others.
        return pairs.iter().map(|pairs| vec![1.0; pairs.len()]).collect();
    }
    match options.test {
        Test::ApproximateRandomization => randomized((contests, statistics), pairs, options, threads),
        Test::Bootstrap => bootstrapped(Tail::One),
        Test::TwoSidedBootstrap => bootstrapped(Tail::Both),
        Test::Wilcoxon => by_units(wilcoxon),
        Test::StudentT => by_units(paired_t),
    }
}

fn randomized(
    (contests, statistics): (&[Contest<'_>], &[Statistic<'_>]),
    pairs: &[Vec<(usize, usize)>],
    options: &ComparisonOptions,
    threads: usize,
) -> Vec<Vec<f64>> {
    let (mut first, mut all) = (0, Vec::new());
    for (contest, pairs) in contests.iter().zip(pairs) {
        all.extend(pairs.iter().map(|(a, b)| (first + a, first + b)));
        first += contest.systems.len();
    }
    let test = SignFlip::default().trials(options.trials).seed(options.bootstrap.seed);
    let mut p_values = test.p_values(statistics, &all, units(contests), threads).into_iter();
    pairs.iter().map(|pairs| p_values.by_ref().take(pairs.len()).collect()).collect()
}

/// A contest with everything that its result follows from.
struct Contested<'a> {
    contest: &'a Contest<'a>,
    resampled: Vec<Resampled>,
    order: Vec<usize>,
    options: &'a ComparisonOptions,
}

impl Contested<'_> {
    fn compared(&self, pairs: &[(usize, usize)], p_values: &[f64]) -> Compared {
        let bootstrap = &self.options.bootstrap;
        let adjusted = self.options.correction.adjust(p_values);
        let differences: Vec<Resampled> =
            pairs.iter().map(|&(a, b)| self.resampled[a].minus(&self.resampled[b])).collect();
        let results = pairs.iter().zip(&differences).zip(p_values.iter().zip(adjusted));
        let pairs: Vec<PairDifference> = results
            .map(|((&(a, b), difference), (&p, p_adjusted))| PairDifference {
                a,
                b,
                difference: difference.estimate,
                interval: bootstrap.interval(difference),
                p,
                p_adjusted,
                better: self.better((a, b), difference.estimate, p_adjusted),
            })
            .collect();
        let detectable = self.detectable(&differences);
        Compared {
            scores: self.resampled.iter().map(|resampled| resampled.estimate).collect(),
            intervals: self.resampled.iter().map(|resampled| bootstrap.interval(resampled)).collect(),
            ranks: self.ranks(&pairs),
            rows_for: detectable.map(|detectable| self.rows_for(detectable)).unwrap_or_default(),
            detectable,
            order: self.order.clone(),
            pairs,
        }
    }

    /// The better system, if the difference is significant. A test of the units' scores can favour the system whose
    /// score over all units is worse; neither counts as better then.
    fn better(&self, (a, b): (usize, usize), difference: f64, p: f64) -> Option<usize> {
        let is_significant = p < self.options.alpha && difference != 0.0 && !difference.is_nan();
        let tested = || match self.options.test {
            Test::Wilcoxon => signed_rank_sum(&self.contest.unit_differences((a, b))),
            Test::StudentT => self.contest.unit_differences((a, b)).iter().sum(),
            _ => difference,
        };
        let is_significant = is_significant && tested().signum() == difference.signum();
        let higher = if difference > 0.0 { a } else { b };
        let lower = if difference > 0.0 { b } else { a };
        match self.contest.metric.direction() {
            Direction::Higher => is_significant.then_some(higher),
            Direction::Lower => is_significant.then_some(lower),
            Direction::Neither => None,
        }
    }

    /// Ranks need the comparison of each system with each other.
    fn ranks(&self, pairs: &[PairDifference]) -> Vec<Rank> {
        if self.options.pairs != Pairs::All || self.contest.metric.direction() == Direction::Neither {
            return Vec::new();
        }
        let beats = |a: usize, b: usize| pairs.iter().any(|pair| pair.better == Some(a) && pair.is_of(a, b));
        ranks(&self.order, beats)
    }

    /// Of the pair with the median standard error, since every pair has its own.
    fn detectable(&self, differences: &[Resampled]) -> Option<f64> {
        let error = |difference: &Resampled| {
            let error = difference.standard_error();
            // Equal values differ by rounding.
            if error > 1e-12 * difference.estimate.abs() { error } else { 0.0 }
        };
        let mut errors: Vec<f64> = differences.iter().map(error).collect();
        errors.sort_unstable_by(f64::total_cmp);
        let median =
            errors.get(errors.len() / 2).copied().filter(|error| error.is_finite() && *error > 0.0)?;
        Some(detectable_difference(median, self.options.alpha, self.options.power))
    }

    /// Rows that are needed for differences of half, a quarter and a tenth of the one that can be detected, rounded
    /// to a digit.
    fn rows_for(&self, detectable: f64) -> Vec<(f64, u64)> {
        let rows = self.contest.systems.first().map_or(0, |sample| sample.len());
        // As text, so that no digit after the first is left by rounding.
        let delta = |share: f64| format!("{:.0e}", detectable * share).parse().unwrap_or(0.0);
        let needed = |delta: f64| rows_needed(rows, detectable, delta).map(|rows| (delta, rows));
        [0.5, 0.25, 0.1].into_iter().map(delta).filter(|delta| *delta > 0.0).filter_map(needed).collect()
    }
}

#[cfg(test)]
mod tests;
