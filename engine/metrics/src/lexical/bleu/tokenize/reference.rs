//! The tokenizers as they are defined: pass after pass over the whole text.

use std::sync::LazyLock;

use super::Tokenizer;
use crate::lexical::blank;
use crate::lexical::characters::ranges;

/// Punctuation, numbers and symbols.
static CATEGORIES: LazyLock<[Vec<(char, char)>; 3]> =
    LazyLock::new(|| [r"\p{P}", r"\p{N}", r"\p{S}"].map(ranges));

/// The tokens of a text.
pub(super) fn tokens(tokenizer: Tokenizer, text: &str) -> Vec<String> {
    let text = blank::trim_end(text);
    let separated = match tokenizer {
        Tokenizer::Mteval => four_passes(&format!(" {} ", replaced(text))),
        Tokenizer::International => international(text),
        Tokenizer::Chinese => four_passes(&chinese(blank::trim(text))),
        Tokenizer::Character => text.chars().flat_map(|character| [character, ' ']).collect(),
        Tokenizer::None => text.to_owned(),
    };
    blank::words(&separated).map(str::to_owned).collect()
}

fn replaced(text: &str) -> String {
    let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
}

fn four_passes(text: &str) -> String {
    let is_point = |c| matches!(c, '.' | ',');
    let not_digit = |c: char| !c.is_ascii_digit();
    let text = around(text, |c| c.is_ascii_punctuation() && !".,-'".contains(c) || c == ' ');
    let text = pairs(&text, not_digit, is_point, |a, b| format!("{a} {b} "));
    let text = pairs(&text, is_point, not_digit, |a, b| format!(" {a} {b}"));
    pairs(&text, |c| c.is_ascii_digit(), |c| c == '-', |a, b| format!("{a} {b} "))
}

fn international(text: &str) -> String {
    let [is_point, is_number, is_symbol] = [0, 1, 2].map(|category: usize| {
        move |c: char| CATEGORIES[category].iter().any(|(first, last)| (*first..=*last).contains(&c))
    });
    let text = pairs(text, |c| !is_number(c), is_point, |a, b| format!("{a} {b} "));
    let text = pairs(&text, is_point, |c| !is_number(c), |a, b| format!(" {a} {b}"));
    around(&text, is_symbol)
}

/// sacrebleu's ranges, with the two that it writes with four digits as they are compared.
fn chinese(text: &str) -> String {
    let ranges = [
        (0x3400, 0x4db5),
        (0x4e00, 0x9fa5),
        (0x9fa6, 0x9fbb),
        (0xf900, 0xfa2d),
        (0xfa30, 0xfa6a),
        (0xfa70, 0xfad9),
        (0x2001, 0x2a6d),
        (0x2f81, 0x2fa1),
        (0xff00, 0xffef),
        (0x2e80, 0x2eff),
        (0x3000, 0x303f),
        (0x31c0, 0x31ef),
        (0x2f00, 0x2fdf),
        (0x2ff0, 0x2fff),
        (0x3100, 0x312f),
        (0x31a0, 0x31bf),
        (0xfe10, 0xfe1f),
        (0xfe30, 0xfe4f),
        (0x2600, 0x26ff),
        (0x2700, 0x27bf),
        (0x3200, 0x32ff),
        (0x3300, 0x33ff),
    ];
    around(text, |c| ranges.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(c))))
}

/// Puts blanks around some characters.
fn around(text: &str, which: impl Fn(char) -> bool) -> String {
    text.chars().map(|c| if which(c) { format!(" {c} ") } else { c.to_string() }).collect()
}

/// Replaces pairs of characters that do not overlap, from the left.
fn pairs(
    text: &str,
    first: impl Fn(char) -> bool,
    second: impl Fn(char) -> bool,
    replacement: impl Fn(char, char) -> String,
) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (mut at, mut result) = (0, String::new());
    while at < characters.len() {
        match characters.get(at + 1) {
            Some(next) if first(characters[at]) && second(*next) => {
                result.push_str(&replacement(characters[at], *next));
                at += 2;
            }
            _ => {
                result.push(characters[at]);
                at += 1;
            }
        }
    }
    result
}
