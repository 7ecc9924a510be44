//! Where a text may be split: ends of sentences, and ends and starts of words. Works on characters only, in
//! any language.
//!
//! A sentence ends before the end of a line, or after `.`, `!`, `?` or `…` (and closing quotes or brackets)
//! if a blank follows. After `。`, `！`, `？` it always ends, since scripts with these marks use no blanks.
//! Abbreviations are not recognized: `Dr.` ends a sentence. Words end at blanks; an ideograph is a word.
//! Positions are bytes.

use std::ops::Range;

use crate::tokens::{is_blank, is_ideograph};

/// Maximum number of closing characters after a sentence's mark.
const MOST_CLOSERS: usize = 4;
/// Maximum number of blanks after a sentence to search for the end of a line.
const MOST_BLANKS: usize = 8;

/// The end of the last sentence in `range`, whose ends are both included.
pub(super) fn last_sentence_end(text: &str, range: Range<usize>) -> Option<usize> {
    positions(text, range).rev().find(|&position| ends_sentence(text, position))
}

/// The sentences of a text in order, without the blanks around them; blank ones are left out.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let ends = positions(text, 0..text.len()).filter(|&position| ends_sentence(text, position));
    let (mut sentences, mut start) = (Vec::new(), 0);
    for end in ends.chain([text.len()]) {
        let sentence = &text[start..end];
        let blank = sentence.len() - sentence.trim_start_matches(is_blank).len();
        let length = sentence.trim_matches(is_blank).len();
        if length > 0 {
            sentences.push(start + blank..start + blank + length);
        }
        start = end;
    }
    sentences
}

/// The end of the last word in `range`, whose ends are both included.
pub(super) fn last_word_end(text: &str, range: Range<usize>) -> Option<usize> {
    positions(text, range).rev().find(|&position| ends_word(text, position))
}

/// The start of the last word in `range`, whose ends are both included.
pub(super) fn last_word_start(text: &str, range: Range<usize>) -> Option<usize> {
    positions(text, range).rev().find(|&position| starts_word(text, position))
}

/// The start of the first word in `range`, whose ends are both included.
pub(super) fn first_word_start(text: &str, range: Range<usize>) -> Option<usize> {
    positions(text, range).find(|&position| starts_word(text, position))
}

/// The positions between characters in `range`.
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

/// Whether a word ends between two characters because one of them is an ideograph. A character after an
/// ideograph that is not a letter or digit (a full stop, a variation selector) stays with it.
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

/// Whether there is a mark before `position`, with only closing characters in between.
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
        super::sentences(text).into_iter().map(|range| &text[range]).collect()
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
        assert_eq!(sentences("  \n One.\n\n Two  "), ["One.", "Two"]);
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
