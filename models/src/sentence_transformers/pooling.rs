//! `1_Pooling/config.json`, in both of its schemas.
//!
//! Source: sentence_transformers/models/Pooling.py. Up to version 5.3 there is one boolean per mode; since
//! 5.4 `pooling_mode` is a name or a list of names.

use std::collections::BTreeMap;
use std::path::Path;

use nearsay_kernels::Pooling;
use serde::Deserialize;
use serde_json::Value;

use super::read_config;
use crate::files::{ModelFolder, join};
use crate::{Error, Result};

/// Every mode in concatenation order, with its name in `pooling_mode`.
const MODES: [(Pooling, &str); 6] = [
    (Pooling::Cls, "cls"),
    (Pooling::Max, "max"),
    (Pooling::Mean, "mean"),
    (Pooling::MeanSqrtLength, "mean_sqrt_len_tokens"),
    (Pooling::WeightedMean, "weightedmean"),
    (Pooling::LastToken, "lasttoken"),
];

/// The pooling of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolingConfig {
    /// At least one; several are concatenated in this order.
    pub modes: Vec<Pooling>,
    /// Whether the tokens of a prompt count: they do unless the file says otherwise.
    pub include_prompt: bool,
}

/// The file, in either schema.
#[derive(Debug, Deserialize)]
struct Config {
    word_embedding_dimension: Option<usize>,
    embedding_dimension: Option<usize>,
    include_prompt: Option<bool>,
    pooling_mode: Option<Names>,
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    /// On by default, as in sentence-transformers.
    #[serde(default = "on")]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
    /// Everything else. A mode that is on in here is not supported.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

fn on() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

impl PoolingConfig {
    /// Reads the configuration in a module's subfolder, for an encoder whose hidden states have `hidden_dim`
    /// values.
    pub(super) fn read(folder: &ModelFolder, subfolder: &str, hidden_dim: usize) -> Result<Self> {
        let relative = join(subfolder, "config.json");
        let config: Config = read_config(folder, &relative)?;
        let path = folder.root().join(&relative);
        config.check_width(&path, hidden_dim)?;
        let mut modes: Vec<Pooling> = match &config.pooling_mode {
            Some(Names::One(name)) => vec![mode(&path, name)?],
            Some(Names::Many(names)) => names.iter().map(|name| mode(&path, name)).collect::<Result<_>>()?,
            None => config.switched_on(&path)?,
        };
        modes.sort();
        modes.dedup();
        if modes.is_empty() {
            let rule = "no pooling mode is switched on, and there must be one".to_owned();
            return Err(Error::Config { path, field: "pooling_mode".to_owned(), rule });
        }
        let include_prompt = config.include_prompt.unwrap_or(true);
        Ok(Self { modes, include_prompt })
    }
}

impl Config {
    /// Checks the width of the hidden states in the file, under either of its names.
    fn check_width(&self, path: &Path, hidden_dim: usize) -> Result<()> {
        let fields = [
            ("word_embedding_dimension", self.word_embedding_dimension),
            ("embedding_dimension", self.embedding_dimension),
        ];
        match fields.into_iter().find(|(_, width)| width.is_some_and(|width| width != hidden_dim)) {
            None => Ok(()),
            Some((field, width)) => Err(Error::Config {
                path: path.to_owned(),
                field: field.to_owned(),
                rule: format!(
                    "it is {}, and the encoder's hidden states have {hidden_dim} values",
                    width.unwrap_or_default()
                ),
            }),
        }
    }

    /// The modes whose boolean is true, in the order of [`MODES`].
    fn switched_on(&self, path: &Path) -> Result<Vec<Pooling>> {
        let is_mode =
            |name: &str, value: &Value| name.starts_with("pooling_mode_") && *value == Value::Bool(true);
        if let Some((name, _)) = self.others.iter().find(|(name, value)| is_mode(name, value)) {
            return Err(unsupported(path, name));
        }
        let switches = [
            self.pooling_mode_cls_token,
            self.pooling_mode_max_tokens,
            self.pooling_mode_mean_tokens,
            self.pooling_mode_mean_sqrt_len_tokens,
            self.pooling_mode_weightedmean_tokens,
            self.pooling_mode_lasttoken,
        ];
        Ok(MODES.iter().zip(switches).filter(|(_, on)| *on).map(|((mode, _), _)| *mode).collect())
    }
}

fn mode(path: &Path, name: &str) -> Result<Pooling> {
    let known = MODES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
    known.map(|(mode, _)| *mode).ok_or_else(|| unsupported(path, name))
}

fn unsupported(path: &Path, name: &str) -> Error {
    let supported = MODES.map(|(_, name)| name).join(", ");
    Error::Unsupported { path: path.to_owned(), what: "pooling mode", name: name.to_owned(), supported }
}
