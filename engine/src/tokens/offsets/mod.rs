//! Each token's place in the user's text, in bytes and in characters.
//!
//! The tokens are those of [`TextTokenizer::encode`], by the same steps. Ranges are on character boundaries:
//! if a byte-level tokenizer splits one character into several tokens, each of them gets the whole character.
//! Characters that the tokenizer drops are in no range, or in a neighbour's. Word boundaries are not
//! reported.

use std::ops::Range;

use tokenizers::Encoding;

use super::text_map::TextMap;
use super::{CharacterCounter, TextTokenizer, TokenizedText};
use crate::Result;

/// The tokens of a text and their places in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OffsetTokens {
    /// The result of `encode` for the prompt and the text: the prompt's tokens count for whether the text is
    /// empty.
    pub tokens: TokenizedText,
    /// One per token.
    pub offsets: Vec<TokenOffset>,
}

/// One token's string and its place in the text. Tokens of the prompt and those that the post-processor adds
/// have the range 0..0.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenOffset {
    /// As the tokenizer writes it: `##ing`, `Ġriver`, `▁mill`.
    pub token: String,
    /// Bytes of the text, without the prompt.
    pub bytes: Range<usize>,
    /// The same range in characters.
    pub characters: Range<usize>,
}

impl TextTokenizer {
    /// Tokenizes `text` with `prompt` before it, as [`TextTokenizer::encode`] would the two together, and
    /// returns each token's place in `text`.
    ///
    /// # Errors
    /// If the tokenizer fails on it.
    pub fn encode_with_offsets(&self, prompt: &str, text: &str) -> Result<OffsetTokens> {
        let (altered, map) = self.alter(prompt, text);
        let encoding = self.run_prefixes(&altered)?;
        let mut counter = CharacterCounter::new(text);
        let offset = |(token, bytes): (&String, Range<usize>)| TokenOffset {
            token: token.clone(),
            characters: counter.before(bytes.start)..counter.before(bytes.end),
            bytes,
        };
        let offsets = encoding.get_tokens().iter().zip(ranges(&encoding, &map)).map(offset).collect();
        Ok(OffsetTokens { tokens: self.tokens(&encoding), offsets })
    }
}

/// The range of each token in the user's text.
pub(super) fn ranges(encoding: &Encoding, map: &TextMap<'_>) -> impl Iterator<Item = Range<usize>> {
    let offsets = encoding.get_offsets().iter().zip(encoding.get_special_tokens_mask());
    offsets.map(|(&(start, end), &added)| if added == 1 { 0..0 } else { map.given(start..end) })
}

#[cfg(test)]
mod tests;
