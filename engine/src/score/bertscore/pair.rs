//! Precision, recall and F1 of one pair, from the matches of its tokens.
//!
//! P = Σ w(i) m(i) / Σ w(i) over the candidate's tokens, R the same over the reference's, F1 = 2PR / (P + R)
//! (`bert_score/utils.py:527-572`). Sums are f64 in token order, so a score depends only on its pair; results
//! are f32. The reference divides each weight by the sum first and adds in f32, which differs only in the
//! last digits.

use super::{Scores, TokenWeights};
use crate::{Error, Result};

/// One side of a pair: its tokens, and how well the other side matches each.
#[derive(Debug, Clone, Copy)]
pub struct MatchedTokens<'a> {
    /// For each token, its largest cosine to any token of the other side, special tokens included.
    pub maxima: &'a [f32],
    /// The token ids, special tokens included; one per entry of `maxima`.
    pub token_ids: &'a [u32],
    /// Whether the text has only special tokens. The reference checks for exactly two tokens instead
    /// (`bert_score/utils.py:548-549`), which is wrong for tokenizers that add one special token, or none.
    pub is_empty: bool,
}

impl MatchedTokens<'_> {
    /// Σ w m / Σ w. NaN if all weights are 0, as in the reference. A NaN maximum counts even with weight 0:
    /// the encoder's output is broken.
    fn weighted_mean(&self, weights: &TokenWeights) -> f64 {
        let mut weighted_sum = 0.0;
        let mut weight_sum = 0.0;
        for (&maximum, &token_id) in self.maxima.iter().zip(self.token_ids) {
            let weight = weights.weight(token_id);
            weighted_sum += weight * f64::from(maximum);
            weight_sum += weight;
        }
        weighted_sum / weight_sum
    }

    fn check(&self, side: &str) -> Result<()> {
        let (maxima, tokens) = (self.maxima.len(), self.token_ids.len());
        if maxima == tokens {
            return Ok(());
        }
        Err(Error::Bug(format!(
            "a {side} must have a maximum for each token, it has {maxima} for {tokens} tokens"
        )))
    }
}

/// The raw scores of a pair.
///
/// Zero if either text is empty. If all weights of a side are 0 (possible with idf: every token of a
/// reference occurs in all references), its mean is NaN and F1 is 0, as in the reference. Fails only if a
/// side's lengths differ.
pub fn score_pair(
    candidate: MatchedTokens<'_>,
    reference: MatchedTokens<'_>,
    weights: &TokenWeights,
) -> Result<Scores> {
    candidate.check("candidate")?;
    reference.check("reference")?;
    if candidate.is_empty || reference.is_empty {
        return Ok(Scores::ZERO);
    }
    let precision = candidate.weighted_mean(weights);
    let recall = reference.weighted_mean(weights);
    let f1 = harmonic_mean(precision, recall);
    Ok(Scores { precision: precision as f32, recall: recall as f32, f1: f1 as f32 })
}

/// 2PR / (P + R), or 0 if that is NaN (`bert_score/utils.py:572`). With P = -R ≠ 0 it is -∞, as in
/// bert_score.
fn harmonic_mean(precision: f64, recall: f64) -> f64 {
    let mean = 2.0 * precision * recall / (precision + recall);
    if mean.is_nan() { 0.0 } else { mean }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::score::bertscore::IdfBuilder;

    // Five and four random hidden states of 4 dimensions (torch.manual_seed(7), torch.randn(1, 5, 4),
    // torch.randn(1, 4, 4)), their matches, and the results of greedy_cos_idf of bert_score 0.3.13 (torch
    // 2.15, CPU).
    const CANDIDATE_IDS: [u32; 5] = [101, 7, 8, 9, 102];
    const REFERENCE_IDS: [u32; 4] = [101, 8, 10, 102];
    const ROW_MAXIMA: [f32; 5] = [0.891044, 0.36749488, 0.62142193, 0.7684403, 0.40495843];
    const COLUMN_MAXIMA: [f32; 4] = [0.40495843, 0.40014243, 0.62142193, 0.891044];
    /// The reference's sums are f32: nine roundings of numbers below 1.
    const TOLERANCE: f32 = 1e-6;

    fn side<'a>(maxima: &'a [f32], token_ids: &'a [u32]) -> MatchedTokens<'a> {
        MatchedTokens { maxima, token_ids, is_empty: false }
    }

    fn example(weights: &TokenWeights) -> Result<Scores> {
        score_pair(side(&ROW_MAXIMA, &CANDIDATE_IDS), side(&COLUMN_MAXIMA, &REFERENCE_IDS), weights)
    }

    fn specials() -> TokenWeights {
        TokenWeights::uniform(Some(101), Some(102))
    }

    fn assert_close(scores: Scores, expected: [f32; 3]) {
        for (score, expected) in [scores.precision, scores.recall, scores.f1].into_iter().zip(expected) {
            assert!((score - expected).abs() <= TOLERANCE, "{score} is not {expected}");
        }
    }

    #[test]
    fn uniform_weights_give_the_scores_of_bert_score() -> Result<()> {
        assert_close(example(&specials())?, [0.58578575, 0.5107822, 0.5457189]);
        Ok(())
    }

    #[test]
    fn idf_weights_give_the_scores_of_bert_score() -> Result<()> {
        let mut idf = IdfBuilder::new();
        for document in
            [&[101, 8, 10, 102][..], &[101, 8, 8, 11, 102][..], &[101, 102][..], &[101, 7, 8, 102][..]]
        {
            idf.add(document);
        }
        let weights = TokenWeights::Idf(idf.finish()?);
        assert_close(example(&weights)?, [0.62285745, 0.5780872, 0.59963787]);
        Ok(())
    }

    #[test]
    fn weights_that_are_all_zero_give_nan_and_an_f1_of_zero() -> Result<()> {
        // greedy_cos_idf with 0 for 8 and 10 as well: P = 0.5857857, R = nan, F1 = 0. Here 8 weighs 0 on both
        // sides.
        let scores = example(&TokenWeights::Uniform { zero: vec![101, 102, 8, 10] })?;
        assert!(!scores.precision.is_nan() && scores.recall.is_nan());
        assert_eq!(scores.f1, 0.0);
        Ok(())
    }

    #[test]
    fn an_empty_side_scores_zero() -> Result<()> {
        let text = side(&ROW_MAXIMA, &CANDIDATE_IDS);
        let empty = MatchedTokens { maxima: &[0.9, 0.9], token_ids: &[101, 102], is_empty: true };
        let nothing = MatchedTokens { maxima: &[], token_ids: &[], is_empty: true };
        for (candidate, reference) in [(empty, text), (text, empty), (empty, empty), (nothing, text)] {
            assert_eq!(score_pair(candidate, reference, &specials())?, Scores::ZERO);
        }
        Ok(())
    }

    #[test]
    fn two_tokens_of_a_tokenizer_without_specials_are_not_empty() -> Result<()> {
        let text = side(&[0.5, 0.25], &[7, 8]);
        let scores = score_pair(text, text, &TokenWeights::uniform(None, None))?;
        assert_eq!(scores, Scores { precision: 0.375, recall: 0.375, f1: 0.375 });
        Ok(())
    }

    #[test]
    fn a_broken_match_is_not_hidden_by_a_weight_of_zero() -> Result<()> {
        let broken = side(&[f32::NAN, 0.5], &[101, 7]);
        assert!(score_pair(broken, broken, &specials())?.precision.is_nan());
        Ok(())
    }

    #[test]
    fn opposite_precision_and_recall_are_infinitely_bad_as_in_the_reference() -> Result<()> {
        let scores = score_pair(side(&[0.25], &[7]), side(&[-0.25], &[8]), &specials())?;
        assert_eq!(scores.f1, f32::NEG_INFINITY);
        Ok(())
    }

    #[test]
    fn lengths_that_differ_are_a_bug_and_not_a_panic() {
        let good = side(&[0.5], &[7]);
        let bad = side(&[0.5], &[7, 8]);
        for (candidate, reference, named) in [(bad, good, "candidate"), (good, bad, "reference")] {
            let error = score_pair(candidate, reference, &specials()).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Internal);
            assert!(error.to_string().contains(named));
        }
    }

    type Tokens = (Vec<f32>, Vec<u32>);

    /// At least one token has a weight, so that the means exist.
    fn tokens() -> impl Strategy<Value = Tokens> {
        prop::collection::vec((0.01f32..1.0, 100u32..110), 0..40).prop_map(|mut tokens| {
            tokens.push((0.5, 7));
            tokens.into_iter().unzip()
        })
    }

    proptest! {
        #[test]
        fn swapping_the_sides_swaps_precision_and_recall(left in tokens(), right in tokens()) {
            let (left, right) = (side(&left.0, &left.1), side(&right.0, &right.1));
            let forward = score_pair(left, right, &specials()).unwrap();
            let backward = score_pair(right, left, &specials()).unwrap();
            prop_assert_eq!(forward.precision, backward.recall);
            prop_assert_eq!(forward.recall, backward.precision);
            prop_assert_eq!(forward.f1, backward.f1);
        }

        #[test]
        fn a_mean_lies_between_its_extremes(left in tokens(), right in tokens()) {
            let scores = score_pair(side(&left.0, &left.1), side(&right.0, &right.1), &specials()).unwrap();
            let range = |maxima: &[f32]| {
                (maxima.iter().copied().fold(1.0, f32::min), maxima.iter().copied().fold(0.0, f32::max))
            };
            let (least, most) = range(&left.0);
            prop_assert!((least..=most).contains(&scores.precision));
            let (low, high) = (scores.precision.min(scores.recall), scores.precision.max(scores.recall));
            prop_assert!((low..=high).contains(&scores.f1));
        }

        #[test]
        fn tokens_without_weight_change_nothing(left in tokens(), right in tokens(), maximum in -1f32..1.0) {
            let before = score_pair(side(&left.0, &left.1), side(&right.0, &right.1), &specials()).unwrap();
            let (maxima, ids) = ([&[maximum], &left.0[..]].concat(), [&[101], &left.1[..]].concat());
            let after = score_pair(side(&maxima, &ids), side(&right.0, &right.1), &specials()).unwrap();
            prop_assert_eq!(before, after);
        }
    }
}
