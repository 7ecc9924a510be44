//! Measures of a ranking against relevance judgements, as trec_eval defines them
//! (<https://github.com/usnistgov/trec_eval>).
//!
//! A ranking is ordered by score, the highest first, and documents of equal scores by id, the **higher**
//! first, compared as bytes ([`best_first`]). A document counts as relevant if its judgement is above 0; one
//! without a judgement, or with a negative one, does not. The number of relevant documents is that of all
//! judgements, found or not. With `rel(i)` the judgement at rank i, 0 unless it is relevant:
//!
//! | measure at k | definition |
//! |---|---|
//! | nDCG | sum over i <= k of rel(i) / log2(i + 1), divided by the same sum for the judgements in their best order |
//! | MAP | sum over relevant ranks i <= k of precision at i, divided by the number of relevant documents |
//! | recall | relevant documents among the first k, divided by the number of relevant documents |
//! | precision | relevant documents among the first k, divided by k, also if fewer were found |
//! | MRR | 1 / rank of the first relevant document, 0 if that is after k |
//! | hit rate | 1 if a relevant document is among the first k, else 0 (trec_eval: success) |
//!
//! All of them are 0 for a query without relevant documents. trec_eval has no cutoff for the reciprocal rank;
//! the one here is mteb's.

mod judged;
mod measure;
mod overlap;

use std::cmp::Ordering;

pub use judged::JudgedRanking;
pub use measure::{CUTOFFS, Measure};
pub use overlap::Overlap;

/// The order of a ranking: higher scores first, then higher ids. Scores must not be NaN, which equals any score
/// here.
pub fn best_first(left: (f64, &str), right: (f64, &str)) -> Ordering {
    let by_score = right.0.partial_cmp(&left.0).unwrap_or(Ordering::Equal);
    by_score.then_with(|| right.1.as_bytes().cmp(left.1.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_are_ordered_by_descending_id() {
        let mut ranking =
            [(0.5, "a"), (0.5, "b"), (0.7, "0"), (0.5, "B"), (0.0, "z"), (-0.0, "zz"), (0.5, "é")];
        ranking.sort_by(|left, right| best_first(*left, *right));
        assert_eq!(ranking.map(|(_, id)| id), ["0", "é", "b", "a", "B", "zz", "z"]);
    }
}
