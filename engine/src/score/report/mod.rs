//! Output of `nearsay score`: lines of text in bert-score's format, or a JSON object.

mod systems;

use serde::{Serialize, Serializer};

use nearsay_models::files::Source;

use super::bertscore::{MeanScores, ScoreNotices, Scores};
use super::{PairSource, PairSurvey, TextSource};
use crate::Session;
use crate::text::RecordId;
pub(in crate::score) use systems::fingerprint;
pub use systems::{
    MetricReport, ReferencesReport, ReportParts, SystemReport, SystemsReport, TextsReport, figures_json,
};

/// The object that `nearsay score --json` prints for one system; for several it is [`SystemsReport`]. NaN and infinity are written as `null`, since JSON cannot
/// represent them.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ScoreReport<'a> {
    /// The signature of the BERTScore, if it was requested; of all its layers if it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<&'a str>,
    /// The inputs, pairs and model, if [stated](Self::of).
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub subject: Option<ScoreSubject<'a>>,
    /// The requested metrics, by name.
    pub metrics: Metrics<'a>,
    /// The same as for several systems, if [stated](Self::of_system).
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub systems: Option<&'a SystemsReport>,
}

impl Default for ScoreReport<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> ScoreReport<'a> {
    /// A report without metrics.
    pub fn new() -> Self {
        Self { signature: None, subject: None, metrics: Metrics::default(), systems: None }
    }

    /// The same with the metrics of a report of one system, and the report itself. Metrics with one of the `stated` keys
    /// are left out of the metrics of this report.
    #[must_use]
    pub fn of_system(self, report: &'a SystemsReport, stated: &[&str]) -> Self {
        let all = report.systems.first().map_or(&[][..], |system| &system.metrics);
        let is_other = |(key, _): &&(String, MetricReport)| !stated.contains(&key.as_str());
        let others = all.iter().filter(is_other).map(|(key, metric)| (key.as_str(), metric)).collect();
        Self { metrics: Metrics { others, ..self.metrics }, systems: Some(report), ..self }
    }

    /// The same with its inputs, pairs and model.
    #[must_use]
    pub fn of(self, subject: ScoreSubject<'a>) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// The same with BERTScore. `ids` are the pairs' ids; empty if no pair has one.
    #[must_use]
    pub fn bertscore(
        self,
        signature: &'a str,
        mean: MeanScores,
        segments: &'a [Scores],
        ids: &'a [RecordId],
    ) -> Self {
        let report = BertScoreReport { mean, segments: Segments { scores: segments, ids } };
        let bertscore = Some(BertScoreReports::One(report));
        Self { signature: Some(signature), metrics: Metrics { bertscore, ..self.metrics }, ..self }
    }

    /// The same with BERTScore at several layers.
    #[must_use]
    pub fn bertscore_layers(self, signature: &'a str, layers: Vec<LayerReport<'a>>) -> Self {
        let bertscore = Some(BertScoreReports::Layers { layers });
        Self { signature: Some(signature), metrics: Metrics { bertscore, ..self.metrics }, ..self }
    }
}

/// The inputs, pairs and model of a report.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ScoreSubject<'a> {
    /// The inputs.
    pub inputs: ScoreInputs<'a>,
    /// How rows became pairs: `rows` or `ids`.
    pub paired_by: &'static str,
    /// The number of pairs.
    pub pairs: u64,
    /// Pairs with an empty side and the raw score 0.
    pub empty: u64,
    /// Pairs with an empty reference and others that are not.
    pub empty_references: u64,
    /// Pairs with a blank text in a further column of references, which does not count as a reference.
    pub fewer_references: u64,
    /// Pairs with a score that is not a number.
    pub undefined: u64,
    /// Candidates and references that were cut to the longest length.
    pub truncated: u64,
    /// The model as the user named it.
    pub model: &'a str,
    /// The commit of a model from the hub; `null` for a folder.
    pub model_revision: Option<&'a str>,
}

/// The inputs of a report.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ScoreInputs<'a> {
    /// The candidates.
    pub candidates: ScoreInput<'a>,
    /// The references, one per column.
    pub references: Vec<ScoreInput<'a>>,
}

/// An input of a report.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ScoreInput<'a> {
    /// The file, or `standard input`.
    pub file: &'a str,
    /// The field or column with the texts; `null` for lines.
    pub field: Option<&'a str>,
}

impl<'a> ScoreSubject<'a> {
    /// The pairs of the only system of `source` scored by the model of `session`.
    pub fn new(
        source: &'a PairSource,
        survey: &PairSurvey,
        notices: &ScoreNotices,
        session: &'a Session,
    ) -> Self {
        let folder = session.model().folder();
        let model_revision = match folder.source() {
            Source::Folder => None,
            Source::Cache { commit, .. } => Some(commit.as_str()),
        };
        Self {
            inputs: ScoreInputs {
                candidates: ScoreInput::of(&source.systems[0].texts),
                references: source.references.iter().map(ScoreInput::of).collect(),
            },
            paired_by: "rows",
            pairs: notices.pairs,
            empty: notices.empty.count,
            empty_references: notices.empty_references.count,
            fewer_references: survey.fewer_references.count,
            undefined: notices.undefined.count,
            truncated: notices.truncated,
            model: folder.name(),
            model_revision,
        }
    }

    /// The same, with the rows paired by id.
    #[must_use]
    pub fn paired_by_ids(self) -> Self {
        Self { paired_by: "ids", ..self }
    }
}

impl<'a> ScoreInput<'a> {
    fn of(source: &'a TextSource) -> Self {
        Self { file: source.name(), field: source.field() }
    }
}

/// The metrics of a report; metrics that were not requested are omitted.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Metrics<'a> {
    /// BERTScore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bertscore: Option<BertScoreReports<'a>>,
    /// The other metrics, by key.
    #[serde(flatten, serialize_with = "by_key")]
    pub others: Vec<(&'a str, &'a MetricReport)>,
}

fn by_key<S: Serializer>(metrics: &[(&str, &MetricReport)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(metrics.iter().copied())
}

/// BERTScore at one layer, or at several.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum BertScoreReports<'a> {
    /// At one layer.
    One(BertScoreReport<'a>),
    /// At several.
    Layers {
        /// From the lowest up.
        layers: Vec<LayerReport<'a>>,
    },
}

/// BERTScore at one of several layers.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct LayerReport<'a> {
    /// The layer; 0 is the embeddings.
    pub layer: usize,
    /// The signature of this layer alone.
    pub signature: &'a str,
    /// Its scores.
    #[serde(flatten)]
    pub scores: BertScoreReport<'a>,
}

impl<'a> LayerReport<'a> {
    /// `ids` are the pairs' ids; empty if no pair has one.
    pub fn new(
        (layer, signature): (usize, &'a str),
        mean: MeanScores,
        segments: &'a [Scores],
        ids: &'a [RecordId],
    ) -> Self {
        let scores = BertScoreReport { mean, segments: Segments { scores: segments, ids } };
        Self { layer, signature, scores }
    }
}

/// BERTScore in a report.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct BertScoreReport<'a> {
    /// The means.
    #[serde(flatten)]
    pub mean: MeanScores,
    /// The pairs, in input order.
    pub segments: Segments<'a>,
}

/// The scores of pairs, each with the pair's id if it has one.
#[derive(Debug, Clone, Copy)]
pub struct Segments<'a> {
    scores: &'a [Scores],
    ids: &'a [RecordId],
}

/// One pair.
#[derive(Serialize)]
struct Segment<'a> {
    #[serde(flatten)]
    scores: &'a Scores,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RecordId>,
}

impl Serialize for Segments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ids = self.ids.iter().map(Some).chain(std::iter::repeat(None));
        serializer.collect_seq(
            self.scores
                .iter()
                .zip(ids)
                .map(|(scores, id)| Segment { scores, id: id.filter(|id| id.is_explicit()) }),
        )
    }
}

/// The line that bert-score prints: `{signature} P: 0.000000 R: 0.000000 F1: 0.000000`
/// (`bert_score_cli/score.py:124`).
pub fn text_line(signature: &str, mean: &MeanScores) -> String {
    let [precision, recall, f1] = [mean.precision, mean.recall, mean.f1].map(format_score);
    format!("{signature} P: {precision} R: {recall} F1: {f1}")
}

/// The line that bert-score's `-s` prints for a pair: P, R and F1, tab separated
/// (`bert_score_cli/score.py:129`).
pub fn segment_line(scores: &Scores) -> String {
    [scores.precision, scores.recall, scores.f1].map(|score| format_score(f64::from(score))).join("\t")
}

/// The line of a pair at one of several layers: the layer, P, R and F1, tab separated.
pub fn layer_segment_line(layer: usize, scores: &Scores) -> String {
    format!("{layer}\t{}", segment_line(scores))
}

/// A score with six digits, as by Python's `{:.6f}`, which prints NaN in lower case.
pub fn format_score(value: f64) -> String {
    if value.is_nan() { "nan".to_owned() } else { format!("{value:.6}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEAN: MeanScores = MeanScores { precision: 0.5, recall: 0.0, f1: 0.5 };

    fn pairs() -> [Scores; 2] {
        [Scores { precision: 0.25, recall: 0.5, f1: 1.0 }, Scores { precision: 0.75, recall: -0.5, f1: 0.0 }]
    }

    fn json(mean: MeanScores, segments: &[Scores]) -> String {
        serde_json::to_string(&ScoreReport::new().bertscore("s", mean, segments, &[])).unwrap()
    }

    #[test]
    fn json_has_the_promised_shape() {
        let expected = concat!(
            r#"{"signature":"s","metrics":{"bertscore":{"precision":0.5,"recall":0.0,"f1":0.5,"segments":["#,
            r#"{"precision":0.25,"recall":0.5,"f1":1.0},{"precision":0.75,"recall":-0.5,"f1":0.0}]}}}"#
        );
        assert_eq!(json(MEAN, &pairs()), expected);
    }

    #[test]
    fn a_pair_with_an_id_has_it_in_json() {
        let ids = [RecordId::Row(0), RecordId::String("b".to_owned())];
        let report = ScoreReport::new();
        let written = serde_json::to_string(&report.bertscore("s", MEAN, &pairs(), &ids)).unwrap();
        assert!(written.contains(r#""f1":1.0},{"#) && written.contains(r#""f1":0.0,"id":"b"}"#), "{written}");
    }

    #[test]
    fn json_writes_what_is_not_a_number_as_null() {
        let mean = MeanScores { precision: f64::NAN, recall: 0.5, f1: f64::NEG_INFINITY };
        let written = json(mean, &[Scores { precision: f32::NAN, recall: 0.5, f1: f32::NEG_INFINITY }]);
        assert!(
            written.contains(r#""precision":null,"recall":0.5,"f1":null,"segments":[{"precision":null,"#)
        );
        assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
    }

    #[test]
    fn json_leaves_out_metrics_that_were_not_asked_for() {
        assert_eq!(serde_json::to_string(&ScoreReport::new()).unwrap(), r#"{"metrics":{}}"#);
    }

    #[test]
    fn json_keeps_every_bit_of_a_score() {
        let scores = Scores { precision: 0.984_330_24, recall: f32::MIN_POSITIVE, f1: -4.934_923_6 };
        let value: serde_json::Value = serde_json::from_str(&json(MEAN, &[scores])).unwrap();
        let segment = &value["metrics"]["bertscore"]["segments"][0];
        let read = |key: &str| segment[key].as_f64().map(|number| number as f32);
        assert_eq!(read("precision"), Some(scores.precision));
        assert_eq!(read("recall"), Some(scores.recall));
        assert_eq!(read("f1"), Some(scores.f1));
    }

    #[test]
    fn lines_are_those_of_bert_score() {
        let mean = MeanScores { precision: 0.984_330_236_9, recall: f64::NAN, f1: -4.934_923_6 };
        assert_eq!(text_line("hash", &mean), "hash P: 0.984330 R: nan F1: -4.934924");
        // Python: "{:.6f}\t{:.6f}\t{:.6f}".format(-0.0, float("inf"), float("nan"))
        let scores = Scores { precision: -0.0, recall: f32::INFINITY, f1: f32::NAN };
        assert_eq!(segment_line(&scores), "-0.000000\tinf\tnan");
    }
}
