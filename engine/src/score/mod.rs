//! Scores of generated texts: candidates compared with references.
//!
//! | part | contents |
//! |---|---|
//! | [`bertscore`] | BERTScore: [`Scorer`](bertscore::Scorer) and its parts |
//! | [`pairwise`] | every candidate against every reference: matrices |
//! | [`mbr`] | minimum-Bayes-risk decoding: the candidate with the highest expected score |
//! | [`PairSource`], [`TextSource`] | outputs of systems and references, row by row or by id, from files or memory |
//! | [`RowWeights`] | how much each row counts in a mean |
//! | [`PairSurvey`] | everything that reading all rows once shows |
//! | [`run`] | the folder of a run: scores and statistics on disk |
//! | [`systems`] | many systems scored by many metrics |
//! | [`tuning`] | the layer whose BERTScores agree best with people |
//! | [`ScoreReport`], [`text_line`], [`segment_line`] | printed output |

mod align;
pub mod bertscore;
mod digest;
pub mod mbr;
mod observed;
mod pair_source;
mod pairs;
pub mod pairwise;
mod report;
mod row_fields;
mod row_weights;
pub mod run;
mod source;
mod survey;
pub mod systems;
pub mod tuning;

pub use observed::ObservedTexts;
use pair_source::documents;
pub use pair_source::{PairSource, ScoreRow};
pub use pairs::{Pair, PairTexts};
pub use report::{
    BertScoreReport, BertScoreReports, LayerReport, MetricReport, Metrics, ReferencesReport, ReportParts,
    ScoreInput, ScoreInputs, ScoreReport, ScoreSubject, Segments, SystemReport, SystemsReport, TextsReport,
    figures_json, format_score, layer_segment_line, segment_line, text_line,
};
pub use row_weights::RowWeights;
pub use source::{TextColumn, TextSource};
pub use survey::{Groups, PairSurvey, SurveyOptions, SurveyedTexts};
pub use systems::System;
