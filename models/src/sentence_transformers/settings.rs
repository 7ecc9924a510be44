//! `config_sentence_transformers.json`: prompts, and the author's recommendations.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::ModelKind;
use crate::files::{CONFIG_LIMIT, ModelFolder};
use crate::{Error, Result};

/// Prompts that every model has: empty if its file does not name them, as in sentence-transformers 5 and
/// later.
const ALWAYS: [&str; 2] = ["document", "query"];

/// The name of the settings file.
pub(super) const FILE_NAME: &str = "config_sentence_transformers.json";

/// The name of each kind of model. The others are CrossEncoder and MultiVectorEncoder.
fn model_type(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Sentence => "SentenceTransformer",
        ModelKind::Sparse => "SparseEncoder",
        ModelKind::Colbert => "ColBERT",
    }
}

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

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsConfig {
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
    /// How many values a sparse vector keeps at most.
    max_active_dims: Option<Value>,
    // PyLate's.
    pub(super) query_prefix: Option<String>,
    pub(super) document_prefix: Option<String>,
    pub(super) query_length: Option<usize>,
    pub(super) document_length: Option<usize>,
    pub(super) attend_to_expansion_tokens: Option<bool>,
    pub(super) do_query_expansion: Option<bool>,
    pub(super) skiplist_words: Option<Vec<String>>,
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
    /// If the model is of another kind than its modules, the default prompt is not among the prompts, zero columns are
    /// to be kept, or a field is not known.
    pub(super) fn read(folder: &ModelFolder, kind: ModelKind) -> Result<(Self, SettingsConfig)> {
        let config: SettingsConfig = folder.read_json(FILE_NAME, CONFIG_LIMIT)?.unwrap_or_default();
        let bad = |field: &str, rule: String| Error::Config {
            path: folder.root().join(FILE_NAME),
            field: field.to_owned(),
            rule,
        };
        config.check_kind(kind).map_err(|(field, rule)| bad(field, rule))?;
        let SettingsConfig { prompts, default_prompt_name, truncate_dim, .. } = &config;
        let (prompts, default_prompt_name) = (prompts.clone(), default_prompt_name.clone());
        let truncate_dim = *truncate_dim;
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
        Ok((settings, config))
    }
}

impl SettingsConfig {
    /// Refuses the settings of a model of another kind than its modules: the field, and the rule.
    fn check_kind(&self, kind: ModelKind) -> Result<(), (&'static str, String)> {
        let expected = model_type(kind);
        if let Some(model_type) = self.model_type.as_ref().filter(|model_type| *model_type != expected) {
            let rule = format!("it must be {expected}, for the modules in modules.json, and is {model_type}");
            return Err(("model_type", rule));
        }
        if let Some(limit) = self.max_active_dims.as_ref().filter(|limit| !limit.is_null()) {
            return Err(("max_active_dims", format!("it must be null and is {limit}")));
        }
        let of_colbert = [
            ("query_prefix", self.query_prefix.is_some()),
            ("document_prefix", self.document_prefix.is_some()),
            ("query_length", self.query_length.is_some()),
            ("document_length", self.document_length.is_some()),
            ("attend_to_expansion_tokens", self.attend_to_expansion_tokens.is_some()),
            ("do_query_expansion", self.do_query_expansion.is_some()),
            ("skiplist_words", self.skiplist_words.is_some()),
        ];
        match of_colbert.into_iter().find(|(_, is_there)| *is_there && kind != ModelKind::Colbert) {
            Some((field, _)) => {
                Err((field, "it is PyLate's, and modules.json has no module of PyLate's".to_owned()))
            }
            None => Ok(()),
        }
    }
}
