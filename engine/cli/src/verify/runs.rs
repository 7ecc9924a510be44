//! `nearsay verify` on runs of `nearsay score`.

use nearsay::score::run::Run;
use serde::Serialize;

use crate::arguments::VerifyArguments;
use crate::context::Context;
use crate::failure;
use crate::failure::SUCCESS;
use crate::print::{bytes, plural, print_json, print_line};

/// A run in the output of `--json`.
#[derive(Serialize)]
struct RunReport {
    folder: String,
    systems: u64,
    metrics: u64,
    rows: u64,
    bytes: u64,
    problems: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &VerifyArguments) -> anyhow::Result<u8> {
    let reports = arguments.folders.iter().map(|folder| {
        let run = Run::open(folder)?;
        Ok(RunReport {
            folder: folder.display().to_string(),
            systems: run.systems().len() as u64,
            metrics: run.metrics().len() as u64,
            rows: run.rows(),
            bytes: run.bytes(),
            problems: run.problems()?,
        })
    });
    let reports = reports.collect::<nearsay::Result<Vec<_>>>()?;
    if context.global.json {
        print_json(&reports)?;
    } else {
        reports.iter().try_for_each(|report| print_line(&line(report)))?;
    }
    reports.iter().flat_map(|report| &report.problems).for_each(|what| failure::say(format_args!("{what}")));
    if reports.iter().all(|report| report.problems.is_empty()) {
        return Ok(SUCCESS);
    }
    failure::hint("make the run again with nearsay score -o RUN --overwrite");
    Ok(65)
}

fn line(report: &RunReport) -> String {
    let state = if report.problems.is_empty() { "complete, every checksum holds" } else { "damaged" };
    format!(
        "{}: {}, {}, {}, {}: {state}",
        report.folder,
        plural(report.systems, "system", "systems"),
        plural(report.metrics, "metric", "metrics"),
        plural(report.rows, "row", "rows"),
        bytes(report.bytes)
    )
}
