//! Output of `nearsay score`: lines of text in bert-score's format, or a JSON object.

use serde::Serialize;

use super::bertscore::{MeanScores, Scores};

/// The object that `nearsay score --json` prints. NaN and infinity are written as `null`, since JSON cannot
/// represent them.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ScoreReport<'a> {
    /// The signature of the BERTScore.
    pub signature: &'a str,
    /// The requested metrics, by name.
    pub metrics: Metrics<'a>,
}

impl<'a> ScoreReport<'a> {
    /// A report without metrics.
    pub fn new(signature: &'a str) -> Self {
        Self { signature, metrics: Metrics::default() }
    }

    /// The same with BERTScore.
    #[must_use]
    pub fn bertscore(self, mean: MeanScores, segments: &'a [Scores]) -> Self {
        let bertscore = Some(BertScoreReport { mean, segments });
        Self { metrics: Metrics { bertscore, ..self.metrics }, ..self }
    }
}

/// The metrics of a report; metrics that were not requested are omitted.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Metrics<'a> {
    /// BERTScore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bertscore: Option<BertScoreReport<'a>>,
}

/// BERTScore in a report.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct BertScoreReport<'a> {
    /// The means.
    #[serde(flatten)]
    pub mean: MeanScores,
    /// The pairs, in input order.
    pub segments: &'a [Scores],
}

/// The line that bert-score prints: `{signature} P: 0.000000 R: 0.000000 F1: 0.000000`
/// (`bert_score_cli/score.py:124`).
pub fn text_line(signature: &str, mean: &MeanScores) -> String {
    let [precision, recall, f1] = [mean.precision, mean.recall, mean.f1].map(six_digits);
    format!("{signature} P: {precision} R: {recall} F1: {f1}")
}

/// The line that bert-score's `-s` prints for a pair: P, R and F1, tab separated
/// (`bert_score_cli/score.py:129`).
pub fn segment_line(scores: &Scores) -> String {
    [scores.precision, scores.recall, scores.f1].map(|score| six_digits(f64::from(score))).join("\t")
}

/// Formats as Python's `{:.6f}`, which prints NaN in lower case.
fn six_digits(value: f64) -> String {
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
        serde_json::to_string(&ScoreReport::new("s").bertscore(mean, segments)).unwrap()
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
        let report = ScoreReport::new("s");
        assert_eq!(serde_json::to_string(&report).unwrap(), r#"{"signature":"s","metrics":{}}"#);
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
