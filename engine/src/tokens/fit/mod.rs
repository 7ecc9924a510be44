//! How much of a text fits the model's length.
//!
//! Only as much of the text is tokenized as that needs, in prefixes that grow until one is ample (see
//! `long_text`), so a call does not take longer for a longer text. Positions are bytes of the user's text,
//! without the prompt.

use std::ops::Range;

use tokenizers::Encoding;

use super::long_text::{self, BYTES_A_TOKEN, FIRST_PREFIX, GROWTH, LARGE_PREFIX, Words};
use super::{TextTokenizer, offsets};
use crate::Result;

/// The tokens of a text that the model's length has room for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fit {
    /// Each token's range in the text, in bytes; without the prompt's tokens and those that the
    /// post-processor adds.
    pub tokens: Vec<Range<usize>>,
    /// The end of the last one.
    pub end: usize,
    /// Whether no token of the text is cut off.
    pub is_all: bool,
}

impl TextTokenizer {
    /// Tokens that a text can have after `prompt`, special tokens not counted.
    ///
    /// # Errors
    /// If the tokenizer fails on the prompt.
    pub fn room(&self, prompt: &str) -> Result<usize> {
        let taken = self.reserved + self.encode(prompt)?.ids.len();
        Ok(self.max_tokens().saturating_sub(taken))
    }

    /// How far into `text` the tokens reach that [`TextTokenizer::encode`] keeps after `prompt`.
    ///
    /// # Errors
    /// If the tokenizer fails on it.
    pub fn fit(&self, prompt: &str, text: &str) -> Result<Fit> {
        let first = self.max_tokens().saturating_mul(BYTES_A_TOKEN);
        let lengths = std::iter::successors(Some(first), |&length| Some(longer(length)));
        self.fit_prefixes(prompt, text, lengths, long_text::is_ample)
    }

    /// [`TextTokenizer::fit`] with a shorter prefix, of about `length` bytes: the last few tokens are likely
    /// but not certain. `is_all` is certain if true.
    pub(crate) fn fit_likely(&self, prompt: &str, text: &str, length: usize) -> Result<Fit> {
        let lengths = std::iter::successors(Some(length.max(1)), |length| Some(length.saturating_mul(2)));
        self.fit_prefixes(prompt, text, lengths, long_text::is_likely_ample)
    }

    /// Whether [`TextTokenizer::encode`] cuts `text` after `prompt`. Faster for short texts, since no offsets
    /// are computed.
    pub(crate) fn cuts(&self, prompt: &str, text: &str) -> Result<bool> {
        let whole = format!("{prompt}{text}");
        if whole.len() > FIRST_PREFIX {
            return Ok(self.encode(&whole)?.truncated);
        }
        let encoding = self.run_by(|tokenizer| tokenizer.encode_fast(whole.as_str(), true))?;
        Ok(!encoding.get_overflowing().is_empty())
    }

    fn fit_prefixes(
        &self,
        prompt: &str,
        text: &str,
        lengths: impl Iterator<Item = usize>,
        is_enough: fn(&Encoding, &str, Words) -> bool,
    ) -> Result<Fit> {
        for length in lengths.take_while(|&length| length < text.len()) {
            let prefix = &text[..text.floor_char_boundary(length)];
            if let Some(fit) = self.fit_prefix(prompt, prefix, is_enough)? {
                return Ok(fit);
            }
        }
        Ok(self.fit_prefix(prompt, text, |_, _, _| true)?.unwrap_or_default())
    }

    /// The fit of a prefix, if `is_enough` accepts it as the text's.
    fn fit_prefix(
        &self,
        prompt: &str,
        prefix: &str,
        is_enough: fn(&Encoding, &str, Words) -> bool,
    ) -> Result<Option<Fit>> {
        let (altered, map) = self.alter(prompt, prefix);
        let encoding = self.run(&altered)?;
        if !is_enough(&encoding, &altered, self.words()) {
            return Ok(None);
        }
        let added = encoding.get_special_tokens_mask();
        let ranges = offsets::ranges(&encoding, &map).zip(added);
        let of_text = |(range, added): (Range<usize>, &u32)| {
            (*added == 0 && (prompt.is_empty() || range.end > 0)).then_some(range)
        };
        let tokens: Vec<Range<usize>> = ranges.filter_map(of_text).collect();
        let end = tokens.iter().map(|token| token.end).max().unwrap_or(0);
        Ok(Some(Fit { tokens, end, is_all: encoding.get_overflowing().is_empty() }))
    }
}

/// The next prefix to try; none skips the length from which `long_text` asks for less proof.
fn longer(length: usize) -> usize {
    let next = length.saturating_mul(GROWTH);
    if length < LARGE_PREFIX { next.min(LARGE_PREFIX) } else { next }
}

#[cfg(test)]
mod tests;
