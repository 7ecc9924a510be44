//! `sentence_bert_config.json`: the longest text, and how the transformer is called.
//!
//! Source: sentence_transformers/base/modules/transformer.py, version 6. A `max_seq_length` above the number
//! of positions is not an error: sentence-transformers encodes every text that fits, and writes 514 for a
//! RoBERTa with room for 512 tokens. The encoder caps it.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::ModelKind;
use super::chat_settings::{ChatSettings, MESSAGE, OF_TEMPLATE};
use super::features::{CAUSAL_LOGITS, SCORES, TOKENS};
use crate::files::{LENGTH_FILES, ModelFolder, TokenizerSettings, length};
use crate::{Error, Result};

/// The longest text, and whether it is lowercased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lengths {
    /// The longest sequence, special tokens included: `max_seq_length`, else the tokenizer's
    /// `model_max_length`.
    pub max_seq_length: Option<usize>,
    /// The file with `max_seq_length`; `None` if the length is the tokenizer's.
    pub stated_in: Option<&'static str>,
    /// Whether sentence-transformers lowercases text before the tokenizer normalizes it.
    pub do_lower_case: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    max_seq_length: Option<f64>,
    do_lower_case: Option<bool>,
    transformer_task: Option<Value>,
    modality_config: Option<Value>,
    module_output_name: Option<Value>,
    processing_kwargs: Option<Value>,
    query_length: Option<Value>,
    document_length: Option<Value>,
    query_expansion: Option<Value>,
    tokenizer_name_or_path: Option<Value>,
    model_args: Option<Map<String, Value>>,
    model_kwargs: Option<Map<String, Value>>,
    tokenizer_args: Option<Map<String, Value>>,
    processor_kwargs: Option<Map<String, Value>>,
    config_args: Option<Map<String, Value>>,
    config_kwargs: Option<Map<String, Value>>,
    /// How padding is avoided on GPUs.
    #[serde(rename = "unpad_inputs")]
    _unpad_inputs: Option<IgnoredAny>,
}

/// Arguments of a model or a tokenizer that affect where and how fast it runs.
const ARGUMENTS_WITHOUT_EFFECT: [&str; 9] = [
    "attn_implementation",
    "device_map",
    "dtype",
    "low_cpu_mem_usage",
    "padding_side",
    "torch_dtype",
    "trust_remote_code",
    "use_fast",
    "use_safetensors",
];

impl Lengths {
    /// Reads the file in the transformer's folder, else uses the tokenizer's length.
    ///
    /// # Errors
    /// If `max_seq_length` is not a whole number, or a field is not known or asks for something else than a
    /// model of this kind needs.
    pub(super) fn read(folder: &ModelFolder, tokenizer: &TokenizerSettings, kind: ModelKind) -> Result<Self> {
        let (name, config) = read_config(folder)?;
        let bad = |field: &str, rule: String| Error::Config {
            path: folder.root().join(folder.transformer_prefix()).join(name),
            field: field.to_owned(),
            rule,
        };
        if let Some((field, rule)) = config.unsupported(kind) {
            return Err(bad(&field, rule));
        }
        let max_seq_length = match config.max_seq_length {
            None => tokenizer.model_max_length,
            Some(value) if value < 1.0 || value.fract() != 0.0 => {
                return Err(bad(
                    "max_seq_length",
                    format!("it must be a whole number above 0 and is {value}"),
                ));
            }
            Some(value) => length(value),
        };
        let stated_in = config.max_seq_length.map(|_| name);
        Ok(Self { max_seq_length, stated_in, do_lower_case: config.do_lower_case.unwrap_or(false) })
    }
}

impl Config {
    /// A field that asks for something else than a model of this kind needs, and the rule.
    fn unsupported(&self, kind: ModelKind) -> Option<(String, String)> {
        self.other_value(kind).or_else(|| self.argument())
    }

    fn other_value(&self, kind: ModelKind) -> Option<(String, String)> {
        let (task, output, feature) = match kind {
            ModelKind::Sentence | ModelKind::Colbert | ModelKind::Scorer => {
                ("feature-extraction", "last_hidden_state", TOKENS)
            }
            ModelKind::Sparse => ("fill-mask", "logits", TOKENS),
            ModelKind::Classifier => ("sequence-classification", "logits", SCORES),
            ModelKind::NextToken => ("text-generation", "logits", CAUSAL_LOGITS),
        };
        let text = json!({"text": {"method": "forward", "method_output_name": output}});
        // `ChatSettings` reads these.
        let without = |value: &Option<Value>, field: &str| {
            let mut value = value.clone();
            if kind == ModelKind::NextToken
                && let Some(fields) = value.as_mut().and_then(Value::as_object_mut)
            {
                fields.remove(field);
            }
            value
        };
        let modality_config = without(&self.modality_config, MESSAGE);
        let processing_kwargs = without(&self.processing_kwargs, OF_TEMPLATE);
        let only = [
            ("transformer_task", &self.transformer_task, json!(task)),
            ("modality_config", &modality_config, text),
            ("module_output_name", &self.module_output_name, json!(feature)),
            ("processing_kwargs", &processing_kwargs, json!({})),
            ("query_length", &self.query_length, Value::Null),
            ("document_length", &self.document_length, Value::Null),
            ("query_expansion", &self.query_expansion, Value::Null),
            ("tokenizer_name_or_path", &self.tokenizer_name_or_path, Value::Null),
        ];
        only.into_iter().find_map(|(field, value, supported)| {
            let value = value.as_ref().filter(|value| **value != supported)?;
            Some((field.to_owned(), format!("must be {supported}, got {value}")))
        })
    }

    /// The first argument for transformers that may change a vector.
    fn argument(&self) -> Option<(String, String)> {
        let arguments = [
            ("model_args", &self.model_args),
            ("model_kwargs", &self.model_kwargs),
            ("tokenizer_args", &self.tokenizer_args),
            ("processor_kwargs", &self.processor_kwargs),
            ("config_args", &self.config_args),
            ("config_kwargs", &self.config_kwargs),
        ];
        arguments.into_iter().find_map(|(field, arguments)| {
            let mut arguments = arguments.iter().flatten();
            let is_plain = |name: &str| ARGUMENTS_WITHOUT_EFFECT.contains(&name);
            let (name, value) = arguments.find(|(name, value)| !is_plain(name) && !value.is_null())?;
            Some((format!("{field}.{name}"), format!("is not supported, got {value}")))
        })
    }
}

/// How a model's pairs are messages, if they are.
///
/// # Errors
/// If a field asks for something unsupported.
pub(super) fn chat_settings(folder: &ModelFolder) -> Result<Option<ChatSettings>> {
    let (name, config) = read_config(folder)?;
    let settings = ChatSettings::of(config.modality_config.as_ref(), config.processing_kwargs.as_ref());
    settings.map_err(|(field, rule)| Error::Config {
        path: folder.root().join(folder.transformer_prefix()).join(name),
        field,
        rule,
    })
}

fn read_config(folder: &ModelFolder) -> Result<(&'static str, Config)> {
    for name in LENGTH_FILES {
        if let Some(config) = folder.read_transformer_json(name)? {
            return Ok((name, config));
        }
    }
    Ok((LENGTH_FILES[0], Config::default()))
}
