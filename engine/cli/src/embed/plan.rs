//! The arguments of `nearsay embed`, as the library takes them.

use nearsay::Devices;
use nearsay::embed::{
    ChunkOptions, Columns, EmbedOptions, EmbedRun, Embedder, HEAD_RECORDS, Level, OnLong, Ranges, RowLayout,
};
use nearsay::output::OutputFormat;
use nearsay::text::{Record, RecordStream};

use super::head::Head;
use crate::arguments::{EmbedArguments, LevelArgument, OnLongArgument};
use crate::context::Context;
use crate::print::plural;

/// Records that a dry run reads: enough that what the system reads ahead does not blur the size of a record.
const DRY_RUN_RECORDS: usize = 20_000;
/// Tokens that chunks have in common where the user says nothing.
const CHUNK_OVERLAP: usize = 16;
/// Texts that bytes are calibrated on where no others are named.
const CALIBRATION_TEXTS: usize = 1000;

pub(crate) fn options(arguments: &EmbedArguments, devices: Devices) -> EmbedOptions {
    let normalize = match (arguments.normalize, arguments.no_normalize) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    EmbedOptions {
        pooling: arguments.pooling.into(),
        normalize,
        dimensions: arguments.dimensions,
        prompt_name: arguments.prompt_name.clone(),
        max_length: arguments.running.max_length,
        layer: arguments.layer,
        batch_tokens: arguments.running.batch_tokens(),
        precision: arguments.running.precision.into(),
        devices,
    }
}

/// Refuses options that contradict each other, and what a format cannot hold.
pub(crate) fn check_format(arguments: &EmbedArguments, format: OutputFormat) -> nearsay::Result<()> {
    check_chunks(arguments)?;
    check_numbers(arguments)?;
    if format == OutputFormat::Npy { check_npy(arguments) } else { Ok(()) }
}

fn usage(message: &str, hint: &str) -> nearsay::Result<()> {
    Err(nearsay::Error::Usage { message: message.to_owned(), hint: Some(hint.to_owned()) })
}

fn check_chunks(arguments: &EmbedArguments) -> nearsay::Result<()> {
    let options = &arguments.long_texts;
    if options.on_long == OnLongArgument::Chunk {
        return Ok(());
    }
    let hint = "add --on-long chunk";
    if options.merge.is_some() {
        return usage("--merge makes one vector of a text's chunks, and there are none", hint);
    }
    if options.chunk_overlap.is_some() {
        return usage("--chunk-overlap is of chunks, and there are none", hint);
    }
    Ok(())
}

fn check_numbers(arguments: &EmbedArguments) -> nearsay::Result<()> {
    let is_of_bytes = arguments.output_type.needs_ranges();
    if arguments.level == LevelArgument::Token && is_of_bytes {
        let hint = "their --output-type is f32, f16, binary or ubinary";
        return usage("vectors of tokens are not calibrated", hint);
    }
    if arguments.calibration.is_some() && !is_of_bytes {
        return usage("--calibration is for bytes", "add --output-type i8 or u8, or leave it out");
    }
    Ok(())
}

fn check_npy(arguments: &EmbedArguments) -> nearsay::Result<()> {
    let hint = "write .parquet, .jsonl, .arrow or .safetensors";
    if !arguments.reading.options().keep.is_empty() {
        return usage("npy holds one matrix and no columns to keep", hint);
    }
    if matches!(on_long(arguments), OnLong::Chunk(_)) {
        return usage("npy holds one matrix and cannot say which chunk is of which text", hint);
    }
    if arguments.long_texts.mark_truncated {
        return usage("npy holds one matrix and no column of marks", hint);
    }
    Ok(())
}

/// How many records must be read before the first row is written.
pub(crate) fn head_records(arguments: &EmbedArguments) -> nearsay::Result<usize> {
    if arguments.dry_run {
        return Ok(DRY_RUN_RECORDS);
    }
    let is_typed = OutputFormat::of(&arguments.output)?.is_typed();
    let calibrates = arguments.output_type.needs_ranges() && arguments.calibration.is_none();
    Ok(if is_typed || calibrates { HEAD_RECORDS } else { 0 })
}

fn on_long(arguments: &EmbedArguments) -> OnLong {
    let options = ChunkOptions { overlap: arguments.long_texts.chunk_overlap.unwrap_or(CHUNK_OVERLAP) };
    match (arguments.long_texts.on_long, arguments.long_texts.merge) {
        (OnLongArgument::Truncate, _) => OnLong::Truncate,
        (OnLongArgument::Error, _) => OnLong::Error,
        (OnLongArgument::Chunk, None) => OnLong::Chunk(options),
        (OnLongArgument::Chunk, Some(_)) => OnLong::Merge(options),
    }
}

/// How records become rows.
pub(crate) fn run<'a>(
    context: &Context,
    arguments: &EmbedArguments,
    embedder: &'a Embedder,
    records: &RecordStream,
    head: &Head,
) -> nearsay::Result<EmbedRun<'a>> {
    let format = OutputFormat::of(&arguments.output)?;
    let first: Vec<Record> = head.records().take(HEAD_RECORDS).cloned().collect();
    let columns = Columns::new(
        format,
        &arguments.reading.options().keep,
        records.kept_types(),
        &arguments.json_column,
        &first,
    )?;
    let (level, dim) = match arguments.level {
        LevelArgument::Sentence => (Level::Text, embedder.dimensions()),
        LevelArgument::Token => (Level::Token, embedder.hidden_dim()),
    };
    let on_long = on_long(arguments);
    let layout = RowLayout {
        columns,
        chunked: matches!(on_long, OnLong::Chunk(_)),
        marks_truncated: arguments.long_texts.mark_truncated,
        output_type: arguments.output_type,
        ranges: None,
        dim,
    };
    let mut run = EmbedRun { embedder, level, layout, on_long };
    run.schema()?;
    if arguments.output_type.needs_ranges() {
        run.layout.ranges = Some(calibrate(context, arguments, &run, first)?);
    }
    Ok(run)
}

/// What each dimension's values range over in the calibration's texts.
fn calibrate(
    context: &Context,
    arguments: &EmbedArguments,
    run: &EmbedRun<'_>,
    first: Vec<Record>,
) -> nearsay::Result<Ranges> {
    let texts = match &arguments.calibration {
        None => first.into_iter().take(CALIBRATION_TEXTS).collect(),
        Some(input) => {
            let options = nearsay::text::TextOptions { keep: Vec::new(), ..arguments.reading.options() };
            RecordStream::open(std::slice::from_ref(input), &options)?.collect::<nearsay::Result<Vec<_>>>()?
        }
    };
    if let (true, Some(input)) = (texts.is_empty(), &arguments.calibration) {
        let rule = "it has no texts to calibrate on".to_owned();
        return Err(nearsay::Error::BadInput { input: input.to_string(), rule });
    }
    let vectors = run.vectors(&texts)?;
    if texts.len() < 100 {
        context.note(format_args!(
            "warning: {} few to calibrate bytes on; name more with --calibration FILE",
            plural(texts.len() as u64, "text is", "texts are")
        ));
    }
    Ok(Ranges::of(vectors.chunks_exact(run.layout.dim.max(1))))
}
