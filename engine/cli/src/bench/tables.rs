//! The tables of `nearsay bench`. In Markdown, so that they can be pasted into a discussion.

use comfy_table::{CellAlignment, Table, presets};
use nearsay::bench::{Latency, Machine, PeakRates, Report, Throughput};

use crate::print::{bytes, grouped, plural, print_line};

pub(super) fn print(report: &Report) -> nearsay::Result<()> {
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
    let weights = if model.random_weights { ", random weights" } else { "" };
    format!(
        "{}{}peak of {}: {}\n\
         {}: {} layers of {}, {:.1} million parameters{weights}; {threads}; medians\n",
        program_and_machine(&report.nearsay, report.commit.as_deref(), &report.date, machine),
        report.gpus.iter().map(|gpu| format!("{gpu}\n")).collect::<String>(),
        peak_of,
        peaks(&report.peaks),
        model.name,
        model.layer,
        model.hidden_dim,
        model.parameters as f64 / 1e6,
    )
}

/// The program with its date, and the machine, one line each.
pub(super) fn program_and_machine(
    version: &str,
    commit: Option<&str>,
    date: &str,
    machine: &Machine,
) -> String {
    let commit = commit.map(|commit| format!(" ({commit})")).unwrap_or_default();
    let memory = machine.memory_bytes.map(|count| format!(", {}", bytes(count))).unwrap_or_default();
    let Machine { cpu, cores, instruction_set, os, .. } = machine;
    format!(
        "nearsay {version}{commit}, {date}\n\
         {cpu}, {cores} cores{memory}, {instruction_set}, {os}\n"
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
    let header = ["device", "precision", "texts x tokens", "tokens/s", "GFLOP/s", "of peak", "CPU", "spread"];
    let mut table = table(header, 3);
    for row in rows {
        let mark = if row.is_disturbed() { " !" } else { "" };
        table.add_row([
            row.device.clone(),
            row.precision.clone(),
            row.work.clone(),
            grouped(row.tokens_per_second),
            grouped(row.gflops),
            percent(Some(row.share_of_peak)),
            percent(row.cpu_share),
            format!("{}{mark}", percent(row.spread)),
        ]);
    }
    table
}

fn latency_table(rows: &[Latency]) -> Table {
    let mut table = table(["device", "precision", "one text of", "runs", "p50 ms", "p99 ms"], 3);
    for row in rows {
        table.add_row([
            row.device.clone(),
            row.precision.clone(),
            format!("{} tokens", row.tokens),
            grouped(row.runs as f64),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p99_ms),
        ]);
    }
    table
}

/// A share; nothing if there is none.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map(|share| format!("{:.0} %", 100.0 * share)).unwrap_or_default()
}

/// An empty table whose columns after the first `texts` are numbers.
pub(super) fn table<const N: usize>(header: [&str; N], texts: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(texts) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
