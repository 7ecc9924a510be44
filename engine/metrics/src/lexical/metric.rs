//! The traits of all metrics.

use std::fmt;

use crate::Signature;

/// Which scores are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Higher ones.
    Higher,
    /// Lower ones: error rates.
    Lower,
    /// Neither: a ratio of lengths is a description.
    Neither,
}

/// How many references the rows have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceCount {
    /// As many in every row.
    Fixed(usize),
    /// Different numbers: some are missing.
    Variable,
}

impl fmt::Display for ReferenceCount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(count) => count.fmt(formatter),
            Self::Variable => formatter.write_str("var"),
        }
    }
}

/// A number of a result, as it is printed under its name.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// A score or a ratio.
    Number(f64),
    /// A whole number, such as a length.
    Count(u64),
    /// One number per order of n-grams.
    Numbers(Vec<f64>),
}

/// A score that depends on sums over rows.
pub trait Metric: fmt::Debug + Send + Sync {
    /// The name in results: `bleu`, `rougeL`.
    fn name(&self) -> &'static str;

    /// Which scores are better.
    fn direction(&self) -> Direction;

    /// Whether scores are in percent, as sacrebleu's are; if not, 1 is what 100 is there.
    fn is_percent(&self) -> bool {
        false
    }

    /// The settings that the score depends on, in one line for papers.
    fn signature(&self, references: ReferenceCount) -> Signature;

    /// The names of the statistics of a row, in their order. Their number is the same for all rows.
    fn statistics(&self) -> Vec<String>;

    /// The score of summed statistics, which is NaN if it is not defined.
    fn score(&self, sums: &[f64]) -> f64;

    /// The score of the statistics of one row.
    fn segment_score(&self, statistics: &[f64]) -> f64 {
        self.score(statistics)
    }

    /// The score of summed statistics and its parts, by their names in JSON and in their order there.
    fn figures(&self, sums: &[f64]) -> Vec<(&'static str, Figure)> {
        vec![("score", Figure::Number(self.score(sums)))]
    }
}

/// A metric whose statistics are computed from texts.
pub trait TextMetric: Metric {
    /// A worker for one thread, which keeps its buffers from row to row.
    fn row_scorer(&self) -> Box<dyn RowScorer + '_>;
}

/// Computes the statistics of candidates against the references of a row.
pub trait RowScorer: Send {
    /// Takes the references of the next row, at least one, for the candidates that follow. A missing reference
    /// is not among them; an empty one is.
    fn prepare(&mut self, references: &[&str]);

    /// Writes the statistics of a candidate, as many as [`Metric::statistics`] names. They depend on the
    /// candidate and the references alone.
    fn statistics(&mut self, candidate: &str, statistics: &mut [f64]);
}
