//! `char`: every character is a token, and blanks vanish. A character is a code point, so a combining mark is a
//! token too.

use crate::lexical::blank::is_blank;

/// Calls `each` with the tokens of a text.
pub(super) fn for_each(text: &str, mut each: impl FnMut(&str)) {
    for (at, character) in text.char_indices().filter(|(_, character)| !is_blank(*character)) {
        each(&text[at..at + character.len_utf8()]);
    }
}
