//! Everything that changes token ids and is not in `tokenizer.json`: settings and added tokens from
//! `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`.
//!
//! Source: tokenization_utils_base.py and tokenization_utils_tokenizers.py of transformers 5.24, which agree
//! with version 4.57 here. A setting is read, or refused by name, or known to have no effect on token ids of
//! single texts; other fields are reported.

mod added_tokens;
mod class;
mod fields;
mod tokenizer_file;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::ModelFolder;
use super::unknown::UnknownFields;
use crate::tokenizers::default_ends;
use crate::{Error, Result};

pub use added_tokens::AddedToken;
pub use class::TokenizerClass;

/// transformers writes larger lengths (`int(1e30)`) to mean no limit.
pub(crate) const LENGTH_LIMIT: f64 = 1e6;

/// The settings file.
pub(crate) const CONFIG: &str = "tokenizer_config.json";
/// The file with special tokens that older versions write.
pub(super) const SPECIAL_TOKENS: &str = "special_tokens_map.json";

/// All files with settings.
pub(crate) const SETTINGS_FILES: [&str; 3] = [CONFIG, SPECIAL_TOKENS, added_tokens::FILE];

/// Tokenizer settings that are not in `tokenizer.json`. Others than special tokens are `None` if no file sets them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenizerSettings {
    /// How transformers builds the tokenizer.
    pub class: TokenizerClass,
    /// Whether the class in Python, without tokenizer.json, is `GPT2Tokenizer` or `RobertaTokenizer`, which bert_score
    /// asks to put a space before each text.
    pub is_gpt2_or_roberta: bool,
    /// The longest sequence, special tokens included.
    pub model_max_length: Option<usize>,
    /// The token at the start of a text, the class's own if no file names one.
    pub cls_token: Option<String>,
    /// The token at the end of a text, the class's own if no file names one.
    pub sep_token: Option<String>,
    /// The tokens that the class puts before and after every text, whatever tokenizer.json says (Gemma's tokenizers).
    pub around: Option<[Option<String>; 2]>,
    /// The token that masked-language models predict.
    pub mask_token: Option<String>,
    /// Whether text is lowercased (BERT's tokenizers).
    pub do_lower_case: Option<bool>,
    /// Whether accents are stripped (BERT's tokenizers).
    pub strip_accents: Option<bool>,
    /// Whether each ideograph is a separate word (BERT's tokenizers).
    pub tokenize_chinese_chars: Option<bool>,
    /// Whether a space is put before the text (RoBERTa's tokenizers).
    pub add_prefix_space: Option<bool>,
    /// Whether special tokens that are spelled out in a text are split like other words.
    pub split_special_tokens: bool,
    /// Tokens to add to the vocabulary of tokenizer.json, or to look for in texts, in this order.
    pub added_tokens: Vec<AddedToken>,
    /// Fields of these files that are not known.
    pub unknown: Vec<UnknownFields>,
}

/// The fields of a settings file that are read; the rest is in `fields`.
#[derive(Debug, Default, Deserialize)]
struct TokenizerConfig {
    model_max_length: Option<f64>,
    /// The name of `model_max_length` before transformers 3.
    max_len: Option<f64>,
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    add_prefix_space: Option<bool>,
    split_special_tokens: Option<bool>,
    add_bos_token: Option<bool>,
    add_eos_token: Option<bool>,
    tokenizer_class: Option<String>,
}

/// The fields of a JSON object.
pub(crate) type Fields = BTreeMap<String, Value>;

impl TokenizerSettings {
    /// Reads the files, each of which may be missing, for a model of this `model_type` whose config.json may
    /// name a class of tokenizers.
    ///
    /// # Errors
    /// If a field has another type than transformers writes, or asks for token ids that nearsay cannot
    /// produce.
    pub fn read(folder: &ModelFolder, model_type: &str, named_class: Option<&str>) -> Result<Self> {
        let config: TokenizerConfig = folder.read_transformer_json(CONFIG)?.unwrap_or_default();
        let all: Fields = folder.read_transformer_json(CONFIG)?.unwrap_or_default();
        let named_class = config.tokenizer_class.as_deref().or(named_class);
        let class = TokenizerClass::find(named_class, model_type);
        let located = |field: String, rule: String| Error::Config {
            path: folder.root().join(folder.transformer_prefix()).join(CONFIG),
            field,
            rule,
        };
        fields::refuse_unsupported(&all, class).map_err(|(field, rule)| located(field, rule))?;
        let special = SpecialTokens::read(folder, &all)?;
        let named = |is_added: bool, field: &str, default: &str| {
            is_added
                .then(|| added_tokens::named(&special.fields, field).unwrap_or_else(|| default.to_owned()))
        };
        let around = [
            named(config.add_bos_token.unwrap_or(true), "bos_token", "<bos>"),
            named(config.add_eos_token.unwrap_or(false), "eos_token", "<eos>"),
        ];
        let mut unknown = special.unknown;
        unknown.extend(fields::unknown(folder, CONFIG, &all)?);
        tokenizer_file::check(folder, all.contains_key("truncation_side"))?;
        let [default_cls, default_sep] = default_ends(named_class, model_type);
        let token = |field: &str, default: Option<&str>| match special.fields.contains_key(field) {
            true => added_tokens::named(&special.fields, field),
            false => default.map(str::to_owned),
        };
        Ok(Self {
            class,
            is_gpt2_or_roberta: class::is_gpt2_or_roberta(named_class, model_type),
            model_max_length: config.model_max_length.or(config.max_len).and_then(length),
            cls_token: token("cls_token", default_cls),
            sep_token: token("sep_token", default_sep),
            around: (class == TokenizerClass::Gemma).then_some(around),
            mask_token: added_tokens::named(&special.fields, "mask_token"),
            do_lower_case: config.do_lower_case,
            strip_accents: config.strip_accents,
            tokenize_chinese_chars: config.tokenize_chinese_chars,
            add_prefix_space: config.add_prefix_space,
            split_special_tokens: config.split_special_tokens.unwrap_or(false),
            added_tokens: added_tokens::read(folder, &all, &special.fields)?,
            unknown,
        })
    }
}

/// The fields of both settings files, as far as special tokens and the conversion of vocabularies need them.
pub(crate) fn special_token_fields(folder: &ModelFolder) -> Result<Fields> {
    let config: Fields = folder.read_transformer_json(CONFIG)?.unwrap_or_default();
    Ok(SpecialTokens::read(folder, &config)?.fields)
}

/// The special tokens by the names of their fields: `eos_token` to `</s>`.
pub(crate) fn special_tokens(folder: &ModelFolder) -> Result<BTreeMap<String, String>> {
    let fields = special_token_fields(folder)?;
    let names = fields.keys().filter(|name| name.ends_with("_token"));
    Ok(names.filter_map(|name| Some((name.clone(), added_tokens::named(&fields, name)?))).collect())
}

/// The special tokens: those of the settings file, and, unless that lists its added tokens, those of
/// `special_tokens_map.json` before them.
struct SpecialTokens {
    fields: Fields,
    unknown: Vec<UnknownFields>,
}

impl SpecialTokens {
    fn read(folder: &ModelFolder, config: &Fields) -> Result<Self> {
        let mut fields = config.clone();
        let mut unknown = Vec::new();
        if !config.contains_key(added_tokens::DECODER) {
            let map: Fields = folder.read_transformer_json(SPECIAL_TOKENS)?.unwrap_or_default();
            unknown.extend(fields::unknown(folder, SPECIAL_TOKENS, &map)?);
            fields.extend(map);
        }
        Ok(Self { fields, unknown })
    }
}

/// A usable length: from 1 to [`LENGTH_LIMIT`].
pub(crate) fn length(value: f64) -> Option<usize> {
    (1.0..=LENGTH_LIMIT).contains(&value).then_some(value as usize)
}

#[cfg(test)]
mod tests;
