//! `nearsay bench compare`.

use comfy_table::Table;
use nearsay::bench::{Comparison, Difference, Report, Topic};
use serde::Serialize;

use super::tables::{percent, table};
use crate::arguments::CompareArguments;
use crate::context::Context;
use crate::failure::SUCCESS;
use crate::print::{grouped, print_json, print_line};

/// The output of `--json`.
#[derive(Serialize)]
struct Output<'a> {
    a: String,
    b: String,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

pub(super) fn run(context: &Context, arguments: &CompareArguments) -> anyhow::Result<u8> {
    let (a, b) = (Report::read(&arguments.a)?, Report::read(&arguments.b)?);
    let comparison = Comparison::of(&a, &b);
    let name = |path: &std::path::Path| path.display().to_string();
    let output = Output { a: name(&arguments.a), b: name(&arguments.b), comparison: &comparison };
    if context.global.json {
        print_json(&output)?;
    } else {
        print(&output, [&a, &b])?;
    }
    warn(context, &comparison);
    Ok(if comparison.is_empty() { 1 } else { SUCCESS })
}

fn warn(context: &Context, comparison: &Comparison) {
    if comparison.is_empty() {
        context.note("no figure is in both files: precisions or lengths differ");
    }
    if !comparison.same_work {
        context.note("warning: not the same encoder was measured: the ratios compare different work");
    }
    if comparison.busy == Some(true) {
        context.note("warning: a machine was busy with other work; measure again on an idle one");
    }
}

fn print(output: &Output<'_>, reports: [&Report; 2]) -> nearsay::Result<()> {
    let Output { a, b, comparison } = output;
    for (letter, name, report) in [("A", a, reports[0]), ("B", b, reports[1])] {
        let model = &report.model;
        print_line(&format!(
            "{letter}  {name}: {}, {}, {}{}",
            model.name,
            report.gpus.first().map_or(&report.machine.cpu, |gpu| &gpu.name),
            report.date,
            report.load.as_ref().filter(|load| load.busy).map_or("", |_| ", on a busy machine")
        ))?;
    }
    let (throughput, latency) = (throughput(comparison), latency(comparison));
    let tables = [differences(&comparison.differences), throughput, latency];
    for table in tables.into_iter().flatten() {
        print_line(&format!("\n{table}"))?;
    }
    for (letter, only) in [("A", &comparison.only_in_a), ("B", &comparison.only_in_b)] {
        if !only.is_empty() {
            print_line(&format!("\nonly in {letter}: {}", only.join(", ")))?;
        }
    }
    Ok(())
}

fn differences(differences: &[Difference]) -> Option<Table> {
    let mut table = table(["differs", "A", "B"], 3);
    for Difference { about, what, a, b, .. } in differences {
        // Of another encoder the figures do not compare.
        let mark = if *about == Topic::Work { " !" } else { "" };
        table.add_row([format!("{what}{mark}"), a.clone(), b.clone()]);
    }
    (!differences.is_empty()).then_some(table)
}

fn throughput(comparison: &Comparison) -> Option<Table> {
    let mut table =
        table(["precision", "texts of", "A tokens/s", "B tokens/s", "B / A", "A of peak", "B of peak"], 2);
    for row in &comparison.throughput {
        table.add_row([
            row.precision.clone(),
            row.length.map_or_else(|| "natural mix".to_owned(), |length| format!("{length} tokens")),
            grouped(row.a),
            grouped(row.b),
            format!("{:.2}", row.ratio),
            percent(Some(row.a_share_of_peak)),
            percent(Some(row.b_share_of_peak)),
        ]);
    }
    (!comparison.throughput.is_empty()).then_some(table)
}

fn latency(comparison: &Comparison) -> Option<Table> {
    let mut table = table(["precision", "one text of", "A p50 ms", "B p50 ms", "B / A speed"], 2);
    for row in &comparison.latency {
        table.add_row([
            row.precision.clone(),
            format!("{} tokens", row.tokens),
            format!("{:.2}", row.a_p50_ms),
            format!("{:.2}", row.b_p50_ms),
            format!("{:.2}", row.ratio),
        ]);
    }
    (!comparison.latency.is_empty()).then_some(table)
}
