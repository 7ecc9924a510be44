//! One pass that separates punctuation, for the tokenizers that are defined by several regular expressions in turn.
//!
//! 13a, zh and intl share four steps, each over the result of the last and without overlaps. With points for the
//! characters that may be part of a number (`.` and `,` in 13a, all punctuation in intl):
//! 1. blanks are put around symbols;
//! 2. a character that is not a number and the point after it become `character point` and a blank;
//! 3. a point and the character after it, if that is not a number, become a blank and `point character`;
//! 4. a digit and the dash after it become `digit dash` and a blank.
//!
//! In a run of points, step 2 takes the character before the run (unless that is a number or missing) and the
//! first point, then the second and the third, and so on: each second point is the second of its pair, and the
//! one before it is separated by step 3, since a blank follows it. The one point that may be left, the last, is
//! separated by step 3 unless a number or the end of the text follows it. So a pass over the characters needs to
//! know only whether the character before a point is free to be the first of a pair, and which one comes next.

/// How a character behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It separates tokens.
    Blank,
    /// It is a token.
    Symbol,
    /// It is a token unless it belongs to a number.
    Point,
    /// It is a token after a number.
    Dash,
    /// A number, between which points are not separated.
    Number,
    /// Any other.
    Word,
}

/// The classes of all characters.
pub(super) struct Classes<'a, F> {
    /// Of ASCII.
    pub(super) ascii: &'a [Class; 128],
    /// Of all others.
    pub(super) other: F,
    /// Whether there are blanks before and after the text, so that a point is never at an end.
    pub(super) padded: bool,
}

impl<F: Fn(char) -> Class> Classes<'_, F> {
    /// The class of the character at a byte, and the byte after it. None at the end.
    fn at(&self, text: &str, at: usize) -> Option<(Class, usize)> {
        let byte = *text.as_bytes().get(at)?;
        if let Some(class) = self.ascii.get(usize::from(byte)) {
            return Some((*class, at + 1));
        }
        let character = text[at..].chars().next()?;
        Some(((self.other)(character), at + character.len_utf8()))
    }

    /// Whether a point before this byte that is not of a pair stays with its number.
    fn joins(&self, text: &str, next: usize) -> bool {
        match self.at(text, next) {
            Some((class, _)) => class == Class::Number,
            None => !self.padded,
        }
    }

    /// Calls `each` with the tokens of a text.
    pub(super) fn for_each(&self, text: &str, mut each: impl FnMut(&str)) {
        let (mut start, mut at) = (0, 0);
        let (mut after_number, mut free) = (false, self.padded);
        while let Some((class, next)) = self.at(text, at) {
            let is_token = match class {
                Class::Symbol => true,
                Class::Point => free || !self.joins(text, next),
                Class::Dash => after_number,
                Class::Blank | Class::Number | Class::Word => false,
            };
            if is_token || class == Class::Blank {
                if start < at {
                    each(&text[start..at]);
                }
                start = next;
            }
            if is_token {
                each(&text[at..next]);
            }
            after_number = class == Class::Number;
            // A point that is the second of a pair is not the first of another.
            free = if class == Class::Point { !free } else { !after_number };
            at = next;
        }
        if start < at {
            each(&text[start..]);
        }
    }
}
