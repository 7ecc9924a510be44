//! What the user may choose, and what the model says where nothing is chosen.

use nearsay_kernels::{Pooling, Precision};
use nearsay_models::{Model, SentenceHead};

use crate::{Devices, Error, Result};

/// How the text's vector is made of its tokens'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PoolingChoice {
    /// As the model's files say; the mean where they say nothing.
    #[default]
    Auto,
    /// One way, whatever the model's files say; their Dense layers are left out too.
    Mode(Pooling),
}

/// Choices of an embedding run.
#[derive(Debug, Clone)]
pub struct EmbedOptions {
    /// The way of pooling.
    pub pooling: PoolingChoice,
    /// Whether vectors are brought to length 1; `None`: as the model's files say.
    pub normalize: Option<bool>,
    /// Keep only the first values of each vector; `None`: as many as the model's files say (`truncate_dim`), mostly all.
    pub dimensions: Option<usize>,
    /// One of the prompts that the model's files name; `None`: their default one, if any.
    pub prompt_name: Option<String>,
    /// The longest text in tokens; `None`: as the model's files say.
    pub max_length: Option<usize>,
    /// The layer whose hidden states are taken; `None`: the last.
    pub layer: Option<usize>,
    /// Tokens of a micro-batch; `None`: as suits the device.
    pub batch_tokens: Option<usize>,
    /// The number format of the encoder's products.
    pub precision: Precision,
    /// Where the encoder runs.
    pub devices: Devices,
}

impl Default for EmbedOptions {
    fn default() -> Self {
        Self {
            pooling: PoolingChoice::Auto,
            normalize: None,
            dimensions: None,
            prompt_name: None,
            max_length: None,
            layer: None,
            batch_tokens: None,
            precision: Precision::F32,
            devices: Devices::cpu(),
        }
    }
}

impl EmbedOptions {
    pub(super) fn layer_of(&self, model: &Model) -> Result<usize> {
        let layers = model.config().num_layers;
        match self.layer {
            None => Ok(layers),
            Some(layer) if layer <= layers => Ok(layer),
            Some(layer) => Err(usage(format!("--layer must be 0 to {layers} for this model, got {layer}"))),
        }
    }

    pub(super) fn prompt(&self, model: &Model) -> Result<String> {
        let Some(name) = &self.prompt_name else {
            return Ok(model.default_prompt().unwrap_or_default().to_owned());
        };
        let prompts = model.prompts();
        if let Some(prompt) = prompts.get(name) {
            return Ok(prompt.clone());
        }
        let known: Vec<&str> = prompts.keys().map(String::as_str).collect();
        let hint = if known.is_empty() {
            "this model names no prompts: put the words before your texts yourself".to_owned()
        } else {
            format!("its prompts are {}", known.join(", "))
        };
        Err(Error::Usage { message: format!("the model has no prompt named `{name}`"), hint: Some(hint) })
    }

    /// The way that is taken, and why.
    pub(super) fn pooling_choice(&self, model: &Model) -> (Option<Pooling>, String) {
        match self.pooling {
            PoolingChoice::Mode(mode) if model.has_dense() => {
                (Some(mode), "asked for; the model's Dense layers are left out".to_owned())
            }
            PoolingChoice::Mode(mode) => (Some(mode), "asked for".to_owned()),
            PoolingChoice::Auto if model.has_modules() => (None, "the model's modules.json".to_owned()),
            PoolingChoice::Auto if model.is_cached() => {
                (None, "the cached snapshot has no modules.json; the mean is customary".to_owned())
            }
            PoolingChoice::Auto => (None, "the model has no modules.json; the mean is customary".to_owned()),
        }
    }

    pub(super) fn dimensions_of(&self, model: &Model, head: &SentenceHead) -> Result<Option<usize>> {
        let width = head.output_dim();
        match (self.dimensions, model.stated_dimensions()) {
            (Some(dimensions), _) if dimensions == 0 || dimensions > width => Err(usage(format!(
                "vectors of this model can have 1 to {width} dimensions, not {dimensions}"
            ))),
            // A slice beyond the end, as sentence-transformers takes it, is the whole.
            (None, Some(stated)) if stated > width => {
                tracing::warn!(
                    "the model's truncate_dim is {stated}, and its vectors have {width} values: all are kept"
                );
                Ok(None)
            }
            (asked, stated) => Ok(asked.or(stated)),
        }
    }
}

fn usage(message: String) -> Error {
    Error::Usage { message, hint: None }
}
