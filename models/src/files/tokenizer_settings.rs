//! Settings from `tokenizer_config.json` and `special_tokens_map.json`, besides the tokenizer itself.

use serde::Deserialize;

use super::ModelFolder;
use crate::{Error, Result};

/// transformers writes larger lengths (`int(1e30)`) to mean no limit.
pub(crate) const LENGTH_LIMIT: f64 = 1e6;

/// Tokenizer settings that are not in `tokenizer.json`. A field that no file sets is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenizerSettings {
    /// The longest sequence, special tokens included.
    pub model_max_length: Option<usize>,
    /// The token at the start of a text.
    pub cls_token: Option<String>,
    /// The token at the end of a text.
    pub sep_token: Option<String>,
    /// Whether text is lowercased (BERT's tokenizers).
    pub do_lower_case: Option<bool>,
    /// Whether accents are stripped (BERT's tokenizers).
    pub strip_accents: Option<bool>,
    /// Whether each ideograph is a separate word (BERT's tokenizers).
    pub tokenize_chinese_chars: Option<bool>,
    /// Whether a space is put before the text (RoBERTa's tokenizers).
    pub add_prefix_space: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
struct TokenizerConfig {
    model_max_length: Option<f64>,
    cls_token: Option<SpecialToken>,
    sep_token: Option<SpecialToken>,
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    add_prefix_space: Option<bool>,
    truncation_side: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct SpecialTokensMap {
    cls_token: Option<SpecialToken>,
    sep_token: Option<SpecialToken>,
}

/// A special token: its text, or an `AddedToken` with flags, which are also in tokenizer.json.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SpecialToken {
    Text(String),
    Added { content: String },
}

impl SpecialToken {
    fn text(self) -> String {
        match self {
            Self::Text(text) | Self::Added { content: text } => text,
        }
    }
}

impl TokenizerSettings {
    /// Reads both files; either may be missing. `tokenizer_config.json` takes precedence, as in transformers.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        let config: TokenizerConfig =
            folder.read_transformer_json("tokenizer_config.json")?.unwrap_or_default();
        let map: SpecialTokensMap =
            folder.read_transformer_json("special_tokens_map.json")?.unwrap_or_default();
        if let Some(side) = config.truncation_side.filter(|side| side != "right") {
            return Err(Error::Config {
                path: folder.root().join(folder.transformer_prefix()).join("tokenizer_config.json"),
                field: "truncation_side".to_owned(),
                rule: format!("must be right, got {side}"),
            });
        }
        Ok(Self {
            model_max_length: config.model_max_length.and_then(length),
            cls_token: config.cls_token.or(map.cls_token).map(SpecialToken::text),
            sep_token: config.sep_token.or(map.sep_token).map(SpecialToken::text),
            do_lower_case: config.do_lower_case,
            strip_accents: config.strip_accents,
            tokenize_chinese_chars: config.tokenize_chinese_chars,
            add_prefix_space: config.add_prefix_space,
        })
    }
}

/// A usable length: from 1 to [`LENGTH_LIMIT`].
pub(crate) fn length(value: f64) -> Option<usize> {
    (1.0..=LENGTH_LIMIT).contains(&value).then_some(value as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::HubOptions;

    fn read(config: &str, map: &str) -> Result<TokenizerSettings> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("tokenizer_config.json"), config).unwrap();
        std::fs::write(directory.path().join("special_tokens_map.json"), map).unwrap();
        let folder = ModelFolder::resolve(directory.path().to_str().unwrap(), &HubOptions::default())?;
        TokenizerSettings::read(&folder)
    }

    #[test]
    fn both_files_are_read_and_the_configuration_wins() {
        let config = r#"{"model_max_length": 512, "cls_token": {"content": "<s>", "lstrip": false},
            "do_lower_case": true, "strip_accents": null, "add_prefix_space": false}"#;
        let settings = read(config, r#"{"cls_token": "[CLS]", "sep_token": "[SEP]"}"#).unwrap();
        assert_eq!(settings.model_max_length, Some(512));
        assert_eq!(settings.cls_token.as_deref(), Some("<s>"));
        assert_eq!(settings.sep_token.as_deref(), Some("[SEP]"));
        assert_eq!(settings.do_lower_case, Some(true));
        assert_eq!((settings.strip_accents, settings.add_prefix_space), (None, Some(false)));
        let error = read(r#"{"truncation_side": "left"}"#, "{}").unwrap_err().to_string();
        assert!(error.ends_with("field truncation_side: must be right, got left"), "{error}");
    }

    #[test]
    fn a_length_without_end_is_none() {
        for text in ["1000000000000000019884624838656", "1e30", "null", "0", "-1"] {
            let settings = read(&format!(r#"{{"model_max_length": {text}}}"#), "{}").unwrap();
            assert_eq!(settings.model_max_length, None, "{text}");
        }
        assert!(read(r#"{"model_max_length": "512"}"#, "{}").is_err());
    }
}
