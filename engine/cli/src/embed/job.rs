//! `nearsay embed -o FOLDER/`: a job.

use std::path::Path;

use nearsay::job::{Existing, Job, JobFolder, JobSummary};
use nearsay::output::Metadata;
use nearsay::text::RecordStream;

use super::head::{Head, Reading};
use super::progress::EmbedProgress;
use super::{Work, report};
use crate::arguments::EmbedArguments;

/// Makes or opens the folder.
pub(crate) fn open(arguments: &EmbedArguments, path: &Path) -> nearsay::Result<JobFolder> {
    let existing = match (arguments.sharding.resume, arguments.overwrite) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Overwrite,
        _ => Existing::Refuse,
    };
    JobFolder::open(path, existing)
}

/// Runs the job to its end.
pub(crate) fn run(
    work: &Work<'_>,
    folder: JobFolder,
    head: Head,
    records: &mut RecordStream,
) -> nearsay::Result<JobSummary> {
    let context = work.context;
    let warn = |what: String| context.note(format_args!("warning: {what}"));
    let settings = settings(work)?;
    let mut job = Job::open(folder, work.shard_plan(), settings, work.run.embedder.workers(), warn)?;
    if job.finished_shards() > 0 {
        let shards = crate::print::plural(job.finished_shards(), "shard is", "shards are");
        context.note(format_args!("resuming: {shards} there"));
    }
    let progress = EmbedProgress::new(context, records);
    let reading = Reading::new(head, records, &progress);
    let summary = job.run(work.run, reading, &|job| progress.set(&job.before, &job.now))?;
    Ok(summary)
}

/// What must be the same when the job is continued: what the output says of itself, the model's files, and how the input is read.
fn settings(work: &Work<'_>) -> nearsay::Result<Metadata> {
    let arguments = work.arguments;
    let text = arguments.reading.options();
    let plan = work.shard_plan();
    let mut settings = work.description();
    let entries = [
        ("model_sha256", work.model.digest()?),
        ("text_field", text.text_fields.join(", ")),
        ("join", text.join.clone()),
        ("id_field", text.id_field.clone().unwrap_or_default()),
        ("keep", text.keep.join(", ")),
        ("lossy", text.lossy.to_string()),
        ("mark_truncated", arguments.long_texts.mark_truncated.to_string()),
        ("schema", report::columns(work.run)?),
        ("rows_per_shard", plan.rows_per_shard.to_string()),
        ("part", plan.part.to_string()),
    ];
    settings.extend(entries.map(|(key, value)| (key.to_owned(), value)));
    Ok(settings)
}
