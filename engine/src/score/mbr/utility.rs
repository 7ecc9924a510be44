//! The score whose expected value is maximised.

use std::sync::Arc;

use nearsay_metrics::lexical::TextMetric;

use crate::score::bertscore::Scorer;
use crate::{Error, Result};

/// The score whose expected value is maximised.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Utility {
    /// BERTScore's F1.
    BertScore(Box<Scorer>),
    /// A metric of texts whose score is higher for better texts.
    Text(Arc<dyn TextMetric>),
}

impl Utility {
    /// A metric of texts.
    ///
    /// # Errors
    /// [`Error::Usage`] if it cannot score sets of texts: BLEU and chrF can.
    pub fn of_texts(metric: Arc<dyn TextMetric>) -> Result<Self> {
        if metric.set_scorer().is_none() {
            return Err(not_a_utility(metric.name()));
        }
        Ok(Self::Text(metric))
    }

    /// The settings that the score depends on, in one line.
    pub fn signature(&self) -> String {
        match self {
            Self::BertScore(scorer) => scorer.signature().to_string(),
            Self::Text(metric) => format!("{}|{}", metric.name(), metric.text_signature()),
        }
    }
}

pub(super) fn not_a_utility(name: &str) -> Error {
    Error::usage_hint(
        format!("candidates are chosen by bertscore, chrf or bleu, and not by {name}"),
        "`nearsay score` has the other metrics",
    )
}
