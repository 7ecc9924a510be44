//! The part of the output of `nearsay score --json` that many systems have.

use std::collections::BTreeMap;

use nearsay_metrics::lexical::{Figure, Metric};
use nearsay_metrics::statistics::Interval;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::score::bertscore::CacheReport;
use crate::score::run::RowWeightsDocument;
use crate::score::systems::{MeasuredMetric, MeasuredSystems, ScoreWarning};
use crate::score::{PairSource, PairSurvey};
use crate::vectors::write::hexadecimal;

/// Systems and their scores. NaN and infinity are written as `null`.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SystemsReport {
    /// The number of rows.
    pub rows: u64,
    /// The SHA-256 of the metrics' settings and the inputs: equal ones have equal scores.
    pub fingerprint: String,
    /// The columns of references.
    pub references: Vec<ReferencesReport>,
    /// The weights of the rows in the scores, if they have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_weights: Option<RowWeightsDocument>,
    /// Texts that an encoder has encoded, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<TextsReport>,
    /// What a cache did, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheReport>,
    /// The systems, in the order in which they were named.
    pub systems: Vec<SystemReport>,
    /// Warnings as sentences.
    pub warnings: Vec<String>,
}

/// A column of references.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ReferencesReport {
    /// The file, or `standard input`.
    pub name: String,
    /// The SHA-256 of its texts, each followed by a newline: of a .txt that ends in one, that of the file.
    pub sha256: String,
    /// Rows without this reference.
    pub missing: u64,
}

/// Texts for encoders.
#[derive(Debug, Clone, Copy, Serialize)]
#[non_exhaustive]
pub struct TextsReport {
    /// The distinct texts of all systems and references.
    pub distinct: u64,
    /// Texts that were encoded, by each encoder.
    pub encoded: u64,
}

/// A system.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SystemReport {
    /// Its name.
    pub name: String,
    /// Its file, or `standard input`.
    pub input: String,
    /// The SHA-256 of its texts, as of references.
    pub sha256: String,
    /// Its scores by key.
    #[serde(serialize_with = "as_map")]
    pub metrics: Vec<(String, MetricReport)>,
}

/// A system's score by one metric.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MetricReport {
    /// The score and its parts.
    pub figures: Vec<(&'static str, Figure)>,
    /// The metric's settings.
    pub signature: String,
    /// The interval of the score, if intervals were asked for.
    pub interval: Option<Interval>,
    /// The scores of the rows, if they were asked for: numbers, or objects if the score has no single number.
    pub segments: Option<Vec<Vec<(&'static str, Figure)>>>,
}

/// How a report is made.
#[derive(Debug, Clone, Default)]
pub struct ReportParts<'a> {
    /// By metric and system, if they were computed.
    pub intervals: Option<&'a [Vec<Interval>]>,
    /// Whether the rows' scores are part of it.
    pub segments: bool,
    /// The warnings.
    pub warnings: &'a [ScoreWarning],
    /// Whether signatures are sacrebleu's own, without this program's version.
    pub reproduced_signatures: bool,
}

impl SystemsReport {
    /// A report of measured systems.
    pub fn new(
        source: &PairSource,
        survey: &PairSurvey,
        measured: &MeasuredSystems,
        parts: &ReportParts<'_>,
    ) -> Self {
        let references = source.references.iter().zip(&survey.references);
        let systems = source.systems.iter().zip(&survey.systems).enumerate();
        Self {
            rows: survey.rows,
            fingerprint: fingerprint(source, survey, measured),
            references: references
                .map(|(source, surveyed)| ReferencesReport {
                    name: source.name().to_owned(),
                    sha256: surveyed.sha256.clone(),
                    missing: surveyed.missing.count,
                })
                .collect(),
            row_weights: measured.weights.as_ref().map(RowWeightsDocument::from),
            texts: measured
                .encoded
                .map(|encoded| TextsReport { distinct: survey.recurring.distinct, encoded }),
            cache: None,
            systems: systems
                .map(|(at, (system, surveyed))| SystemReport {
                    name: system.name.clone(),
                    input: system.texts.name().to_owned(),
                    sha256: surveyed.sha256.clone(),
                    metrics: metrics_of(at, measured, parts),
                })
                .collect(),
            warnings: parts.warnings.iter().map(ScoreWarning::to_string).collect(),
        }
    }
}

fn metrics_of(
    system: usize,
    measured: &MeasuredSystems,
    parts: &ReportParts<'_>,
) -> Vec<(String, MetricReport)> {
    let report = |(at, metric): (usize, &MeasuredMetric)| {
        let sample = &metric.samples[system];
        let segments = || sample.rows().map(|row| segment(&*metric.metric, row)).collect();
        let report = MetricReport {
            figures: metric.figures(system),
            signature: match metric.metric.signature(measured.references) {
                signature if parts.reproduced_signatures => signature.reproduced().to_string(),
                signature => signature.to_string(),
            },
            interval: parts.intervals.map(|intervals| intervals[at][system]),
            segments: parts.segments.then(segments),
        };
        (metric.key.clone(), report)
    };
    measured.metrics.iter().enumerate().map(report).collect()
}

/// The figures of a row. Of a metric with a single score it is the row's, which may be computed in another way.
fn segment(metric: &dyn Metric, row: &[f64]) -> Vec<(&'static str, Figure)> {
    match metric.figures(row) {
        figures if figures.iter().any(|(name, _)| *name == "score") => {
            vec![("score", Figure::Number(metric.segment_score(row)))]
        }
        figures => figures,
    }
}

/// The SHA-256 of the canonical JSON of all signatures and of the digests of the inputs and of the rows' weights.
pub(in crate::score) fn fingerprint(
    source: &PairSource,
    survey: &PairSurvey,
    measured: &MeasuredSystems,
) -> String {
    let signature = |metric: &MeasuredMetric| {
        (metric.key.clone(), metric.metric.signature(measured.references).to_string())
    };
    let signatures: BTreeMap<_, _> = measured.metrics.iter().map(signature).collect();
    let systems = source.systems.iter().zip(&survey.systems);
    let systems: BTreeMap<_, _> =
        systems.map(|(system, surveyed)| (&system.name, &surveyed.sha256)).collect();
    let references: Vec<_> = survey.references.iter().map(|surveyed| &surveyed.sha256).collect();
    let mut all = json!({ "references": references, "signatures": signatures, "systems": systems });
    if let Some(weights) = &measured.weights {
        all["row_weights"] = json!(weights.sha256());
    }
    hexadecimal(&Sha256::digest(all.to_string()))
}

fn as_map<S: Serializer>(metrics: &[(String, MetricReport)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(metrics.iter().map(|(key, report)| (key, report)))
}

impl Serialize for MetricReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.figures.iter().try_for_each(|(name, figure)| map.serialize_entry(name, &Written(figure)))?;
        map.serialize_entry("signature", &self.signature)?;
        if let Some(interval) = self.interval {
            map.serialize_entry("interval", &[interval.low, interval.high])?;
        }
        if let Some(segments) = &self.segments {
            let segments: Vec<WrittenSegment<'_>> =
                segments.iter().map(|figures| WrittenSegment(figures)).collect();
            map.serialize_entry("segments", &segments)?;
        }
        map.end()
    }
}

/// Figures as a JSON object; NaN is `null`.
pub fn figures_json(figures: &[(&'static str, Figure)]) -> Value {
    figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(Written(figure)))).collect()
}

struct Written<'a>(&'a Figure);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Figure::Number(number) => serializer.serialize_f64(*number),
            Figure::Count(count) => serializer.serialize_u64(*count),
            Figure::Numbers(numbers) => numbers.serialize(serializer),
        }
    }
}

struct WrittenSegment<'a>(&'a [(&'static str, Figure)]);

impl Serialize for WrittenSegment<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [("score", figure)] => Written(figure).serialize(serializer),
            figures => serializer.collect_map(figures.iter().map(|(name, figure)| (name, Written(figure)))),
        }
    }
}
