//! `N_Dense/config.json`: a linear layer after pooling.
//!
//! Source: sentence_transformers/models/Dense.py. Its weights are `linear.weight` and `linear.bias`.

use nearsay_kernels::Activation;
use serde::Deserialize;

use super::read_config;
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
const WIDTH_LIMIT: usize = 1 << 20;

/// A linear layer after pooling.
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
}

#[derive(Debug, Deserialize)]
struct Config {
    in_features: usize,
    out_features: usize,
    bias: Option<bool>,
    activation_function: Option<String>,
    /// Since version 5.4: the layer's input and output. Here both are always a text's vector.
    module_input_name: Option<String>,
    module_output_name: Option<String>,
}

impl Dense {
    /// The name of its weight, of shape `[out_features, in_features]`.
    pub const WEIGHT: &str = "linear.weight";
    /// The name of its bias, of shape `[out_features]`.
    pub const BIAS: &str = "linear.bias";

    /// Reads the configuration in a module's subfolder.
    pub(super) fn read(folder: &ModelFolder, subfolder: &str) -> Result<Self> {
        let relative = join(subfolder, "config.json");
        let config: Config = read_config(folder, &relative)?;
        let path = folder.root().join(&relative);
        let bad =
            |field: &str, rule: String| Error::Config { path: path.clone(), field: field.to_owned(), rule };
        for (field, width) in [("in_features", config.in_features), ("out_features", config.out_features)] {
            if !(1..=WIDTH_LIMIT).contains(&width) {
                return Err(bad(field, format!("it must be from 1 to {WIDTH_LIMIT} and is {width}")));
            }
        }
        for (field, name) in [
            ("module_input_name", config.module_input_name),
            ("module_output_name", config.module_output_name),
        ] {
            if let Some(name) = name.filter(|name| name != "sentence_embedding") {
                return Err(bad(field, format!("it must be sentence_embedding and is {name}")));
            }
        }
        Ok(Self {
            folder: subfolder.to_owned(),
            in_features: config.in_features,
            out_features: config.out_features,
            bias: config.bias.unwrap_or(true),
            activation: activation(&path, config.activation_function.as_deref())?,
        })
    }

    /// Opens its weights.
    pub fn open(&self, folder: &ModelFolder) -> Result<Weights> {
        Weights::open_in(folder, &self.folder)
    }
}

fn activation(path: &std::path::Path, class_path: Option<&str>) -> Result<Activation> {
    let Some(class_path) = class_path else { return Ok(Activation::Tanh) };
    let class = class_path.rsplit('.').next().unwrap_or(class_path);
    let known =
        ACTIVATIONS.iter().find(|(_, name)| *name == class && class_path.starts_with("torch.nn.modules."));
    known.map(|(activation, _)| *activation).ok_or_else(|| Error::Unsupported {
        path: path.to_owned(),
        what: "activation function",
        name: class_path.to_owned(),
        supported: ACTIVATIONS.map(|(_, name)| format!("torch.nn.modules.*.{name}")).join(", "),
    })
}
