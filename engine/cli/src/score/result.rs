//! The result on standard output: tables on a terminal, bert-score's lines elsewhere, or JSON.

use std::io::{IsTerminal, stdout};

use nearsay::Scorer;
use nearsay::score::bertscore::{MeanScores, Scores};
use nearsay::score::{
    PairSource, PairSurvey, ScoreReport, ScoreSubject, format_score, segment_line, text_line,
};
use nearsay::text::RecordId;

use super::Totals;
use crate::arguments::{AlignArgument, Metric, ScoreArguments};
use crate::context::Context;
use crate::print::{print_json, print_line};
use crate::style::Style;
use crate::table::{Column, Table};
use crate::terminal::Stream;

/// Everything that is printed.
pub(super) struct ScoreResult<'a> {
    pub(super) scorer: &'a Scorer,
    pub(super) source: &'a PairSource,
    pub(super) survey: &'a PairSurvey,
    pub(super) totals: &'a Totals,
}

impl ScoreResult<'_> {
    pub(super) fn print(&self, context: &Context, arguments: &ScoreArguments) -> anyhow::Result<()> {
        let has_bertscore = arguments.metric.contains(&Metric::Bertscore);
        if context.global.json {
            return Ok(self.print_json(arguments, has_bertscore)?);
        }
        if has_bertscore && (arguments.short || !stdout().is_terminal()) {
            self.print_lines(arguments.segments)?;
        } else if has_bertscore {
            self.print_tables(arguments.segments)?;
        }
        Ok(())
    }

    fn signature(&self) -> String {
        self.scorer.signature().to_string()
    }

    fn print_json(&self, arguments: &ScoreArguments, has_bertscore: bool) -> nearsay::Result<()> {
        let (signature, totals) = (self.signature(), self.totals);
        let mut subject = ScoreSubject::new(self.source, self.survey, &totals.notices, self.scorer.session());
        if arguments.reading.align == Some(AlignArgument::Ids) {
            subject = subject.paired_by_ids();
        }
        let mut report = ScoreReport::new(&signature).of(subject);
        if has_bertscore {
            report = report.bertscore(totals.mean.mean(), &totals.segments, &self.survey.ids);
        }
        print_json(&report)
    }

    fn print_lines(&self, segments: bool) -> nearsay::Result<()> {
        print_line(&text_line(&self.signature(), &self.totals.mean.mean()))?;
        let segments = if segments { self.totals.segments.as_slice() } else { &[] };
        segments.iter().try_for_each(|scores| print_line(&segment_line(scores)))
    }

    /// The pairs first, so that the means are still in view.
    fn print_tables(&self, segments: bool) -> nearsay::Result<()> {
        if segments {
            self.print_segments()?;
            print_line("")?;
        }
        let [file, p, r, f1] = ["file", "P", "R", "F1"];
        let columns = [Column::text(file), Column::number(p), Column::number(r), Column::number(f1)];
        let MeanScores { precision, recall, f1, .. } = self.totals.mean.mean();
        let [p, r, f1] = [precision, recall, f1].map(format_score);
        Table::new(columns)
            .print(|| [[self.source.candidates.name().to_owned(), p.clone(), r.clone(), f1.clone()]])?;
        print_line(&Stream::Stdout.paint(Style::Dim, &self.signature()))
    }

    fn print_segments(&self) -> nearsay::Result<()> {
        let (scores, ids) = (&self.totals.segments, &self.survey.ids);
        let [p, r, f1] = ["P", "R", "F1"].map(Column::number);
        if ids.is_empty() {
            let rows = || {
                (1u64..).zip(scores).map(|(row, scores)| {
                    let [p, r, f1] = numbers(scores);
                    [row.to_string(), p, r, f1]
                })
            };
            return Table::new([Column::number("row"), p, r, f1]).print(rows);
        }
        let rows = || {
            (1u64..).zip(ids).zip(scores).map(|((row, id), scores)| {
                let [p, r, f1] = numbers(scores);
                [row.to_string(), id_for_people(id), p, r, f1]
            })
        };
        Table::new([Column::number("row"), Column::text("id"), p, r, f1]).print(rows)
    }
}

fn numbers(scores: &Scores) -> [String; 3] {
    [scores.precision, scores.recall, scores.f1].map(|score| format_score(f64::from(score)))
}

/// An id without quotes; nothing for a row without one.
fn id_for_people(id: &RecordId) -> String {
    match id {
        RecordId::Row(_) => String::new(),
        RecordId::String(text) => text.clone(),
        number => number.to_string(),
    }
}
