//! `N_Dense/config.json`: a linear layer after pooling.
//!
//! Source: sentence_transformers/base/modules/dense.py, version 6. Its weights are `linear.weight`,
//! `linear.bias` and, if a residual needs another width, `residual.weight`.

use nearsay_kernels::Activation;
use serde::Deserialize;

use super::features::{SCORES, TOKENS, VECTOR, check_features};
use super::{open_weights, read_config};
use crate::files::{ModelFolder, join};
use crate::weights::Weights;
use crate::{Error, Result};

/// Every activation and the name of its class.
const ACTIVATIONS: [(Activation, &str); 6] = [
    (Activation::Identity, "Identity"),
    (Activation::Tanh, "Tanh"),
    (Activation::Relu, "ReLU"),
    (Activation::Gelu, "GELU"),
    (Activation::Silu, "SiLU"),
    (Activation::Sigmoid, "Sigmoid"),
];

/// The largest accepted width. The widest known embedding has 8192 columns.
pub(super) const WIDTH_LIMIT: usize = 1 << 20;

/// A linear layer after pooling: y = activation(x W^T + b), plus x or its projection if it has a residual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dense {
    /// The subfolder with its weights; [`Dense::open`] opens them.
    pub folder: String,
    /// Input columns.
    pub in_features: usize,
    /// Output columns.
    pub out_features: usize,
    /// Whether it adds `linear.bias`.
    pub bias: bool,
    /// The activation after the product.
    pub activation: Activation,
    /// Whether its input is added to its output: as it is if the widths are equal, else multiplied by
    /// `residual.weight`.
    pub use_residual: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    in_features: usize,
    out_features: usize,
    bias: Option<bool>,
    activation_function: Option<String>,
    module_input_name: Option<String>,
    module_output_name: Option<String>,
    use_residual: Option<bool>,
}

impl Dense {
    /// The name of its weight, of shape `[out_features, in_features]`.
    pub const WEIGHT: &str = "linear.weight";
    /// The name of its bias, of shape `[out_features]`.
    pub const BIAS: &str = "linear.bias";
    /// The name of its residual's weight, of shape `[out_features, in_features]`.
    pub const RESIDUAL: &str = "residual.weight";

    /// Reads the configuration in a module's subfolder.
    pub(super) fn read(folder: &ModelFolder, subfolder: &str) -> Result<Self> {
        Self::of_features(folder, subfolder, [VECTOR, VECTOR])
    }

    /// The same for a module that is applied to each token's state.
    pub(super) fn of_tokens(folder: &ModelFolder, subfolder: &str) -> Result<Self> {
        Self::of_features(folder, subfolder, [TOKENS, TOKENS])
    }

    /// The same for the last module of a cross-encoder.
    pub(super) fn of_scores(folder: &ModelFolder, subfolder: &str) -> Result<Self> {
        Self::of_features(folder, subfolder, [VECTOR, SCORES])
    }

    fn of_features(folder: &ModelFolder, subfolder: &str, features: [&str; 2]) -> Result<Self> {
        let relative = join(subfolder, "config.json");
        let config: Config = read_config(folder, &relative)?;
        let path = folder.root().join(&relative);
        for (field, width) in [("in_features", config.in_features), ("out_features", config.out_features)] {
            if !(1..=WIDTH_LIMIT).contains(&width) {
                let rule = format!("it must be from 1 to {WIDTH_LIMIT} and is {width}");
                return Err(Error::Config { path, field: field.to_owned(), rule });
            }
        }
        check_features(&path, features, [config.module_input_name, config.module_output_name])?;
        Ok(Self {
            folder: subfolder.to_owned(),
            in_features: config.in_features,
            out_features: config.out_features,
            bias: config.bias.unwrap_or(true),
            activation: activation(&path, config.activation_function.as_deref())?,
            use_residual: config.use_residual.unwrap_or(false),
        })
    }

    /// Whether the residual has a weight.
    pub fn projects_residual(&self) -> bool {
        self.use_residual && self.in_features != self.out_features
    }

    /// Opens its weights.
    ///
    /// # Errors
    /// If a file is missing or breaks a rule, or has a tensor that the layer does not use.
    pub fn open(&self, folder: &ModelFolder) -> Result<Weights> {
        let is_used = |name: &str| match name {
            Self::WEIGHT => true,
            Self::BIAS => self.bias,
            Self::RESIDUAL => self.projects_residual(),
            _ => false,
        };
        open_weights(folder, &self.folder, is_used)
    }
}

/// The function of a class of PyTorch; without a name, tanh.
pub(crate) fn activation(path: &std::path::Path, class_path: Option<&str>) -> Result<Activation> {
    let Some(class_path) = class_path else { return Ok(Activation::Tanh) };
    let class = class_path.rsplit('.').next().unwrap_or(class_path);
    let known = ACTIVATIONS.iter().find(|(_, name)| *name == class && class_path.starts_with("torch.nn."));
    known.map(|(activation, _)| *activation).ok_or_else(|| Error::Unsupported {
        path: path.to_owned(),
        what: "activation function",
        name: class_path.to_owned(),
        supported: ACTIVATIONS.map(|(_, name)| format!("torch.nn.modules.*.{name}")).join(", "),
    })
}
