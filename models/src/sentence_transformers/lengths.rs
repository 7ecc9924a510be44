//! The longest text: `sentence_bert_config.json`.
//!
//! A RoBERTa's position table has 514 rows for 512 tokens, and sentence-transformers itself writes 514 if the
//! tokenizer states no length. So a `max_seq_length` up to the number of rows is accepted, and the encoder
//! caps it. A larger one belongs to another encoder and is refused.

use serde::Deserialize;

use crate::files::{LENGTH_FILES, ModelFolder, TokenizerSettings, length};
use crate::{EncoderConfig, Error, Result};

/// The longest text, and whether it is lowercased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lengths {
    /// The longest sequence, special tokens included: `max_seq_length`, else the tokenizer's
    /// `model_max_length`.
    pub max_seq_length: Option<usize>,
    /// The file with `max_seq_length`; `None` if the length is the tokenizer's.
    pub stated_in: Option<&'static str>,
    /// Whether sentence-transformers lowercases text before the tokenizer sees it.
    pub do_lower_case: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    max_seq_length: Option<f64>,
    do_lower_case: Option<bool>,
}

impl Lengths {
    /// Reads the file in the transformer's folder, else uses the tokenizer's length.
    ///
    /// # Errors
    /// If `max_seq_length` is not a whole number or exceeds the encoder's position table.
    pub fn read(folder: &ModelFolder, encoder: &EncoderConfig) -> Result<Self> {
        let (name, config) = read_config(folder)?;
        let from_tokenizer = || TokenizerSettings::read(folder).map(|settings| settings.model_max_length);
        let bad = |rule: String| Error::Config {
            path: folder.root().join(folder.transformer_prefix()).join(name),
            field: "max_seq_length".to_owned(),
            rule,
        };
        let positions = encoder.max_positions;
        let max_seq_length = match config.max_seq_length {
            None => from_tokenizer()?,
            Some(value) if value < 1.0 || value.fract() != 0.0 => {
                return Err(bad(format!("it must be a whole number above 0 and is {value}")));
            }
            Some(value) if value > positions as f64 => {
                return Err(bad(format!(
                    "must be at most {positions}, the positions in config.json, got {value}"
                )));
            }
            Some(value) => length(value),
        };
        let stated_in = config.max_seq_length.map(|_| name);
        Ok(Self { max_seq_length, stated_in, do_lower_case: config.do_lower_case.unwrap_or(false) })
    }
}

fn read_config(folder: &ModelFolder) -> Result<(&'static str, Config)> {
    for name in LENGTH_FILES {
        if let Some(config) = folder.read_transformer_json(name)? {
            return Ok((name, config));
        }
    }
    Ok((LENGTH_FILES[0], Config::default()))
}
