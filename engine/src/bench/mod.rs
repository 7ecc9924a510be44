//! Measures how fast an encoder runs on this machine, as a share of the machine's peak.
//!
//! Token ids go through the same [`TextEncoder`](crate::session::TextEncoder), workers and pooling as in
//! `embed`; tokenizing and reading are not measured. For every device and precision:
//!
//! - **throughput**: passes over texts of equal lengths, about 4096 tokens per pass (on GPUs, 16
//!   micro-batches), and over a natural mix of lengths (see `workload`);
//! - **latency**: single texts of 12 and of 128 tokens, one after the other.
//!
//! After one warm-up pass, a pass is repeated for some time and the median reported; the JSON also has the
//! best. Operations are counted as in `flops` and compared with the peak of the precision (see
//! [`PeakRates`]), although everything between linear layers always runs in f32. The [`Load`] says whether
//! the machine was busy with other work meanwhile, and [`Comparison`] compares two reports.
//!
//! [`run_search`] measures searches in the same way.

mod compare;
mod date;
mod load;
mod machine;
mod options;
mod peaks;
mod plan;
mod recorded;
mod report;
mod search;
mod statistics;
mod subject;
mod workload;

use std::time::Instant;

use nearsay_kernels::Precision;

pub use compare::{Comparison, Difference, LatencyRatio, ThroughputRatio, Topic};
pub use date::date;
pub use load::Load;
pub use machine::Machine;
pub use options::{BenchOptions, DEFAULT_LENGTHS};
pub use peaks::PeakRates;
pub use report::{Latency, MeasuredModel, Report, Throughput, file_name};
pub use search::{
    RowType, SearchBenchOptions, SearchFigure, SearchReport, SearchVectors, VectorsReport, run_search,
};
pub use subject::Subject;

use crate::session::{Control, Workers};
use crate::{Error, Result};
use load::CpuClock;
use plan::BenchPlan;
use statistics::Sample;
use subject::Loaded;
use workload::Workload;

/// Progress of a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BenchProgress {
    /// Figures done so far.
    pub done: usize,
    /// Figures in all.
    pub total: usize,
    /// The next figure.
    pub next: String,
}

/// Measures `subject` with `options` on all `workers`; `progress` is called before every figure.
///
/// # Errors
/// If an option does not fit the model, the model cannot be loaded, no threads can be started, or `control`
/// stops the run.
pub fn run(
    subject: &Subject,
    options: &BenchOptions,
    workers: &Workers,
    control: &Control,
    mut progress: impl FnMut(BenchProgress),
) -> Result<Report> {
    let plan = BenchPlan::new(subject.recipe(), options, workers.threads())?;
    let total = options.precisions.len() * (plan.workloads.len() + plan.single_texts.len());
    let mut report = Report::new(subject, options, plan.layer, workers.threads());
    progress(BenchProgress { done: 0, total, next: "peaks".to_owned() });
    report.peaks = PeakRates::measure(&options.devices, workers.threads())?;
    for &precision in &options.precisions {
        let mut next = |report: &Report, what: &str| {
            let done = report.throughput.len() + report.latency.len();
            progress(BenchProgress { done, total, next: format!("{} {what}", precision.name()) });
        };
        next(&report, "loading");
        let bench = Bench {
            loaded: subject.load(plan.layer, precision, options, workers)?,
            precision,
            peak: 1e9 * peak_of(&report, precision)?,
            threads: workers.threads(),
            options,
            control,
        };
        for workload in &plan.workloads {
            next(&report, &workload.name);
            report.throughput.push(bench.throughput(workload)?);
        }
        for workload in &plan.single_texts {
            next(&report, &workload.name);
            report.latency.push(bench.latency(workload)?);
        }
    }
    report.load = Some(Load::of(report.throughput.iter().map(Throughput::passes)));
    Ok(report)
}

fn peak_of(report: &Report, precision: Precision) -> Result<f64> {
    let missing = || Error::Bug(format!("no peak was measured in {}", precision.name()));
    report.peaks.of(precision).ok_or_else(missing)
}

/// The measurement of an encoder in one precision.
struct Bench<'a> {
    loaded: Loaded,
    precision: Precision,
    /// The machine's peak in operations per second in this precision.
    peak: f64,
    threads: usize,
    options: &'a BenchOptions,
    control: &'a Control,
}

impl Bench<'_> {
    fn throughput(&self, workload: &Workload) -> Result<Throughput> {
        let (seconds, cpu_share) = self.measure(workload)?;
        let (tokens, median) = (workload.tokens(), seconds.median());
        let rate = self.loaded.flops(workload) / median;
        Ok(Throughput {
            device: self.options.devices.name().to_owned(),
            precision: self.precision.name().to_owned(),
            work: workload.name.clone(),
            texts: workload.texts.len(),
            length: workload.length,
            tokens,
            rounds: seconds.count(),
            tokens_per_second: tokens as f64 / median,
            tokens_per_second_best: tokens as f64 / seconds.best(),
            gflops: rate / 1e9,
            share_of_peak: rate / self.peak,
            cpu_share: (!self.options.devices.are_gpus()).then_some(cpu_share),
            spread: seconds.spread(),
        })
    }

    fn latency(&self, workload: &Workload) -> Result<Latency> {
        let (seconds, _) = self.measure(workload)?;
        Ok(Latency {
            device: self.options.devices.name().to_owned(),
            precision: self.precision.name().to_owned(),
            tokens: workload.tokens(),
            runs: seconds.count(),
            p50_ms: 1e3 * seconds.percentile(50),
            p99_ms: 1e3 * seconds.percentile(99),
        })
    }

    /// Times each pass in seconds until the time is over: at least one, after an uncounted pass. Also returns
    /// the share of the CPU that they had.
    fn measure(&self, workload: &Workload) -> Result<(Sample, f64)> {
        self.loaded.encode(workload, self.control)?;
        let (begin, clock, mut seconds) = (Instant::now(), CpuClock::start(), Vec::new());
        while seconds.is_empty() || begin.elapsed() < self.options.time {
            let start = Instant::now();
            self.loaded.encode(workload, self.control)?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        Ok((Sample::new(seconds), clock.share(self.threads, Machine::cores())))
    }
}
