//! Scores of generated texts: candidates compared with references.
//!
//! | part | what it is |
//! |---|---|
//! | [`bertscore`] | BERTScore: [`Scorer`](bertscore::Scorer) and what it is made from |
//! | [`PairSource`], [`TextSource`] | candidates and references, side by side, from files or memory |
//! | [`ScoreReport`], [`text_line`], [`segment_line`] | what is printed |

pub mod bertscore;
mod pairs;
mod report;
mod source;

pub use pairs::{Pair, PairTexts};
pub use report::{BertScoreReport, Metrics, ScoreReport, segment_line, text_line};
pub use source::{PairSource, TextSource};
