//! The parts of tokenizer.json, as the tokenizers crate reads them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::added_tokens::{AddedTokens, Token};
use crate::Result;

/// The mark of a blank in SentencePiece's pieces.
pub(super) const BLANK: &str = "\u{2581}";

/// A tokenizer.json. Padding, truncation and the decoder are not needed.
#[derive(Debug, Serialize)]
pub(super) struct TokenizerJson {
    version: &'static str,
    added_tokens: Vec<Token>,
    normalizer: Value,
    pre_tokenizer: Value,
    post_processor: Value,
    model: Model,
}

impl TokenizerJson {
    pub(super) fn new(
        added: AddedTokens,
        [normalizer, pre_tokenizer, post_processor]: [Value; 3],
        model: Model,
    ) -> Self {
        let added_tokens = added.into_tokens();
        Self { version: "1.0", added_tokens, normalizer, pre_tokenizer, post_processor, model }
    }
}

/// The model that splits words into tokens.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum Model {
    WordPiece {
        unk_token: String,
        continuing_subword_prefix: &'static str,
        max_input_chars_per_word: usize,
        vocab: BTreeMap<String, u32>,
    },
    #[serde(rename = "BPE")]
    BytePairs {
        unk_token: Option<String>,
        fuse_unk: bool,
        vocab: BTreeMap<String, u32>,
        merges: Vec<(String, String)>,
    },
    Unigram {
        unk_id: usize,
        byte_fallback: bool,
        vocab: Vec<(String, f64)>,
    },
}

/// A part of a template: a text, or a special token; with its type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// The first text.
    A(u8),
    /// The second text.
    B(u8),
    /// A special token.
    Token(&'a str, u8),
}

impl Part<'_> {
    fn json(self) -> Value {
        match self {
            Self::A(kind) => json!({"Sequence": {"id": "A", "type_id": kind}}),
            Self::B(kind) => json!({"Sequence": {"id": "B", "type_id": kind}}),
            Self::Token(token, kind) => json!({"SpecialToken": {"id": token, "type_id": kind}}),
        }
    }
}

/// The special tokens around a text and around a pair.
pub(super) fn template(added: &AddedTokens, single: &[Part<'_>], pair: &[Part<'_>]) -> Result<Value> {
    let mut tokens = BTreeMap::new();
    for part in single.iter().chain(pair) {
        if let Part::Token(token, _) = part {
            let id = added.required(token)?;
            tokens.insert(*token, json!({"id": token, "ids": [id], "tokens": [token]}));
        }
    }
    let list = |parts: &[Part<'_>]| -> Vec<Value> { parts.iter().map(|part| part.json()).collect() };
    Ok(
        json!({"type": "TemplateProcessing", "single": list(single), "pair": list(pair), "special_tokens": tokens}),
    )
}

/// `cls A sep`, and `cls A sep B sep` with the second text of type 1.
pub(super) fn around(added: &AddedTokens, cls: &str, sep: &str) -> Result<Value> {
    use Part::{A, B, Token};
    let pair = [Token(cls, 0), A(0), Token(sep, 0), B(1), Token(sep, 1)];
    template(added, &pair[..3], &pair)
}

/// A sequence of normalizers or of pre-tokenizers.
pub(super) fn sequence(field: &str, steps: Vec<Value>) -> Value {
    json!({"type": "Sequence", field: steps})
}
