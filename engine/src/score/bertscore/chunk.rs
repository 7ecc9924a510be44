//! A window of pairs, which refer to its distinct texts by number.

use std::sync::Arc;

use super::cache::{EncodedText, Role};
use crate::Result;
use crate::score::PairTexts;
use crate::session::Distinct;
use crate::tokens::TokenizedText;

/// Pairs that are scored together.
pub(super) struct TokenizedPairs {
    /// The distinct texts.
    pub(super) texts: Vec<String>,
    /// The role of each distinct text.
    pub(super) roles: Vec<Role>,
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
    Tokenized(Arc<TokenizedText>),
}

impl TokenizedPairs {
    /// Numbers the texts of `pairs`; `prepare` returns the state of each distinct text, given its role.
    pub(super) fn new(
        pairs: Vec<PairTexts>,
        prepare: impl FnOnce(&[String], &[Role]) -> Result<Vec<TextState>>,
    ) -> Result<Self> {
        let lengths: Vec<usize> = pairs.iter().map(|pair| 1 + pair.references.len()).collect();
        let mut all: Vec<String> = pairs.into_iter().flat_map(PairTexts::into_texts).collect();
        let Distinct { firsts, indices } = Distinct::of(&all);
        let texts: Vec<String> = firsts.iter().map(|&first| std::mem::take(&mut all[first])).collect();
        let roles = roles(texts.len(), &indices, &lengths);
        let states = prepare(&texts, &roles)?;
        Ok(Self { texts, roles, states, indices, lengths })
    }
}

fn roles(texts: usize, indices: &[usize], lengths: &[usize]) -> Vec<Role> {
    let mut roles = vec![Role::Candidate; texts];
    let mut rest = indices;
    for pair in lengths.iter().filter_map(|&length| rest.split_off(..length)) {
        pair[1..].iter().for_each(|&reference| roles[reference] = Role::Reference);
    }
    roles
}
