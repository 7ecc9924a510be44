//! The kinds of models that the library distinguishes.

use super::PYLATE;
use super::cross_encoder::LOGIT_SCORE;
use crate::files::ModuleEntry;

/// The name of a cross-encoder's kind in the settings.
const CROSS_ENCODER: &str = "CrossEncoder";

/// A kind of model, by its modules and its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModelKind {
    Sentence,
    Sparse,
    Colbert,
    /// A cross-encoder whose scores are the logits of its transformer.
    Classifier,
    /// A cross-encoder whose scores are the output of its last module.
    Scorer,
    /// A cross-encoder whose scores are logits of the next token.
    NextToken,
}

impl ModelKind {
    /// The kind of a model with these modules, whose settings name `model_type`.
    pub(super) fn of(modules: &[ModuleEntry], model_type: Option<&str>) -> Self {
        let has = |class: &str| modules.iter().any(|module| module.class_name() == class);
        if modules.iter().any(|module| module.class_path.starts_with(PYLATE)) {
            Self::Colbert
        } else if has("MLMTransformer") || has("SpladePooling") {
            Self::Sparse
        } else if model_type != Some(CROSS_ENCODER) {
            Self::Sentence
        } else if modules.len() == 1 {
            Self::Classifier
        } else if has(LOGIT_SCORE) {
            Self::NextToken
        } else {
            Self::Scorer
        }
    }

    /// Its name in the settings. MultiVectorEncoder is not supported.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sentence => "SentenceTransformer",
            Self::Sparse => "SparseEncoder",
            Self::Colbert => "ColBERT",
            Self::Classifier | Self::Scorer | Self::NextToken => CROSS_ENCODER,
        }
    }

    /// Whether it scores pairs of texts.
    pub(super) fn is_cross_encoder(self) -> bool {
        matches!(self, Self::Classifier | Self::Scorer | Self::NextToken)
    }
}
