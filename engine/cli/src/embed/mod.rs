//! `nearsay embed`: into a file, to standard output, or as a job into a folder.

mod dry_run;
mod head;
mod job;
mod plan;
mod progress;
mod report;

use nearsay::embed::{Counts, EmbedRun, Embedder, describe};
use nearsay::job::{Part, ShardPlan};
use nearsay::output::{
    Destination, Metadata, Output, OutputFormat, refuse_input_inside, refuse_model_file, refuse_same_file,
    refuse_stdout_into_input, row_writer,
};
use nearsay::text::{Input, RecordStream};
use nearsay_models::Model;

use crate::arguments::{EmbedArguments, LevelArgument, PoolingArgument};
use crate::context::Context;
use head::{Head, Reading};
use progress::EmbedProgress;
use report::Report;

pub(crate) fn run(context: &Context, mut arguments: Box<EmbedArguments>) -> anyhow::Result<()> {
    check_options(&arguments)?;
    refuse_matched_output(&arguments)?;
    arguments.inputs = Input::expand_all(&arguments.inputs)?;
    check_output(context, &arguments)?;
    let target = Target::open(&arguments)?;
    let mut records = RecordStream::open(&arguments.inputs, &arguments.reading.options())?;
    if let Some(reader) = records.current().filter(|reader| reader.is_sniffed()) {
        context.note(format_args!("reading {} as {}", reader.name(), reader.format()));
    }
    let devices = arguments.running.devices(context)?;
    let model = context.open_model(&arguments.model)?;
    if let Some(path) = arguments.output.path() {
        refuse_model_file(&model, path)?;
    }
    let embedder = Embedder::open(
        &model,
        &plan::options(&arguments, devices),
        context.workers(arguments.running.threads),
    )?;
    let load = context.start.elapsed();
    remark(context, &arguments, &model, &embedder);
    let head = Head::take(&mut records, plan::head_records(&arguments)?).expect_any()?;
    let run = plan::run(context, &arguments, &embedder, &records, &head)?;
    let work = Work { context, arguments: &arguments, model: &model, run: &run };
    let report = Report { context, arguments: &arguments, run: &run, load };
    match target {
        Target::Nowhere => dry_run::run(&work, &records, head),
        Target::Folder(folder) => {
            let summary = job::run(&work, folder, head, &mut records)?;
            report.job(&summary, records.replaced())
        }
        Target::Single(destination, format) => {
            let counts = work.embed(destination, format, head, &mut records)?;
            report.single(counts, records.position(), records.replaced())
        }
    }
}

/// Where rows go, made before a model is loaded, so that everything that can be wrong with it is told at once.
enum Target {
    Single(Destination, OutputFormat),
    Folder(nearsay::job::JobFolder),
    /// Of a dry run.
    Nowhere,
}

impl Target {
    fn open(arguments: &EmbedArguments) -> nearsay::Result<Self> {
        if arguments.dry_run {
            return Ok(Self::Nowhere);
        }
        match &arguments.output {
            Output::Folder(path) => job::open(arguments, path).map(Self::Folder),
            output => {
                let destination = Destination::create(output, arguments.overwrite)?;
                Ok(Self::Single(destination, OutputFormat::of(output)?))
            }
        }
    }
}

/// What every way of running needs.
struct Work<'a> {
    context: &'a Context,
    arguments: &'a EmbedArguments,
    model: &'a Model,
    run: &'a EmbedRun<'a>,
}

impl Work<'_> {
    /// What an output says of itself.
    fn description(&self) -> Metadata {
        let mut description = describe(self.run);
        description.insert("model".to_owned(), self.model.folder().name().to_owned());
        description.insert("revision".to_owned(), report::revision(self.model));
        description
    }

    /// Which input rows are ours, and how they are grouped.
    fn shard_plan(&self) -> ShardPlan {
        ShardPlan {
            rows_per_shard: self.arguments.sharding.rows_per_shard,
            part: self.arguments.sharding.shard.unwrap_or(Part::WHOLE),
        }
    }

    /// Into one output.
    fn embed(
        &self,
        destination: Destination,
        format: OutputFormat,
        head: Head,
        records: &mut RecordStream,
    ) -> nearsay::Result<Counts> {
        let mut writer = row_writer(destination, format, &self.run.schema()?, &self.description())?;
        let progress = EmbedProgress::new(self.context, records);
        let mut counts = Counts::default();
        let plan = self.shard_plan();
        let ours = Reading::new(head, records, &progress).zip(0_u64..).filter_map(|(record, row)| {
            // An error ends the run wherever it stands.
            (record.is_err() || plan.part.has(row / plan.rows_per_shard)).then_some(record)
        });
        self.run
            .run(ours, writer.as_mut(), &mut counts, &|counts| progress.set(&Counts::default(), counts))?;
        writer.finish()?;
        Ok(counts)
    }
}

/// Options that contradict each other in ways that the parser does not know.
fn check_options(arguments: &EmbedArguments) -> nearsay::Result<()> {
    let is_job = matches!(arguments.output, Output::Folder(_));
    if arguments.sharding.resume && !is_job {
        return Err(nearsay::Error::Usage {
            message: "--resume continues a job, and a job needs a folder as its output".to_owned(),
            hint: Some("name a folder with -o, ending in /".to_owned()),
        });
    }
    let format = OutputFormat::of(&arguments.output)?;
    plan::check_format(arguments, format)?;
    if arguments.level == LevelArgument::Token {
        format.check_token_level()?;
        refuse_sentence_options(arguments)?;
    }
    Ok(())
}

/// Options that make one vector of a text's tokens mean nothing where each token keeps its own.
fn refuse_sentence_options(arguments: &EmbedArguments) -> nearsay::Result<()> {
    let option = match (arguments.pooling, arguments.dimensions, arguments.long_texts.merge) {
        (PoolingArgument::Auto, None, None) => return Ok(()),
        (PoolingArgument::Auto, None, Some(_)) => "--merge",
        (PoolingArgument::Auto, Some(_), _) => "--dimensions",
        _ => "--pooling",
    };
    Err(nearsay::Error::Usage {
        message: format!("{option} makes no sense with --level token: every token keeps its own vector"),
        hint: None,
    })
}

/// Refuses an output that a pattern of the input matches: the next run would read it.
fn refuse_matched_output(arguments: &EmbedArguments) -> nearsay::Result<()> {
    let output = match &arguments.output {
        Output::Stdout => return Ok(()),
        Output::File(path) => path.clone(),
        Output::Folder(path) => path.join("part-00000.parquet"),
    };
    match arguments.inputs.iter().find(|input| input.is_pattern_of(&output)) {
        None => Ok(()),
        Some(pattern) => Err(nearsay::Error::Usage {
            message: format!("the input pattern {pattern} matches the output {}", output.display()),
            hint: Some("write to a place that it does not match".to_owned()),
        }),
    }
}

/// Refuses, by names alone, outputs that would destroy an input or mix with the summary.
fn check_output(context: &Context, arguments: &EmbedArguments) -> nearsay::Result<()> {
    match &arguments.output {
        Output::File(path) => refuse_same_file(&arguments.inputs, path),
        Output::Folder(path) => refuse_input_inside(&arguments.inputs, path),
        Output::Stdout if arguments.dry_run => Ok(()),
        Output::Stdout if context.global.json => Err(nearsay::Error::Usage {
            message: "--json prints a summary to standard output, where the vectors go too".to_owned(),
            hint: Some("name an output file with -o".to_owned()),
        }),
        Output::Stdout => refuse_stdout_into_input(&arguments.inputs),
    }
}

/// Says what the user did not ask for and may not expect.
fn remark(context: &Context, arguments: &EmbedArguments, model: &Model, embedder: &Embedder) {
    let (pooling, reason) = embedder.pooling();
    if !model.has_modules() && arguments.level == LevelArgument::Sentence {
        context.note(format_args!("pooling: {pooling} ({reason})"));
    }
    if arguments.prompt_name.is_none() && !embedder.prompt().is_empty() {
        context.note(format_args!(
            "the model's default prompt stands before each text: {:?}",
            embedder.prompt()
        ));
    }
}
