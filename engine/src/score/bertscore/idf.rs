//! Inverse document frequencies of token ids over the references.
//!
//! idf(t) = ln((N + 1) / (df(t) + 1)), with N references, df(t) of which contain t
//! (`bert_score/utils.py:365-390`). Logarithms are natural, sums and quotients f64.

use std::collections::HashMap;

use crate::error::phrase;
use crate::{Error, Result, Setting};

/// Counts document frequencies, one reference at a time.
///
/// It keeps one counter per distinct token id, so its memory is bounded by the vocabulary, not by the
/// references.
#[derive(Debug, Clone, Default)]
pub struct IdfBuilder {
    documents: u64,
    document_frequencies: HashMap<u32, u64>,
    /// The distinct ids of the current document; kept between documents to reuse the allocation.
    distinct: Vec<u32>,
}

impl IdfBuilder {
    /// Creates a builder without documents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reference by its token ids, special tokens included. Repeated tokens count once.
    ///
    /// Every reference of every pair is a separate document, even duplicates (`bert_score/score.py:78-86,
    /// :116`). Special tokens are in every document, so their weight is ln(1) = 0 without a special case.
    pub fn add(&mut self, token_ids: &[u32]) {
        self.documents += 1;
        self.distinct.clear();
        self.distinct.extend_from_slice(token_ids);
        self.distinct.sort_unstable();
        self.distinct.dedup();
        for &token_id in &self.distinct {
            *self.document_frequencies.entry(token_id).or_default() += 1;
        }
    }

    /// The counts of `documents` references by token id.
    pub(super) fn of_counts(documents: u64, counts: impl IntoIterator<Item = (u32, u64)>) -> Self {
        Self { documents, document_frequencies: counts.into_iter().collect(), distinct: Vec::new() }
    }

    /// Adds the counts of other references.
    pub fn add_counts(&mut self, other: &Self) {
        self.documents += other.documents;
        for (&token_id, frequency) in &other.document_frequencies {
            *self.document_frequencies.entry(token_id).or_default() += frequency;
        }
    }

    /// Each token id, ascending, with the number of references that contain it.
    pub fn frequencies(&self) -> Vec<(u32, u64)> {
        let mut frequencies: Vec<(u32, u64)> =
            self.document_frequencies.iter().map(|(&id, &frequency)| (id, frequency)).collect();
        frequencies.sort_unstable();
        frequencies
    }

    /// The number of references so far.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// The weights; an error for fewer than two references.
    ///
    /// With one reference each token weighs ln(2/2) = 0, and recall is 0/0: bert_score returns NaN.
    pub fn finish(self) -> Result<IdfWeights> {
        if self.documents < 2 {
            return Err(too_few_references(self.documents));
        }
        let numerator = (self.documents + 1) as f64;
        let weight = |frequency: u64| (numerator / (frequency + 1) as f64).ln();
        let known = self.document_frequencies.into_iter().map(|(id, frequency)| (id, weight(frequency)));
        Ok(IdfWeights { known: known.collect(), unseen: weight(0) })
    }
}

fn too_few_references(documents: u64) -> Error {
    Error::usage_hint(
        format!("idf weights need at least 2 references, got {documents}"),
        phrase![
            "leave out ",
            Setting::Idf,
            ": over a single reference every one of its tokens would weigh 0"
        ],
    )
}

/// The idf of every token id.
#[derive(Debug, Clone)]
pub struct IdfWeights {
    known: HashMap<u32, f64>,
    unseen: f64,
}

impl IdfWeights {
    /// These weights by token id, and `unseen` for all others. They must be finite and not negative.
    pub fn new(known: HashMap<u32, f64>, unseen: f64) -> Self {
        Self { known, unseen }
    }

    /// The weight of `token_id`; ln(N + 1) if no reference has it. Never negative.
    pub fn weight(&self, token_id: u32) -> f64 {
        self.known.get(&token_id).copied().unwrap_or(self.unseen)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weights(documents: &[Vec<u32>]) -> Result<IdfWeights> {
        let mut builder = IdfBuilder::new();
        documents.iter().for_each(|document| builder.add(document));
        builder.finish()
    }

    #[test]
    fn weights_are_those_of_bert_score() -> Result<()> {
        // get_idf_dict(documents, tokenizer=None, nthreads=0) of bert_score 0.3.13.
        let documents =
            [vec![101, 8, 10, 102], vec![101, 8, 8, 11, 102], vec![101, 102], vec![101, 7, 8, 102]];
        let idf = weights(&documents)?;
        let expected = [
            (101, 0.0),
            (102, 0.0),
            (8, 0.22314355131420976),
            (7, 0.9162907318741551),
            (10, 0.9162907318741551),
            (11, 0.9162907318741551),
            (12345, 1.6094379124341003),
        ];
        for (token_id, weight) in expected {
            assert!((idf.weight(token_id) - weight).abs() <= f64::EPSILON * 2.0, "{token_id}");
        }
        // Exactly zero: tokens in every document must not get a rounding error as their weight.
        assert_eq!((idf.weight(101), idf.weight(102)), (0.0, 0.0));
        Ok(())
    }

    #[test]
    fn fewer_than_two_references_are_refused() {
        for documents in [vec![], vec![vec![101, 7, 102]]] {
            let error = weights(&documents).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
            assert!(error.to_string().contains(&format!("got {}", documents.len())));
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn two_references_may_be_equal_or_empty() -> Result<()> {
        assert_eq!(weights(&[vec![1, 2], vec![1, 2]])?.weight(1), 0.0);
        assert_eq!(weights(&[vec![], vec![]])?.weight(1), 3f64.ln());
        Ok(())
    }

    fn documents() -> impl Strategy<Value = Vec<Vec<u32>>> {
        prop::collection::vec(prop::collection::vec(0u32..12, 0..8), 2..8)
    }

    proptest! {
        #[test]
        fn neither_order_nor_repetition_matters(documents in documents()) {
            let doubled: Vec<Vec<u32>> =
                documents.iter().rev().map(|ids| ids.iter().rev().chain(ids).copied().collect()).collect();
            let (idf, other) = (weights(&documents).unwrap(), weights(&doubled).unwrap());
            for token_id in 0..13 {
                prop_assert_eq!(idf.weight(token_id).to_bits(), other.weight(token_id).to_bits());
            }
        }

        #[test]
        fn weights_follow_the_formula(documents in documents()) {
            let idf = weights(&documents).unwrap();
            for token_id in 0..13 {
                let frequency = documents.iter().filter(|ids| ids.contains(&token_id)).count() as f64;
                let expected = ((documents.len() as f64 + 1.0) / (frequency + 1.0)).ln();
                prop_assert_eq!(idf.weight(token_id), expected);
                prop_assert!(expected >= 0.0);
            }
        }
    }
}
