//! `zh`: every Chinese character is a token, and the rest is split as by 13a, without its replacements and without
//! blanks around the text, as sacrebleu 2.6.0 has it.
//!
//! Characters outside the Basic Multilingual Plane are not separated, though some of them are Chinese; all
//! characters from U+2001 to U+2A6D are, such as quotation marks, arrows and mathematical signs. That comes from
//! sacrebleu's ranges, in which U+20000 to U+2A6D6 is written as `\u2000`, `0` to `\u2a6d`, `6`.

use super::mteval;
use super::separate::{Class, Classes};
use crate::lexical::blank::{is_blank, trim};

/// Whether a character is separated from its neighbors.
fn is_separated(character: char) -> bool {
    matches!(character,
        '\u{2001}'..='\u{2a6d}'
        | '\u{2e80}'..='\u{2fdf}'
        | '\u{2ff0}'..='\u{303f}'
        | '\u{3100}'..='\u{312f}'
        | '\u{31a0}'..='\u{31bf}'
        | '\u{31c0}'..='\u{31ef}'
        | '\u{3200}'..='\u{4db5}'
        | '\u{4e00}'..='\u{9fbb}'
        | '\u{f900}'..='\u{fa2d}'
        | '\u{fa30}'..='\u{fa6a}'
        | '\u{fa70}'..='\u{fad9}'
        | '\u{fe10}'..='\u{fe1f}'
        | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ffef}')
}

/// Calls `each` with the tokens of a text.
pub(super) fn for_each(text: &str, each: impl FnMut(&str)) {
    let other = |character| match character {
        _ if is_blank(character) => Class::Blank,
        _ if is_separated(character) => Class::Symbol,
        _ => Class::Word,
    };
    Classes { ascii: &mteval::ASCII, other, padded: false }.for_each(trim(text), each);
}
