//! The statistics of systems by metrics, and the scores that follow from them.

use std::borrow::Cow;
use std::sync::Arc;

use nearsay_metrics::comparison::Contest;
use nearsay_metrics::lexical::{Figure, Metric, ReferenceCount};
use nearsay_metrics::statistics::Sample;

use crate::score::RowWeights;
use crate::score::bertscore::ScoreNotices;

/// The statistics of all systems by one metric, row by row.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MeasuredMetric {
    /// The name in results.
    pub key: String,
    /// The metric.
    pub metric: Arc<dyn Metric>,
    /// One sample per system, with a row per row of the input.
    pub samples: Vec<Sample>,
    /// The sums of each sample, whose rows are weighted if they have weights.
    sums: Vec<Vec<f64>>,
}

impl MeasuredMetric {
    /// The samples of all systems by `metric`, and the weights of the rows in the mean.
    pub(in crate::score) fn new(
        key: &str,
        metric: Arc<dyn Metric>,
        samples: Vec<Sample>,
        weights: Option<&RowWeights>,
    ) -> Self {
        let sums = |sample: &Sample| match weights {
            Some(weights) => sample.weighted(weights.values()).sums(),
            None => sample.sums(),
        };
        let sums = samples.iter().map(sums).collect();
        Self { key: key.to_owned(), metric, samples, sums }
    }

    /// A system's score of all rows; NaN if it is not defined.
    pub fn score(&self, system: usize) -> f64 {
        self.metric.score(&self.sums[system])
    }

    /// A system's score of all rows and its parts.
    pub fn figures(&self, system: usize) -> Vec<(&'static str, Figure)> {
        self.metric.figures(&self.sums[system])
    }
}

/// All systems, measured by all metrics.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MeasuredSystems {
    /// The metrics in the order in which they were asked for.
    pub metrics: Vec<MeasuredMetric>,
    /// How many references the rows have.
    pub references: ReferenceCount,
    /// Notices about texts that BERTScore found empty or cut, one for each BERTScore.
    pub notices: Vec<ScoreNotices>,
    /// Texts that an encoder encoded, if there was one.
    pub encoded: Option<u64>,
    /// The weights of the rows in the scores, if they have any. Samples are not multiplied by them.
    pub weights: Option<RowWeights>,
}

impl MeasuredSystems {
    /// The contests for a comparison of all systems, over rows, or over groups of rows.
    pub fn contests(&self, groups: Option<&[usize]>) -> Vec<Contest<'_>> {
        let weighted = |sample| match &self.weights {
            Some(weights) => Cow::Owned(Sample::weighted(sample, weights.values())),
            None => Cow::Borrowed(sample),
        };
        let units = |sample| match groups {
            Some(groups) => Cow::Owned(weighted(sample).grouped(groups)),
            None => weighted(sample),
        };
        let contest = |measured| {
            let MeasuredMetric { metric, samples, .. }: &MeasuredMetric = measured;
            Contest { metric: &**metric, systems: samples.iter().map(units).collect() }
        };
        self.metrics.iter().map(contest).collect()
    }
}
