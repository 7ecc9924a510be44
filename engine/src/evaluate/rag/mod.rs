//! Systems that retrieve contexts and answer from them, without asking a language model: the same file gets
//! the same bits each time.
//!
//! A sample is an object with ragas' names of fields (<https://docs.ragas.io>). Whatever its fields allow is
//! measured:
//!
//! | measure | fields | definition |
//! |---|---|---|
//! | id-based context precision | `retrieved_context_ids`, `reference_context_ids` | the share of the different retrieved ids that are among the reference ids, as in ragas |
//! | id-based context recall | the same | the share of the different reference ids that were retrieved, as in ragas |
//! | context precision | `retrieved_contexts`, `reference_contexts`, without ids | the share of the different retrieved contexts that are [relevant](Relevance) to a reference context |
//! | context recall | the same | the share of the different reference contexts to which a retrieved one is relevant |
//! | BERTScore | `response`, `reference` | precision, recall and F1 |
//! | support | `response`, `retrieved_contexts` | for each sentence of the response, its greatest cosine to a sentence of the contexts: their mean and minimum |

mod sample;
mod scorer;
mod summary;

use std::path::Path;
use std::str::FromStr;

use crate::Result;
use crate::embed::Embedder;
use crate::score::bertscore::Scorer;
use sample::Samples;

pub use scorer::{SampleScores, Support};
pub use summary::{BertScoreSummary, MeanOf, RagSummary, SupportSummary, Weakest};

/// Samples that are scored together, at most.
const BLOCK_SAMPLES: usize = 64;
/// Bytes of their texts, approximately: a sentence of 50 bytes has a vector of 1.5 KiB and more.
const BLOCK_BYTES: usize = 4 << 20;

/// When a retrieved context is relevant to a reference context.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Relevance {
    /// If the cosine of their vectors is at least this.
    Cosine(f64),
    /// If BERTScore's F1 is at least this.
    BertScore(f64),
}

/// The threshold of ragas' measures that compare contexts without a language model.
impl Default for Relevance {
    fn default() -> Self {
        Self::Cosine(0.5)
    }
}

/// `cosine:0.5` or `bertscore:0.9`.
impl FromStr for Relevance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rule = || format!("must be cosine:THRESHOLD or bertscore:THRESHOLD, got {text:?}");
        let (name, threshold) = text.split_once(':').ok_or_else(rule)?;
        let threshold: f64 = threshold.parse().ok().filter(|it: &f64| it.is_finite()).ok_or_else(rule)?;
        match name {
            "cosine" => Ok(Self::Cosine(threshold)),
            "bertscore" => Ok(Self::BertScore(threshold)),
            _ => Err(rule()),
        }
    }
}

impl std::fmt::Display for Relevance {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cosine(threshold) => write!(formatter, "cosine:{threshold}"),
            Self::BertScore(threshold) => write!(formatter, "bertscore:{threshold}"),
        }
    }
}

/// The models that samples are measured with; without them, only ids are compared.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RagOptions {
    /// The model for cosines.
    pub embedder: Option<Embedder>,
    /// The model for BERTScore.
    pub scorer: Option<Scorer>,
    /// How contexts without ids are compared. BERTScore needs a scorer.
    pub relevance: Relevance,
}

/// Measures the samples of a file. `each` is called with the scores of some samples at a time, in order.
///
/// # Errors
/// If the file cannot be read, a line is not a sample, or no sample has one of the fields; if a model fails,
/// the call is stopped, or `each` fails.
pub fn evaluate_rag(
    path: &Path,
    options: &RagOptions,
    mut each: impl FnMut(&[SampleScores]) -> Result<()>,
) -> Result<RagSummary> {
    let scorer = scorer::SampleScorer::new(options)?;
    let mut samples = Samples::open(path)?;
    let mut summary = RagSummary::default();
    loop {
        let block = samples.next(BLOCK_SAMPLES, BLOCK_BYTES)?;
        if block.is_empty() {
            return Ok(summary);
        }
        let scores = scorer.score(&block, &mut summary)?;
        scores.iter().for_each(|sample| summary.add(sample));
        each(&scores)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relevance_has_a_measure_and_a_threshold() {
        for text in ["cosine:0.5", "bertscore:0.9"] {
            assert_eq!(text.parse::<Relevance>().unwrap().to_string(), text);
        }
        assert_eq!(Relevance::default().to_string(), "cosine:0.5");
        for text in ["cosine", "0.5", "rouge:0.5", "cosine:nan", "cosine:x"] {
            let rule = format!("must be cosine:THRESHOLD or bertscore:THRESHOLD, got {text:?}");
            assert_eq!(text.parse::<Relevance>(), Err(rule));
        }
    }
}
