//! The result on standard output: tables on a terminal, bert-score's lines elsewhere, or JSON.

use std::io::{IsTerminal, stdout};
use std::path::Path;

use nearsay::metrics::comparison::Compared;
use nearsay::metrics::statistics::Interval;
use nearsay::score::systems::ScoreWarning;
use nearsay::score::{ReportParts, ScoreReport, ScoreSubject, SystemsReport};

use super::bertscore::BertScoreResult;
use super::systems_table::{Form, SystemsTable};
use super::{Evaluated, interval_note, segments};
use crate::arguments::{AlignArgument, ScoreArguments, SignatureArgument};
use crate::context::Context;
use crate::print::{print_json, print_line};

/// Everything that is printed.
pub(super) struct ScoreResult<'a> {
    pub(super) evaluated: &'a Evaluated,
    pub(super) warnings: &'a [ScoreWarning],
    pub(super) compared: Option<&'a [Compared]>,
    pub(super) folder: Option<&'a Path>,
}

/// Whether the result has the forms of bert_score: one system, BERTScore alone, at one layer or at all, and no other
/// form asked for.
pub(super) fn is_plain(evaluated: &Evaluated, arguments: &ScoreArguments) -> bool {
    let format = &arguments.format;
    let has_form = format.csv || format.markdown || format.latex;
    let is_bertscore = |requested: &super::request::Requested| requested.spec.name() == "bertscore";
    let is_alone = evaluated.requested.len() == 1 || BertScoreResult::has_all_layers(evaluated);
    is_alone
        && evaluated.requested.iter().all(is_bertscore)
        && evaluated.source.systems.len() == 1
        && !has_form
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
            layers: BertScoreResult::layer_metrics(self.evaluated),
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
        let mut systems =
            SystemsReport::new(&evaluated.source, &evaluated.survey, &evaluated.measured, &parts);
        systems.cache = evaluated.cache.clone();
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
            report = bertscore.add_to(report.of(subject), &evaluated.survey.ids);
        }
        let stated = bertscore.as_ref().map(BertScoreResult::keys).unwrap_or_default();
        print_json(&report.of_system(&systems, &stated))
    }
}
