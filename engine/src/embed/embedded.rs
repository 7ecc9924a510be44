//! What an embedding returns.

use std::ops::{Deref, Range};

use crate::session::Occurrences;
use crate::tokens::{TokenOffset, TokenizedText};
use crate::vectors::Vectors;

/// The vectors of some texts, in their order, and what was out of the ordinary. It derefs to [`Vectors`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Embedded {
    /// One vector a text.
    pub vectors: Vectors,
    /// What was out of the ordinary.
    pub notices: EmbedNotices,
}

impl Deref for Embedded {
    type Target = Vectors;

    fn deref(&self) -> &Vectors {
        &self.vectors
    }
}

/// The hidden states of some texts' tokens, back to back, and what was out of the ordinary.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EmbeddedTokens {
    /// One vector a token.
    pub vectors: Vectors,
    /// Where each text begins among the tokens, and at last their number: text i is rows
    /// `cu_seqlens[i]..cu_seqlens[i + 1]`.
    pub cu_seqlens: Vec<usize>,
    /// The ids of the tokens, special tokens and the prompt's included.
    pub token_ids: Vec<u32>,
    /// Where each token stands in its text.
    pub offsets: Vec<TokenOffset>,
    /// What was out of the ordinary.
    pub notices: EmbedNotices,
}

impl EmbeddedTokens {
    /// The rows of text `index`.
    pub fn text(&self, index: usize) -> Range<usize> {
        self.cu_seqlens[index]..self.cu_seqlens[index + 1]
    }
}

/// What was out of the ordinary in texts that were embedded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbedNotices {
    /// Texts without tokens of their own: their vectors come from the special tokens and the prompt.
    pub empty: Occurrences,
    /// Texts that were cut to the longest length.
    pub truncated: Occurrences,
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
