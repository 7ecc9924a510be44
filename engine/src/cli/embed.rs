//! `nearsay embed`.

use std::time::Duration;

use nearsay::embed::{Counts, EmbedOptions, EmbedSummary, Embedder, Seconds, Sink};
use nearsay::output::{
    Destination, Metadata, Output, OutputFormat, refuse_model_file, refuse_same_file,
    refuse_stdout_into_input, token_writer, vector_writer,
};
use nearsay::text::{Input, RecordStream};

use nearsay_kernels::Precision;
use nearsay_models::Model;

use super::arguments::{EmbedArguments, Level, PoolingArgument};
use super::progress::Progress;
use super::{Context, plural, print_json};

pub(super) fn run(context: &Context, mut arguments: Box<EmbedArguments>) -> anyhow::Result<()> {
    arguments.inputs = Input::expand_all(&arguments.inputs)?;
    let device = nearsay::check_device(&arguments.running.device)?;
    let format = OutputFormat::of(&arguments.output)?;
    if arguments.level == Level::Token {
        format.check_token_level()?;
        refuse_sentence_options(&arguments)?;
    }
    let destination = open_destination(context, &arguments)?;
    let mut records = RecordStream::open(&arguments.inputs, &arguments.reading.options())?;
    if let Some(reader) = records.current().filter(|reader| reader.is_sniffed()) {
        context.note(format_args!("reading {} as {}", reader.name(), reader.format()));
    }

    let model = context.open_model(&arguments.model)?;
    if let Output::File(path) = &arguments.output {
        refuse_model_file(&model, path)?;
    }
    let embedder = Embedder::open(&model, &options(&arguments), context.workers(arguments.running.threads))?;
    let load = context.start.elapsed();
    remark(context, &arguments, &model, &embedder);
    let metadata = metadata(&arguments, &embedder);
    let mut sink = match arguments.level {
        Level::Sentence => {
            Sink::Sentences(vector_writer(destination, format, embedder.dimensions(), &metadata)?)
        }
        Level::Token => Sink::Tokens(token_writer(destination, format, embedder.hidden_dim(), &metadata)?),
    };
    let counts = embed(context, &embedder, &mut records, &mut sink)?;
    sink.finish()?;
    warn(context, &embedder, &counts, records.replaced());
    if context.global.json {
        let summary = summary(context, &arguments, &embedder, device, load, &counts);
        print_json(&summary)?;
    }
    Ok(())
}

/// Options that make one vector of a text's tokens mean nothing where each token keeps its own.
fn refuse_sentence_options(arguments: &EmbedArguments) -> nearsay::Result<()> {
    let option = match (arguments.pooling, arguments.dimensions) {
        (PoolingArgument::Auto, None) => return Ok(()),
        (PoolingArgument::Auto, Some(_)) => "--dimensions",
        _ => "--pooling",
    };
    Err(nearsay::Error::Usage {
        message: format!("{option} makes no sense with --level token: every token keeps its own vector"),
        hint: None,
    })
}

/// Says what the user did not ask for and may not expect.
fn remark(context: &Context, arguments: &EmbedArguments, model: &Model, embedder: &Embedder) {
    let (pooling, reason) = embedder.pooling();
    if !model.has_modules() && arguments.level == Level::Sentence {
        context.note(format_args!("pooling: {pooling} ({reason})"));
    }
    if arguments.prompt_name.is_none() && !embedder.prompt().is_empty() {
        context.note(format_args!(
            "the model's default prompt stands before each text: {:?}",
            embedder.prompt()
        ));
    }
}

/// Everything about the output that can be wrong is told before the model is loaded.
fn open_destination(context: &Context, arguments: &EmbedArguments) -> nearsay::Result<Destination> {
    match &arguments.output {
        Output::File(path) => refuse_same_file(&arguments.inputs, path)?,
        Output::Stdout if context.global.json => {
            return Err(nearsay::Error::Usage {
                message: "--json prints a summary to standard output, where the vectors go too".to_owned(),
                hint: Some("name an output file with -o".to_owned()),
            });
        }
        Output::Stdout => refuse_stdout_into_input(&arguments.inputs)?,
    }
    Destination::create(&arguments.output, arguments.overwrite)
}

fn options(arguments: &EmbedArguments) -> EmbedOptions {
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
        batch_tokens: arguments.running.batch_tokens.get(),
        precision: arguments.running.precision.into(),
    }
}

/// What a .safetensors file says of itself.
fn metadata(arguments: &EmbedArguments, embedder: &Embedder) -> Metadata {
    let (pooling, _) = embedder.pooling();
    let entries = [
        ("nearsay", env!("CARGO_PKG_VERSION").to_owned()),
        ("model", arguments.model.clone()),
        ("precision", Precision::from(arguments.running.precision).name().to_owned()),
        ("pooling", pooling),
        ("normalized", embedder.is_normalized().to_string()),
        ("max_length", embedder.max_tokens().to_string()),
        ("layer", embedder.layer().to_string()),
        ("prompt", embedder.prompt().to_owned()),
    ];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn embed(
    context: &Context,
    embedder: &Embedder,
    records: &mut RecordStream,
    sink: &mut Sink,
) -> nearsay::Result<Counts> {
    let progress = Progress::new(context, "texts", None);
    nearsay::embed::run(embedder, records, sink, |counts| {
        let seconds = counts.encode.as_secs_f64().max(1e-9);
        progress.set(counts.texts, format!("{:.0} tokens/s", counts.tokens as f64 / seconds));
    })
}

fn warn(context: &Context, embedder: &Embedder, counts: &Counts, replaced: u64) {
    if counts.texts == 0 {
        context.note("warning: 0 rows in the input; the output is empty");
    }
    if counts.truncated > 0 {
        let texts = plural(counts.truncated, "text was", "texts were");
        context.note(format_args!("warning: {texts} cut to {} tokens", embedder.max_tokens()));
    }
    if counts.empty > 0 {
        let texts = plural(counts.empty, "text is empty", "texts are empty");
        let meaning = match counts.without_tokens {
            0 => "the special tokens and the prompt are all that it has",
            _ => "it has no tokens at all, and a vector of zeros",
        };
        context.note(format_args!("warning: {texts}; where a text is empty, {meaning}"));
    }
    if replaced > 0 {
        let sequences = plural(replaced, "sequence was", "sequences were");
        context.note(format_args!("warning: {sequences} not UTF-8 and replaced by U+FFFD"));
    }
}

fn summary(
    context: &Context,
    arguments: &EmbedArguments,
    embedder: &Embedder,
    device: &str,
    load: Duration,
    counts: &Counts,
) -> EmbedSummary {
    let (pooling, reason) = match arguments.level {
        Level::Sentence => embedder.pooling(),
        Level::Token => ("none".to_owned(), "one vector a token"),
    };
    let encode = counts.encode.as_secs_f64();
    EmbedSummary {
        texts: counts.texts,
        tokens: counts.tokens,
        truncated: counts.truncated,
        empty: counts.empty,
        seconds: Seconds {
            total: context.start.elapsed().as_secs_f64(),
            load: load.as_secs_f64(),
            tokenize: counts.tokenize.as_secs_f64(),
            encode,
        },
        tokens_per_second: if encode > 0.0 { counts.tokens as f64 / encode } else { 0.0 },
        model: arguments.model.clone(),
        precision: Precision::from(arguments.running.precision).name(),
        device: device.to_owned(),
        pooling,
        pooling_reason: reason.to_owned(),
        normalized: match arguments.level {
            Level::Sentence => embedder.is_normalized(),
            Level::Token => embedder.normalizes_tokens(),
        },
        dimensions: match arguments.level {
            Level::Sentence => embedder.dimensions(),
            Level::Token => embedder.hidden_dim(),
        },
        max_length: embedder.max_tokens(),
        layer: embedder.layer(),
        prompt: embedder.prompt().to_owned(),
        threads: embedder.workers().threads(),
    }
}
