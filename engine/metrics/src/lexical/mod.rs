//! Metrics that compare the words or characters of a candidate text with those of its references.
//!
//! A metric is two things. A [`Metric`] says what its statistics mean: a fixed number of values per row, which
//! are added up over rows, and a score of such sums. A [`TextMetric`] also computes the statistics from texts.
//! So the score of a corpus, of a segment, of a resample and of the rows of one document all come from one
//! function, and no text is read twice.
//!
//! | module | metrics | equal to |
//! |---|---|---|
//! | [`bleu`] | BLEU | sacrebleu 2.6.0 |
//! | [`chrf`] | chrF, chrF+, chrF++ | sacrebleu 2.6.0 |
//! | [`ter`] | TER | sacrebleu 2.6.0 |
//! | [`rouge`] | ROUGE-1 to ROUGE-9, ROUGE-L, ROUGE-Lsum | rouge-score 0.1.2 |
//! | [`squad`] | exact match and token F1 | SQuAD's evaluation script |
//! | [`error_rate`] | WER, CER | |
//! | [`length`] | length ratio | |
//! | [`distinct`] | distinct-1 to distinct-4 | |
//!
//! Statistics of texts are integers or ratios of integers, computed in the order of the published definition,
//! so scores are equal to those of the reference implementations to the last bits.

mod blank;
pub mod bleu;
mod catalog;
mod characters;
pub mod chrf;
mod corpus;
pub mod distinct;
pub mod error_rate;
pub mod length;
mod lowercase;
mod metric;
mod ngrams;
mod overlaps;
mod reused;
pub mod rouge;
mod settings;
pub mod squad;
pub mod ter;
mod tokens;

pub use catalog::{text_metric, text_metric_names};
pub use corpus::Corpus;
pub use metric::{Direction, Figure, Metric, ReferenceCount, RowScorer, SetScorer, TextMetric};
pub use rouge::{Rouge, RougeTokenizer};
pub use settings::{MetricSpec, Settings, SpecError};
