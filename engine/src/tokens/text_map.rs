//! Maps positions in the text that a tokenizer receives back to the user's text.
//!
//! Between the two, a prompt is put before the text, and overlong words are shortened. Positions are bytes.
//! The tokenizer's own normalizer is not handled here: the tokenizer's offsets already take it into account.

use std::borrow::Cow;
use std::ops::Range;

use super::{TextTokenizer, long_text};

/// A run of an altered text and its original. Runs of equal length were not altered and map byte by byte,
/// others as a whole.
#[derive(Debug)]
struct Run {
    altered: Range<usize>,
    given: Range<usize>,
}

impl Run {
    fn is_same(&self) -> bool {
        self.altered.len() == self.given.len()
    }
}

/// One alteration, as consecutive runs; none if nothing was altered.
#[derive(Debug, Default)]
struct Alteration {
    runs: Vec<Run>,
}

impl Alteration {
    fn of_shortening(text: &str, longest_word: usize) -> Self {
        let mut alteration = Self::default();
        let mut copied = 0;
        for cut in long_text::overlong(text, longest_word) {
            alteration.push(cut.start - copied, cut.start - copied);
            alteration.push(0, cut.len());
            copied = cut.end;
        }
        alteration.push(text.len() - copied, text.len() - copied);
        alteration
    }

    /// Appends a run. Adjacent unaltered runs are joined, and so are those that vanished.
    fn push(&mut self, altered: usize, given: usize) {
        if given == 0 {
            return;
        }
        if let Some(last) = self.runs.last_mut()
            && ((last.is_same() && altered == given) || (last.altered.is_empty() && altered == 0))
        {
            last.altered.end += altered;
            last.given.end += given;
            return;
        }
        let (start, begin) = self.runs.last().map_or((0, 0), |last| (last.altered.end, last.given.end));
        self.runs.push(Run { altered: start..start + altered, given: begin..begin + given });
    }

    fn given(&self, altered: Range<usize>) -> Range<usize> {
        let start = self.start(altered.start);
        if altered.is_empty() { start..start } else { start..self.end(altered.end) }
    }

    fn start(&self, position: usize) -> usize {
        let index = self.runs.partition_point(|run| run.altered.end <= position);
        match (self.runs.get(index), self.runs.last()) {
            (Some(run), _) if run.is_same() => run.given.start + position - run.altered.start,
            (Some(run), _) => run.given.start,
            (None, Some(last)) => last.given.end,
            (None, None) => position,
        }
    }

    /// Text that vanished after the end belongs to the kept text before it: the rest of a word to its start.
    fn end(&self, position: usize) -> usize {
        let index = self.runs.partition_point(|run| run.altered.end < position);
        let Some(run) = self.runs.get(index) else {
            return self.runs.last().map_or(position, |last| last.given.end);
        };
        match self.runs.get(index + 1) {
            Some(next) if next.altered.is_empty() && run.altered.end == position => next.given.end,
            _ if run.is_same() => run.given.start + position - run.altered.start,
            _ => run.given.end,
        }
    }
}

/// Maps ranges of an altered text to the user's.
#[derive(Debug)]
pub(super) struct TextMap<'a> {
    shortening: Alteration,
    /// Bytes of the prompt.
    prompt: usize,
    text: &'a str,
}

impl TextMap<'_> {
    /// The range of the user's text, on character boundaries; 0..0 for a range in the prompt.
    pub(super) fn given(&self, altered: Range<usize>) -> Range<usize> {
        let range = self.shortening.given(altered);
        let [start, end] = [range.start, range.end].map(|byte| byte.saturating_sub(self.prompt));
        let start = self.text.floor_char_boundary(start);
        start..self.text.ceil_char_boundary(end).max(start)
    }
}

impl TextTokenizer {
    /// The prompt and text as [`TextTokenizer::encode`] alters them before running the tokenizer, and the way
    /// back.
    pub(super) fn alter<'a>(&self, prompt: &str, text: &'a str) -> (Cow<'a, str>, TextMap<'a>) {
        let mut altered = join(prompt, text);
        let mut map = TextMap { shortening: Alteration::default(), prompt: prompt.len(), text };
        if let Some((short, shortening)) = self.shortening(&altered) {
            map.shortening = shortening;
            altered = Cow::Owned(short);
        }
        (altered, map)
    }

    /// The text without the ends of overlong words, if it has any.
    fn shortening(&self, text: &str) -> Option<(String, Alteration)> {
        match (self.shorten(text), self.longest_word) {
            (Cow::Owned(short), Some(longest)) => Some((short, Alteration::of_shortening(text, longest))),
            _ => None,
        }
    }
}

/// The text with the prompt before it.
fn join<'a>(prompt: &str, text: &'a str) -> Cow<'a, str> {
    if prompt.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(format!("{prompt}{text}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_belongs_to_its_word() {
        // Words of at most one character: 32 are kept of each.
        let text = format!("a {} b {}", "c".repeat(40), "d".repeat(33));
        let alteration = Alteration::of_shortening(&text, 1);
        assert_eq!(alteration.given(0..1), 0..1);
        assert_eq!(alteration.given(2..34), 2..42);
        assert_eq!(alteration.given(2..33), 2..33);
        assert_eq!(alteration.given(35..36), 43..44);
        assert_eq!(alteration.given(37..69), 45..78);
    }

    #[test]
    fn nothing_altered_is_the_identity() {
        assert_eq!(Alteration::default().given(3..7), 3..7);
    }
}
