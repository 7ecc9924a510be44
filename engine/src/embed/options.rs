//! Options of an embedding, and the model's defaults.

use nearsay_kernels::Pooling;
use nearsay_models::{Model, SentenceHead};

use crate::{Error, Result};

/// How a text's tokens are pooled into its vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PoolingChoice {
    /// As in the model's files; the mean if they do not specify it.
    #[default]
    Auto,
    /// This mode instead of the model's; its Dense layers are skipped too.
    Mode(Pooling),
}

/// Options of an embedding. The defaults come from the model's files:
///
/// ```
/// use nearsay::EmbedOptions;
///
/// let options = EmbedOptions::default().prompt("query").dimensions(256);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct EmbedOptions {
    /// How tokens are pooled into a vector.
    pub pooling: PoolingChoice,
    /// Whether vectors are L2-normalized; `None`: as in the model's files. At token level, each token's
    /// vector is normalized, and only for `Some(true)`.
    pub normalize: Option<bool>,
    /// Keep only the first values of each vector (Matryoshka); `None`: `truncate_dim` of the model's files,
    /// usually all. They are normalized again only if `normalize` is `Some(true)`, as in sentence-transformers.
    pub dimensions: Option<usize>,
    /// A prompt named in the model's files, or `query` or `document`, which are empty if the files do not
    /// name them; `None`: the model's default prompt, if any.
    pub prompt_name: Option<String>,
    /// A task that the model has adapters for, which are then part of its weights. Its instruction is put before
    /// each text unless a prompt is named. `None`: no adapters.
    pub task: Option<String>,
    /// The longest text in tokens; `None`: as in the model's files.
    pub max_length: Option<usize>,
    /// The layer whose hidden states are used; `None`: the last.
    pub layer: Option<usize>,
}

impl EmbedOptions {
    /// Sets the pooling.
    #[must_use]
    pub fn pooling(self, mode: Pooling) -> Self {
        Self { pooling: PoolingChoice::Mode(mode), ..self }
    }

    /// Sets whether vectors are L2-normalized.
    #[must_use]
    pub fn normalize(self, normalize: bool) -> Self {
        Self { normalize: Some(normalize), ..self }
    }

    /// Keeps only the first `dimensions` values of each vector.
    #[must_use]
    pub fn dimensions(self, dimensions: usize) -> Self {
        Self { dimensions: Some(dimensions), ..self }
    }

    /// Puts the prompt of this name before each text.
    #[must_use]
    pub fn prompt(self, name: &str) -> Self {
        Self { prompt_name: Some(name.to_owned()), ..self }
    }

    /// Uses the model's adapters for this task, and its instruction.
    #[must_use]
    pub fn task(self, name: &str) -> Self {
        Self { task: Some(name.to_owned()), ..self }
    }

    /// Truncates texts to `tokens`, special tokens included.
    #[must_use]
    pub fn max_length(self, tokens: usize) -> Self {
        Self { max_length: Some(tokens), ..self }
    }

    /// Uses the hidden states of this layer; 0 is the embeddings.
    #[must_use]
    pub fn layer(self, layer: usize) -> Self {
        Self { layer: Some(layer), ..self }
    }

    pub(super) fn prompt_of(&self, model: &Model) -> Result<String> {
        let instruction = self.task.as_ref().map(|task| instruction_of(model, task)).transpose()?;
        let Some(name) = &self.prompt_name else {
            let default = instruction.or_else(|| model.default_prompt());
            return Ok(default.unwrap_or_default().to_owned());
        };
        model.prompt(name).ok_or_else(|| {
            let mut known: Vec<String> = model.prompts().into_keys().collect();
            known.extend(["document", "query"].map(str::to_owned));
            known.sort();
            known.dedup();
            let hint = format!("its prompts are {}", known.join(", "));
            Error::usage_hint(format!("the model has no prompt named `{name}`"), hint)
        })
    }

    /// The pooling mode, and the reason for it.
    pub(super) fn pooling_of(&self, model: &Model) -> (Option<Pooling>, &'static str) {
        match self.pooling {
            PoolingChoice::Mode(mode) if model.has_dense() => {
                (Some(mode), "asked for; the model's Dense layers are left out")
            }
            PoolingChoice::Mode(mode) => (Some(mode), "asked for"),
            PoolingChoice::Auto if model.has_modules() => (None, "the model's modules.json"),
            PoolingChoice::Auto if model.is_cached() => {
                (None, "the cached snapshot has no modules.json; the mean is the usual default")
            }
            PoolingChoice::Auto => (None, "the model has no modules.json; the mean is the usual default"),
        }
    }

    pub(super) fn dimensions_of(&self, model: &Model, head: &SentenceHead) -> Result<Option<usize>> {
        let width = head.output_dim();
        match (self.dimensions, model.stated_dimensions()) {
            (Some(dimensions), _) if dimensions == 0 || dimensions > width => Err(Error::usage(format!(
                "vectors of this model can have 1 to {width} dimensions, not {dimensions}"
            ))),
            // sentence-transformers slices, and a slice beyond the end is the whole.
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

/// The text that a task puts before each text.
pub(super) fn instruction_of<'a>(model: &'a Model, task: &str) -> Result<&'a str> {
    model.task_instruction(task).map_err(|_| {
        let known: Vec<&str> = model.tasks().collect();
        match known.as_slice() {
            [] => Error::usage(format!("the model has no tasks, and so no task `{task}`")),
            known => {
                let hint = format!("its tasks are {}", known.join(", "));
                Error::usage_hint(format!("the model has no task `{task}`"), hint)
            }
        }
    })
}
