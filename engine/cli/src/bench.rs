//! `nearsay bench`: measures, prints tables or JSON, and saves the JSON if requested.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use comfy_table::{CellAlignment, Table, presets};
use nearsay::bench::{BenchOptions, Latency, PeakRates, Report, Subject, Throughput, file_name};
use nearsay::vectors::write::OutputFile;
use nearsay::{Precision, Session, SessionOptions, Workers};

use crate::arguments::BenchArguments;
use crate::context::{self, Context};
use crate::print::{plural, print_line, to_json};
use crate::progress::{Measure, Progress};

pub(crate) fn run(context: &Context, arguments: Box<BenchArguments>) -> anyhow::Result<()> {
    let workers = context.workers(arguments.threads);
    let options = options(context, &arguments)?;
    let subject = subject(context, &arguments, &options, &workers)?;
    let create = |path| create(path, &subject, &options, arguments.overwrite);
    let file = arguments.output.as_deref().map(create).transpose()?;
    let report = measure(context, &subject, &options, &workers)?;
    let json = to_json(&report)?;
    if context.global.json {
        print_line(&json)?;
    } else {
        print_report(&report)?;
    }
    if let Some(mut file) = file {
        file.write(format!("{json}\n").as_bytes())?;
        file.persist()?;
    }
    Ok(())
}

fn subject(
    context: &Context,
    arguments: &BenchArguments,
    options: &BenchOptions,
    workers: &Workers,
) -> nearsay::Result<Subject> {
    let Some(name) = &arguments.model else { return Ok(Subject::Shape(arguments.shape.clone())) };
    let session = SessionOptions::default()
        .devices(options.devices.clone())
        .workers(workers.clone())
        .batch_tokens(arguments.batch_tokens.map_or(0, NonZero::get))
        .hub(context.hub());
    Ok(Subject::Model(Session::with(name, &session)?))
}

/// Creates the file for the JSON; in a folder it is named after CPU or GPU, model and date.
fn create(
    path: &Path,
    subject: &Subject,
    options: &BenchOptions,
    overwrite: bool,
) -> nearsay::Result<OutputFile> {
    let named = || path.join(file_name(subject, &options.devices));
    let path = if path.is_dir() { named() } else { PathBuf::from(path) };
    OutputFile::create(&path, overwrite)
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

fn print_report(report: &Report) -> nearsay::Result<()> {
    print_line(&heading(report))?;
    print_line(&throughput_table(&report.throughput).to_string())?;
    print_line("")?;
    print_line(&latency_table(&report.latency).to_string())
}

/// The subject, the machine and the peaks, one line each.
fn heading(report: &Report) -> String {
    let Report { machine, model, .. } = report;
    let threads = plural(report.threads as u64, "thread", "threads");
    let peak_of = match report.gpus.len() {
        0 => threads.clone(),
        count => plural(count as u64, "GPU", "GPUs"),
    };
    let commit = report.commit.as_ref().map(|commit| format!(" ({commit})")).unwrap_or_default();
    let weights = if model.random_weights { ", random weights" } else { "" };
    format!(
        "nearsay {}{commit}, {}\n\
         {}, {} cores, {}, {}\n\
         {}peak of {}: {}\n\
         {}: {} layers of {}, {:.1} million parameters{weights}; {threads}; medians\n",
        report.nearsay,
        report.date,
        machine.cpu,
        machine.cores,
        machine.instruction_set,
        machine.os,
        report.gpus.iter().map(|gpu| format!("{gpu}\n")).collect::<String>(),
        peak_of,
        peaks(&report.peaks),
        model.name,
        model.layer,
        model.hidden_dim,
        model.parameters as f64 / 1e6,
    )
}

fn peaks(peaks: &PeakRates) -> String {
    let mut rates = vec![format!("f32 {:.0} GFLOP/s", peaks.f32_gflops)];
    rates.extend(peaks.f16_gflops.map(|rate| format!("f16 {rate:.0}")));
    rates.extend(peaks.bf16_gflops.map(|rate| format!("bf16 {rate:.0}{}", bf16_instruction(peaks))));
    rates.extend(peaks.int8_gops.map(|rate| format!("int8 {rate:.0}")));
    rates.push(format!("memory {:.1} GB/s", peaks.memory_gb_per_second));
    rates.join(", ")
}

/// The rate of a CPU's bf16 instruction; GPUs have only one rate.
fn bf16_instruction(peaks: &PeakRates) -> String {
    match (peaks.bf16_instruction_gflops, peaks.int8_gops) {
        (Some(rate), _) => format!(" (instruction: {rate:.0})"),
        (None, Some(_)) => " (no instruction)".to_owned(),
        (None, None) => String::new(),
    }
}

fn throughput_table(rows: &[Throughput]) -> Table {
    let mut table = table(["device", "precision", "texts x tokens", "tokens/s", "GFLOP/s", "of peak"]);
    for row in rows {
        table.add_row([
            row.device.clone(),
            row.precision.to_owned(),
            row.work.clone(),
            grouped(row.tokens_per_second),
            grouped(row.gflops),
            format!("{:.0} %", 100.0 * row.share_of_peak),
        ]);
    }
    table
}

fn latency_table(rows: &[Latency]) -> Table {
    let mut table = table(["device", "precision", "one text of", "runs", "p50 ms", "p99 ms"]);
    for row in rows {
        table.add_row([
            row.device.clone(),
            row.precision.to_owned(),
            format!("{} tokens", row.tokens),
            grouped(row.runs as f64),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p99_ms),
        ]);
    }
    table
}

/// An empty table whose last three columns are numbers. In Markdown, so that it can be pasted into a
/// discussion.
fn table(header: [&str; 6]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Formats a number without decimals and with grouped thousands.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [(0.4, "0"), (999.4, "999"), (999.6, "1,000"), (1_234_567.0, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
