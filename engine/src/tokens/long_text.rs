//! Long texts in bounded time and memory: only as much of a text is tokenized as fills the model's length.
//!
//! A tokenizer uses some 40 bytes per byte of text, and a text of 10 MB that is cut to 256 tokens needs only
//! its first few thousand bytes. So longer and longer prefixes are tokenized until one fills the length so
//! amply that its end cannot matter: a cut changes only the words next to it, and the last kept token ends
//! [`MARGIN_WORDS`] words before it. (A special token spelled out in the text turns into at most a handful of
//! words when it is cut in two.)
//!
//! A text that is one enormous word, as a megabyte without a blank is for Unigram and BPE, offers no such
//! proof. From [`LARGE_PREFIX`] on it is enough that three quarters of the prefix are after the last kept
//! token.

use std::borrow::Cow;
use std::ops::Range;

use tokenizers::Encoding;
use unicode_categories::UnicodeCategories;

/// Texts over this many bytes may have words that are cut before they are tokenized.
pub(super) const FIRST_PREFIX: usize = 16 << 10;
/// Each prefix is this many times as long as the previous one.
pub(super) const GROWTH: usize = 8;
/// Bytes of the first prefix per kept token: about twice those of English words.
pub(super) const BYTES_A_TOKEN: usize = 8;
/// Bytes of the shortest first prefix.
pub(super) const LEAST_PREFIX: usize = 2 << 10;
/// Ends of words between the last kept token and the cut.
const MARGIN_WORDS: usize = 16;
/// Bytes from which on a margin in bytes is enough.
pub(super) const LARGE_PREFIX: usize = FIRST_PREFIX * GROWTH * GROWTH;
/// Bytes without the end of a word after the last kept token, from which on a WordPiece prefix is likely to
/// be ample.
const LIKELY_MARGIN: usize = 4096;
/// Characters kept of an overlong word, beyond the longest that WordPiece looks up: normalization may drop
/// some.
const WORD_MARGIN: usize = 16;

/// Longer and longer prefixes of `text`; none is the whole text.
pub(super) fn prefixes(text: &str, first: usize) -> impl Iterator<Item = &str> {
    let lengths = std::iter::successors(Some(first), |length| length.checked_mul(GROWTH));
    lengths.take_while(|&length| length < text.len()).map(|length| &text[..text.floor_char_boundary(length)])
}

/// How a tokenizer splits a text into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// At blanks at least.
    Blanks,
    /// At blanks, ASCII punctuation and ideographs (BERT's).
    BlanksAndMarks,
}

/// Whether the kept tokens of a prefix are those of the whole text. `encoding` is the prefix's, cut to the
/// model's length, with byte offsets.
pub(super) fn is_ample(encoding: &Encoding, prefix: &str, words: Words) -> bool {
    let Some(rest) = rest(encoding, prefix) else { return false };
    let ends = rest.chars().filter(|&character| ends_word(character, words)).take(MARGIN_WORDS).count();
    ends == MARGIN_WORDS || (prefix.len() + 4 >= LARGE_PREFIX && rest.len() >= prefix.len() / 4 * 3)
}

/// Whether the cut of a prefix is most likely after all words with kept tokens: good enough for a guess that
/// is checked. A WordPiece word is unknown as a whole long before its [`LIKELY_MARGIN`].
pub(super) fn is_likely_ample(encoding: &Encoding, prefix: &str, words: Words) -> bool {
    let Some(rest) = rest(encoding, prefix) else { return false };
    let margin = if words == Words::BlanksAndMarks { LIKELY_MARGIN } else { LIKELY_MARGIN / 128 };
    rest.len() >= margin || rest.chars().any(|character| ends_word(character, words))
}

/// The text after the last kept token of a prefix, if any is cut off.
fn rest<'a>(encoding: &Encoding, prefix: &'a str) -> Option<&'a str> {
    if encoding.get_overflowing().is_empty() {
        return None;
    }
    let kept = encoding.get_offsets().iter().map(|(_, end)| *end).max().unwrap_or(0);
    prefix.get(kept..)
}

/// Whether no word continues after `character`. Blanks that some normalizers drop instead (U+000C) do not
/// count.
fn ends_word(character: char, words: Words) -> bool {
    match character {
        ' ' | '\n' | '\t' | '\r' => true,
        other => words == Words::BlanksAndMarks && (other.is_ascii_punctuation() || is_ideograph(other)),
    }
}

/// Cuts words that are much longer than any that WordPiece looks up.
pub(super) fn shorten_words(text: &str, longest_word: usize) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut copied = 0;
    for cut in overlong(text, longest_word) {
        kept.push_str(&text[copied..cut.start]);
        copied = cut.end;
    }
    if copied == 0 { Cow::Borrowed(text) } else { Cow::Owned(kept + &text[copied..]) }
}

/// The characters that [`shorten_words`] cuts, in order.
///
/// WordPiece turns a word with more than `longest_word` characters into one unknown token. A run of letters,
/// digits and nonspacing marks is inside one word however its surroundings are split, except for ideographs,
/// each of which BERT's normalizer makes a separate word. Marks are counted separately: if the normalizer
/// removes them, the rest may be a short word.
pub(super) fn overlong(text: &str, longest_word: usize) -> impl Iterator<Item = Range<usize>> {
    let limit = longest_word.saturating_add(1).saturating_mul(WORD_MARGIN);
    let (mut letters, mut marks) = (0, 0);
    text.char_indices().filter_map(move |(position, character)| {
        let count = match character {
            mark if mark.is_mark_nonspacing() => &mut marks,
            letter if letter.is_alphanumeric() && !is_ideograph(letter) => &mut letters,
            _ => {
                (letters, marks) = (0, 0);
                return None;
            }
        };
        *count += 1;
        (*count > limit).then(|| position..position + character.len_utf8())
    })
}

/// The blocks that BERT's normalizer surrounds with blanks (`BertNormalizer::handle_chinese_chars`).
pub(crate) fn is_ideograph(character: char) -> bool {
    matches!(character,
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2b73f}'
        | '\u{2b740}'..='\u{2b81f}' | '\u{2b820}'..='\u{2ceaf}' | '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_grow_and_end_between_characters() {
        let text = "é猫 ".repeat(FIRST_PREFIX);
        let lengths: Vec<usize> = prefixes(&text, FIRST_PREFIX).map(str::len).collect();
        assert_eq!(lengths.len(), 1);
        assert!((FIRST_PREFIX - 3..=FIRST_PREFIX).contains(&lengths[0]));
        assert_eq!(prefixes("short", FIRST_PREFIX).count(), 0);
        assert_eq!(prefixes(&text, 100).map(str::len).collect::<Vec<_>>(), [98, 800, 6398, 51200]);
    }

    #[test]
    fn only_words_far_over_the_limit_are_cut() {
        let long = "b".repeat(100);
        let cut = "b".repeat(80);
        assert_eq!(shorten_words(&format!("a {long}, c"), 4), format!("a {cut}, c"));
        assert_eq!(shorten_words(&format!("{long} {long}"), 4), format!("{cut} {cut}"));
        assert_eq!(shorten_words(&format!("é{long}é猫{long}"), 4), format!("é{}猫{cut}", "b".repeat(79)));
        assert!(matches!(shorten_words(&"猫".repeat(500), 4), Cow::Borrowed(_)));
        let marks = "\u{301}".repeat(100);
        let few = &marks[..2 * 80];
        assert!(matches!(shorten_words(&format!("a{few}{} c", "b".repeat(79)), 4), Cow::Borrowed(_)));
        assert_eq!(shorten_words(&format!("a{marks}{long} c"), 4), format!("a{few}{} c", "b".repeat(79)));
        assert!(matches!(shorten_words("plain words", 4), Cow::Borrowed(_)));
    }
}
