//! `nearsay bench search`.

use std::path::{Path, PathBuf};

use comfy_table::Table;
use nearsay::Devices;
use nearsay::bench::{SearchBenchOptions, SearchFigure, SearchReport, SearchVectors, file_name, run_search};
use nearsay::vectors::write::OutputFile;

use super::tables::{percent, program_and_machine, table};
use super::{busy, save};
use crate::arguments::SearchBenchArguments;
use crate::context::Context;
use crate::print::{grouped, plural, print_line, seconds, to_json};
use crate::progress::{Measure, Progress};
use crate::version;

pub(super) fn run(context: &Context, arguments: &SearchBenchArguments) -> anyhow::Result<()> {
    let workers = context.workers(arguments.threads);
    let options = options(arguments);
    let file = arguments.output.as_deref().map(|path| create(path, arguments)).transpose()?;
    let vectors = vectors(arguments, &options)?;
    let progress = Progress::new(context, Measure::Share(None));
    let report = run_search(&vectors, &options, &workers, &context.control(), |step| {
        progress
            .set(step.done as u64, format!("{} of {} figures; now: {}", step.done, step.total, step.next));
    })?;
    drop(progress);
    let json = to_json(&report)?;
    let target = file.map(|file| save(file, &json)).transpose()?;
    if context.global.json {
        print_line(&json)?;
    } else {
        print_line(&heading(&report))?;
        print_line(&figures(&report.figures).to_string())?;
    }
    conclude(context, &report, target.as_deref());
    Ok(())
}

fn options(arguments: &SearchBenchArguments) -> SearchBenchOptions {
    let mut options = SearchBenchOptions::default();
    options.types = arguments.types.clone();
    options.queries = arguments.queries.clone();
    options.top = arguments.top;
    options.time = arguments.seconds;
    options.commit = version::commit().map(str::to_owned);
    options
}

fn vectors(arguments: &SearchBenchArguments, options: &SearchBenchOptions) -> nearsay::Result<SearchVectors> {
    let SearchBenchArguments { rows, dimensions, seed, corpus, query_vectors, .. } = arguments;
    match (corpus, query_vectors) {
        (Some(corpus), Some(queries)) => SearchVectors::read(corpus, queries),
        _ => {
            // Before there are rows of that width.
            options.check_dimensions(*dimensions)?;
            SearchVectors::random(*rows, *dimensions, options.most_queries(), *seed)
        }
    }
}

/// Creates the file for the JSON, before anything is measured; in a folder it is named after CPU, rows and date.
fn create(path: &Path, arguments: &SearchBenchArguments) -> nearsay::Result<OutputFile> {
    let name = match &arguments.corpus {
        Some(corpus) => corpus.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        None => format!("random-{}x{}", arguments.rows, arguments.dimensions),
    };
    let path = if path.is_dir() { path.join(file_name(&name, &Devices::cpu())) } else { PathBuf::from(path) };
    OutputFile::create(&path, arguments.overwrite)
}

/// The rows, the machine and the peaks, one line each.
fn heading(report: &SearchReport) -> String {
    let SearchReport { machine, vectors, peaks, .. } = report;
    let threads = plural(report.threads as u64, "thread", "threads");
    let int8 = peaks.int8_gops.map(|rate| format!(", bytes {rate:.0}")).unwrap_or_default();
    let seed = vectors.seed.map(|seed| format!(", seed {seed}")).unwrap_or_default();
    format!(
        "{}peak of {threads}: f32 {:.0} GFLOP/s{int8}, memory {:.1} GB/s\n\
         {} rows of {} ({}{seed}), top {}; {threads}; medians\n",
        program_and_machine(&report.nearsay, report.commit.as_deref(), &report.date, machine),
        peaks.f32_gflops,
        peaks.memory_gb_per_second,
        grouped(vectors.rows as f64),
        vectors.dimensions,
        vectors.name,
        report.top,
    )
}

fn figures(rows: &[SearchFigure]) -> Table {
    let header = ["rows", "queries", "ms", "of bandwidth", "of peak", "candidates", "CPU", "spread"];
    let mut table = table(header, 1);
    for row in rows {
        let mark = if row.is_disturbed() { " !" } else { "" };
        table.add_row([
            row.rows.name().to_owned(),
            grouped(row.queries as f64),
            milliseconds(row.milliseconds),
            percent(Some(row.share_of_bandwidth)),
            percent(Some(row.share_of_peak)),
            row.candidates.map(|count| format!("{count:.0}")).unwrap_or_default(),
            percent(Some(row.cpu_share)),
            format!("{}{mark}", percent(row.spread)),
        ]);
    }
    table
}

/// A time with three digits at least.
fn milliseconds(time: f64) -> String {
    let digits = if time < 10.0 { 2 } else { usize::from(time < 100.0) };
    if time < 1000.0 { format!("{time:.digits$}") } else { grouped(time) }
}

/// Prints a summary of the run, and whether its figures can be trusted.
fn conclude(context: &Context, report: &SearchReport, target: Option<&Path>) {
    let figures = report.figures.len();
    let target = target.map(|path| format!(" -> {}", path.display())).unwrap_or_default();
    let busy = busy(context, Some(&report.load), figures, "figures");
    let again: u64 = report.figures.iter().filter_map(|figure| figure.searched_again).sum();
    if again > 0 {
        let queries = plural(again, "query has", "queries have");
        context.note(format_args!("{queries} too many candidates: searched again in f32"));
    }
    context.note(format_args!(
        "search{target}: {} in {}, {busy}",
        plural(figures as u64, "figure", "figures"),
        seconds(context.start.elapsed())
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_at_least() {
        for (time, text) in
            [(0.12345, "0.12"), (9.876, "9.88"), (54.32, "54.3"), (543.2, "543"), (5432.1, "5,432")]
        {
            assert_eq!(milliseconds(time), text);
        }
    }
}
