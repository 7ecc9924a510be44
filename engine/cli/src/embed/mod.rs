//! `nearsay embed`: into a file, to standard output, or as a job into a folder.

mod estimate;
mod inputs;
mod progress;
mod report;
mod summary;

use nearsay::embed::{ChunkEnds, ChunkOptions, EmbedOptions, Embedder, OnLong};
use nearsay::job::{Corpus, CorpusFiles, CorpusOptions, Existing, JobProgress, Notice, Observer, Part};
use nearsay::text::Input;
use nearsay::vectors::Level;
use nearsay::vectors::write::Output;
use nearsay::{Error, Session};

use crate::arguments::{EmbedArguments, OnLongArgument, PoolingArgument};
use crate::context::Context;
use crate::{effect, failure, streams};
pub(crate) use progress::EmbedProgress;
use report::Report;

pub(crate) fn run(context: &Context, mut arguments: Box<EmbedArguments>) -> anyhow::Result<()> {
    // A command without a model is refused before anything is read or created.
    arguments.model = Some(context.model_name(arguments.model.take())?);
    let inputs = inputs::of(context, &arguments)?;
    let (options, embedding) = (corpus_options(&arguments), embed_options(&arguments));
    options.check(&arguments.output, &embedding)?;
    check_summary(context, &arguments)?;
    if inputs.contains(&Input::Stdin) {
        streams::check_stdin()?;
    }
    if arguments.dry_run {
        let files = CorpusFiles::for_estimate(&inputs, &arguments.output, &options)?;
        let (embedder, _) = open(context, &arguments, &files, &embedding)?;
        let estimate = files.estimate(&embedder, &Listener { context, progress: None })?;
        return estimate::print(context, &estimate, options.part);
    }
    let corpus = Corpus::open(&inputs, &arguments.output, &options)?;
    context.interruption.set_hint(how_to_continue(&arguments.output, options.existing));
    let (embedder, load) = open(context, &arguments, corpus.files(), &embedding)?;
    // A bar would be drawn over the answers of a stream.
    let progress = (!arguments.stream).then(|| EmbedProgress::new(context, corpus.files().bytes_total()));
    let report = Report { context, arguments: &arguments, options: &options, embedder: &embedder, load };
    let summary = corpus.embed(&embedder, &Listener { context, progress })?;
    report.summary(&summary)
}

/// Opens the model of a corpus and prints choices that the user may not expect; returns the time needed.
fn open(
    context: &Context,
    arguments: &EmbedArguments,
    files: &CorpusFiles,
    embedding: &EmbedOptions,
) -> nearsay::Result<(Embedder, std::time::Duration)> {
    if let Some((name, format)) = files.sniffed() {
        effect::check_sniffed(name, format, &arguments.reading.options())?;
        context.note(format_args!("reading {name} as {format}"));
    }
    let running = &arguments.running;
    let devices = context.open_devices(running)?;
    let name = context.model_name(arguments.model.clone())?;
    let session = context.open_session(&name, devices, running.threads, running.batch_tokens)?;
    files.check_model(session.model())?;
    let embedder = session.embedder(embedding)?.with_cancel(&context.cancel());
    let load = context.start.elapsed();
    remark(context, arguments, &session, &embedder);
    Ok((embedder, load))
}

fn remark(context: &Context, arguments: &EmbedArguments, session: &Session, embedder: &Embedder) {
    if arguments.long_texts.keep_document {
        context.note(
            "warning: every chunk's row repeats its whole text (--keep-document), which may need much space",
        );
    }
    let (pooling, reason) = embedder.pooling();
    let is_auto = arguments.pooling == PoolingArgument::Auto;
    let is_text = Level::from(arguments.level) == Level::Text;
    if is_text && (!session.model().has_modules() || is_auto && embedder.level() != Level::Text) {
        context.note(format_args!("pooling: {pooling} ({reason})"));
    }
    remark_on_dense(context, arguments, session);
    if embedder.is_normalized_before_shortening() && is_text {
        context.note(format_args!(
            "the first {} values of each normalized vector are kept, and are not normalized again; --normalize does that",
            embedder.dimensions()
        ));
    }
    if arguments.prompt_name.is_none() && !embedder.prompt_text().is_empty() {
        let is_side = session.model().tasks().next().is_none();
        let whose = match &arguments.task {
            Some(task) if is_side => format!("model's prompt `{task}`"),
            Some(_) => "task's instruction".to_owned(),
            None if arguments.pooling == PoolingArgument::Static => "model's prompt `query`".to_owned(),
            None => "model's default prompt".to_owned(),
        };
        context.note(format_args!("the {whose} is put before each text: {:?}", embedder.prompt_text()));
    }
    let tasks: Vec<&str> = session.model().tasks().collect();
    if arguments.task.is_none() && !tasks.is_empty() {
        context.note(format_args!(
            "the model's adapters are not used without --task: it has them for {}",
            tasks.join(", ")
        ));
    }
}

/// Prints what becomes of the model's Dense layers if they do not get what they were trained on.
fn remark_on_dense(context: &Context, arguments: &EmbedArguments, session: &Session) {
    let (model, last) = (session.model(), session.recipe().num_layers());
    let is_late = match arguments.pooling {
        PoolingArgument::Auto => model.is_late_interaction(),
        pooling => pooling == PoolingArgument::Colbert,
    };
    // Late interaction applies them to each token's vector.
    if !model.has_dense() || is_late {
        return;
    }
    match (Level::from(arguments.level), arguments.pooling, arguments.layer) {
        (Level::Token, ..) => {
            context.note("the model's Dense layers are left out: they are for texts' vectors")
        }
        (_, PoolingArgument::Auto, Some(layer)) if layer != last => context.note(format_args!(
            "the model's Dense layers are applied to layer {layer}; they were trained on layer {last}"
        )),
        (_, PoolingArgument::Auto, _) => {}
        _ => context.note("the model's Dense layers are left out, as --pooling replaces its pooling"),
    }
}

fn embed_options(arguments: &EmbedArguments) -> EmbedOptions {
    let mut options = EmbedOptions::default();
    options.pooling = arguments.pooling.into();
    options.normalize = match (arguments.normalize, arguments.no_normalize) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    options.dimensions = arguments.dimensions;
    options.prompt_name = arguments.prompt_name.clone();
    options.task = arguments.task.clone();
    options.max_length = arguments.running.max_length;
    options.layer = arguments.layer;
    options
}

fn corpus_options(arguments: &EmbedArguments) -> CorpusOptions {
    let mut options = CorpusOptions::default();
    options.reading = arguments.reading.options();
    options.level = arguments.level.into();
    options.on_long = on_long(arguments);
    options.keep_document = arguments.long_texts.keep_document;
    options.stream = arguments.stream;
    options.mark_truncated = arguments.long_texts.mark_truncated;
    options.output_type = arguments.output_type;
    options.calibration = arguments.calibration.clone();
    options.json_columns = arguments.json_column.clone();
    options.rows_per_shard = arguments.sharding.rows_per_shard;
    options.part = arguments.sharding.shard.unwrap_or(Part::WHOLE);
    options.existing = match (&arguments.sharding, arguments.overwrite) {
        (sharding, _) if sharding.append => Existing::Append,
        (sharding, _) if sharding.resume => Existing::Resume,
        (_, true) => Existing::Overwrite,
        _ => Existing::Refuse,
    };
    options
}

/// What to do after an interruption, if the output is a job.
fn how_to_continue(output: &Output, existing: Existing) -> Option<String> {
    let Output::Folder(folder) = output else { return None };
    let command = match existing {
        Existing::Resume | Existing::Append => "run the same command again to continue",
        Existing::Overwrite => "to continue, run the same command with --resume instead of --overwrite",
        _ => "to continue, run the same command with --resume",
    };
    Some(format!("{command}; nearsay status {} shows how far the job is", folder.display()))
}

fn on_long(arguments: &EmbedArguments) -> OnLong {
    let long_texts = &arguments.long_texts;
    let mut options = ChunkOptions::default();
    options.tokens = long_texts.chunk_tokens;
    options.overlap = long_texts.chunk_overlap;
    if arguments.reading.reads_whole_files() {
        options.ends = ChunkEnds::Document;
    }
    match (arguments.on_long(), long_texts.merge) {
        (OnLongArgument::Truncate, _) => OnLong::Truncate,
        (OnLongArgument::Error, _) => OnLong::Error,
        (OnLongArgument::Chunk, None) => OnLong::Chunk(options),
        (OnLongArgument::Chunk, Some(_)) => OnLong::Merge(options),
    }
}

/// Rejects a summary on standard output if the vectors go there.
fn check_summary(context: &Context, arguments: &EmbedArguments) -> nearsay::Result<()> {
    if arguments.output != Output::Stdout || arguments.dry_run || !context.global.json {
        return Ok(());
    }
    Err(Error::Usage {
        message: "--json prints a summary to standard output, and the vectors go there too".into(),
        hint: Some("name an output file with -o".into()),
    })
}

/// Prints a job's notices and progress.
struct Listener<'a> {
    context: &'a Context,
    progress: Option<EmbedProgress>,
}

impl Observer for Listener<'_> {
    fn notice(&self, notice: &Notice) {
        let label = if notice.is_warning() { "warning: " } else { "" };
        self.context.note(format_args!("{label}{}", failure::words(&notice.message())));
    }

    fn progress(&self, progress: &JobProgress) {
        if let Some(bar) = &self.progress {
            bar.set(progress);
        }
    }
}
