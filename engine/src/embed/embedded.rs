//! Results of an embedding.

use std::ops::{Deref, Range};

use crate::session::Occurrences;
use crate::tokens::{TokenOffset, TokenizedText};
use crate::vectors::Vectors;

/// The vectors of some texts, in order, and notices about the texts. It derefs to [`Vectors`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Embedded {
    /// One vector per text.
    pub vectors: Vectors,
    /// Notices about unusual texts.
    pub notices: EmbedNotices,
}

impl Deref for Embedded {
    type Target = Vectors;

    fn deref(&self) -> &Vectors {
        &self.vectors
    }
}

/// The hidden states of some texts' tokens, back to back, and notices about the texts.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EmbeddedTokens {
    /// One vector per token.
    pub vectors: Vectors,
    /// Start of each text in the tokens, then the number of tokens: text i is rows
    /// `cu_seqlens[i]..cu_seqlens[i + 1]`.
    pub cu_seqlens: Vec<usize>,
    /// The token ids, including special tokens and the prompt.
    pub token_ids: Vec<u32>,
    /// Offsets of each token in its text.
    pub offsets: Vec<TokenOffset>,
    /// Whether each text was truncated to the longest length.
    pub is_truncated: Vec<bool>,
    /// Notices about unusual texts.
    pub notices: EmbedNotices,
}

impl EmbeddedTokens {
    /// The rows of text `index`.
    pub fn text(&self, index: usize) -> Range<usize> {
        self.cu_seqlens[index]..self.cu_seqlens[index + 1]
    }
}

/// Unusual texts of an embedding: empty, truncated or repeated; and its size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbedNotices {
    /// Texts without tokens except special tokens and the prompt; their vectors come from these alone.
    pub empty: Occurrences,
    /// Texts that were truncated to the longest length.
    pub truncated: Occurrences,
    /// Texts that occurred shortly before, and were not encoded again.
    pub repeated: u64,
    /// Tokens that were encoded.
    pub tokens: u64,
}

impl EmbedNotices {
    pub(super) fn add(&mut self, place: u64, text: &TokenizedText) {
        if text.is_empty {
            self.empty.add(place);
        }
        if text.truncated {
            self.truncated.add(place);
        }
    }
}
