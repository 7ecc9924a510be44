//! Scores of generated texts: candidates compared with references.
//!
//! | part | contents |
//! |---|---|
//! | [`bertscore`] | BERTScore: [`Scorer`](bertscore::Scorer) and its parts |
//! | [`PairSource`], [`TextSource`] | candidates and references, row by row, from files or memory |
//! | [`ScoreReport`], [`text_line`], [`segment_line`] | printed output |

pub mod bertscore;
mod pairs;
mod report;
mod source;

pub use pairs::{Pair, PairTexts};
pub use report::{BertScoreReport, Metrics, ScoreReport, segment_line, text_line};
pub use source::{PairSource, TextSource};
