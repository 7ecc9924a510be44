//! Finds where a JSON value ends without looking into it: fields that nobody asked for are skipped, whatever is
//! in them.
//!
//! A string ends at its closing quote, an array or object at its closing bracket (of either kind), anything
//! else before the next `,`, `}`, `]` or blank. Python's `NaN`, numbers of any size, half surrogates and any
//! depth are skipped in one pass, without recursion and without memory.

/// The state of a scan, which can go on in the next piece of an input.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ValueScanner {
    /// Open brackets.
    depth: u64,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Before the first byte of the value.
    #[default]
    Start,
    /// Between the parts of an array or object.
    Inside,
    String,
    /// After a backslash in a string.
    Escape,
    /// In a number, or a word such as `null`.
    Word,
}

impl ValueScanner {
    /// Goes on in `piece`. Returns how many of its bytes are the value's, and whether it ends there. The end of
    /// the input ends a word, too.
    pub(super) fn scan(&mut self, piece: &[u8]) -> (usize, bool) {
        let mut position = 0;
        while let Some(&byte) = piece.get(position) {
            match self.place {
                Place::String => {
                    position += plain_length(&piece[position..]);
                    let Some(&byte) = piece.get(position) else { break };
                    self.place = match byte {
                        b'\\' => Place::Escape,
                        _ if self.depth == 0 => return (position + 1, true),
                        _ => Place::Inside,
                    };
                }
                Place::Escape => self.place = Place::String,
                Place::Word if is_end_of_word(byte) => return (position, true),
                Place::Word => {}
                Place::Start => match byte {
                    b'"' => self.place = Place::String,
                    b'{' | b'[' => (self.depth, self.place) = (1, Place::Inside),
                    _ if is_end_of_word(byte) => return (position, true),
                    _ => self.place = Place::Word,
                },
                Place::Inside => match byte {
                    b'"' => self.place = Place::String,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' if self.depth == 1 => return (position + 1, true),
                    b'}' | b']' => self.depth -= 1,
                    _ => {}
                },
            }
            position += 1;
        }
        (position, false)
    }

    /// Whether the value may end with the input.
    pub(super) fn is_word(self) -> bool {
        self.place == Place::Word
    }
}

/// Bytes before the next quote or backslash.
fn plain_length(bytes: &[u8]) -> usize {
    memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len())
}

fn is_end_of_word(byte: u8) -> bool {
    matches!(byte, b',' | b'}' | b']' | b':' | b'"') || byte.is_ascii_whitespace()
}

/// The length of the value that `text` starts with; `None` if it has no end.
pub(super) fn value_length(text: &str) -> Option<usize> {
    let mut scanner = ValueScanner::default();
    let (length, is_end) = scanner.scan(text.as_bytes());
    (length > 0 && (is_end || scanner.is_word())).then_some(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ValueScanner, value_length};

    #[test]
    fn a_value_ends_where_it_closes() {
        for value in [
            "\"a\"",
            "\"a\\\"b\\\\\"",
            "{\"a\":[1,{\"b\":\"}\"}]}",
            "[]",
            "NaN",
            "-Infinity",
            "1e400",
            "null",
            "\"\\ud800\"",
            "[[[\"]\"]]]",
        ] {
            for rest in ["", ",1", " ,", "}", "]x"] {
                assert_eq!(value_length(&format!("{value}{rest}")), Some(value.len()), "{value}{rest}");
            }
        }
        for open in ["\"a", "[1", "{\"a\":\"}", "", ",", "\"\\"] {
            assert_eq!(value_length(open), None, "{open}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(value_length(&deep), Some(200_000));
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_change_nothing(text in "[\\[\\]{}\",:a1\\\\ ]{0,40}", size in 1_usize..5) {
            let mut scanner = ValueScanner::default();
            let mut pieces = (0, false);
            for piece in text.as_bytes().chunks(size) {
                let (taken, is_end) = scanner.scan(piece);
                pieces = (pieces.0 + taken, is_end);
                if is_end {
                    break;
                }
            }
            prop_assert_eq!(pieces, ValueScanner::default().scan(text.as_bytes()));
        }
    }
}
