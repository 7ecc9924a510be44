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

    /// Whether the score is the mean of a number of each row, so that rows can weigh differently. The last statistic of
    /// a row is its weight then, 1.
    fn is_mean_of_rows(&self) -> bool {
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

    /// A worker for one thread that scores the texts of a set against each other, if the metric has one: BLEU and
    /// chrF do.
    fn set_scorer(&self) -> Option<Box<dyn SetScorer + '_>> {
        None
    }

    /// The settings that scores of single texts depend on, such as those of a set. BLEU's are computed with effective order.
    fn text_signature(&self) -> Signature {
        self.signature(ReferenceCount::Fixed(1))
    }
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

/// Scores every text of a set against every other. Each text is tokenized and counted once.
pub trait SetScorer: Send {
    /// Takes the texts of the next set.
    fn prepare(&mut self, texts: &[&str]);

    /// Writes the segment score of each text of the set as a candidate whose only reference is text `reference` of the
    /// set: the bits that a [`RowScorer`] leads to.
    fn scores(&mut self, reference: usize, scores: &mut [f64]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::lexical::{MetricSpec, text_metric, text_metric_names};

    const SPECS: [&str; 8] = [
        "bleu",
        "bleu(tok=char,case=lc,no=2)",
        "bleu(smooth=add-k[1])",
        "chrf",
        "chrf++(case=lc)",
        "chrf(nc=0,nw=2)",
        "chrf(eps=yes,beta=1)",
        "chrf(space=yes,nc=3)",
    ];

    proptest! {
        /// An empty text, equal texts and texts that share nothing are among them.
        #[test]
        fn a_set_has_the_bits_of_rows(
            sets in prop::collection::vec(prop::collection::vec("[abAΣé .,1-]{0,30}", 1..6), 1..4),
        ) {
            for spec in SPECS {
                let metric = text_metric(&spec.parse::<MetricSpec>().unwrap()).unwrap();
                let (mut set, mut rows) = (metric.set_scorer().unwrap(), metric.row_scorer());
                let mut statistics = vec![0.0; metric.statistics().len()];
                for texts in &sets {
                    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                    set.prepare(&texts);
                    for (reference, text) in texts.iter().enumerate() {
                        let mut scores = vec![f64::NAN; texts.len()];
                        set.scores(reference, &mut scores);
                        rows.prepare(&[text]);
                        for (candidate, score) in texts.iter().zip(scores) {
                            rows.statistics(candidate, &mut statistics);
                            let alone = metric.segment_score(&statistics);
                            prop_assert_eq!(score.to_bits(), alone.to_bits(), "{}: {:?}", spec, candidate);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_last_statistic_of_a_mean_is_a_weight() {
        for name in text_metric_names() {
            let metric = text_metric(&MetricSpec::new(name)).unwrap();
            let is_mean = name.starts_with("rouge") || ["em", "token_f1"].contains(&name);
            assert_eq!(metric.is_mean_of_rows(), is_mean, "{name}");
            if is_mean {
                let (mut scorer, mut row) = (metric.row_scorer(), vec![f64::NAN; metric.statistics().len()]);
                scorer.prepare(&["a cat sat"]);
                scorer.statistics("a cat", &mut row);
                assert_eq!(row.last(), Some(&1.0), "{name}");
            }
        }
    }

    #[test]
    fn bleu_and_chrf_alone_score_sets() {
        for (name, has) in [("bleu", true), ("chrf+", true), ("ter", false), ("rougeL", false)] {
            assert_eq!(text_metric(&MetricSpec::new(name)).unwrap().set_scorer().is_some(), has, "{name}");
        }
    }
}
