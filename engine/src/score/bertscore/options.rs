//! Options of a score.

use std::path::{Path, PathBuf};

use nearsay_models::{HubOptions, Model};

use super::default_layers::unknown_layer;
use super::{Baseline, BaselineRow, OnLongText, Rescaling, default_layer, layer_or_default};
use crate::Result;
use crate::session::Session;
use crate::tokens::TextTokenizer;

/// Options of a BERTScore. Set only those that differ from the default:
///
/// ```
/// use nearsay::ScoreOptions;
///
/// let options = ScoreOptions::default().layer(17).max_length(256);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScoreOptions {
    /// The layer whose hidden states are compared; `None`: the model's layer in bert_score's table.
    pub layer: Option<usize>,
    /// The longest text in tokens; `None`: as in the tokenizer's files, within the model's positions.
    pub max_length: Option<usize>,
    /// How texts longer than that are treated.
    pub on_long: OnLongText,
    /// bert_score's `use_fast_tokenizer`. Its default is `false`: transformers' tokenizers in Python, which it asks to put
    /// a space before each text for models of RoBERTa and GPT-2 (`bert_score/utils.py:223-244`). Its published numbers
    /// and baselines are of these. With `true`, no text gets a space.
    pub use_fast_tokenizer: bool,
    /// The baseline for rescaling raw scores.
    pub rescaling: RescaleWith,
}

/// The baseline for rescaling raw scores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RescaleWith {
    /// None: scores stay raw.
    #[default]
    Nothing,
    /// The published baseline of the model in a language.
    Published {
        /// The language's code; `None` is an error that lists the available codes.
        language: Option<String>,
    },
    /// A baseline file.
    File(PathBuf),
}

impl ScoreOptions {
    /// Uses the hidden states of this layer; 0 is the embeddings.
    #[must_use]
    pub fn layer(self, layer: usize) -> Self {
        Self { layer: Some(layer), ..self }
    }

    /// The longest text, or the longest window, has `tokens`, special tokens included.
    #[must_use]
    pub fn max_length(self, tokens: usize) -> Self {
        Self { max_length: Some(tokens), ..self }
    }

    /// Treats longer texts in this way.
    #[must_use]
    pub fn on_long(self, on_long: OnLongText) -> Self {
        Self { on_long, ..self }
    }

    /// Puts no space before texts for models of RoBERTa and GPT-2, as bert_score with its `use_fast_tokenizer`.
    #[must_use]
    pub fn use_fast_tokenizer(self) -> Self {
        Self { use_fast_tokenizer: true, ..self }
    }

    /// Rescales with the published baseline of the model in this language.
    #[must_use]
    pub fn rescaled(self, language: &str) -> Self {
        Self { rescaling: RescaleWith::Published { language: Some(language.to_owned()) }, ..self }
    }

    /// Rescales with the baseline in a file (`LAYER,P,R,F`).
    #[must_use]
    pub fn rescaled_with(self, baseline: &Path) -> Self {
        Self { rescaling: RescaleWith::File(baseline.to_owned()), ..self }
    }
}

impl Session {
    /// The tokenizer of scores with these options, and of the document frequencies that weigh their tokens.
    pub(super) fn score_tokenizer(&self, options: &ScoreOptions) -> Result<TextTokenizer> {
        let model = self.model();
        // Not the length in a sentence-transformers folder, which is for embeddings.
        let tokenizer = self.tokenizer(options.max_length, model.tokenizer_length(), false)?;
        let leading_space = !options.use_fast_tokenizer && model.tokenizer().settings().is_gpt2_or_roberta;
        Ok(tokenizer.with_leading_space(leading_space))
    }
}

/// The highest layer of the model `name`. Its description is looked up (and downloaded if need be, but no weights).
///
/// # Errors
/// If there is no such model, or its files break a rule.
pub fn num_layers(name: &str, hub: &HubOptions) -> Result<usize> {
    Ok(Model::describe(name, hub)?.recipe().num_layers())
}

fn without_revision(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// [`ScoreOptions`] resolved for a model of this name.
pub(super) struct ResolvedOptions {
    pub(super) layer: ScoredLayer,
    pub(super) rescaling: Rescaling,
    pub(super) baseline: Option<Baseline>,
}

/// A layer whose hidden states are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScoredLayer {
    pub(super) layer: usize,
    /// The layer's row, if scores are rescaled.
    pub(super) baseline: Option<BaselineRow>,
}

impl ScoredLayer {
    /// With the layer's row of `baseline`.
    pub(super) fn new(layer: usize, baseline: Option<&Baseline>) -> Result<Self> {
        Ok(Self { layer, baseline: baseline.map(|baseline| baseline.row(layer)).transpose()? })
    }
}

impl ScoreOptions {
    /// Rejects options that bert_score's tables or the baseline file do not cover for the model `name`,
    /// before it is opened.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage); [`Error::NoInput`](crate::Error::NoInput) and
    /// [`Error::BadInput`](crate::Error::BadInput) of a baseline file.
    pub fn check(&self, name: &str) -> Result<()> {
        self.resolve(name, None).map(drop)
    }

    /// The same. If no layer is known, the model's description is looked up (and downloaded, but no weights)
    /// to say which layers it has.
    ///
    /// # Errors
    /// As [`ScoreOptions::check`].
    pub fn check_with(&self, name: &str, hub: &HubOptions) -> Result<()> {
        let is_known = self.layer.is_some() || default_layer(without_revision(name)).is_some();
        let described = if is_known { None } else { Model::describe(name, hub).ok() };
        self.resolve(name, described.map(|model| model.recipe().num_layers())).map(drop)
    }

    /// The layer that is scored of the model `name`.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) if none is known.
    pub fn layer_of(&self, name: &str) -> Result<usize> {
        layer_or_default(without_revision(name), self.layer)
    }

    /// `num_layers` is the model's highest layer, if known, for messages.
    pub(super) fn resolve(&self, name: &str, num_layers: Option<usize>) -> Result<ResolvedOptions> {
        // A pinned revision has the layer and baseline published for the model.
        let published = without_revision(name);
        let layer =
            layer_or_default(published, self.layer).map_err(|_| unknown_layer(published, num_layers))?;
        let (rescaling, baseline) = match &self.rescaling {
            RescaleWith::Nothing => (Rescaling::None, None),
            RescaleWith::Published { language } => {
                (Rescaling::Published, Some(Baseline::find(language.as_deref(), published)?))
            }
            RescaleWith::File(path) => (Rescaling::Custom, Some(Baseline::from_file(path)?)),
        };
        if let (Rescaling::Custom, Some(baseline), Some(last)) = (rescaling, &baseline, num_layers) {
            baseline.check_layers(published, last)?;
        }
        let layer = ScoredLayer::new(layer, baseline.as_ref())?;
        Ok(ResolvedOptions { layer, rescaling, baseline })
    }
}
