//! A metric whose rows have weights.

use std::sync::Arc;

use nearsay_metrics::Signature;
use nearsay_metrics::lexical::{Direction, Figure, Metric, ReferenceCount};

use crate::{Error, Result};

/// A mean over rows whose statistics are multiplied by the rows' weights, as its signature says.
#[derive(Debug, Clone)]
pub(in crate::score) struct Weighted {
    metric: Arc<dyn Metric>,
    /// The name of the weights.
    weights: String,
}

impl Weighted {
    pub(in crate::score) fn new(metric: Arc<dyn Metric>, weights: &str) -> Self {
        Self { metric, weights: weights.to_owned() }
    }
}

impl Metric for Weighted {
    fn name(&self) -> &'static str {
        self.metric.name()
    }

    fn direction(&self) -> Direction {
        self.metric.direction()
    }

    fn is_percent(&self) -> bool {
        self.metric.is_percent()
    }

    fn is_mean_of_rows(&self) -> bool {
        self.metric.is_mean_of_rows()
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        self.metric.signature(references).with_row_weights(&self.weights)
    }

    fn statistics(&self) -> Vec<String> {
        self.metric.statistics()
    }

    fn score(&self, sums: &[f64]) -> f64 {
        self.metric.score(sums)
    }

    fn segment_score(&self, statistics: &[f64]) -> f64 {
        self.metric.segment_score(statistics)
    }

    fn figures(&self, sums: &[f64]) -> Vec<(&'static str, Figure)> {
        self.metric.figures(sums)
    }
}

/// Refuses weights of rows for a metric that is not a mean over rows.
///
/// # Errors
/// [`Error::Usage`] naming the metric.
pub fn check_weighable(key: &str, metric: &dyn Metric) -> Result<()> {
    if metric.is_mean_of_rows() {
        return Ok(());
    }
    Err(Error::usage_hint(
        format!("rows have weights in means over rows, and {key} is computed from counts over all rows"),
        "bertscore, cosine, cross_encoder, rouge, em and token_f1 are means; score the others without weights",
    ))
}
