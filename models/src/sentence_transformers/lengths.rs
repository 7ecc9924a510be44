//! How long a text may be: `sentence_bert_config.json`.
//!
//! A RoBERTa's position table has 514 rows and takes 512 tokens, and sentence-transformers itself writes 514
//! where the tokenizer states no length. So a `max_seq_length` up to the table's rows is taken, the encoder
//! capping it; a larger one belongs to another encoder and is refused.

use serde::Deserialize;

use crate::files::{ModelFolder, TokenizerSettings, length};
use crate::{EncoderConfig, Error, Result};

/// The longest text, and whether it is put into lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lengths {
    /// The longest sequence, special tokens included: `max_seq_length`, else the tokenizer's
    /// `model_max_length`.
    pub max_seq_length: Option<usize>,
    /// The file that says `max_seq_length`; none where the length is the tokenizer's.
    pub stated_in: Option<&'static str>,
    /// Whether sentence-transformers puts text into lower case before the tokenizer sees it.
    pub do_lower_case: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    max_seq_length: Option<f64>,
    do_lower_case: Option<bool>,
}

/// The file's name, and those that older versions wrote for other families
/// (sentence_transformers/models/Transformer.py).
pub(crate) const FILE_NAMES: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

impl Lengths {
    /// Reads the file in the transformer's folder, else what the tokenizer says.
    ///
    /// # Errors
    /// A `max_seq_length` that is no whole number, or larger than the position table of the encoder.
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
                    "it is {value}, and config.json gives the encoder {positions} positions"
                )));
            }
            Some(value) => length(value),
        };
        let stated_in = config.max_seq_length.map(|_| name);
        Ok(Self { max_seq_length, stated_in, do_lower_case: config.do_lower_case.unwrap_or(false) })
    }
}

fn read_config(folder: &ModelFolder) -> Result<(&'static str, Config)> {
    for name in FILE_NAMES {
        if let Some(config) = folder.read_transformer_json(name)? {
            return Ok((name, config));
        }
    }
    Ok((FILE_NAMES[0], Config::default()))
}
