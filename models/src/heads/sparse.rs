//! From hidden states to a text's sparse vector: a weight for some entries of the vocabulary.

use super::lexical::LexicalWeights;
use super::masked_language::VocabularyWeights;
use crate::{LayerStates, Result};

/// A vector whose other values are 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseVector {
    /// Ascending.
    pub indices: Vec<u32>,
    /// One for each index, none of them 0: above 0 unless a table of weights has others.
    pub values: Vec<f32>,
}

impl SparseVector {
    /// The positive ones of dense `values`, each after `weight`.
    pub(super) fn of_positive(values: &[f32], weight: impl Fn(f32) -> f32) -> Self {
        // Exact, since most of a vocabulary may be positive in a model that is not trained for this.
        let count = values.iter().filter(|value| **value > 0.0).count();
        let mut vector = Self { indices: Vec::with_capacity(count), values: Vec::with_capacity(count) };
        for (index, &value) in (0..).zip(values).filter(|(_, value)| **value > 0.0) {
            vector.indices.push(index);
            vector.values.push(weight(value));
        }
        vector
    }

    /// The sum of the products of equal indices' values, in f64.
    pub fn dot(&self, other: &Self) -> f64 {
        let mut others = other.indices.iter().zip(&other.values).peekable();
        let mut sum = 0.0;
        for (index, value) in self.indices.iter().zip(&self.values) {
            while others.next_if(|(other, _)| *other < index).is_some() {}
            if let Some((_, other)) = others.next_if(|(other, _)| *other == index) {
                sum += f64::from(*value) * f64::from(*other);
            }
        }
        sum
    }
}

/// Turns a text's hidden states into its sparse vector.
#[derive(Debug)]
pub struct SparseHead(SparseWeights);

#[derive(Debug)]
pub(super) enum SparseWeights {
    Vocabulary(VocabularyWeights),
    Lexical(LexicalWeights),
}

impl SparseHead {
    pub(super) fn new(weights: SparseWeights) -> Self {
        Self(weights)
    }

    /// Indices are below this.
    pub fn vocab_size(&self) -> usize {
        match &self.0 {
            SparseWeights::Vocabulary(weights) => weights.vocab_size(),
            SparseWeights::Lexical(weights) => weights.vocab_size(),
        }
    }

    /// The most values that the vector of a text of so many tokens can have.
    pub fn most_values(&self, tokens: usize) -> usize {
        match &self.0 {
            SparseWeights::Vocabulary(weights) => weights.vocab_size(),
            SparseWeights::Lexical(weights) => weights.vocab_size().min(tokens),
        }
    }

    /// A description: `splade max`, `lexical`.
    pub fn description(&self) -> String {
        match &self.0 {
            SparseWeights::Vocabulary(weights) => weights.description(),
            SparseWeights::Lexical(_) => "lexical".to_owned(),
        }
    }

    /// One vector per text of these token ids. `states` are those of the last layer. A text whose states are not
    /// finite has a value that is NaN.
    ///
    /// # Errors
    /// If the hidden states' width is not the model's.
    pub fn forward(&self, states: LayerStates<'_>, texts: &[&[u32]]) -> Result<Vec<SparseVector>> {
        match &self.0 {
            SparseWeights::Vocabulary(weights) => weights.forward(states),
            SparseWeights::Lexical(weights) => weights.forward(states, texts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_values_are_kept() {
        let vector = SparseVector::of_positive(&[0.0, 2.0, -1.0, f32::NEG_INFINITY, 3.0], |x| x + 1.0);
        assert_eq!(vector, SparseVector { indices: vec![1, 4], values: vec![3.0, 4.0] });
    }

    #[test]
    fn products_are_those_of_equal_indices() {
        let vector = |indices: &[u32]| SparseVector {
            indices: indices.to_vec(),
            values: indices.iter().map(|&index| index as f32).collect(),
        };
        assert_eq!(vector(&[1, 3, 5, 9]).dot(&vector(&[2, 3, 4, 9])), 90.0);
        assert_eq!(vector(&[]).dot(&vector(&[2])), 0.0);
    }
}
