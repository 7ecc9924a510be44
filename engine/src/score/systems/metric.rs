//! A metric to compute, and its name in results.

use std::sync::Arc;

use nearsay_metrics::Signature;
use nearsay_metrics::lexical::{Direction, Figure, Metric, ReferenceCount, TextMetric};

use super::Weighted;
use super::cosine::{COSINE, Cosine};
use super::cross_encoder::{CROSS_ENCODER, CrossEncoderScore};
use super::encoder_mean::EncoderMean;
use crate::Scorer;
use crate::score::{RowWeights, bertscore};

/// A metric to compute, and its name in results.
#[derive(Debug, Clone)]
pub struct ScoreMetric {
    /// The name in results: the metric's, with its settings if it is computed more than once.
    pub key: String,
    /// How it is computed.
    pub computation: Computation,
}

/// How a metric is computed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Computation {
    /// From the words or characters of the texts.
    Text(Arc<dyn TextMetric>),
    /// From the hidden states of their tokens.
    BertScore(Scorer),
    /// From their vectors.
    Cosine(Cosine),
    /// By an encoder that reads both texts together.
    CrossEncoder(Box<CrossEncoderScore>),
    /// Not at all: all of its statistics are known.
    Known(Arc<dyn Metric>),
}

impl ScoreMetric {
    /// A metric of texts under its own name.
    pub fn text(metric: Box<dyn TextMetric>) -> Self {
        Self { key: metric.name().to_owned(), computation: Computation::Text(metric.into()) }
    }

    /// BERTScore by this scorer.
    pub fn bertscore(scorer: Scorer) -> Self {
        Self { key: "bertscore".to_owned(), computation: Computation::BertScore(scorer) }
    }

    /// The metric of rows with these weights, which says what its statistics mean.
    pub fn metric(&self, weights: Option<&RowWeights>) -> Arc<dyn Metric> {
        let metric: Arc<dyn Metric> = match &self.computation {
            Computation::Text(metric) => metric.clone(),
            Computation::BertScore(scorer) => {
                let signature = weighted_signature(scorer, weights).to_string();
                return Arc::new(BertScore { signature });
            }
            Computation::Cosine(cosine) => Arc::new(cosine.metric()),
            Computation::CrossEncoder(score) => Arc::new(score.metric()),
            // As it was recorded, with the weights of the run.
            Computation::Known(metric) => return metric.clone(),
        };
        match weights {
            Some(weights) => Arc::new(Weighted::new(metric, weights.name())),
            None => metric,
        }
    }
}

/// The signature of a scorer's means over rows with these weights.
pub fn weighted_signature(scorer: &Scorer, weights: Option<&RowWeights>) -> bertscore::Signature {
    let mut signature = scorer.signature();
    signature.row_weights = weights.map(|weights| weights.name().to_owned());
    signature
}

/// The metric of a recorded score, if an encoder computed it: what its statistics mean can be said without a model.
pub(in crate::score) fn recorded_encoder_metric(name: &str, signature: Signature) -> Option<Arc<dyn Metric>> {
    match name {
        "bertscore" => Some(Arc::new(BertScore { signature: signature.to_string() })),
        COSINE => Some(Arc::new(EncoderMean::recorded(COSINE, signature))),
        CROSS_ENCODER => Some(Arc::new(EncoderMean::recorded(CROSS_ENCODER, signature))),
        _ => None,
    }
}

/// BERTScore as a metric: its statistics are a row's precision, recall and F1, and 1.
#[derive(Debug, Clone)]
pub(super) struct BertScore {
    signature: String,
}

impl Metric for BertScore {
    fn name(&self) -> &'static str {
        "bertscore"
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn is_mean_of_rows(&self) -> bool {
        true
    }

    fn signature(&self, _: ReferenceCount) -> Signature {
        Signature::verbatim(&self.signature)
    }

    fn statistics(&self) -> Vec<String> {
        ["precision", "recall", "f1", "count"].map(str::to_owned).to_vec()
    }

    fn score(&self, sums: &[f64]) -> f64 {
        sums[2] / sums[3]
    }

    fn figures(&self, sums: &[f64]) -> Vec<(&'static str, Figure)> {
        let figure = |(name, at): (&'static str, usize)| (name, Figure::Number(sums[at] / sums[3]));
        [("precision", 0), ("recall", 1), ("f1", 2)].map(figure).to_vec()
    }
}
