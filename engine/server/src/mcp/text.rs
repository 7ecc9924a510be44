//! Texts and numbers of answers.

use serde_json::{Number, Value};

/// The most characters of a column's string in a hit.
const COLUMN_CHARACTERS: usize = 200;

/// A text without characters that move a cursor, set colors or change the direction of writing: these are written as
/// `\u{1b}`. Line feeds and tabs stay.
pub(super) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            visible.extend(character.escape_unicode());
        } else {
            visible.push(character);
        }
    }
    visible
}

fn is_hidden(character: char) -> bool {
    let keeps = matches!(character, '\n' | '\t');
    let directs =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (character.is_control() && !keeps) || directs
}

/// The bytes of a text's first `most` characters.
pub(super) fn end_of(text: &str, most: usize) -> usize {
    text.char_indices().nth(most).map_or(text.len(), |(end, _)| end)
}

/// The value of a column: strings are made visible, and long ones cut.
pub(super) fn column(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let end = end_of(&text, COLUMN_CHARACTERS);
            let cut = if end < text.len() { ".." } else { "" };
            format!("{}{cut}", visible(&text[..end])).into()
        }
        Value::Array(items) => items.into_iter().map(column).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (visible(&name), column(value))).collect())
        }
        other => other,
    }
}

/// A number with the digits that tell it from other f32 numbers; `null` if it is not finite.
pub(super) fn number(value: f32) -> Value {
    let shortest: Option<f64> = value.to_string().parse().ok();
    shortest.and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}

/// A number rounded to 4 digits after the point; `null` if it is not finite.
pub(super) fn rounded(value: f64) -> Value {
    // Adding 0 makes -0 a 0.
    let rounded = (value * 1e4).round() / 1e4 + 0.0;
    Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}

/// Texts of a few numbers for people: 4 digits.
pub(super) fn digits(value: f64) -> String {
    format!("{value:.4}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(visible("a\u{1b}[31mb\r\n\tc"), "a\\u{1b}[31mb\\u{d}\n\tc");
        assert_eq!(visible("x\u{202e}y\u{0}\u{85}z"), "x\\u{202e}y\\u{0}\\u{85}z");
        assert_eq!(visible("数学 é 🦀"), "数学 é 🦀");
    }

    #[test]
    fn columns_are_short_and_visible() {
        assert_eq!(column(json!({"a\u{7}": ["b\u{7}", 1, null]})), json!({"a\\u{7}": ["b\\u{7}", 1, null]}));
        let long = column("é".repeat(300).into());
        assert_eq!(long, json!(format!("{}..", "é".repeat(200))));
    }

    #[test]
    fn numbers_have_their_own_digits() {
        assert_eq!(number(0.1).to_string(), "0.1");
        assert_eq!(number(f32::NAN), Value::Null);
        assert_eq!([rounded(0.123_456).to_string(), rounded(-0.000_01).to_string()], ["0.1235", "0.0"]);
    }
}
