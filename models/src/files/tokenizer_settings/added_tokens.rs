//! Tokens that the files next to tokenizer.json add to its vocabulary or to the tokens that are looked for in
//! texts.
//!
//! transformers adds, in this order: the tokens of `added_tokens_decoder`, by id; without that field, those of
//! `added_tokens.json`; then every special token that is not an added token yet.

use serde::Deserialize;
use serde_json::Value;

use super::fields::is_special_token;
use super::{CONFIG, Fields, SPECIAL_TOKENS};
use crate::files::ModelFolder;
use crate::{Error, Result};

/// The field of `tokenizer_config.json` with added tokens by id.
pub(super) const DECODER: &str = "added_tokens_decoder";
/// The file with added tokens that older versions write.
pub(super) const FILE: &str = "added_tokens.json";
/// transformers' special tokens, in the order in which they are added.
const NAMES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
/// Fields with further special tokens: a list, or an object by name.
const MORE: [&str; 3] =
    ["additional_special_tokens", "extra_special_tokens", "model_specific_special_tokens"];

/// A token to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedToken {
    /// The token.
    pub content: String,
    /// Its id, if a file states it; then its other properties count, too.
    pub id: Option<u32>,
    /// Whether it must be a whole word.
    pub single_word: bool,
    /// Whether blanks before it belong to it.
    pub lstrip: bool,
    /// Whether blanks after it belong to it.
    pub rstrip: bool,
    /// Whether it is looked for in the normalized text.
    pub normalized: bool,
    /// Whether it is a special token.
    pub special: bool,
    /// The file and the field that name it.
    pub source: (&'static str, String),
}

/// A token in JSON, with transformers' defaults.
#[derive(Debug, Deserialize)]
struct Stored {
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    normalized: Option<bool>,
    #[serde(default)]
    special: bool,
}

/// The text of the special token in a field.
pub(super) fn named(fields: &Fields, field: &str) -> Option<String> {
    token_text(fields.get(field)?).map(str::to_owned)
}

/// All tokens to add. `special` has the fields with special tokens.
pub(super) fn read(folder: &ModelFolder, config: &Fields, special: &Fields) -> Result<Vec<AddedToken>> {
    let special = special_tokens(special);
    let mut tokens = match config.get(DECODER) {
        None | Some(Value::Null) => of_file(folder)?,
        Some(decoder) => of_decoder(folder, decoder)?,
    };
    for token in &mut tokens {
        let is_named = special.iter().any(|other| other.content == token.content);
        // Tokens of the file have no properties: special ones are not normalized.
        if is_named && token.source.0 == FILE {
            token.normalized = false;
        }
        token.special |= is_named;
    }
    let is_new = |token: &AddedToken| tokens.iter().all(|other| other.content != token.content);
    let more: Vec<AddedToken> = special.into_iter().filter(is_new).collect();
    tokens.extend(more);
    Ok(tokens)
}

fn of_decoder(folder: &ModelFolder, decoder: &Value) -> Result<Vec<AddedToken>> {
    let bad = |id: &str, rule: String| Error::Config {
        path: folder.root().join(folder.transformer_prefix()).join(CONFIG),
        field: if id.is_empty() { DECODER.to_owned() } else { format!("{DECODER}.{id}") },
        rule,
    };
    let decoder = decoder.as_object().ok_or_else(|| bad("", format!("must be an object, got {decoder}")))?;
    let mut tokens = Vec::with_capacity(decoder.len());
    for (key, value) in decoder {
        let id: u32 = key.parse().map_err(|_| bad(key, "must have an id for its name".to_owned()))?;
        let stored = Stored::deserialize(value).map_err(|error| bad(key, error.to_string()))?;
        tokens.push(stored.into_token(Some(id), (CONFIG, format!("{DECODER}.{id}"))));
    }
    tokens.sort_by_key(|token| token.id);
    Ok(tokens)
}

fn of_file(folder: &ModelFolder) -> Result<Vec<AddedToken>> {
    let ids: std::collections::BTreeMap<String, u32> =
        folder.read_transformer_json(FILE)?.unwrap_or_default();
    let mut tokens: Vec<AddedToken> = ids
        .into_iter()
        .map(|(content, id)| {
            let source = (FILE, content.clone());
            Stored::plain(content).into_token(Some(id), source)
        })
        .collect();
    tokens.sort_by_key(|token| token.id);
    Ok(tokens)
}

/// The special tokens in fields.
fn special_tokens(fields: &Fields) -> Vec<AddedToken> {
    let mut named: Vec<(String, &Value)> = Vec::new();
    let own = fields.keys().filter(|name| !NAMES.contains(&name.as_str()) && is_special_token(name, fields));
    for name in NAMES.into_iter().chain(own.map(String::as_str)) {
        named.extend(fields.get(name).map(|value| (name.to_owned(), value)));
    }
    for name in MORE {
        match fields.get(name) {
            Some(Value::Array(tokens)) => named.extend(tokens.iter().map(|token| (name.to_owned(), token))),
            Some(Value::Object(tokens)) => {
                named.extend(tokens.iter().map(|(key, token)| (format!("{name}.{key}"), token)));
            }
            _ => {}
        }
    }
    let mut tokens: Vec<AddedToken> = Vec::new();
    for (field, value) in named {
        let Some(content) = token_text(value).filter(|text| !text.is_empty()) else { continue };
        if tokens.iter().all(|token| token.content != content) {
            let stored = Stored::deserialize(value).unwrap_or_else(|_| Stored::plain(content.to_owned()));
            let normalized = Some(stored.normalized.unwrap_or(false));
            let stored = Stored { special: true, normalized, ..stored };
            tokens.push(stored.into_token(None, (SPECIAL_TOKENS, field)));
        }
    }
    tokens
}

/// The text of a token: a string, or an object with flags.
fn token_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("content")?.as_str())
}

impl Stored {
    fn plain(content: String) -> Self {
        Self { content, single_word: false, lstrip: false, rstrip: false, normalized: None, special: false }
    }

    fn into_token(self, id: Option<u32>, source: (&'static str, String)) -> AddedToken {
        let Self { content, single_word, lstrip, rstrip, normalized, special } = self;
        let normalized = normalized.unwrap_or(!special);
        AddedToken { content, id, single_word, lstrip, rstrip, normalized, special, source }
    }
}
