//! BERTScore of the only system, at one layer or at all.

use nearsay::Scorer;
use nearsay::score::bertscore::{MeanScores, RunningMean, ScoreNotices, Scores};
use nearsay::score::systems::{Computation, ScoreMetric, weighted_signature};
use nearsay::score::{LayerReport, ScoreReport, format_score, layer_segment_line, segment_line, text_line};
use nearsay::text::RecordId;

use super::Evaluated;
use super::segments::id_for_people;
use super::systems_table::LayerMetrics;
use crate::print::print_line;
use crate::style::Style;
use crate::table::{Column, Table};
use crate::terminal::Stream;

/// BERTScore of the first system.
pub(super) struct BertScoreResult<'a> {
    pub(super) scorer: &'a Scorer,
    /// The signature of all layers.
    signature: String,
    /// Whether it is at every layer.
    all_layers: bool,
    /// One layer at least, from the lowest up.
    layers: Vec<LayerResult<'a>>,
    pub(super) notices: ScoreNotices,
}

/// BERTScore at one layer.
struct LayerResult<'a> {
    layer: usize,
    /// Of the metric.
    key: &'a str,
    signature: String,
    mean: MeanScores,
    segments: Vec<Scores>,
}

/// The metrics of the first BERTScore: their index, and their scorer.
fn metrics(evaluated: &Evaluated) -> Vec<(usize, &Scorer)> {
    fn scorer(metric: &ScoreMetric) -> Option<&Scorer> {
        match &metric.computation {
            Computation::BertScore(scorer) => Some(scorer),
            _ => None,
        }
    }
    let is_wanted = |metric: &ScoreMetric| metric.key == "bertscore" || evaluated.all_layers;
    let metrics = evaluated.metrics.iter().enumerate().filter(|(_, metric)| is_wanted(metric));
    let mut found: Vec<_> = metrics.filter_map(|(at, metric)| Some(at).zip(scorer(metric))).collect();
    // Another model's BERTScore is a metric of its own.
    if let Some(first) = found.first().map(|(_, scorer)| scorer.signature().of_layers(0, 0)) {
        found.retain(|(_, scorer)| scorer.signature().of_layers(0, 0) == first);
    }
    found
}

impl<'a> BertScoreResult<'a> {
    /// The first BERTScore of the first system.
    pub(super) fn of(evaluated: &'a Evaluated) -> Option<Self> {
        let metrics = metrics(evaluated);
        let ((_, first), (_, last)) = (metrics.first()?, metrics.last()?);
        let weights = evaluated.survey.weights.as_ref();
        let layer = |&(at, scorer): &(usize, &Scorer)| {
            let measured = &evaluated.measured.metrics[at];
            let rows = measured.samples.first()?.rows();
            let segments: Vec<Scores> =
                rows.map(|row| Scores::new(row[0] as f32, row[1] as f32, row[2] as f32)).collect();
            let mut mean = RunningMean::new();
            for (row, scores) in segments.iter().enumerate() {
                mean.add_weighted(scores, weights.map_or(1.0, |weights| weights.values()[row]));
            }
            let (layer, signature) = (scorer.layer(), weighted_signature(scorer, weights).to_string());
            Some(LayerResult { layer, key: &measured.key, signature, mean: mean.mean(), segments })
        };
        Some(Self {
            scorer: first,
            signature: weighted_signature(first, weights).of_layers(first.layer(), last.layer()),
            all_layers: evaluated.all_layers,
            layers: metrics.iter().map(layer).collect::<Option<_>>()?,
            notices: evaluated.measured.notices.first().cloned().unwrap_or_default(),
        })
    }

    /// Whether all metrics are one BERTScore at every layer.
    pub(super) fn has_all_layers(evaluated: &Evaluated) -> bool {
        evaluated.all_layers && metrics(evaluated).len() == evaluated.metrics.len()
    }

    /// The metrics of every layer, if that was asked for.
    pub(super) fn layer_metrics(evaluated: &Evaluated) -> Option<LayerMetrics> {
        let metrics = if evaluated.all_layers { metrics(evaluated) } else { Vec::new() };
        let ((_, first), (_, last)) = (metrics.first()?, metrics.last()?);
        let signature = weighted_signature(first, evaluated.survey.weights.as_ref());
        Some(LayerMetrics {
            signature: signature.of_layers(first.layer(), last.layer()),
            layers: metrics.iter().map(|(at, scorer)| (*at, scorer.layer())).collect(),
        })
    }

    /// The keys of its metrics.
    pub(super) fn keys(&self) -> Vec<&str> {
        self.layers.iter().map(|layer| layer.key).collect()
    }

    /// `report` with these scores.
    pub(super) fn add_to<'b>(&'b self, report: ScoreReport<'b>, ids: &'b [RecordId]) -> ScoreReport<'b> {
        match &self.layers[..] {
            [layer] if !self.all_layers => {
                report.bertscore(&self.signature, layer.mean, &layer.segments, ids)
            }
            layers => {
                let layer = |layer: &'b LayerResult<'a>| {
                    LayerReport::new((layer.layer, &layer.signature), layer.mean, &layer.segments, ids)
                };
                report.bertscore_layers(&self.signature, layers.iter().map(layer).collect())
            }
        }
    }

    /// bert-score's line for each layer. The lines of pairs start with the layer if all were asked for.
    pub(super) fn print_lines(&self, segments: bool) -> nearsay::Result<()> {
        let line = |layer: &LayerResult<'_>| print_line(&text_line(&layer.signature, &layer.mean));
        self.layers.iter().try_for_each(line)?;
        if !segments {
            return Ok(());
        }
        self.rows().try_for_each(|(_, layer, scores)| {
            print_line(&match self.all_layers {
                true => layer_segment_line(layer, scores),
                false => segment_line(scores),
            })
        })
    }

    /// The pairs' scores, and in each pair the layers': the pair, the layer, its scores.
    fn rows(&self) -> impl Iterator<Item = (usize, usize, &Scores)> {
        let pairs = self.layers.first().map_or(0, |layer| layer.segments.len());
        (0..pairs)
            .flat_map(|pair| self.layers.iter().map(move |layer| (pair, layer.layer, &layer.segments[pair])))
    }

    /// The pairs first, so that the means are still in view.
    pub(super) fn print_tables(&self, evaluated: &Evaluated, segments: bool) -> nearsay::Result<()> {
        if segments {
            self.print_segments(evaluated)?;
            print_line("")?;
        }
        let mut columns = vec![Column::text("file")];
        columns.extend(self.all_layers.then(|| Column::number("layer")));
        columns.extend(["P", "R", "F1"].map(Column::number));
        let file = evaluated.source.systems[0].texts.name();
        let row = |layer: &LayerResult<'_>| {
            let mut cells = vec![file.to_owned()];
            cells.extend(self.all_layers.then(|| layer.layer.to_string()));
            let MeanScores { precision, recall, f1, .. } = layer.mean;
            cells.extend([precision, recall, f1].map(format_score));
            cells
        };
        Table::new(columns).print(|| self.layers.iter().map(row))?;
        print_line(&Stream::Stdout.paint(Style::Dim, &self.signature))
    }

    fn print_segments(&self, evaluated: &Evaluated) -> nearsay::Result<()> {
        let ids = &evaluated.survey.ids;
        let mut columns = vec![Column::number("row")];
        columns.extend((!ids.is_empty()).then(|| Column::text("id")));
        columns.extend(self.all_layers.then(|| Column::number("layer")));
        columns.extend(["P", "R", "F1"].map(Column::number));
        let row = |(at, layer, scores): (usize, usize, &Scores)| {
            let mut cells = vec![(at + 1).to_string()];
            cells.extend(ids.get(at).map(id_for_people));
            cells.extend(self.all_layers.then(|| layer.to_string()));
            cells
                .extend([scores.precision, scores.recall, scores.f1].map(|score| format_score(score.into())));
            cells
        };
        Table::new(columns).print(|| self.rows().map(row))
    }
}
