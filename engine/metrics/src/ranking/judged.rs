//! A ranking with its judgements.

use super::Measure;

/// The judgements along one query's ranking, from which every measure follows.
///
/// ```
/// use nearsay_metrics::ranking::{JudgedRanking, Measure};
///
/// // Ranks 1 and 3 are relevant, and one more relevant document was not found.
/// let ranking = JudgedRanking::new([2, 0, 1], [1, 2, 0, 1]);
/// assert_eq!(ranking.measure(Measure::Precision, 3), 2.0 / 3.0);
/// assert_eq!(ranking.measure(Measure::Recall, 3), 2.0 / 3.0);
/// assert_eq!(ranking.measure(Measure::Mrr, 3), 1.0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedRanking {
    /// Ranks, from 1, and judgements of the relevant documents that were found, in order.
    found: Vec<(usize, i64)>,
    /// The judgements of all relevant documents, the highest first.
    ideal: Vec<i64>,
}

impl JudgedRanking {
    /// The ranking whose documents have the judgements `ranked`, best first, with 0 for a document that has
    /// none. `judged` are the judgements of the query's documents in any order, those that were not found
    /// included.
    pub fn new(ranked: impl IntoIterator<Item = i64>, judged: impl IntoIterator<Item = i64>) -> Self {
        let found = (1..).zip(ranked).filter(|(_, judgement)| *judgement > 0).collect();
        let mut ideal: Vec<i64> = judged.into_iter().filter(|judgement| *judgement > 0).collect();
        ideal.sort_unstable_by(|left, right| right.cmp(left));
        Self { found, ideal }
    }

    /// The number of relevant documents, found or not.
    pub fn num_relevant(&self) -> usize {
        self.ideal.len()
    }

    /// The measure of the first `cutoff` documents; 0 if the query has no relevant document.
    pub fn measure(&self, measure: Measure, cutoff: usize) -> f64 {
        if self.ideal.is_empty() {
            return 0.0;
        }
        let found = || self.found.iter().take_while(|(rank, _)| *rank <= cutoff);
        let relevant = self.ideal.len() as f64;
        match measure {
            Measure::Ndcg => {
                let ideal = (1..).zip(self.ideal.iter().copied()).take_while(|(rank, _)| *rank <= cutoff);
                // Only at rank 0 is there no ideal gain.
                let ideal = discounted_gain(ideal);
                if ideal > 0.0 { discounted_gain(found().copied()) / ideal } else { 0.0 }
            }
            Measure::Map => {
                let precisions =
                    (1_u32..).zip(found()).map(|(count, (rank, _))| f64::from(count) / *rank as f64);
                sum(precisions) / relevant
            }
            Measure::Recall => found().count() as f64 / relevant,
            Measure::Precision if cutoff == 0 => 0.0,
            Measure::Precision => found().count() as f64 / cutoff as f64,
            Measure::Mrr => found().next().map_or(0.0, |(rank, _)| 1.0 / *rank as f64),
            Measure::HitRate => f64::from(u8::from(found().next().is_some())),
        }
    }
}

/// Sum of judgements, each divided by log2(rank + 1).
fn discounted_gain(ranks: impl Iterator<Item = (usize, i64)>) -> f64 {
    sum(ranks.map(|(rank, judgement)| judgement as f64 / ((rank + 1) as f64).log2()))
}

/// The sum; of nothing it is 0.0, where `Iterator::sum` returns -0.0.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranking::CUTOFFS;

    /// Values of pytrec_eval-terrier 0.5.11 for the ranking d1 .. d8 with judgements of d1 to d8 and three
    /// documents that were not found: `evaluator.evaluate` with ndcg_cut, map_cut, recall, P, success.
    const RANKED: [i64; 8] = [0, 2, -1, 1, 0, 3, 0, 1];
    const OTHERS: [i64; 3] = [2, 1, -2];

    fn ranking() -> JudgedRanking {
        JudgedRanking::new(RANKED, RANKED.into_iter().chain(OTHERS))
    }

    #[test]
    fn values_are_those_of_trec_eval() {
        let third = 1.0 / 3.0;
        let (ndcg, ndcg3, ndcg5) =
            (0.478_063_333_194_499_95, 0.239_812_466_568_131_46, 0.278_405_626_079_645_36);
        let expected = [
            (Measure::Ndcg, [0.0, ndcg3, ndcg5, ndcg, ndcg, ndcg, ndcg]),
            (Measure::Map, [0.0, third / 4.0, third / 2.0, third, third, third, third]),
            (Measure::Recall, [0.0, third / 2.0, third, 2.0 * third, 2.0 * third, 2.0 * third, 2.0 * third]),
            (Measure::Precision, [0.0, third, 0.4, 0.4, 0.2, 0.04, 0.004]),
            (Measure::Mrr, [0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]),
            (Measure::HitRate, [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ];
        for (measure, values) in expected {
            for (cutoff, expected) in CUTOFFS.into_iter().zip(values) {
                let got = ranking().measure(measure, cutoff);
                assert!((got - expected).abs() <= 1e-15, "{measure:?} at {cutoff}: {got} and {expected}");
            }
        }
    }

    /// Every measure by its definition, rank by rank.
    fn plain(measure: Measure, ranked: &[i64], judged: &[i64], cutoff: usize) -> f64 {
        let gain = |judgement: i64| judgement.max(0) as f64;
        let dcg = |judgements: &[i64]| {
            let first = &judgements[..cutoff.min(judgements.len())];
            let gains = first.iter().enumerate().map(|(i, &it)| gain(it) / (i as f64 + 2.0).log2());
            gains.sum::<f64>()
        };
        let first = &ranked[..cutoff.min(ranked.len())];
        let hits = |to: usize| ranked[..to].iter().filter(|it| **it > 0).count() as f64;
        let relevant = judged.iter().filter(|it| **it > 0).count() as f64;
        let first_hit = first.iter().position(|it| *it > 0);
        let mut best = judged.to_vec();
        best.sort_by_key(|it| -it);
        let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        match measure {
            Measure::Ndcg => ratio(dcg(ranked), dcg(&best)),
            Measure::Map => {
                let relevant_ranks = (0..first.len()).filter(|&i| first[i] > 0);
                ratio(relevant_ranks.map(|i| hits(i + 1) / (i + 1) as f64).sum(), relevant)
            }
            Measure::Recall => ratio(hits(first.len()), relevant),
            Measure::Precision => hits(first.len()) / cutoff as f64,
            Measure::Mrr => first_hit.map_or(0.0, |i| 1.0 / (i + 1) as f64),
            Measure::HitRate => {
                if first_hit.is_some() {
                    1.0
                } else {
                    0.0
                }
            }
        }
    }

    #[test]
    fn a_ranking_without_relevant_documents_is_zero() {
        for ranking in [JudgedRanking::new([], []), JudgedRanking::new([0, -1], [-1, 0, -3])] {
            for measure in Measure::ALL {
                assert_eq!(ranking.measure(measure, 10), 0.0, "{measure:?}");
            }
            assert_eq!(ranking.num_relevant(), 0);
        }
    }

    #[test]
    fn nothing_is_found_before_the_first_hit() {
        for measure in Measure::ALL {
            for cutoff in [0, 1] {
                let value = ranking().measure(measure, cutoff);
                assert!(value == 0.0 && value.is_sign_positive(), "{measure:?} at {cutoff}: {value}");
            }
        }
    }

    proptest! {
        #[test]
        fn measures_follow_their_definitions(
            ranked in proptest::collection::vec(-2_i64..4, 0..40),
            others in proptest::collection::vec(-2_i64..4, 0..20),
        ) {
            let judged: Vec<i64> = ranked.iter().chain(&others).copied().collect();
            let ranking = JudgedRanking::new(ranked.iter().copied(), judged.iter().copied());
            for measure in Measure::ALL {
                for cutoff in CUTOFFS {
                    let (got, expected) =
                        (ranking.measure(measure, cutoff), plain(measure, &ranked, &judged, cutoff));
                    prop_assert!((got - expected).abs() <= 1e-14, "{measure:?} at {cutoff}: {got} {expected}");
                    prop_assert!((0.0..=1.0 + 1e-14).contains(&got));
                }
            }
        }
    }
}
