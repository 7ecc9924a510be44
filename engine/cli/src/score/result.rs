//! The result on standard output: tables on a terminal, bert-score's lines elsewhere, or JSON.

use std::io::{IsTerminal, stdout};
use std::path::Path;

use nearsay::Scorer;
use nearsay::metrics::comparison::Compared;
use nearsay::metrics::statistics::Interval;
use nearsay::score::bertscore::{MeanScores, RunningMean, ScoreNotices, Scores};
use nearsay::score::systems::{Computation, ScoreWarning};
use nearsay::score::{
    ReportParts, ScoreReport, ScoreSubject, SystemsReport, format_score, segment_line, text_line,
};

use super::segments::{self, id_for_people};
use super::systems_table::{Form, SystemsTable};
use super::{Evaluated, interval_note};
use crate::arguments::{AlignArgument, ScoreArguments, SignatureArgument};
use crate::context::Context;
use crate::print::{print_json, print_line};
use crate::style::Style;
use crate::table::{Column, Table};
use crate::terminal::Stream;

/// Everything that is printed.
pub(super) struct ScoreResult<'a> {
    pub(super) evaluated: &'a Evaluated,
    pub(super) warnings: &'a [ScoreWarning],
    pub(super) compared: Option<&'a [Compared]>,
    pub(super) folder: Option<&'a Path>,
}

/// Whether the result has the forms of bert_score: one system, BERTScore alone, and no other form asked for.
pub(super) fn is_plain(evaluated: &Evaluated, arguments: &ScoreArguments) -> bool {
    let format = &arguments.format;
    let has_form = format.csv || format.markdown || format.latex;
    let is_bertscore = |requested: &super::request::Requested| requested.spec.name() == "bertscore";
    let is_alone = evaluated.requested.len() == 1 && evaluated.requested.iter().all(is_bertscore);
    is_alone && evaluated.source.systems.len() == 1 && !has_form
}

impl ScoreResult<'_> {
    pub(super) fn print(&self, context: &Context, arguments: &ScoreArguments) -> anyhow::Result<()> {
        if context.global.json {
            return Ok(self.print_json(arguments)?);
        }
        let bertscore =
            is_plain(self.evaluated, arguments).then(|| BertScoreResult::of(self.evaluated)).flatten();
        match bertscore {
            Some(bertscore) if arguments.short || !stdout().is_terminal() => {
                bertscore.print_lines(arguments.segments)?;
            }
            Some(bertscore) => bertscore.print_tables(self.evaluated, arguments.segments)?,
            None => self.print_systems(arguments)?,
        }
        if let Some(folder) = self.folder {
            context.note(format_args!("wrote {}", folder.display()));
        }
        Ok(())
    }

    fn print_systems(&self, arguments: &ScoreArguments) -> nearsay::Result<()> {
        let form = match &arguments.format {
            format if format.csv => Form::Csv,
            format if format.markdown => Form::Markdown,
            format if format.latex => Form::Latex,
            _ => Form::People,
        };
        // The rows first, so that the scores are still in view.
        if arguments.segments && form == Form::People {
            segments::print(self.evaluated)?;
            print_line("")?;
        }
        let names = self.evaluated.names();
        let table = SystemsTable {
            names: &names,
            measured: &self.evaluated.measured,
            compared: self.compared,
            signatures: arguments.format.signature,
        };
        table.print(form)?;
        if form != Form::People {
            return Ok(());
        }
        let survey = &self.evaluated.survey;
        let groups = survey.groups.as_ref().map(|groups| groups.names.len());
        let note = self.compared.and_then(|_| interval_note(&arguments.interval, survey.rows, groups));
        table.print_notes(&note.into_iter().collect::<Vec<_>>())
    }

    fn print_json(&self, arguments: &ScoreArguments) -> nearsay::Result<()> {
        let evaluated = self.evaluated;
        let intervals: Option<Vec<Vec<Interval>>> = self
            .compared
            .map(|compared| compared.iter().map(|compared| compared.intervals.clone()).collect());
        let parts = ReportParts {
            intervals: intervals.as_deref(),
            segments: arguments.segments,
            warnings: self.warnings,
            reproduced_signatures: arguments.format.signature == SignatureArgument::Sacrebleu,
        };
        let systems = SystemsReport::new(&evaluated.source, &evaluated.survey, &evaluated.measured, &parts);
        if evaluated.source.systems.len() > 1 {
            return print_json(&systems);
        }
        let mut report = ScoreReport::new();
        let bertscore = BertScoreResult::of(evaluated);
        if let Some(bertscore) = &bertscore {
            let mut subject = ScoreSubject::new(
                &evaluated.source,
                &evaluated.survey,
                &bertscore.notices,
                bertscore.scorer.session(),
            );
            if arguments.reading.align == Some(AlignArgument::Ids) {
                subject = subject.paired_by_ids();
            }
            report = report.of(subject).bertscore(
                &bertscore.signature,
                bertscore.mean.mean(),
                &bertscore.segments,
                &evaluated.survey.ids,
            );
        }
        print_json(&report.of_system(&systems))
    }
}

/// BERTScore of the only system.
struct BertScoreResult<'a> {
    scorer: &'a Scorer,
    signature: String,
    mean: RunningMean,
    segments: Vec<Scores>,
    notices: ScoreNotices,
}

impl<'a> BertScoreResult<'a> {
    /// The first BERTScore of the first system.
    fn of(evaluated: &'a Evaluated) -> Option<Self> {
        let (at, scorer) =
            evaluated.metrics.iter().enumerate().find_map(|(at, metric)| match &metric.computation {
                Computation::BertScore(scorer) if metric.key == "bertscore" => Some((at, scorer)),
                _ => None,
            })?;
        let sample = evaluated.measured.metrics[at].samples.first()?;
        let segments: Vec<Scores> =
            sample.rows().map(|row| Scores::new(row[0] as f32, row[1] as f32, row[2] as f32)).collect();
        let mut mean = RunningMean::new();
        segments.iter().for_each(|scores| mean.add(scores));
        let notices = evaluated.measured.notices.first().cloned().unwrap_or_default();
        Some(Self { scorer, signature: scorer.signature().to_string(), mean, segments, notices })
    }

    fn print_lines(&self, segments: bool) -> nearsay::Result<()> {
        print_line(&text_line(&self.signature, &self.mean.mean()))?;
        let segments = if segments { self.segments.as_slice() } else { &[] };
        segments.iter().try_for_each(|scores| print_line(&segment_line(scores)))
    }

    /// The pairs first, so that the means are still in view.
    fn print_tables(&self, evaluated: &Evaluated, segments: bool) -> nearsay::Result<()> {
        if segments {
            self.print_segments(evaluated)?;
            print_line("")?;
        }
        let columns = [Column::text("file"), Column::number("P"), Column::number("R"), Column::number("F1")];
        let MeanScores { precision, recall, f1, .. } = self.mean.mean();
        let [p, r, f1] = [precision, recall, f1].map(format_score);
        let file = evaluated.source.systems[0].texts.name().to_owned();
        Table::new(columns).print(|| [[file.clone(), p.clone(), r.clone(), f1.clone()]])?;
        print_line(&Stream::Stdout.paint(Style::Dim, &self.signature))
    }

    fn print_segments(&self, evaluated: &Evaluated) -> nearsay::Result<()> {
        let ids = &evaluated.survey.ids;
        let mut columns = vec![Column::number("row")];
        columns.extend((!ids.is_empty()).then(|| Column::text("id")));
        columns.extend(["P", "R", "F1"].map(Column::number));
        let row = |(at, scores): (usize, &Scores)| {
            let mut cells = vec![(at + 1).to_string()];
            cells.extend(ids.get(at).map(id_for_people));
            cells
                .extend([scores.precision, scores.recall, scores.f1].map(|score| format_score(score.into())));
            cells
        };
        Table::new(columns).print(|| self.segments.iter().enumerate().map(row))
    }
}
