//! Classes of characters that the standard library does not have.
//!
//! The general categories are those of Unicode 16.0 (regex-syntax 0.8). Python 3.11 has those of Unicode 14, which
//! differ in characters that were added since.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

static PUNCTUATION: LazyLock<Vec<(char, char)>> = LazyLock::new(|| ranges(r"\p{P}"));
static LETTERS_AND_NUMBERS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| ranges(r"[\p{L}\p{N}]"));

/// Whether a character is punctuation: any of Unicode's categories P.
pub(crate) fn is_punctuation(character: char) -> bool {
    match character.is_ascii() {
        true => character.is_ascii_punctuation() && !"$+<=>^`|~".contains(character),
        false => is_in(&PUNCTUATION, character),
    }
}

/// Whether a character is a letter or number: any of Unicode's categories L and N, as for Python's `str.isalnum`.
pub(crate) fn is_letter_or_number(character: char) -> bool {
    match character.is_ascii() {
        true => character.is_ascii_alphanumeric(),
        false => is_in(&LETTERS_AND_NUMBERS, character),
    }
}

/// The characters of a class of a regular expression, such as `\p{P}`, as sorted ranges with both ends.
pub(crate) fn ranges(class: &str) -> Vec<(char, char)> {
    let parsed = regex_syntax::parse(class).expect("a class of characters");
    let HirKind::Class(Class::Unicode(class)) = parsed.kind() else {
        unreachable!("a class of more than one character");
    };
    class.iter().map(|range| (range.start(), range.end())).collect()
}

fn is_in(ranges: &[(char, char)], character: char) -> bool {
    let at = ranges.partition_point(|(_, last)| *last < character);
    ranges.get(at).is_some_and(|(first, _)| *first <= character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_is_unicodes() {
        let found: String = ('\0'..='\u{ff}').filter(|c| is_punctuation(*c)).collect();
        assert_eq!(found, "!\"#%&'()*,-./:;?@[\\]_{}¡§«¶·»¿");
        assert!(('\0'..='\x7f').all(|c| is_punctuation(c) == is_in(&PUNCTUATION, c)));
        // Python 3.11: sum(unicodedata.category(chr(c))[0] == "P" for c in range(0x110000)) is 819 with Unicode 14,
        // and 36 were added by Unicode 15 and 16.
        assert_eq!(('\0'..=char::MAX).filter(|c| is_punctuation(*c)).count(), 855);
        assert!(is_punctuation('„') && is_punctuation('。') && !is_punctuation('€') && !is_punctuation('a'));
    }

    #[test]
    fn marks_and_symbols_are_neither_letters_nor_numbers() {
        let neither = ['\u{301}', '\u{345}', '\u{93e}', 'Ⓐ', '_', '$'];
        assert!(neither.into_iter().all(|c| !is_letter_or_number(c)));
        assert!(['a', '7', 'é', '²', 'Ⅷ', '①', '你', '𐒠'].into_iter().all(is_letter_or_number));
        let ascii = |c| is_letter_or_number(c) == is_in(&LETTERS_AND_NUMBERS, c);
        assert!(('\0'..='\x7f').all(ascii));
    }
}
