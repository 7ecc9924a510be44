//! Measuring: how fast an encoder runs on this machine, beside what the machine can do at most.
//!
//! Token ids go through the same [`TextEncoder`](crate::TextEncoder), workers and pooling as in `embed`; there is no tokenizing and
//! no reading. For every device and precision:
//!
//! - **throughput**: passes over texts of equal lengths, some 4096 tokens a pass (on GPUs, 16 micro-batches), and over a natural mix of lengths (see `work`);
//! - **latency**: single texts of 12 and of 128 tokens, one after the other.
//!
//! A pass is repeated for some time, and the median counts; the best stands beside it in JSON. One pass before them warms up.
//! Operations are counted as `flops` says and held against the peak of the precision (see [`PeakRates`]), although whatever stands
//! between linear layers runs in f32 in each of them.

mod commit;
mod date;
mod flops;
mod machine;
mod options;
mod peaks;
mod plan;
mod report;
mod statistics;
mod subject;
mod work;

use std::time::Instant;

use nearsay_kernels::Precision;

pub use machine::Machine;
pub use options::{BenchOptions, DEFAULT_LENGTHS};
pub use peaks::PeakRates;
pub use report::{Latency, MeasuredModel, Report, Throughput, file_name};
pub use subject::Subject;

use crate::{Error, Result, Workers};
use plan::Plan;
use statistics::Sample;
use subject::Loaded;
use work::Work;

/// How far a run has come.
#[derive(Debug, Clone)]
pub struct Step {
    /// Figures that are done.
    pub done: usize,
    /// Figures in all.
    pub total: usize,
    /// What is measured next.
    pub next: String,
}

/// Measures `subject` as `options` say, with all of `workers`; `progress` hears of every figure before it is measured.
///
/// # Errors
/// If an option does not fit the model, the model cannot be loaded, the system gives no threads, or the run is interrupted.
pub fn run(
    subject: &Subject,
    options: &BenchOptions,
    workers: &Workers,
    mut progress: impl FnMut(Step),
) -> Result<Report> {
    let plan = Plan::new(subject.config(), options, workers.threads())?;
    let total = options.precisions.len() * (plan.works.len() + plan.single_texts.len());
    let mut report = Report::new(subject, options, plan.layer, workers.threads());
    progress(Step { done: 0, total, next: "peaks".to_owned() });
    report.peaks = PeakRates::measure(&options.devices, workers.threads())?;
    for &precision in &options.precisions {
        let mut next = |report: &Report, what: &str| {
            let done = report.throughput.len() + report.latency.len();
            progress(Step { done, total, next: format!("{} {what}", precision.name()) });
        };
        next(&report, "loading");
        let bench = Bench {
            loaded: subject.load(plan.layer, precision, options, workers)?,
            precision,
            peak: 1e9 * peak_of(&report, precision)?,
            options,
        };
        for work in &plan.works {
            next(&report, &work.name);
            report.throughput.push(bench.throughput(work)?);
        }
        for work in &plan.single_texts {
            next(&report, &work.name);
            report.latency.push(bench.latency(work)?);
        }
    }
    Ok(report)
}

fn peak_of(report: &Report, precision: Precision) -> Result<f64> {
    let missing = || Error::Bug(format!("no peak was measured in {}", precision.name()));
    report.peaks.of(precision).ok_or_else(missing)
}

/// One precision of one encoder.
struct Bench<'a> {
    loaded: Loaded,
    precision: Precision,
    /// Operations a second that the machine can do in it.
    peak: f64,
    options: &'a BenchOptions,
}

impl Bench<'_> {
    fn throughput(&self, work: &Work) -> Result<Throughput> {
        let seconds = self.measure(work)?;
        let (tokens, median) = (work.tokens(), seconds.median());
        let rate = self.loaded.flops(work) / median;
        Ok(Throughput {
            device: self.options.devices.name().to_owned(),
            precision: self.precision.name(),
            work: work.name.clone(),
            texts: work.texts.len(),
            length: work.length,
            tokens,
            rounds: seconds.count(),
            tokens_per_second: tokens as f64 / median,
            tokens_per_second_best: tokens as f64 / seconds.best(),
            gflops: rate / 1e9,
            share_of_peak: rate / self.peak,
        })
    }

    fn latency(&self, work: &Work) -> Result<Latency> {
        let seconds = self.measure(work)?;
        Ok(Latency {
            device: self.options.devices.name().to_owned(),
            precision: self.precision.name(),
            tokens: work.tokens(),
            runs: seconds.count(),
            p50_ms: 1e3 * seconds.percentile(50),
            p99_ms: 1e3 * seconds.percentile(99),
        })
    }

    /// Seconds of each pass, until the time is over: at least one, after one that is not counted.
    fn measure(&self, work: &Work) -> Result<Sample> {
        self.loaded.encode(work)?;
        let (begin, mut seconds) = (Instant::now(), Vec::new());
        while seconds.is_empty() || begin.elapsed() < self.options.time {
            let start = Instant::now();
            self.loaded.encode(work)?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        Ok(Sample::new(seconds))
    }
}
