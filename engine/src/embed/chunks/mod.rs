//! Splits long texts into chunks that fit the model.
//!
//! A chunk is a range of the original text, in bytes and in characters. It ends at the end of a sentence if
//! one ends in the second half of the room, else at the end of a word, else (inside one enormous word)
//! between two characters. The next chunk starts at a word, about `overlap` tokens before that end. Both its
//! start and its end come after those of the previous chunk, so the time is linear.
//!
//! In a document ([`ChunkEnds::Document`], see `outline`) it ends before a heading of Markdown if there is one in
//! the last three quarters of the room, else at a blank line in the second half; the chunk from a heading on
//! shares nothing with the previous one.
//!
//! How much fits is estimated from a prefix that is only likely to be long enough. Each chunk is then tried,
//! so none is truncated when it is encoded after the prompt. The one exception is a single character with
//! more tokens than the room. The plan depends only on the text, the prompt and the tokenizer. Nothing is
//! read or written here.

mod boundaries;
mod options;
mod outline;

use std::ops::Range;

use crate::Result;
use crate::session::Control;
use crate::tokens::{CharacterCounter, Fit, TextTokenizer, is_blank};

pub(crate) use boundaries::sentences;
pub use options::{ChunkEnds, ChunkOptions};
use outline::Outline;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// In bytes.
    pub bytes: Range<usize>,
    /// The same range in characters.
    pub characters: Range<usize>,
}

/// Splits `text` into chunks that fit after `prompt`; one chunk with the whole text, blanks included, if it
/// fits.
///
/// # Errors
/// If the options do not fit the tokens available to a text ([`ChunkOptions::check`]), or the tokenizer fails.
pub fn plan_chunks(
    tokenizer: &TextTokenizer,
    prompt: &str,
    text: &str,
    options: ChunkOptions,
) -> Result<Vec<Chunk>> {
    plan_limited(&*options.limited(tokenizer)?, prompt, text, options, &Control::default())
}

/// [`plan_chunks`] with a tokenizer that has the length of a chunk ([`ChunkOptions::limited`]); `control` may stop it.
pub(super) fn plan_limited(
    tokenizer: &TextTokenizer,
    prompt: &str,
    text: &str,
    options: ChunkOptions,
    control: &Control,
) -> Result<Vec<Chunk>> {
    let room = tokenizer.room(prompt)?;
    let overlap = options.overlap_in(room)?;
    if tokenizer.fit(prompt, text)?.is_all {
        return Ok(vec![Chunk { bytes: 0..text.len(), characters: 0..text.chars().count() }]);
    }
    let outline = match options.ends {
        ChunkEnds::Sentences => Outline::default(),
        ChunkEnds::Document => Outline::of(text),
    };
    let ranges = Planner { tokenizer, prompt, text, room, overlap, outline, control }.plan()?;
    let mut counter = CharacterCounter::new(text);
    let mut characters = |bytes: &Range<usize>| counter.before(bytes.start)..counter.before(bytes.end);
    Ok(ranges.into_iter().map(|bytes| Chunk { characters: characters(&bytes), bytes }).collect())
}

struct Planner<'a> {
    tokenizer: &'a TextTokenizer,
    prompt: &'a str,
    text: &'a str,
    room: usize,
    overlap: usize,
    /// Empty if the text is not a document.
    outline: Outline,
    control: &'a Control,
}

impl Planner<'_> {
    fn plan(&self) -> Result<Vec<Range<usize>>> {
        let mut chunks = Vec::new();
        let last = self.text.trim_end_matches(is_blank).len();
        let (mut start, mut covered) = (self.skip_blanks(0), 0);
        let mut sight = self.room.saturating_mul(8);
        while covered < last {
            self.control.check()?;
            let fit = self.fit(start, sight)?;
            sight = self.sight(fit.end.saturating_sub(start));
            match self.end(start, start.max(covered), &fit)? {
                Some(end) => {
                    chunks.push(start..end);
                    covered = end;
                    start = self.next_start(start..end, &fit.tokens);
                }
                // No word ends after the previous chunk: continue without an overlap.
                None => start = self.skip_blanks(covered),
            }
        }
        Ok(chunks)
    }

    /// The tokens that fit from `start` on, with positions in the whole text.
    fn fit(&self, start: usize, sight: usize) -> Result<Fit> {
        let mut fit = self.tokenizer.fit_likely(self.prompt, &self.text[start..], sight)?;
        fit.end += start;
        for token in &mut fit.tokens {
            *token = token.start + start..token.end + start;
        }
        Ok(fit)
    }

    /// Bytes to look at after a chunk of `bytes`: an eighth more, within plausible token lengths.
    fn sight(&self, bytes: usize) -> usize {
        (bytes + bytes / 8 + 16).clamp(self.room, self.room.saturating_mul(32))
    }

    /// End of the chunk that starts at `start`, after `covered`; none if only a later start can reach past
    /// it.
    fn end(&self, start: usize, covered: usize, fit: &Fit) -> Result<Option<usize>> {
        if fit.is_all {
            return Ok(Some(self.text.trim_end_matches(is_blank).len()));
        }
        let (mut kept, mut fewer) = (fit.tokens.len(), 0);
        while kept > 0 {
            let Some(end) = self.best_end(start, covered, &fit.tokens[..kept]) else { break };
            if !self.tokenizer.cuts(self.prompt, &self.text[start..end])? {
                return Ok(Some(end));
            }
            let inside = fit.tokens[..kept].iter().take_while(|token| token.end < end).count();
            kept = inside.saturating_sub(fewer);
            fewer = 2 * fewer + 1;
        }
        Ok((start >= covered).then(|| self.text.ceil_char_boundary(start + 1)))
    }

    /// The best end after `covered` and within `tokens`.
    fn best_end(&self, start: usize, covered: usize, tokens: &[Range<usize>]) -> Option<usize> {
        let reach = tokens.iter().map(|token| token.end).max()?;
        let after = |index: usize| tokens[index].end.max(covered + 1);
        let half = after(tokens.len() / 2);
        let part = self.outline.last_end(self.text, after(tokens.len() / 4)..reach, half);
        if part.is_some_and(|end| end > covered.max(start)) {
            return part;
        }
        let sentence = boundaries::last_sentence_end(self.text, half..reach);
        let end = sentence.or_else(|| boundaries::last_word_end(self.text, start + 1..reach));
        let end = end.unwrap_or_else(|| self.text[..reach].trim_end_matches(is_blank).len());
        (end > covered).then_some(end)
    }

    /// Start of the chunk after `chunk`, whose tokens are the first of `tokens`. The overlap is extended to a
    /// whole word, unless that makes it longer than half the room.
    fn next_start(&self, chunk: Range<usize>, tokens: &[Range<usize>]) -> usize {
        let next = self.skip_blanks(chunk.end);
        if self.outline.is_heading(next) {
            return next;
        }
        let own = tokens.iter().filter(|token| token.end <= chunk.end).count();
        let back =
            |count: usize| tokens.get(own.saturating_sub(count)).map_or(chunk.end, |token| token.start);
        let begin = back(self.overlap);
        if self.overlap == 0 || begin >= chunk.end {
            return self.skip_blanks(chunk.end);
        }
        let earliest = back(self.room / 2).max(chunk.start + 1);
        let word = boundaries::last_word_start(self.text, earliest..begin);
        let word = word.or_else(|| boundaries::first_word_start(self.text, begin.max(earliest)..chunk.end));
        match word {
            Some(word) if word < chunk.end => word,
            None if begin > chunk.start => self.skip_blanks(begin),
            _ => self.skip_blanks(chunk.end),
        }
    }

    fn skip_blanks(&self, position: usize) -> usize {
        let rest = &self.text[position..];
        position + rest.len() - rest.trim_start_matches(is_blank).len()
    }
}

#[cfg(test)]
mod tests;
