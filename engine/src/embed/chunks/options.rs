//! Options of chunks.

use std::borrow::Cow;

use crate::error::phrase;
use crate::tokens::TextTokenizer;
use crate::{Error, Result, Setting};

/// Most tokens that chunks share by default.
const USUAL_OVERLAP: usize = 16;

/// Where a chunk ends, if it has a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ChunkEnds {
    /// At ends of sentences.
    #[default]
    Sentences,
    /// Before headings of Markdown, else at blank lines, else at ends of sentences.
    Document,
}

/// Options of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ChunkOptions {
    /// The longest chunk in tokens, special tokens and prompt included; `None`: the longest text.
    pub tokens: Option<usize>,
    /// Approximate number of tokens that a chunk shares with the previous one; `None`: a quarter of the tokens
    /// available to a text, at most 16.
    pub overlap: Option<usize>,
    /// Where a chunk ends.
    pub ends: ChunkEnds,
}

impl ChunkOptions {
    /// A chunk has at most so many tokens.
    #[must_use]
    pub fn tokens(self, tokens: usize) -> Self {
        Self { tokens: Some(tokens), ..self }
    }

    /// A chunk shares about so many tokens with the previous one.
    #[must_use]
    pub fn overlap(self, tokens: usize) -> Self {
        Self { overlap: Some(tokens), ..self }
    }

    /// A chunk ends here.
    #[must_use]
    pub fn ends(self, ends: ChunkEnds) -> Self {
        Self { ends, ..self }
    }

    /// Checks that chunks after `prompt` can be made.
    ///
    /// # Errors
    /// If a chunk would be longer than the longest text, or have no room for a text, or share too much with
    /// the previous one.
    pub fn check(self, tokenizer: &TextTokenizer, prompt: &str) -> Result<()> {
        self.overlap_for(tokenizer, prompt).map(drop)
    }

    /// The tokens that chunks after `prompt` share.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(in crate::embed) fn overlap_for(self, tokenizer: &TextTokenizer, prompt: &str) -> Result<usize> {
        self.overlap_in(self.limited(tokenizer)?.room(prompt)?)
    }

    /// The tokenizer with the length of a chunk.
    pub(in crate::embed) fn limited(self, tokenizer: &TextTokenizer) -> Result<Cow<'_, TextTokenizer>> {
        let longest = tokenizer.max_tokens();
        match self.tokens {
            None => Ok(Cow::Borrowed(tokenizer)),
            Some(tokens) if tokens > longest => Err(Error::usage_hint(
                format!("a chunk of {tokens} tokens is longer than the longest text, which has {longest}"),
                phrase!["lower ", Setting::ChunkTokens, ", or raise ", Setting::MaxLength],
            )),
            Some(tokens) => tokenizer.with_max_tokens(tokens).map(Cow::Owned).map_err(|error| match error {
                Error::LengthTooShort { .. } => {
                    let special = longest - tokenizer.room("").unwrap_or(longest);
                    let rule = format!(
                        "a chunk must have more than the {special} special tokens, got {tokens} tokens"
                    );
                    Error::usage_hint(rule, phrase!["raise ", Setting::ChunkTokens])
                }
                error => error,
            }),
        }
    }

    /// The tokens that chunks share, with `room` for tokens of a text.
    pub(super) fn overlap_in(self, room: usize) -> Result<usize> {
        match self.overlap {
            None if room == 0 => Err(Error::usage_hint(
                "a chunk has no tokens left for a text after the prompt",
                phrase!["raise ", self.length_setting(), ", or use a shorter prompt"],
            )),
            None => Ok(USUAL_OVERLAP.min(room / 4)),
            Some(overlap) if overlap < room.div_ceil(2) => Ok(overlap),
            Some(overlap) => Err(Error::usage_hint(
                format!(
                    "the overlap of chunks must be smaller than half the {room} tokens that a chunk has for a text, got {overlap}"
                ),
                phrase![
                    "lower ",
                    Setting::ChunkOverlap,
                    "; a larger ",
                    self.length_setting(),
                    " or a shorter prompt leaves more tokens"
                ],
            )),
        }
    }

    /// The setting that makes chunks longer.
    fn length_setting(self) -> Setting {
        if self.tokens.is_some() { Setting::ChunkTokens } else { Setting::MaxLength }
    }
}
