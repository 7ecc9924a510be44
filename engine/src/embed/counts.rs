//! Counts of a run.

use std::ops::Add;
use std::time::Duration;

use crate::tokens::TokenizedText;
use crate::vectors::folder::ShardCounts;

/// Batch size of an engine that pads, for comparison: sentence-transformers' default.
const PADDED_BATCH: usize = 32;

/// Counts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Texts read: one per input row.
    pub texts: u64,
    /// Rows written: one per text, or one per chunk.
    pub rows: u64,
    /// Tokens encoded.
    pub tokens: u64,
    /// Texts that were truncated.
    pub truncated: u64,
    /// Texts without tokens except special tokens and the prompt; their vectors come from these alone.
    pub empty: u64,
    /// Empty texts without any token, if the tokenizer adds no special ones: their vectors are zeros.
    pub without_tokens: u64,
    /// Repeated texts in a window, which were not encoded again.
    pub repeated: u64,
    /// Tokens that the same texts would have in padded batches of 32, in input order.
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

    /// The share of a padding engine's work that would be padding, from 0 to 1.
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

/// A shard's record keeps everything except the times.
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
