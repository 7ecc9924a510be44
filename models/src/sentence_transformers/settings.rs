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
pub(crate) const FILE_NAME: &str = "config_sentence_transformers.json";

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
    /// How vectors are compared: `cosine`, `dot`, `euclidean` or `manhattan`. No vector depends on it.
    pub similarity: Option<String>,
}

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsConfig {
    prompts: Option<BTreeMap<String, Option<String>>>,
    default_prompt_name: Option<String>,
    truncate_dim: Option<usize>,
    model_type: Option<String>,
    similarity_fn_name: Option<Value>,
    // No vector depends on the rest: the versions that wrote the model, and the Python packages that it asks for.
    #[serde(rename = "__version__")]
    _version: Option<IgnoredAny>,
    #[serde(rename = "requirements")]
    _requirements: Option<IgnoredAny>,
    /// How many values a sparse vector keeps at most.
    max_active_dims: Option<Value>,
    // A cross-encoder's: the function of the logits, which its head reads, and the layers that are not computed in a
    // shorter number format; heads never are.
    activation_fn: Option<String>,
    keep_in_fp32_modules: Option<IgnoredAny>,
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

    /// The settings of a model of this kind.
    ///
    /// # Errors
    /// If the model is of another kind than its modules, the default prompt is not among the prompts, or zero columns
    /// are to be kept.
    pub(super) fn of(config: &SettingsConfig, folder: &ModelFolder, kind: ModelKind) -> Result<Self> {
        let bad = |field: &str, rule: String| Error::Config {
            path: folder.root().join(FILE_NAME),
            field: field.to_owned(),
            rule,
        };
        config.check_kind(kind).map_err(|(field, rule)| bad(field, rule))?;
        let SettingsConfig { prompts, default_prompt_name, truncate_dim, similarity_fn_name, .. } = config;
        let similarity = similarity_fn_name.as_ref().and_then(Value::as_str).map(str::to_owned);
        let (prompts, default_prompt_name) = (prompts.clone(), default_prompt_name.clone());
        let truncate_dim = *truncate_dim;
        let prompts = prompts.unwrap_or_default();
        let prompts: BTreeMap<String, String> =
            prompts.into_iter().map(|(name, prompt)| (name, prompt.unwrap_or_default())).collect();
        let settings = Self { prompts, default_prompt_name, truncate_dim, similarity };
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

impl SettingsConfig {
    /// Reads the file; a model without one has no prompts.
    ///
    /// # Errors
    /// If a field is not known.
    pub(super) fn read(folder: &ModelFolder) -> Result<Self> {
        Ok(folder.read_json(FILE_NAME, CONFIG_LIMIT)?.unwrap_or_default())
    }

    /// The kind of the model.
    pub(super) fn model_type(&self) -> Option<&str> {
        self.model_type.as_deref()
    }

    /// Refuses the settings of a model of another kind than its modules: the field, and the rule.
    fn check_kind(&self, kind: ModelKind) -> Result<(), (&'static str, String)> {
        let expected = kind.name();
        if let Some(model_type) = self.model_type.as_ref().filter(|model_type| *model_type != expected) {
            let rule =
                format!("must be {expected}, the kind of the modules in modules.json, got {model_type}");
            return Err(("model_type", rule));
        }
        if let Some(limit) = self.max_active_dims.as_ref().filter(|limit| !limit.is_null()) {
            return Err(("max_active_dims", format!("must be null, got {limit}")));
        }
        let of_cross_encoder = [
            ("activation_fn", self.activation_fn.is_some()),
            ("keep_in_fp32_modules", self.keep_in_fp32_modules.is_some()),
        ];
        let is_there = |(_, is_there): &(&str, bool)| *is_there;
        if let Some((field, _)) =
            of_cross_encoder.into_iter().find(is_there).filter(|_| !kind.is_cross_encoder())
        {
            return Err((field, format!("is for cross-encoders only, and this model is a {expected}")));
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
        match of_colbert.into_iter().find(is_there).filter(|_| kind != ModelKind::Colbert) {
            Some((field, _)) => {
                Err((field, "is for PyLate models only, and modules.json has no PyLate module".to_owned()))
            }
            None => Ok(()),
        }
    }
}
