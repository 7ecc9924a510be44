//! The words of chrF+ and chrF++.

use crate::lexical::blank;

/// Calls `each` with the words of a text. The last character is a word if it is ASCII punctuation, or else the
/// first, but never both.
pub(super) fn for_each(text: &str, mut each: impl FnMut(&str)) {
    let is_punctuation = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_punctuation);
    for word in blank::words(text) {
        let bytes = word.as_bytes();
        let split = match bytes.len() {
            1 => None,
            length if is_punctuation(bytes.last()) => Some(length - 1),
            _ if is_punctuation(bytes.first()) => Some(1),
            _ => None,
        };
        match split.map(|at| word.split_at(at)) {
            None => each(word),
            Some((first, second)) => {
                each(first);
                each(second);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by sacrebleu 2.6.0.
    #[test]
    fn one_punctuation_mark_is_split_off() {
        let mut words = Vec::new();
        for_each("(hi) . .. 中, \u{201c}a\u{201d} -é $5\u{1c}it's", |word| words.push(word.to_owned()));
        assert_eq!(
            words,
            ["(hi", ")", ".", ".", ".", "中", ",", "\u{201c}a\u{201d}", "-", "é", "$", "5", "it's"]
        );
    }
}
