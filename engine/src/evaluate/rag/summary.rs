//! Means over samples.

use serde::Serialize;

use super::SampleScores;
use crate::score::bertscore::{MeanScores, RunningMean};

/// The means of all samples, and how many samples allowed each measure.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct RagSummary {
    /// Number of samples.
    pub samples: u64,
    /// Context precision by ids.
    pub id_based_context_precision: MeanOf,
    /// Context recall by ids.
    pub id_based_context_recall: MeanOf,
    /// Context precision by texts.
    pub context_precision: MeanOf,
    /// Context recall by texts.
    pub context_recall: MeanOf,
    /// BERTScore of responses and references.
    pub bertscore: BertScoreSummary,
    /// How well contexts support responses.
    pub support: SupportSummary,
    /// Texts that were truncated to the longest length of a model.
    pub truncated: u64,
}

/// A mean over the samples that have a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MeanOf {
    /// The mean; `None` if no sample has a value.
    pub mean: Option<f64>,
    /// Samples with a value.
    pub samples: u64,
    /// Samples with the fields for it whose value is undefined, such as the precision of no context.
    pub undefined: u64,
    #[serde(skip)]
    sum: f64,
}

impl MeanOf {
    fn add(&mut self, value: Option<f64>) {
        let Some(value) = value else {
            self.undefined += 1;
            return;
        };
        self.samples += 1;
        self.sum += value;
        self.mean = Some(self.sum / self.samples as f64);
    }
}

/// Means of BERTScore.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct BertScoreSummary {
    /// The means; `None` if no sample has a response and a reference.
    #[serde(flatten)]
    pub mean: Option<MeanScores>,
    /// Samples with a response and a reference.
    pub samples: u64,
    #[serde(skip)]
    running: RunningMean,
}

/// Means of support.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SupportSummary {
    /// The mean of the samples' means; `None` if no sample has support.
    pub mean: Option<f64>,
    /// The mean of the samples' minima.
    pub minimum: Option<f64>,
    /// Samples with a value.
    pub samples: u64,
    /// Samples whose response or contexts have no sentence.
    pub undefined: u64,
    /// The sentence with the least support of all.
    pub weakest: Option<Weakest>,
    #[serde(skip)]
    means: MeanOf,
    #[serde(skip)]
    minima: MeanOf,
}

/// A sentence of a response.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Weakest {
    /// The sample's line in the file, from 1.
    pub row: u64,
    /// The greatest cosine of the sentence to one of the contexts.
    pub support: f64,
    /// The sentence.
    pub sentence: String,
}

impl RagSummary {
    pub(super) fn add(&mut self, sample: &SampleScores) {
        self.samples += 1;
        if let Some(overlap) = &sample.by_ids {
            self.id_based_context_precision.add(overlap.precision);
            self.id_based_context_recall.add(overlap.recall);
        }
        if let Some(overlap) = &sample.by_texts {
            self.context_precision.add(overlap.precision);
            self.context_recall.add(overlap.recall);
        }
        if let Some(scores) = &sample.bertscore {
            self.bertscore.samples += 1;
            self.bertscore.running.add(scores);
            self.bertscore.mean = Some(self.bertscore.running.mean());
        }
        if sample.support.is_some() {
            self.support.add(sample);
        }
    }
}

impl SupportSummary {
    fn add(&mut self, sample: &SampleScores) {
        let support = sample.support.as_ref().and_then(Option::as_ref);
        self.means.add(support.map(|support| support.mean));
        self.minima.add(support.map(|support| support.minimum));
        (self.mean, self.minimum) = (self.means.mean, self.minima.mean);
        (self.samples, self.undefined) = (self.means.samples, self.means.undefined);
        let is_weaker = |minimum: f64| self.weakest.as_ref().is_none_or(|known| minimum < known.support);
        if let Some(support) = support.filter(|support| is_weaker(support.minimum)) {
            let (row, sentence) = (sample.row, support.weakest.clone());
            self.weakest = Some(Weakest { row, support: support.minimum, sentence });
        }
    }
}

#[cfg(test)]
mod tests {
    use nearsay_metrics::ranking::Overlap;

    use super::*;
    use crate::evaluate::rag::Support;

    fn support(minimum: f64) -> Option<Option<Support>> {
        Some(Some(Support { mean: 0.5 + minimum, minimum, weakest: format!("at {minimum}"), sentences: 2 }))
    }

    #[test]
    fn samples_without_a_value_are_counted_apart() {
        let mut summary = RagSummary::default();
        for (row, (retrieved, support)) in (1..).zip([
            (vec!["a"], support(0.25)),
            (vec![], Some(None)),
            (vec!["a", "b"], support(0.125)),
            (vec!["c"], None),
        ]) {
            let by_ids = Some(Overlap::of(&retrieved, &["a"]));
            summary.add(&SampleScores { row, by_ids, support, ..SampleScores::default() });
        }
        let precision = summary.id_based_context_precision;
        assert_eq!((precision.mean, precision.samples, precision.undefined), (Some(0.5), 3, 1));
        let recall = summary.id_based_context_recall;
        assert_eq!((recall.mean, recall.samples, recall.undefined), (Some(0.5), 4, 0));
        let support = &summary.support;
        assert_eq!((support.mean, support.minimum), (Some(0.6875), Some(0.1875)));
        assert_eq!((support.samples, support.undefined), (2, 1));
        let weakest = support.weakest.as_ref().unwrap();
        assert_eq!((weakest.row, weakest.support, &*weakest.sentence), (3, 0.125, "at 0.125"));
        assert_eq!(summary.context_precision, MeanOf::default());
    }
}
