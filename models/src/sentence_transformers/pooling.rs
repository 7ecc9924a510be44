//! `1_Pooling/config.json`, in both of its schemas.
//!
//! Source: sentence_transformers/sentence_transformer/modules/pooling.py, version 6. Up to version 5.3 the
//! file has one boolean per mode; since 5.4 `pooling_mode` is a name or a list of names, and booleans next to
//! it do not count.

use std::path::Path;

use nearsay_kernels::Pooling;
use serde::Deserialize;

use super::dense::WIDTH_LIMIT;
use super::read_config;
use crate::files::{ModelFolder, join};
use crate::{Error, Result};

/// Every mode in the order in which booleans are concatenated, with its name in `pooling_mode`.
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
    /// At least one; several are concatenated in this order, which may repeat one.
    pub modes: Vec<Pooling>,
    /// Whether the tokens of a prompt count: they do unless the file says otherwise.
    pub include_prompt: bool,
}

/// The file, in either schema. A boolean that is missing is off; if all are, the mode is the mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    word_embedding_dimension: Option<usize>,
    embedding_dimension: Option<usize>,
    include_prompt: Option<bool>,
    pooling_mode: Option<Names>,
    pooling_mode_cls_token: Option<bool>,
    pooling_mode_max_tokens: Option<bool>,
    pooling_mode_mean_tokens: Option<bool>,
    pooling_mode_mean_sqrt_len_tokens: Option<bool>,
    pooling_mode_weightedmean_tokens: Option<bool>,
    pooling_mode_lasttoken: Option<bool>,
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
        let modes = match &config.pooling_mode {
            Some(Names::One(name)) => vec![mode(&path, name)?],
            Some(Names::Many(names)) => names.iter().map(|name| mode(&path, name)).collect::<Result<_>>()?,
            None => config.switched_on(),
        };
        let most = (WIDTH_LIMIT / hidden_dim).max(1);
        if !(1..=most).contains(&modes.len()) {
            let rule = format!("it must have 1 to {most} modes and has {}", modes.len());
            return Err(Error::Config { path, field: "pooling_mode".to_owned(), rule });
        }
        Ok(Self { modes, include_prompt: config.include_prompt.unwrap_or(true) })
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

    /// The modes whose boolean is true, in the order of [`MODES`]; the mean if none is.
    fn switched_on(&self) -> Vec<Pooling> {
        let switches = [
            self.pooling_mode_cls_token,
            self.pooling_mode_max_tokens,
            self.pooling_mode_mean_tokens,
            self.pooling_mode_mean_sqrt_len_tokens,
            self.pooling_mode_weightedmean_tokens,
            self.pooling_mode_lasttoken,
        ];
        let modes: Vec<Pooling> = MODES
            .iter()
            .zip(switches)
            .filter(|(_, on)| *on == Some(true))
            .map(|((mode, _), _)| *mode)
            .collect();
        if modes.is_empty() { vec![Pooling::Mean] } else { modes }
    }
}

fn mode(path: &Path, name: &str) -> Result<Pooling> {
    let known = MODES.iter().find(|(_, known)| *known == name);
    known.map(|(mode, _)| *mode).ok_or_else(|| {
        let supported = MODES.map(|(_, name)| name).join(", ");
        Error::Unsupported { path: path.to_owned(), what: "pooling mode", name: name.to_owned(), supported }
    })
}
