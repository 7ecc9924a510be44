//! Blanks as Python's `str.isspace`, `str.split` and `str.strip` know them.

/// Whether Python counts a character as a blank: Unicode's White_Space and the four information separators.
pub(crate) fn is_blank(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// The words between runs of blanks, as `str.split()` returns them.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(is_blank).filter(|word| !word.is_empty())
}

/// The text without blanks at its end, as by `str.rstrip()`.
pub(crate) fn trim_end(text: &str) -> &str {
    text.trim_end_matches(is_blank)
}

/// The text without blanks at both ends, as by `str.strip()`.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_pythons() {
        // Python 3.11: [hex(c) for c in range(0x110000) if chr(c).isspace()]
        let expected = [
            0x9, 0xa, 0xb, 0xc, 0xd, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001,
            0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f,
            0x205f, 0x3000,
        ];
        let found: Vec<u32> = ('\0'..=char::MAX).filter(|c| is_blank(*c)).map(u32::from).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn words_and_ends() {
        assert_eq!(words(" a\u{1c}b\u{2003}\u{85} c\n").collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(words(" \t").count(), 0);
        assert_eq!((trim_end(" a \u{1f}"), trim("\u{3000}a \n")), (" a", "a"));
    }
}
