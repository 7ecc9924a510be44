//! Scores of generated texts: candidates compared with references.
//!
//! | part | contents |
//! |---|---|
//! | [`bertscore`] | BERTScore: [`Scorer`](bertscore::Scorer) and its parts |
//! | [`PairSource`], [`TextSource`] | candidates and references, row by row or by id, from files or memory |
//! | [`ScoreReport`], [`text_line`], [`segment_line`] | printed output |

mod align;
pub mod bertscore;
mod pair_source;
mod pairs;
mod report;
mod source;

use pair_source::documents;
pub use pair_source::{PairSource, PairSurvey};
pub use pairs::{Pair, PairTexts};
pub use report::{
    BertScoreReport, Metrics, ScoreInput, ScoreInputs, ScoreReport, ScoreSubject, Segments, format_score,
    segment_line, text_line,
};
pub use source::{TextColumn, TextSource};
