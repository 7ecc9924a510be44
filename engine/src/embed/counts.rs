//! Counts of a run.

use std::ops::{Add, Deref, DerefMut};
use std::time::Duration;

use crate::tokens::TokenizedText;
use crate::vectors::folder::RowCounts;

/// Batch size of an engine that pads, for comparison: sentence-transformers' default.
const PADDED_BATCH: usize = 32;

/// Counts of a run. It derefs to [`RowCounts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Texts, rows and tokens.
    pub of_rows: RowCounts,
    /// Time spent tokenizing.
    pub tokenize: Duration,
    /// Time spent encoding and pooling.
    pub encode: Duration,
}

impl Deref for Counts {
    type Target = RowCounts;

    fn deref(&self) -> &RowCounts {
        &self.of_rows
    }
}

impl DerefMut for Counts {
    fn deref_mut(&mut self) -> &mut RowCounts {
        &mut self.of_rows
    }
}

/// Rows that were embedded before, in no time.
impl From<RowCounts> for Counts {
    fn from(of_rows: RowCounts) -> Self {
        Self { of_rows, ..Self::default() }
    }
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
            of_rows: self.of_rows + other.of_rows,
            tokenize: self.tokenize + other.tokenize,
            encode: self.encode + other.encode,
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
        let text = |length| TokenizedText {
            ids: vec![0; length],
            truncated: false,
            is_empty: false,
            second_part: None,
            keys: None,
        };
        let mut texts: Vec<TokenizedText> = (0..32).map(|_| text(2)).collect();
        texts[3] = text(10);
        texts.push(text(5));
        assert_eq!(padded_tokens(&texts), 32 * 10 + 5);
        let counts = Counts::from(RowCounts { tokens: 77, padded_tokens: 308, ..RowCounts::default() });
        assert!((counts.padding_avoided() - 0.75).abs() < 1e-12);
        assert_eq!(Counts::default().padding_avoided(), 0.0);
    }
}
