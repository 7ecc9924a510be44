//! Options of an embedding, and the model's defaults.

use std::str::FromStr;

use nearsay_kernels::Pooling;
use nearsay_models::sentence_transformers::{Projection, TextPooling};
use nearsay_models::{Model, SentenceHead, Side};

use crate::error::phrase;
use crate::session::named_prompt;
use crate::tokens::TruncationSide;
use crate::vectors::Level;
use crate::{Error, Result, Setting};

/// How a text's tokens are pooled into its vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PoolingChoice {
    /// As in the model's files; the mean if they do not specify it.
    #[default]
    Auto,
    /// This mode instead of the model's; its Dense layers are skipped too.
    Mode(Pooling),
    /// A sparse vector: the logits of the model's masked-language head, as SPLADE combines them.
    Splade,
    /// A sparse vector: a weight for each of the text's tokens (bge-m3).
    Lexical,
    /// A sparse vector of a query: a weight for each of its distinct tokens, from a table and without the encoder
    /// (opensearch-neural-sparse-encoding-doc).
    Static,
    /// A vector for each token, for late interaction (ColBERT). Queries and documents have other tokens.
    Colbert,
}

impl PoolingChoice {
    /// The level of the vectors that it asks for, if it does not leave that open.
    pub(crate) fn level(self) -> Option<Level> {
        match self {
            Self::Splade | Self::Lexical | Self::Static => Some(Level::Sparse),
            Self::Colbert => Some(Level::Token),
            Self::Auto | Self::Mode(_) => None,
        }
    }
}

impl FromStr for PoolingChoice {
    type Err = Error;

    /// `auto`, a mode of [`Pooling`], `splade`, `lexical`, `static` or `colbert`.
    fn from_str(name: &str) -> Result<Self> {
        let other = match name {
            "auto" => Some(Self::Auto),
            "splade" => Some(Self::Splade),
            "lexical" => Some(Self::Lexical),
            "static" => Some(Self::Static),
            "colbert" => Some(Self::Colbert),
            _ => None,
        };
        let mode = || Pooling::named(name).map(Self::Mode);
        other.or_else(mode).ok_or_else(|| {
            let modes = Pooling::ALL.map(Pooling::name).join(", ");
            Error::usage(format!(
                "pooling must be auto, {modes}, splade, lexical, static or colbert, got `{name}`"
            ))
        })
    }
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
    /// The prompt itself, instead of one of the model's.
    pub prompt: Option<String>,
    /// A task that the model has adapters for, which are then part of its weights. Its instruction is put before
    /// each text unless a prompt is named. `None`: no adapters. For a model that treats queries and documents
    /// differently, `query` or `document`; `None`: as the prompt is named, else documents, unless the model's files
    /// state another default.
    pub task: Option<String>,
    /// The longest text in tokens; `None`: as in the model's files.
    pub max_length: Option<usize>,
    /// The end at which longer texts are cut.
    pub truncation_side: TruncationSide,
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

    /// Uses the model's adapters and instruction for this task, or embeds texts as this side: `query` or `document`.
    #[must_use]
    pub fn task(self, name: &str) -> Self {
        Self { task: Some(name.to_owned()), ..self }
    }

    /// Truncates texts to `tokens`, special tokens included.
    #[must_use]
    pub fn max_length(self, tokens: usize) -> Self {
        Self { max_length: Some(tokens), ..self }
    }

    /// Cuts long texts at this end.
    #[must_use]
    pub fn truncation_side(self, side: TruncationSide) -> Self {
        Self { truncation_side: side, ..self }
    }

    /// Uses the hidden states of this layer; 0 is the embeddings.
    #[must_use]
    pub fn layer(self, layer: usize) -> Self {
        Self { layer: Some(layer), ..self }
    }

    pub(super) fn prompt_of(&self, model: &Model) -> Result<String> {
        match (&self.prompt, &self.prompt_name) {
            (Some(_), Some(name)) => {
                return Err(Error::usage(format!(
                    "a prompt and the name of one, `{name}`, contradict each other"
                )));
            }
            (Some(prompt), None) => return Ok(prompt.clone()),
            (None, _) => {}
        }
        let adapter = self.adapter_task(model);
        let instruction = adapter.map(|task| instruction_of(model, task)).transpose()?;
        let is_static = self.pooling == PoolingChoice::Static;
        let side = self.task.as_deref().filter(|_| adapter.is_none()).or(is_static.then_some("query"));
        let Some(name) = self.prompt_name.as_deref().or(side) else {
            let default = instruction.or_else(|| model.default_prompt());
            return Ok(default.unwrap_or_default().to_owned());
        };
        named_prompt(model, name)
    }

    /// The task, if it is one of adapters.
    pub(super) fn adapter_task(&self, model: &Model) -> Option<&str> {
        self.task.as_deref().filter(|_| !self.has_sides(model))
    }

    /// Whether queries and documents are treated differently, apart from their prompts.
    fn has_sides(&self, model: &Model) -> bool {
        let asked = matches!(self.pooling, PoolingChoice::Colbert | PoolingChoice::Static);
        model.static_queries().is_some() || model.is_late_interaction() || asked
    }

    /// The side of the texts, for a model that treats queries and documents differently.
    pub(super) fn side_of(&self, model: &Model) -> Result<Side> {
        if self.pooling == PoolingChoice::Static {
            return self.side_of_static();
        }
        if let Some(task) = self.task.as_ref().filter(|_| self.has_sides(model)) {
            return Side::named(task).ok_or_else(|| {
                let folder = model.folder().root().to_owned();
                let tasks = Side::ALL.map(|side| side.name().to_owned()).to_vec();
                no_such_task(&nearsay_models::Error::NoSuchTask { folder, task: task.clone(), tasks })
            });
        }
        if let Some(side) = self.prompt_name.as_deref().and_then(Side::named) {
            return Ok(side);
        }
        match model.static_queries() {
            Some(queries) if self.pooling == PoolingChoice::Auto => queries.default.ok_or_else(|| {
                Error::usage_hint(
                    "the model treats queries and documents differently, and its files state no default",
                    phrase!["add ", (Setting::Task, "query"), " or ", (Setting::Task, "document")],
                )
            }),
            _ => Ok(Side::Document),
        }
    }

    /// Static weights are those of queries.
    fn side_of_static(&self) -> Result<Side> {
        match self.task.as_deref() {
            None | Some("query") => Ok(Side::Query),
            Some(task) => Err(Error::usage(phrase![
                (Setting::Pooling, "static"),
                " is for queries, and ",
                (Setting::Task, task),
                " was given"
            ])),
        }
    }

    /// The pooling of texts of this side, which is only automatic if the files state modes, and the reason for it.
    pub(super) fn pooling_of(&self, model: &Model, side: Side) -> (PoolingChoice, &'static str) {
        let stated = model.sentence_transformer().map(|sentence| &sentence.pooling);
        let reason = match self.pooling {
            PoolingChoice::Mode(_) if model.has_dense() => "asked for; the model's Dense layers are left out",
            PoolingChoice::Auto if stated.is_some_and(is_of_stanford) => "the model's artifact.metadata",
            PoolingChoice::Auto if model.static_queries().is_some() => match side {
                Side::Query => "the model's router_config.json, for queries",
                Side::Document => "the model's router_config.json, for documents",
            },
            PoolingChoice::Auto if model.has_modules() => "the model's modules.json",
            PoolingChoice::Auto if model.is_cached() => {
                "the cached snapshot has no modules.json; the mean is the usual default"
            }
            PoolingChoice::Auto => "the model has no modules.json; the mean is the usual default",
            _ => "asked for",
        };
        let pooling = match (self.pooling, stated) {
            (PoolingChoice::Auto, Some(TextPooling::Splade(_))) => match (side, model.static_queries()) {
                (Side::Query, Some(_)) => PoolingChoice::Static,
                _ => PoolingChoice::Splade,
            },
            (PoolingChoice::Auto, Some(TextPooling::Colbert(_))) => PoolingChoice::Colbert,
            (pooling, _) => pooling,
        };
        (pooling, reason)
    }

    /// Rejects options for dense vectors, for sparse ones from the last of `layers` layers.
    pub(super) fn check_sparse(&self, layers: usize) -> Result<()> {
        let makes_no_sense = |setting, reason: &str| {
            Err(Error::usage(phrase![setting, " makes no sense with sparse vectors: ", reason.to_owned()]))
        };
        match (self.normalize, self.dimensions, self.layer) {
            (Some(_), ..) => makes_no_sense(Setting::Normalize, "their products are scores as they are"),
            (_, Some(_), _) => {
                makes_no_sense(Setting::Dimensions, "each value belongs to an entry of the vocabulary")
            }
            (.., Some(layer)) if layer != layers => {
                makes_no_sense(Setting::Layer, &format!("their head is that of the last layer, {layers}"))
            }
            _ => Ok(()),
        }
    }

    /// Rejects options that late interaction has no use for, at the last of `layers` layers.
    pub(super) fn check_late_interaction(&self, layers: usize) -> Result<()> {
        let makes_no_sense = |setting, reason: &str| {
            Err(Error::usage(phrase![setting, " makes no sense with late interaction: ", reason.to_owned()]))
        };
        match (self.dimensions, self.layer) {
            (Some(_), _) => makes_no_sense(Setting::Dimensions, "every token keeps its own vector"),
            (_, Some(layer)) if layer != layers => {
                makes_no_sense(Setting::Layer, &format!("its head is that of the last layer, {layers}"))
            }
            _ => Ok(()),
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
    model.task_instruction(task).map_err(|error| no_such_task(&error))
}

fn no_such_task(error: &nearsay_models::Error) -> Error {
    Error::usage(error.to_string())
}

fn is_of_stanford(pooling: &TextPooling) -> bool {
    matches!(pooling, TextPooling::Colbert(colbert) if colbert.projection == Projection::Linear)
}
