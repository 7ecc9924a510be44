//! `13a`: the language-independent part of mteval-v13a.pl, NIST's BLEU script, as sacrebleu 2.6.0 has it.
//!
//! The text `<skipped>` and line breaks after a dash are removed, four entities are replaced, and ASCII
//! punctuation is separated, except `'`, `-` that does not follow a digit, and `.` and `,` in numbers.

use super::separate::{Class, Classes};
use crate::lexical::blank::is_blank;

/// Texts and their replacements, in turn, each over the result of the last: `&amp;lt;` becomes `<`, and
/// `&amp;quot;` becomes `&quot;`.
const REPLACEMENTS: [(&str, &str); 6] =
    [("<skipped>", ""), ("-\n", ""), ("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")];

/// The classes of ASCII.
pub(super) const ASCII: [Class; 128] = ascii();

const fn ascii() -> [Class; 128] {
    let mut classes = [Class::Word; 128];
    let mut byte = 0;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'\t'..=b'\r' | 0x1c..=b' ' => Class::Blank,
            b'0'..=b'9' => Class::Number,
            b'.' | b',' => Class::Point,
            b'-' => Class::Dash,
            b'!'..=b'&' | b'('..=b'+' | b'/' | b':'..=b'@' | b'['..=b'`' | b'{'..=b'~' => Class::Symbol,
            _ => Class::Word,
        };
        byte += 1;
    }
    classes
}

/// Calls `each` with the tokens of a text that [`Cleaner`] has cleaned.
pub(super) fn for_each(text: &str, each: impl FnMut(&str)) {
    let other = |character| if is_blank(character) { Class::Blank } else { Class::Word };
    Classes { ascii: &ASCII, other, padded: true }.for_each(text, each);
}

/// Makes the replacements of 13a, and keeps its memory.
#[derive(Debug, Default)]
pub(in super::super) struct Cleaner {
    text: String,
    result: String,
}

impl Cleaner {
    /// The text after all replacements: itself if it needs none.
    pub(super) fn clean<'a>(&'a mut self, text: &'a str) -> &'a str {
        // All that is replaced contains one of these. A fold reads many bytes at once, which `any` does not.
        if !text.bytes().fold(false, |found, byte| found | matches!(byte, b'<' | b'\n' | b'&')) {
            return text;
        }
        self.text.clear();
        self.text.push_str(text);
        for (from, to) in REPLACEMENTS {
            self.replace(from, to);
        }
        &self.text
    }

    fn replace(&mut self, from: &str, to: &str) {
        self.result.clear();
        let mut pieces = self.text.split(from);
        self.result.extend(pieces.next());
        for piece in pieces {
            self.result.push_str(to);
            self.result.push_str(piece);
        }
        std::mem::swap(&mut self.text, &mut self.result);
    }
}
