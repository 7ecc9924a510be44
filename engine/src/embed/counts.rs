//! What a run counts.

use std::ops::Add;
use std::time::Duration;

use crate::tokens::TokenizedText;
use crate::vectors::folder::ShardCounts;

/// Texts in a batch of an engine that pads, for comparison: sentence-transformers' default.
const PADDED_BATCH: usize = 32;

/// What a run counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Texts read: one an input row.
    pub texts: u64,
    /// Rows written: one a text, or one a chunk.
    pub rows: u64,
    /// Tokens encoded.
    pub tokens: u64,
    /// Texts that were cut.
    pub truncated: u64,
    /// Texts without tokens of their own: their vectors are made of the special tokens and the prompt.
    pub empty: u64,
    /// Those of them without any token, by a tokenizer that adds no special ones: their vectors are zeros.
    pub without_tokens: u64,
    /// Texts that were in their window already and were not encoded again.
    pub repeated: u64,
    /// Tokens that the same texts would be in padded batches of 32, in the order of the input.
    pub padded_tokens: u64,
    /// Time spent tokenizing.
    pub tokenize: Duration,
    /// Time spent encoding and pooling.
    pub encode: Duration,
}

impl Counts {
    pub(super) fn add_text(&mut self, text: &TokenizedText) {
        self.truncated += u64::from(text.truncated);
        self.empty += u64::from(text.is_empty);
        self.without_tokens += u64::from(text.ids.is_empty());
    }

    /// The share of the work that padding would have been, from 0 to 1.
    pub fn padding_avoided(&self) -> f64 {
        if self.padded_tokens == 0 { 0.0 } else { 1.0 - self.tokens as f64 / self.padded_tokens as f64 }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            texts: self.texts + other.texts,
            rows: self.rows + other.rows,
            tokens: self.tokens + other.tokens,
            truncated: self.truncated + other.truncated,
            empty: self.empty + other.empty,
            without_tokens: self.without_tokens + other.without_tokens,
            repeated: self.repeated + other.repeated,
            padded_tokens: self.padded_tokens + other.padded_tokens,
            tokenize: self.tokenize + other.tokenize,
            encode: self.encode + other.encode,
        }
    }
}

/// What a shard's record keeps: all but the times.
impl From<Counts> for ShardCounts {
    fn from(counts: Counts) -> Self {
        Self {
            input_rows: counts.texts,
            rows: counts.rows,
            tokens: counts.tokens,
            truncated: counts.truncated,
            empty: counts.empty,
            without_tokens: counts.without_tokens,
            repeated: counts.repeated,
            padded_tokens: counts.padded_tokens,
        }
    }
}

impl From<ShardCounts> for Counts {
    fn from(counts: ShardCounts) -> Self {
        Self {
            texts: counts.input_rows,
            rows: counts.rows,
            tokens: counts.tokens,
            truncated: counts.truncated,
            empty: counts.empty,
            without_tokens: counts.without_tokens,
            repeated: counts.repeated,
            padded_tokens: counts.padded_tokens,
            tokenize: Duration::ZERO,
            encode: Duration::ZERO,
        }
    }
}

/// Tokens of `texts` in padded batches.
pub(super) fn padded_tokens(texts: &[TokenizedText]) -> u64 {
    let padded = |batch: &[TokenizedText]| {
        batch.len() as u64 * batch.iter().map(|text| text.ids.len() as u64).max().unwrap_or(0)
    };
    texts.chunks(PADDED_BATCH).map(padded).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_counted_by_batch() {
        let text = |length| TokenizedText { ids: vec![0; length], truncated: false, is_empty: false };
        let mut texts: Vec<TokenizedText> = (0..32).map(|_| text(2)).collect();
        texts[3] = text(10);
        texts.push(text(5));
        assert_eq!(padded_tokens(&texts), 32 * 10 + 5);
        let counts = Counts { tokens: 77, padded_tokens: 308, ..Counts::default() };
        assert!((counts.padding_avoided() - 0.75).abs() < 1e-12);
        assert_eq!(Counts::default().padding_avoided(), 0.0);
    }
}
