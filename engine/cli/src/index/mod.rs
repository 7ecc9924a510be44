//! `nearsay index`.

mod change;
mod ids;
mod info;

pub(crate) use ids::{HOW_TO_WRITE, choices};

use std::path::PathBuf;

use nearsay::embed::{ChunkEnds, ChunkOptions, EmbedOptions, Embedder, OnLong};
use nearsay::index::{IndexOptions, IndexWriter, Prune, UpdateOptions, UpdateSummary, build_from_vectors};
use nearsay::job::{Existing, JobProgress, Notice, Observer};
use nearsay::text::Input;
use nearsay::vectors::Provenance;
use nearsay::{DeviceChoice, Devices, Precision};

use crate::arguments::{
    IndexAction, IndexArguments, IndexBuildArguments, IndexUpdateArguments, OnLongArgument,
};
use crate::context::Context;
use crate::embed::EmbedProgress;
use crate::print::{plural, print_json, seconds};
use crate::{failure, streams};

pub(crate) fn run(context: &Context, arguments: IndexArguments) -> anyhow::Result<()> {
    match arguments.action {
        IndexAction::Build(arguments) => build(context, *arguments),
        IndexAction::Update(arguments) => update(context, arguments),
        IndexAction::Delete(arguments) => change::delete(context, &arguments),
        IndexAction::Compact(arguments) => change::compact(context, &arguments),
        IndexAction::Info(arguments) => info::run(context, &arguments),
    }
}

fn build(context: &Context, arguments: IndexBuildArguments) -> anyhow::Result<()> {
    if arguments.has_vectors() {
        return vectors(context, &arguments);
    }
    let name = context.model_name(arguments.model.clone())?;
    if arguments.inputs.contains(&Input::Stdin) {
        streams::check_stdin()?;
    }
    let options = options(&arguments);
    let writer = IndexWriter::build(&arguments.output, &arguments.inputs, &options)?;
    let folder = arguments.output.display().to_string();
    context.interruption.set_hint(Some("to continue, run the same command with --resume".to_owned()));
    let running = &arguments.running;
    let devices = context.open_devices(running)?;
    let session = context.open_session(&name, devices, running.threads, running.batch_tokens)?;
    let embedder = session.vector_embedder(&embed_options(&arguments))?.with_cancel(&context.cancel());
    finish(context, writer, &embedder, &folder, Prune::Nothing, false)
}

/// Builds an index from vectors that are there already.
fn vectors(context: &Context, arguments: &IndexBuildArguments) -> anyhow::Result<()> {
    let files: Vec<PathBuf> = arguments
        .inputs
        .iter()
        .filter_map(|input| match input {
            Input::File(path) => Some(path.clone()),
            Input::Stdin | Input::Text(_) => None,
        })
        .collect();
    let (options, text) = (options(arguments), arguments.text_column.as_deref());
    let summary = build_from_vectors(&arguments.output, &files, text, &options, &context.control())?;
    if context.global.json {
        print_json(&Report { summary: &summary, encoded_tokens: 0, dry_run: false })?;
    }
    let (texts, time) = (plural(summary.added, "text", "texts"), seconds(context.start.elapsed()));
    context.note(format_args!("{}: {texts} in {time}", arguments.output.display()));
    Ok(())
}

fn options(arguments: &IndexBuildArguments) -> IndexOptions {
    let mut options = IndexOptions::default();
    options.reading = arguments.reading.options();
    let mut chunks = ChunkOptions::default();
    chunks.tokens = arguments.long_texts.chunk_tokens;
    chunks.overlap = arguments.long_texts.chunk_overlap;
    if arguments.reading.reads_whole_files() {
        chunks.ends = ChunkEnds::Document;
    }
    options.on_long = match arguments.long_texts.on_long {
        OnLongArgument::Truncate => OnLong::Truncate,
        OnLongArgument::Error => OnLong::Error,
        OnLongArgument::Chunk => OnLong::Chunk(chunks),
    };
    options.json_columns = arguments.json_column.clone();
    options.metric = arguments.metric;
    options.vectors = arguments.vectors;
    options.codes = arguments.codes;
    options.bits = arguments.bits;
    options.seed = arguments.seed;
    options.texts_per_volume = arguments.texts_per_volume;
    options.existing = match (arguments.resume, arguments.overwrite) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Overwrite,
        _ => Existing::Refuse,
    };
    options
}

fn embed_options(arguments: &IndexBuildArguments) -> EmbedOptions {
    let mut options = EmbedOptions::default();
    options.pooling = arguments.pooling.into();
    options.dimensions = arguments.dimensions;
    options.prompt_name = arguments.prompt_name.clone();
    options.task = arguments.task.clone();
    options.max_length = arguments.running.max_length;
    options.layer = arguments.layer;
    options
}

fn update(context: &Context, arguments: IndexUpdateArguments) -> anyhow::Result<()> {
    if arguments.inputs.contains(&Input::Stdin) {
        streams::check_stdin()?;
    }
    let prune = arguments.prune.map_or(Prune::Nothing, Prune::from);
    let options = UpdateOptions::default().prune(prune);
    let options = if arguments.dry_run { options.dry_run() } else { options };
    let writer = IndexWriter::update(&arguments.index, &arguments.inputs, options)?;
    let folder = arguments.index.display().to_string();
    context.interruption.set_hint(Some("run the same command again to continue".to_owned()));
    let recorded = writer.provenance()?;
    let named = arguments.model.clone().or_else(|| recorded.as_ref().map(crate::search::recorded_name));
    let name = context.model_name(named)?;
    let devices = devices_like(context, recorded.as_ref())?;
    let session = context.open_session(&name, devices, arguments.threads, None)?;
    let embedder = session.vector_embedder(&writer.embed_options(&session)?)?.with_cancel(&context.cancel());
    finish(context, writer, &embedder, &folder, prune, arguments.dry_run)
}

/// The devices with which the same vectors come about as are recorded.
fn devices_like(context: &Context, recorded: Option<&Provenance>) -> nearsay::Result<Devices> {
    let is_cpu = recorded.is_none_or(|recorded| recorded.device.starts_with("cpu"));
    let choice = if is_cpu { DeviceChoice::Cpu } else { DeviceChoice::Auto };
    let precision = recorded.map_or(Precision::F32, |recorded| recorded.precision);
    let devices = crate::context::open(&choice, precision)?;
    context.remark_on(&devices);
    Ok(devices)
}

/// Runs a build or an update, and prints what it did.
fn finish(
    context: &Context,
    writer: IndexWriter,
    embedder: &Embedder,
    folder: &str,
    prune: Prune,
    dry_run: bool,
) -> anyhow::Result<()> {
    let progress = EmbedProgress::new(context, None);
    let summary = writer.run(embedder, &Listener { context, progress })?;
    if context.global.json {
        print_json(&Report { summary: &summary, encoded_tokens: summary.counts.tokens, dry_run })?;
    }
    let counts = &summary.counts;
    if counts.truncated > 0 {
        let texts = plural(counts.truncated, "text was", "texts were");
        context.note(format_args!("warning: {texts} truncated to {} tokens", embedder.max_tokens()));
    }
    if summary.zeros > 0 {
        let rows = plural(summary.zeros, "row of zeros has", "rows of zeros have");
        context.note(format_args!("{rows} no direction: cosine and dot product with any query are 0"));
    }
    if summary.skipped > 0 {
        context.note(format_args!("{} without text: left out", plural(summary.skipped, "row", "rows")));
    }
    if summary.replaced_bytes > 0 {
        let sequences = plural(summary.replaced_bytes, "sequence was", "sequences were");
        context.note(format_args!("warning: {sequences} not UTF-8 and replaced"));
    }
    context.note(line(&summary, folder, prune, dry_run, &seconds(context.start.elapsed())));
    Ok(())
}

/// `notes.index: 4 texts unchanged, 1 changed, 2 added, 213 tokens encoded in 0.3 s`.
fn line(summary: &UpdateSummary, folder: &str, prune: Prune, dry_run: bool, time: &str) -> String {
    let UpdateSummary { unchanged, changed, added, removed, counts, .. } = summary;
    let removed = match prune {
        Prune::Nothing if *removed == 0 => String::new(),
        _ => format!(", {removed} removed"),
    };
    let end = match dry_run {
        true => "; nothing was done".to_owned(),
        false => format!(", {} encoded in {time}", plural(counts.tokens, "token", "tokens")),
    };
    format!(
        "{folder}: {} unchanged, {changed} changed, {added} added{removed}{end}",
        plural(*unchanged, "text", "texts")
    )
}

/// The summary of `--json`.
#[derive(serde::Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    summary: &'a UpdateSummary,
    encoded_tokens: u64,
    dry_run: bool,
}

/// Prints notices and progress.
struct Listener<'a> {
    context: &'a Context,
    progress: EmbedProgress,
}

impl Observer for Listener<'_> {
    fn notice(&self, notice: &Notice) {
        let label = if notice.is_warning() { "warning: " } else { "" };
        self.context.note(format_args!("{label}{}", failure::words(&notice.message())));
    }

    fn progress(&self, progress: &JobProgress) {
        self.progress.set(progress);
    }
}
