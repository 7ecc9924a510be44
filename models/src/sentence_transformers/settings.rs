//! `config_sentence_transformers.json`: prompts, and the author's recommendations.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::files::{CONFIG_LIMIT, ModelFolder};
use crate::{Error, Result};

/// Prompts that every model has: empty if its file does not name them, as in sentence-transformers 5 and
/// later.
const ALWAYS: [&str; 2] = ["document", "query"];

/// The name of the settings file.
const FILE_NAME: &str = "config_sentence_transformers.json";

/// The kind of model whose modules make one vector per text. The others are SparseEncoder, CrossEncoder,
/// MultiVectorEncoder and PyLate's ColBERT.
const MODEL_TYPE: &str = "SentenceTransformer";

/// Prompts and the author's recommendations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The text put before each input, by the prompt's name: `query` to `query: `. A null in the file is an
    /// empty prompt.
    pub prompts: BTreeMap<String, String>,
    /// The prompt that is used if none is requested.
    pub default_prompt_name: Option<String>,
    /// The number of leading columns to keep.
    pub truncate_dim: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    prompts: Option<BTreeMap<String, Option<String>>>,
    default_prompt_name: Option<String>,
    truncate_dim: Option<usize>,
    model_type: Option<String>,
    // No vector depends on the rest: the versions that wrote the model, the Python packages that it asks for,
    // and how its vectors are compared.
    #[serde(rename = "__version__")]
    _version: Option<IgnoredAny>,
    #[serde(rename = "requirements")]
    _requirements: Option<IgnoredAny>,
    #[serde(rename = "similarity_fn_name")]
    _similarity_fn_name: Option<IgnoredAny>,
}

impl Settings {
    /// The prompt of this name; `query` and `document` always exist.
    pub fn prompt(&self, name: &str) -> Option<&str> {
        let named = self.prompts.get(name).map(String::as_str);
        named.or_else(|| ALWAYS.contains(&name).then_some(""))
    }

    /// The prompt put before every text by default.
    pub fn default_prompt(&self) -> Option<&str> {
        self.prompt(self.default_prompt_name.as_ref()?)
    }

    /// Reads the file; a model without one has no prompts.
    ///
    /// # Errors
    /// If the model is of another kind, the default prompt is not among the prompts, zero columns are to be
    /// kept, or a field is not known.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        let config: Config = folder.read_json(FILE_NAME, CONFIG_LIMIT)?.unwrap_or_default();
        let bad = |field: &str, rule: String| Error::Config {
            path: folder.root().join(FILE_NAME),
            field: field.to_owned(),
            rule,
        };
        let Config { prompts, default_prompt_name, truncate_dim, model_type, .. } = config;
        if let Some(model_type) = model_type.filter(|model_type| model_type != MODEL_TYPE) {
            return Err(bad("model_type", format!("it must be {MODEL_TYPE} and is {model_type}")));
        }
        let prompts = prompts.unwrap_or_default();
        let prompts: BTreeMap<String, String> =
            prompts.into_iter().map(|(name, prompt)| (name, prompt.unwrap_or_default())).collect();
        let settings = Self { prompts, default_prompt_name, truncate_dim };
        if let Some(name) = &settings.default_prompt_name
            && settings.default_prompt().is_none()
        {
            return Err(bad(
                "default_prompt_name",
                format!("it names {name}, which is not among the prompts"),
            ));
        }
        if truncate_dim == Some(0) {
            return Err(bad("truncate_dim", "it must be above 0 and is 0".to_owned()));
        }
        Ok(settings)
    }
}
