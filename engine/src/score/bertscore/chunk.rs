//! A window of pairs, its different texts known by number.

use std::sync::Arc;

use super::cache::EncodedText;
use crate::Result;
use crate::score::PairTexts;
use crate::session::Distinct;
use crate::tokens::TokenizedText;

/// Pairs that are scored together.
pub(super) struct TokenizedPairs {
    /// The different texts.
    pub(super) texts: Vec<String>,
    /// How far each of them is.
    pub(super) states: Vec<TextState>,
    /// The texts of all pairs, candidate first, as numbers of different texts.
    pub(super) indices: Vec<usize>,
    /// How many texts each pair has.
    pub(super) lengths: Vec<usize>,
}

/// How far a text is.
pub(super) enum TextState {
    /// It was encoded before.
    Encoded(Arc<EncodedText>),
    /// It has its tokens.
    Tokenized(TokenizedText),
}

impl TokenizedPairs {
    /// Numbers the texts of `pairs`; `prepare` says how far each of the different ones is.
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
