//! Characters of a text: which are blanks, and how many are before a byte.
//!
//! A character is a Unicode scalar value, as Python counts them; one that a reader sees (an emoji and its
//! skin tone) may be several.

/// Blanks are the characters that Python's `str.strip` removes: Unicode's white space and the four separators
/// from U+001C to U+001F.
pub(crate) fn is_blank(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// Counts the characters before a byte, walking from the last position asked for: mostly increasing positions
/// need one pass over the text.
#[derive(Debug)]
pub(crate) struct CharacterCounter<'a> {
    text: &'a str,
    byte: usize,
    characters: usize,
}

impl<'a> CharacterCounter<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, byte: 0, characters: 0 }
    }

    /// Characters before `byte`, which is on a character boundary.
    pub(crate) fn before(&mut self, byte: usize) -> usize {
        if byte >= self.byte {
            self.characters += self.text[self.byte..byte].chars().count();
        } else {
            self.characters -= self.text[byte..self.byte].chars().count();
        }
        self.byte = byte;
        self.characters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_forward_and_back() {
        let mut counter = CharacterCounter::new("aé猫🙂b");
        let positions = [0, 1, 3, 6, 10, 11, 3, 10, 0];
        assert_eq!(positions.map(|byte| counter.before(byte)), [0, 1, 2, 3, 4, 5, 2, 4, 0]);
    }
}
