//! ByT5's tokens: one per byte of a text, `<pad>`, `</s>` and `<unk>` before them, and `<extra_id_N>` after
//! them.
//!
//! As byte pair encoding without any pairs. The slow tokenizer adds no `</s>` to a text that ends with one
//! spelled out; this one does.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::json::{Model, Part, template};
use super::{AddedTokens, TokenizerJson, VocabularyFiles, special_tokens};
use crate::Result;

/// The special tokens before the bytes, by id.
const FIRST: [&str; 3] = ["pad_token", "eos_token", "unk_token"];

pub(super) fn build(files: &VocabularyFiles, rows: usize) -> Result<TokenizerJson> {
    let first = FIRST.map(|field| special_tokens::text(files, field));
    let [pad, eos, unk] = first.map(|token| token.map(Option::unwrap_or_default));
    let (pad, eos, unk) = (pad?, eos?, unk?);
    let mut vocab = BTreeMap::new();
    for (id, token) in [&pad, &eos, &unk].into_iter().enumerate() {
        vocab.insert(token.clone(), id as u32);
    }
    for byte in 0..=u8::MAX {
        vocab.insert(visible(byte).to_string(), u32::from(byte) + FIRST.len() as u32);
    }
    let ids: HashMap<String, u32> = vocab.iter().map(|(token, id)| (token.clone(), *id)).collect();
    let mut added = AddedTokens::new(files.path().to_owned(), ids, FIRST.len() + 256, rows);
    added.complete(files)?;
    let (a, b, end) = (Part::A(0), Part::B(0), Part::Token(&eos, 0));
    let post_processor = template(&added, &[a, end], &[a, end, b, end])?;
    let words =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    let model = Model::BytePairs { unk_token: None, fuse_unk: false, vocab, merges: Vec::new() };
    Ok(TokenizerJson::new(added, [Value::Null, words, post_processor], model))
}

/// The character that byte-level tokenizers write for a byte: itself if it is visible in Latin-1, else one of
/// those from U+0100 on.
fn visible(byte: u8) -> char {
    let is_visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if is_visible(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|byte| !is_visible(*byte)).count() as u32;
    char::from_u32(256 + before).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn bytes_are_written_as_gpt_2_does() {
        for (byte, character) in [(b'a', 'a'), (b' ', 'Ġ'), (b'\n', 'Ċ'), (0, 'Ā'), (0xff, 'ÿ'), (0xad, 'Ń')]
        {
            assert_eq!(visible(byte), character, "{byte}");
        }
        let all: std::collections::HashSet<char> = (0..=u8::MAX).map(visible).collect();
        assert_eq!(all.len(), 256);
    }
}
