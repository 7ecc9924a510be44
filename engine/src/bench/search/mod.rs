//! Measures how fast vectors are searched, as a share of the memory's bandwidth and of the arithmetic peak.
//!
//! All rows are in memory, in one of the [`RowType`]s, and all of them are compared with each query, by the kernels that
//! `search` uses. A pass packs the queries, compares them, and returns their hits; by bytes it also scores the candidates
//! in f32, and queries with too many of them are searched again. After a pass that is not counted, a pass is repeated for
//! some time and the median reported.
//!
//! Bytes are counted as if each row were read once, and operations as one multiply-add per value of a row and query: a
//! search for one query is bound by the memory, one for many by arithmetic. f16 and bf16 rows are widened to f32, whose
//! peak counts then.

mod options;
mod report;
mod rows;
mod vectors;

use std::time::Instant;

use candle_core::{Device, Tensor};

pub use options::SearchBenchOptions;
pub use report::{SearchFigure, SearchReport, VectorsReport};
pub use rows::RowType;
pub use vectors::SearchVectors;

use super::load::{CpuClock, Load};
use super::peaks::PeakRates;
use super::statistics::Sample;
use super::{BenchProgress, Machine};
use crate::Result;
use crate::session::{Control, Devices, Workers};
use rows::{StoredRows, Threads};

/// Measures searches of `vectors` on all `workers`; `progress` is called before every figure.
///
/// # Errors
/// If the options do not fit the vectors, no threads can be started, or `control` stops the run.
pub fn run_search(
    vectors: &SearchVectors,
    options: &SearchBenchOptions,
    workers: &Workers,
    control: &Control,
    mut progress: impl FnMut(BenchProgress),
) -> Result<SearchReport> {
    options.check(vectors)?;
    let threads = workers.threads();
    let total = options.types.len() * options.queries.len();
    let mut report = SearchReport::new(vectors, options, threads);
    progress(BenchProgress { done: 0, total, next: "peaks".to_owned() });
    report.peaks = PeakRates::measure(&Devices::cpu(), threads)?;
    for &row_type in &options.types {
        let mut next = |report: &SearchReport, what: &str| {
            let next = format!("{} {what}", row_type.name());
            progress(BenchProgress { done: report.figures.len(), total, next });
        };
        next(&report, "rows");
        let bench =
            SearchBench { rows: StoredRows::new(vectors, row_type)?, vectors, options, workers, control };
        for &count in &options.queries {
            next(&report, &format!("rows, {count} queries"));
            let figure = bench.figure(count, &report.peaks)?;
            report.figures.push(figure);
        }
    }
    report.load = Load::of(report.figures.iter().map(SearchFigure::passes));
    Ok(report)
}

/// The measurement of rows of one type.
struct SearchBench<'a> {
    rows: StoredRows<'a>,
    vectors: &'a SearchVectors,
    options: &'a SearchBenchOptions,
    workers: &'a Workers,
    control: &'a Control,
}

/// Counts of a pass.
#[derive(Debug, Clone, Copy, Default)]
struct Pass {
    /// Rows that were scored in f32, if the scan was by bytes.
    candidates: u64,
    /// Queries that were searched again in f32.
    again: u64,
}

impl SearchBench<'_> {
    fn figure(&self, count: usize, peaks: &PeakRates) -> Result<SearchFigure> {
        let queries = self.vectors.queries(count);
        let queries = Tensor::from_slice(queries, (count, self.vectors.dim()), &Device::Cpu)?;
        let pass = self.pass(&queries)?;
        let (begin, clock, mut seconds) = (Instant::now(), CpuClock::start(), Vec::new());
        while seconds.is_empty() || begin.elapsed() < self.options.time {
            let start = Instant::now();
            self.pass(&queries)?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        let cpu_share = clock.share(self.workers.threads(), Machine::cores());
        Ok(self.measured(count, pass, &Sample::new(seconds), cpu_share, peaks))
    }

    /// One search for all queries.
    fn pass(&self, queries: &Tensor) -> Result<Pass> {
        let threads = Threads { workers: self.workers, control: self.control };
        self.rows.search(queries, self.options.top, threads)
    }

    fn measured(
        &self,
        count: usize,
        pass: Pass,
        seconds: &Sample,
        cpu_share: f64,
        peaks: &PeakRates,
    ) -> SearchFigure {
        let row_type = self.rows.row_type();
        let (rows, dim, median) = (self.vectors.rows() as f64, self.vectors.dim(), seconds.median());
        let bytes_per_second = rows * row_type.bytes_per_row(dim) as f64 / median;
        let operations = 2.0 * rows * dim as f64 * count as f64 / median;
        let is_by_bytes = row_type == RowType::Bytes;
        SearchFigure {
            rows: row_type,
            queries: count,
            rounds: seconds.count(),
            milliseconds: 1e3 * median,
            milliseconds_best: 1e3 * seconds.best(),
            gb_per_second: bytes_per_second / 1e9,
            share_of_bandwidth: bytes_per_second / 1e9 / peaks.memory_gb_per_second,
            gflops: operations / 1e9,
            share_of_peak: operations / 1e9 / row_type.peak(peaks),
            candidates: is_by_bytes.then(|| pass.candidates as f64 / count as f64),
            searched_again: is_by_bytes.then_some(pass.again),
            cpu_share,
            spread: seconds.spread(),
        }
    }
}

#[cfg(test)]
mod tests;
