//! `N_SpladePooling/config.json`: how a masked-language model's logits become a text's sparse vector.
//!
//! Source: sentence_transformers/sparse_encoder/modules/splade_pooling.py, version 6 (models/SpladePooling.py in
//! version 5).

use nearsay_kernels::{ColumnReduction, Saturation};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::read_config;
use crate::files::{ModelFolder, join};
use crate::{Error, Result};

/// How logits become weights, and how those of a text's tokens are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpladePooling {
    /// Whether the tokens' weights are added (SPLADE's first version); else the largest counts.
    pub sums: bool,
    /// From a logit to a weight.
    pub saturation: Saturation,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    pooling_strategy: Option<String>,
    activation_function: Option<String>,
    /// The vocabulary's size, under its names in versions 5 and 6.
    word_embedding_dimension: Option<usize>,
    embedding_dimension: Option<usize>,
    /// How many tokens are processed at a time.
    #[serde(rename = "chunk_size")]
    _chunk_size: Option<IgnoredAny>,
}

impl Default for SpladePooling {
    /// That of SPLADE's later versions: the maximum of log(1 + logit).
    fn default() -> Self {
        Self { sums: false, saturation: Saturation::Log }
    }
}

impl SpladePooling {
    /// Reads the configuration in a module's subfolder, for a vocabulary of this size.
    pub(super) fn read(folder: &ModelFolder, subfolder: &str, vocab_size: usize) -> Result<Self> {
        let relative = join(subfolder, "config.json");
        let config: Config = read_config(folder, &relative)?;
        let path = folder.root().join(relative);
        let fields = [
            ("word_embedding_dimension", config.word_embedding_dimension),
            ("embedding_dimension", config.embedding_dimension),
        ];
        if let Some((field, Some(width))) =
            fields.into_iter().find(|(_, width)| width.is_some_and(|width| width != vocab_size))
        {
            let rule = format!("must be {vocab_size}, the vocabulary's size, got {width}");
            return Err(Error::Config { path, field: field.to_owned(), rule });
        }
        let unsupported = |what, name: &str, supported: &str| {
            let (name, supported) = (name.to_owned(), supported.to_owned());
            Err(Error::Unsupported { path: path.clone(), what, name, supported })
        };
        Ok(Self {
            sums: match config.pooling_strategy.as_deref() {
                None | Some("max") => false,
                Some("sum") => true,
                Some(other) => return unsupported("pooling strategy", other, "max, sum"),
            },
            saturation: match config.activation_function.as_deref() {
                None | Some("relu") => Saturation::Log,
                Some("log1p_relu") => Saturation::LogLog,
                Some(other) => return unsupported("activation function", other, "relu, log1p_relu"),
            },
        })
    }

    /// A description: `splade max`, `splade sum log1p_relu`.
    pub fn description(&self) -> String {
        let strategy = if self.sums { "sum" } else { "max" };
        match self.saturation {
            Saturation::Log => format!("splade {strategy}"),
            Saturation::LogLog => format!("splade {strategy} log1p_relu"),
        }
    }

    /// How logits are combined over a text's tokens.
    pub(crate) fn reduction(&self) -> ColumnReduction {
        if self.sums { ColumnReduction::Sum(self.saturation) } else { ColumnReduction::Max }
    }
}
