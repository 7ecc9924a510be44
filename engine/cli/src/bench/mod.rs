//! `nearsay bench`: measures, prints tables or JSON, and saves the JSON if requested.

mod compare;
mod search;
mod tables;

use std::num::NonZero;
use std::path::{Path, PathBuf};

use nearsay::bench::{BenchOptions, Load, Report, Subject, file_name};
use nearsay::vectors::write::OutputFile;
use nearsay::{Precision, Session, SessionOptions, Workers};

use crate::arguments::{BenchAction, BenchArguments};
use crate::context::{self, Context};
use crate::failure::SUCCESS;
use crate::print::{plural, print_line, seconds, to_json};
use crate::progress::{Measure, Progress};
use crate::version;

pub(crate) fn run(context: &Context, arguments: Box<BenchArguments>) -> anyhow::Result<u8> {
    match &arguments.action {
        Some(BenchAction::Compare(files)) => compare::run(context, files),
        Some(BenchAction::Search(arguments)) => search::run(context, arguments).map(|()| SUCCESS),
        None => measure_and_print(context, &arguments).map(|()| SUCCESS),
    }
}

fn measure_and_print(context: &Context, arguments: &BenchArguments) -> anyhow::Result<()> {
    let workers = context.workers(arguments.threads);
    let options = options(context, arguments)?;
    let create = |path| create(path, arguments, &options);
    let file = arguments.output.as_deref().map(create).transpose()?;
    let subject = subject(context, arguments, &options, &workers)?;
    let report = measure(context, &subject, &options, &workers)?;
    let json = to_json(&report)?;
    let target = file.map(|file| save(file, &json)).transpose()?;
    if context.global.json {
        print_line(&json)?;
    } else {
        tables::print(&report)?;
    }
    conclude(context, &report, target.as_deref());
    Ok(())
}

/// Writes the JSON to a file, before it is printed: a reader that has gone away must not cost the result.
fn save(mut file: OutputFile, json: &str) -> nearsay::Result<PathBuf> {
    let target = file.target().to_owned();
    file.write(format!("{json}\n").as_bytes())?;
    file.persist()?;
    Ok(target)
}

/// Warns if the machine was busy during some of these figures; returns the words for the closing line.
fn busy(context: &Context, load: Option<&Load>, figures: usize, kind: &str) -> &'static str {
    let Some(load) = load.filter(|load| load.busy) else { return "the machine was idle otherwise" };
    let share = load.cpu_share.map(|share| format!("; least share of the CPU {:.0} %", 100.0 * share));
    context.note(format_args!(
        "warning: the machine was busy: {} of {figures} {kind} were disturbed{}; measure again on an idle one",
        load.disturbed,
        share.unwrap_or_default()
    ));
    "on a busy machine"
}

/// Prints a summary of the run, and whether its figures can be trusted.
fn conclude(context: &Context, report: &Report, target: Option<&Path>) {
    let figures = report.throughput.len() + report.latency.len();
    let target = target.map(|path| format!(" -> {}", path.display())).unwrap_or_default();
    let busy = busy(context, report.load.as_ref(), report.throughput.len(), "throughput figures");
    context.note(format_args!(
        "{}{target}: {} in {}, {busy}",
        report.model.name,
        plural(figures as u64, "figure", "figures"),
        seconds(context.start.elapsed())
    ));
}

fn subject(
    context: &Context,
    arguments: &BenchArguments,
    options: &BenchOptions,
    workers: &Workers,
) -> nearsay::Result<Subject> {
    let Some(name) = &arguments.model else { return Subject::of_shape(&arguments.shape) };
    let session = SessionOptions::default()
        .devices(options.devices.clone())
        .workers(workers.clone())
        .batch_tokens(arguments.batch_tokens.map_or(0, NonZero::get))
        .hub(context.hub())
        .strict(context.global.strict);
    Ok(Subject::Model(Session::with(name, &session)?))
}

/// Creates the file for the JSON, before a model is loaded; in a folder it is named after CPU or GPU, model and
/// date.
fn create(path: &Path, arguments: &BenchArguments, options: &BenchOptions) -> nearsay::Result<OutputFile> {
    let subject = arguments.model.as_deref().unwrap_or(arguments.shape.name);
    let named = || path.join(file_name(subject, &options.devices));
    let path = if path.is_dir() { named() } else { PathBuf::from(path) };
    OutputFile::create(&path, arguments.overwrite)
}

fn options(context: &Context, arguments: &BenchArguments) -> nearsay::Result<BenchOptions> {
    let asked = arguments.precision.iter().flatten().copied();
    let mut precisions: Vec<Precision> = asked.map(Into::into).collect();
    let first = precisions.first().copied().unwrap_or_default();
    let devices = context::open(&arguments.device, first)?;
    context.remark_on(&devices);
    if precisions.is_empty() {
        precisions = devices.precisions().to_vec();
    }
    for &precision in &precisions {
        devices.with_precision(precision)?;
    }
    let mut options = BenchOptions::default();
    options.precisions = precisions;
    options.lengths = arguments.lengths.clone();
    options.time = arguments.seconds;
    options.layer = arguments.layer;
    options.devices = devices;
    options.batch_tokens = arguments.batch_tokens.map(NonZero::get);
    options.commit = version::commit().map(str::to_owned);
    Ok(options)
}

fn measure(
    context: &Context,
    subject: &Subject,
    options: &BenchOptions,
    workers: &Workers,
) -> nearsay::Result<Report> {
    let progress = Progress::new(context, Measure::Share(None));
    nearsay::bench::run(subject, options, workers, &context.control(), |step| {
        progress
            .set(step.done as u64, format!("{} of {} figures; now: {}", step.done, step.total, step.next));
    })
}
