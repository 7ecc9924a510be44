//! What is done to a text before it is split, by class.

use serde_json::{Value, json};

use super::json::{BLANK, sequence};
use super::{VocabularyClass, VocabularyFiles};
use crate::Result;

/// The normalizer of a class with a SentencePiece model whose compiled rules are `charsmap`.
pub(super) fn build(files: &VocabularyFiles, charsmap: &[u8]) -> Result<Value> {
    let rules = precompiled(charsmap);
    let steps = match files.class {
        VocabularyClass::Albert | VocabularyClass::XlNet => {
            let mut steps = quotes_and_accents(files)?;
            steps.extend(rules);
            steps.push(blanks(" "));
            steps
        }
        VocabularyClass::DebertaV2 => {
            let lower_cases = files.settings.is_on("do_lower_case", false)?;
            let lower_case = lower_cases.then(|| json!({"type": "Lowercase"}));
            lower_case.into_iter().chain([strip(true)]).chain(rules).chain([blanks(" ")]).collect()
        }
        _ => rules.into_iter().chain([strip(false), blanks(BLANK)]).collect(),
    };
    Ok(sequence("normalizers", steps))
}

/// ALBERT's and XLNet's first steps.
fn quotes_and_accents(files: &VocabularyFiles) -> Result<Vec<Value>> {
    let settings = &files.settings;
    let is_albert = files.class == VocabularyClass::Albert;
    let quotes = ["``", "''"].map(|quotes| replace(json!({"String": quotes}), "\""));
    let mut steps = quotes.to_vec();
    if !settings.is_on("keep_accents", false)? {
        steps.extend([json!({"type": "NFKD"}), json!({"type": "StripAccents"})]);
    }
    if settings.is_on("do_lower_case", is_albert)? {
        steps.push(json!({"type": "Lowercase"}));
    }
    Ok(steps)
}

fn precompiled(charsmap: &[u8]) -> Option<Value> {
    let text = || json!({"type": "Precompiled", "precompiled_charsmap": base64(charsmap)});
    (!charsmap.is_empty()).then(text)
}

fn strip(left: bool) -> Value {
    json!({"type": "Strip", "strip_left": left, "strip_right": true})
}

/// Several blanks become one.
fn blanks(one: &str) -> Value {
    replace(json!({"Regex": " {2,}"}), one)
}

fn replace(pattern: Value, content: &str) -> Value {
    json!({"type": "Replace", "pattern": pattern, "content": content})
}

/// Base64 with padding: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, index| bits << 8 | u32::from(*group.get(index).unwrap_or(&0)));
        for index in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * index) & 63) as usize];
            text.push(if index <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    /// RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_the_standard() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (bytes, text) in cases {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }
}
