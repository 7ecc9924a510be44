//! Where a text may be cut: ends of sentences, and ends and starts of words. By characters alone, in any
//! language.
//!
//! A sentence ends before the end of a line, or behind `.`, `!`, `?` or `…` (and what closes: quotes,
//! brackets) where a blank follows; behind `。`, `！`, `？` whatever follows, since no blanks do where these are
//! written. Abbreviations are not known: `Dr.` ends a sentence. Words end at blanks; an ideograph is a word.
//! Positions are bytes.

use std::ops::Range;

use crate::tokens::{is_blank, is_ideograph};

/// Characters behind a sentence's mark that still belong to it, at most.
const MOST_CLOSERS: usize = 4;
/// Blanks behind a sentence among which a line's end is looked for.
const MOST_BLANKS: usize = 8;

/// The last sentence's end in `range`, both ends of which count.
pub(super) fn last_sentence_end(text: &str, range: Range<usize>) -> Option<usize> {
    positions(text, range).rev().find(|&position| ends_sentence(text, position))
}

/// The last word's end in `range`, both ends of which count.
pub(super) fn last_word_end(text: &str, range: Range<usize>) -> Option<usize> {
    positions(text, range).rev().find(|&position| ends_word(text, position))
}

/// The last word's start in `range`, both ends of which count.
pub(super) fn last_word_start(text: &str, range: Range<usize>) -> Option<usize> {
    positions(text, range).rev().find(|&position| starts_word(text, position))
}

/// The first word's start in `range`, both ends of which count.
pub(super) fn first_word_start(text: &str, range: Range<usize>) -> Option<usize> {
    positions(text, range).find(|&position| starts_word(text, position))
}

/// The places between characters in `range`.
fn positions(text: &str, range: Range<usize>) -> impl DoubleEndedIterator<Item = usize> {
    (range.start..=range.end).filter(|&position| text.is_char_boundary(position))
}

fn before(text: &str, position: usize) -> Option<char> {
    text[..position].chars().next_back()
}

fn behind(text: &str, position: usize) -> Option<char> {
    text[position..].chars().next()
}

fn ends_word(text: &str, position: usize) -> bool {
    match (before(text, position), behind(text, position)) {
        (None, _) => false,
        (Some(last), _) if is_blank(last) => false,
        (Some(last), Some(next)) => is_blank(next) || parts_ideographs(last, next),
        (Some(_), None) => true,
    }
}

fn starts_word(text: &str, position: usize) -> bool {
    match (before(text, position), behind(text, position)) {
        (_, None) => false,
        (_, Some(next)) if is_blank(next) => false,
        (Some(last), Some(next)) => is_blank(last) || parts_ideographs(last, next),
        (None, Some(_)) => true,
    }
}

/// Whether a word ends between two characters because one of them is an ideograph. What is no letter behind
/// one (a full stop, a variation selector) stays with it.
fn parts_ideographs(last: char, next: char) -> bool {
    is_ideograph(next) || (is_ideograph(last) && next.is_alphanumeric())
}

fn ends_sentence(text: &str, position: usize) -> bool {
    match (before(text, position), behind(text, position)) {
        (None, _) => false,
        (Some(last), _) if is_blank(last) => false,
        (_, None) => true,
        (_, Some(next)) if is_blank(next) => {
            ends_line(text, position) || closes_sentence(text, position, is_mark)
        }
        (_, Some(next)) => !closes(next) && closes_sentence(text, position, is_wide_mark),
    }
}

fn ends_line(text: &str, position: usize) -> bool {
    let blanks = text[position..].chars().take_while(|&character| is_blank(character)).take(MOST_BLANKS);
    blanks.into_iter().any(|blank| matches!(blank, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'))
}

/// Whether a mark stands before `position`, and nothing between the two but what closes.
fn closes_sentence(text: &str, position: usize, is_mark: fn(char) -> bool) -> bool {
    let last = text[..position].chars().rev().take(MOST_CLOSERS + 1).find(|&character| !closes(character));
    last.is_some_and(is_mark)
}

fn is_mark(character: char) -> bool {
    matches!(character, '.' | '!' | '?' | '…') || is_wide_mark(character)
}

fn is_wide_mark(character: char) -> bool {
    matches!(character, '。' | '！' | '？')
}

fn closes(character: char) -> bool {
    matches!(
        character,
        '"' | '\'' | ')' | ']' | '}' | '’' | '”' | '»' | '›' | '」' | '』' | '）' | '】' | '》'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(text: &str) -> Vec<&str> {
        let ends = positions(text, 0..text.len()).filter(|&position| ends_sentence(text, position));
        let mut start = 0;
        ends.map(|end| text[std::mem::replace(&mut start, end)..end].trim()).collect()
    }

    #[test]
    fn sentences_end_behind_their_marks_and_what_closes() {
        assert_eq!(sentences("One. Two! (Three?) Four… five"), ["One.", "Two!", "(Three?)", "Four…", "five"]);
        assert_eq!(
            sentences("He said: “No.” Then \"yes!\" 3.14 is pi."),
            ["He said: “No.”", "Then \"yes!\"", "3.14 is pi."]
        );
        assert_eq!(sentences("A title\nand text \r\n more"), ["A title", "and text", "more"]);
        assert_eq!(sentences("猫は壁。「河水！」月？山"), ["猫は壁。", "「河水！」", "月？", "山"]);
        assert_eq!(sentences("e)))))) a"), ["e)))))) a"]);
        assert_eq!(sentences(""), [""; 0]);
    }

    #[test]
    fn words_end_at_blanks_and_ideographs() {
        let ends =
            |text| positions(text, 0..text.len()).filter(|&place| ends_word(text, place)).collect::<Vec<_>>();
        let starts = |text| {
            positions(text, 0..text.len()).filter(|&place| starts_word(text, place)).collect::<Vec<_>>()
        };
        assert_eq!((ends("ab  c"), starts("ab  c")), (vec![2, 5], vec![0, 4]));
        assert_eq!((ends("猫猫。a"), starts("猫猫。a")), (vec![3, 10], vec![0, 3]));
        assert_eq!((ends(" "), starts(" ")), (vec![], vec![]));
    }
}
