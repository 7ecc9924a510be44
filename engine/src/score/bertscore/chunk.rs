//! A window of pairs, which refer to its distinct texts by number.

use std::sync::Arc;

use super::cache::EncodedText;
use crate::Result;
use crate::score::PairTexts;
use crate::session::Distinct;
use crate::tokens::TokenizedText;

/// Pairs that are scored together.
pub(super) struct TokenizedPairs {
    /// The distinct texts.
    pub(super) texts: Vec<String>,
    /// The state of each distinct text.
    pub(super) states: Vec<TextState>,
    /// The texts of all pairs, candidate first, as numbers of distinct texts.
    pub(super) indices: Vec<usize>,
    /// The number of texts in each pair.
    pub(super) lengths: Vec<usize>,
}

/// The state of a text.
pub(super) enum TextState {
    /// Encoded before.
    Encoded(Arc<EncodedText>),
    /// Tokenized.
    Tokenized(TokenizedText),
}

impl TokenizedPairs {
    /// Numbers the texts of `pairs`; `prepare` returns the state of each distinct text.
    pub(super) fn new(
        pairs: Vec<PairTexts>,
        prepare: impl FnOnce(&[&str]) -> Result<Vec<TextState>>,
    ) -> Result<Self> {
        let lengths = pairs.iter().map(|pair| pair.texts().count()).collect();
        let all: Vec<&str> = pairs.iter().flat_map(PairTexts::texts).collect();
        let Distinct { firsts, indices } = Distinct::of(&all);
        let texts: Vec<&str> = firsts.iter().map(|&first| all[first]).collect();
        let states = prepare(&texts)?;
        let texts = texts.into_iter().map(str::to_owned).collect();
        Ok(Self { texts, states, indices, lengths })
    }
}
