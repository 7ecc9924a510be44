//! `nearsay verify` on the folders of jobs.

use nearsay::Workers;
use nearsay::job::{FolderState, verify};
use nearsay::vectors::folder::ShardRecord;
use serde::Serialize;

use crate::arguments::VerifyArguments;
use crate::closing;
use crate::context::Context;
use crate::failure;
use crate::failure::SUCCESS;
use crate::print::{bytes, plural, print_json, print_line};

/// A folder in the output of `--json`.
#[derive(Serialize)]
struct FolderReport<'a> {
    folder: String,
    shards: usize,
    rows: u64,
    input_rows: u64,
    bytes: u64,
    complete: bool,
    /// Input rows at each end so far: more than one if rows were appended.
    ends: Vec<u64>,
    problems: &'a [String],
    written_to_by: Option<&'a str>,
}

pub(super) fn run(context: &Context, arguments: &VerifyArguments, workers: &Workers) -> anyhow::Result<u8> {
    let control = context.control();
    let read = |path: &std::path::PathBuf| FolderState::read(path, workers, &control);
    let folders = arguments.folders.iter().map(read).collect::<nearsay::Result<Vec<_>>>()?;
    let verified = verify(&folders);
    let reports: Vec<FolderReport<'_>> = folders.iter().map(report).collect();
    if context.global.json {
        print_json(&reports)?;
    } else {
        reports.iter().try_for_each(|report| print_line(&line(report)))?;
    }
    let findings = verified.problems.iter().chain(&verified.mismatch).chain(&verified.missing);
    findings.for_each(|what| failure::say(format_args!("{what}")));
    closing::verified(
        context,
        reports.iter().map(|report| report.shards as u64).sum(),
        reports.iter().map(|report| report.bytes).sum(),
    );
    let is_sound = verified.problems.is_empty() && verified.mismatch.is_none();
    if !verified.problems.is_empty() || is_sound && !verified.missing.is_empty() {
        failure::hint(
            "run the command that started the job with --resume: it rewrites damaged and missing shards",
        );
    }
    Ok(match (is_sound, verified.missing.is_empty()) {
        (true, true) => SUCCESS,
        (true, false) => 1,
        (false, _) => 65,
    })
}

fn report(folder: &FolderState) -> FolderReport<'_> {
    let sum = |of: fn(&ShardRecord) -> u64| folder.shards.iter().map(of).sum();
    FolderReport {
        folder: folder.path.display().to_string(),
        shards: folder.shards.len(),
        rows: sum(|shard| shard.counts.rows),
        input_rows: sum(|shard| shard.counts.texts),
        bytes: sum(|shard| shard.bytes),
        complete: folder.end.is_some(),
        ends: folder.ends.iter().map(|end| end.input_rows).collect(),
        problems: &folder.problems,
        written_to_by: folder.writer.as_deref(),
    }
}

fn line(report: &FolderReport<'_>) -> String {
    let ends = match &report.ends[..] {
        [] | [_] => String::new(),
        ends => {
            let rows: Vec<String> = ends.iter().map(u64::to_string).collect();
            format!(" (ends after {} input rows)", rows.join(", "))
        }
    };
    let state = match (report.problems.is_empty(), report.complete) {
        (false, _) => "damaged",
        (true, true) => "complete, every checksum holds",
        (true, false) => "not complete, every checksum holds",
    };
    let writer = report.written_to_by.map(|who| format!("; {who} writes to it")).unwrap_or_default();
    format!(
        "{}: {}, {}, {}{ends}: {state}{writer}",
        report.folder,
        plural(report.shards as u64, "shard", "shards"),
        plural(report.rows, "row", "rows"),
        bytes(report.bytes)
    )
}
