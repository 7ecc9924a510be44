//! What may be chosen for a score.

use std::path::{Path, PathBuf};

use super::{Baseline, BaselineRow, Rescaling, layer_or_default};
use crate::Result;

/// Choices of a BERTScore. Set what differs from the default:
///
/// ```
/// use nearsay::ScoreOptions;
///
/// let options = ScoreOptions::default().layer(17).max_length(256);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScoreOptions {
    /// The layer whose hidden states are compared; `None`: the one that bert_score's table has for the model.
    pub layer: Option<usize>,
    /// The longest text in tokens; `None`: what the tokenizer's files say, within the model's positions.
    pub max_length: Option<usize>,
    /// What raw scores are rescaled with.
    pub rescaling: RescaleWith,
}

/// What raw scores are rescaled with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RescaleWith {
    /// Nothing: scores stay raw.
    #[default]
    Nothing,
    /// The published baseline of the model in a language.
    Published {
        /// The language's code; without one it is refused, naming those that there are.
        language: Option<String>,
    },
    /// A baseline file.
    File(PathBuf),
}

impl ScoreOptions {
    /// With the hidden states of this layer; 0 is the embeddings.
    #[must_use]
    pub fn layer(self, layer: usize) -> Self {
        Self { layer: Some(layer), ..self }
    }

    /// With texts cut to `tokens`, special tokens included.
    #[must_use]
    pub fn max_length(self, tokens: usize) -> Self {
        Self { max_length: Some(tokens), ..self }
    }

    /// Rescaled with the published baseline of the model in this language.
    #[must_use]
    pub fn rescaled(self, language: &str) -> Self {
        Self { rescaling: RescaleWith::Published { language: Some(language.to_owned()) }, ..self }
    }

    /// Rescaled with the baseline in a file (`LAYER,P,R,F`).
    #[must_use]
    pub fn rescaled_with(self, baseline: &Path) -> Self {
        Self { rescaling: RescaleWith::File(baseline.to_owned()), ..self }
    }
}

/// What [`ScoreOptions`] come to for a model of this name.
pub(super) struct ResolvedOptions {
    pub(super) layer: usize,
    pub(super) rescaling: Rescaling,
    pub(super) baseline: Option<BaselineRow>,
}

impl ScoreOptions {
    /// Refuses what bert_score's tables and the baseline file do not have for the model `name`, before it is
    /// opened.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage); [`Error::NoInput`](crate::Error::NoInput) and
    /// [`Error::BadInput`](crate::Error::BadInput) of a baseline file.
    pub fn check(&self, name: &str) -> Result<()> {
        self.resolve(name).map(drop)
    }

    pub(super) fn resolve(&self, name: &str) -> Result<ResolvedOptions> {
        // A pinned revision does not change which layer and baseline were published for a model.
        let published = name.split_once('@').map_or(name, |(name, _)| name);
        let layer = layer_or_default(published, self.layer)?;
        let (rescaling, baseline) = match &self.rescaling {
            RescaleWith::Nothing => (Rescaling::None, None),
            RescaleWith::Published { language } => {
                (Rescaling::Published, Some(Baseline::find(language.as_deref(), published)?))
            }
            RescaleWith::File(path) => (Rescaling::Custom, Some(Baseline::from_file(path)?)),
        };
        let baseline = baseline.map(|baseline| baseline.row(layer)).transpose()?;
        Ok(ResolvedOptions { layer, rescaling, baseline })
    }
}
