//! `nearsay status`: how far jobs are.

use std::time::{Duration, SystemTime};

use indicatif::{HumanCount, HumanDuration};
use nearsay::job::{FolderStatus, PartTotals};
use nearsay::vectors::folder::RunStatus;
use serde::Serialize;

use crate::arguments::StatusArguments;
use crate::context::Context;
use crate::failure::SUCCESS;
use crate::print::{bytes, plural, print_json, print_line};

/// A folder in the output of `--json`. Keys are a contract.
#[derive(Serialize)]
struct StatusReport<'a> {
    folder: String,
    /// This machine's part, as `I/N`.
    part: String,
    complete: bool,
    shards: u64,
    /// Shards of this machine's part, if known.
    shards_total: Option<u64>,
    rows: u64,
    input_rows: u64,
    /// Input rows of this machine's part, if known.
    input_rows_total: Option<u64>,
    /// Whether totals were counted, not estimated.
    total_is_exact: bool,
    /// Recorded input rows over all, from 0 to 1.
    share: Option<f64>,
    tokens: u64,
    bytes: u64,
    /// The ends of the input so far.
    ends: Vec<End>,
    /// The process that holds the lock, if one does.
    written_to_by: Option<&'a str>,
    /// The last run, if the job is not complete.
    run: Option<&'a RunStatus>,
}

/// An end of the input.
#[derive(Serialize)]
struct End {
    input_rows: u64,
    shards: u64,
}

pub(crate) fn run(context: &Context, arguments: &StatusArguments) -> anyhow::Result<u8> {
    let folders: Vec<FolderStatus> =
        arguments.folders.iter().map(|path| FolderStatus::read(path)).collect::<nearsay::Result<_>>()?;
    let totals: Vec<Option<PartTotals>> = folders.iter().map(|folder| folder.totals(&folders)).collect();
    let known = || folders.iter().zip(&totals);
    if context.global.json {
        print_json(&known().map(|(folder, totals)| report(folder, *totals)).collect::<Vec<_>>())?;
        return Ok(SUCCESS);
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    for (folder, totals) in known() {
        print_line(&line(folder, *totals, now))?;
    }
    if let Some(line) = together(&folders, &totals) {
        print_line(&line)?;
    }
    Ok(SUCCESS)
}

fn report(folder: &FolderStatus, totals: Option<PartTotals>) -> StatusReport<'_> {
    StatusReport {
        folder: folder.path.display().to_string(),
        part: folder.part().to_string(),
        complete: folder.is_complete,
        shards: folder.shards,
        shards_total: totals.map(|totals| totals.shards),
        rows: folder.counts.rows,
        input_rows: folder.counts.texts,
        input_rows_total: totals.map(|totals| totals.texts),
        total_is_exact: totals.is_some_and(|totals| totals.is_exact),
        share: folder.share(totals),
        tokens: folder.counts.tokens,
        bytes: folder.bytes,
        ends: folder.ends.iter().map(|end| End { input_rows: end.input_rows, shards: end.shards }).collect(),
        written_to_by: folder.writer.as_deref(),
        run: folder.run.as_ref(),
    }
}

/// `out/: 3 of 7 shards, 30 of 65 texts (46 %), 1.2 MiB: process 12 writes to it, ..`.
fn line(folder: &FolderStatus, totals: Option<PartTotals>, now: u64) -> String {
    let part = folder.part();
    let part = if part.is_whole() { String::new() } else { format!(" (part {part})") };
    let size = bytes(folder.bytes);
    format!("{}{part}: {}, {size}: {}", folder.path.display(), amount(folder, totals), state(folder, now))
}

/// Shards and texts, of how many, and the share.
fn amount(folder: &FolderStatus, totals: Option<PartTotals>) -> String {
    let (shards, texts) = (folder.shards, folder.counts.texts);
    match totals.filter(|_| !folder.is_complete) {
        None => format!("{}, {}", plural(shards, "shard", "shards"), plural(texts, "text", "texts")),
        Some(totals) => {
            let about = if totals.is_exact { "" } else { "about " };
            let share = 100.0 * folder.share(Some(totals)).unwrap_or(0.0);
            format!(
                "{shards} of {about}{} shards, {} of {about}{} texts ({share:.0} %)",
                totals.shards,
                HumanCount(texts),
                HumanCount(totals.texts)
            )
        }
    }
}

fn state(folder: &FolderStatus, now: u64) -> String {
    let before = folder.ends.len().saturating_sub(1) as u64;
    let grown = match before {
        0 => String::new(),
        _ => format!(", extended {}", plural(before, "time", "times")),
    };
    match (&folder.writer, &folder.run) {
        (None, _) if folder.is_complete => format!("complete{grown}"),
        (Some(writer), None) => format!("{writer} writes to it"),
        (Some(writer), Some(run)) => format!("{writer} writes to it{}{}", pace(run), age(run, now)),
        (None, None) => "not complete, and no process writes to it".to_owned(),
        (None, Some(run)) => {
            let end = match &run.error {
                None => "was killed".to_owned(),
                Some(_) if run.was_cancelled() => "was interrupted".to_owned(),
                Some(error) => format!("ended with: {error}"),
            };
            let process = run.process;
            format!("not complete, and no process writes to it; process {process} {end}{}", age(run, now))
        }
    }
}

/// Texts done, in unrecorded shards too, speeds, and the time left.
fn pace(run: &RunStatus) -> String {
    let speed = |speed: Option<f64>, of: &str| {
        speed.map_or_else(String::new, |speed| format!(", {} {of}/s", HumanCount(speed.round() as u64)))
    };
    let left = run.seconds_left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let left = left.map_or_else(String::new, |left| format!(", about {} left", HumanDuration(left)));
    let (texts, tokens) = (speed(run.texts_per_second, "texts"), speed(run.tokens_per_second, "tokens"));
    format!(", {} texts done{texts}{tokens}{left}", HumanCount(run.texts))
}

/// How old the figures are.
fn age(run: &RunStatus, now: u64) -> String {
    format!(" ({} ago)", HumanDuration(Duration::from_secs(now.saturating_sub(run.updated))))
}

/// All parts of a job in one line.
fn together(folders: &[FolderStatus], totals: &[Option<PartTotals>]) -> Option<String> {
    let is_of_one_job = folders.len() > 1 && folders.iter().all(|folder| !folder.part().is_whole());
    if !is_of_one_job {
        return None;
    }
    let (shards, texts) = folders
        .iter()
        .fold((0, 0), |(shards, texts), folder| (shards + folder.shards, texts + folder.counts.texts));
    let done = format!("{}, {}", plural(shards, "shard", "shards"), plural(texts, "text", "texts"));
    let all: Option<Vec<PartTotals>> = totals.iter().copied().collect();
    let share = all.map_or_else(String::new, |all| {
        let all: u64 = all.iter().map(|totals| totals.texts).sum();
        format!(" ({:.0} %)", 100.0 * texts as f64 / all.max(1) as f64)
    });
    let complete = folders.iter().filter(|folder| folder.is_complete).count();
    Some(format!("together: {done}{share}, {complete} of {} folders are complete", folders.len()))
}
