//! The report of a measurement of searches.

use serde::{Deserialize, Serialize};

use super::super::load::{Load, Passes};
use super::super::peaks::PeakRates;
use super::super::{Machine, date};
use super::{RowType, SearchBenchOptions, SearchVectors};

/// A measurement of searches.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchReport {
    /// nearsay's version.
    pub nearsay: String,
    /// The commit that it was built from, if known.
    pub commit: Option<String>,
    /// Start time in UTC.
    pub date: String,
    /// The machine that it ran on.
    pub machine: Machine,
    /// Rows and queries.
    pub vectors: VectorsReport,
    /// Hits per query.
    pub top: usize,
    /// Number of threads.
    pub threads: usize,
    /// Minimum seconds spent on each figure.
    pub seconds_per_figure: f64,
    /// The machine's peak rates with the same threads.
    pub peaks: PeakRates,
    /// How busy the machine was with other work.
    pub load: Load,
    /// The figures.
    pub figures: Vec<SearchFigure>,
}

/// The rows that were searched.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VectorsReport {
    /// `random`, or the name of their file.
    pub name: String,
    /// The seed of random ones.
    pub seed: Option<u64>,
    /// Their number.
    pub rows: usize,
    /// Values of each.
    pub dimensions: usize,
}

/// How fast rows of one type are searched for some queries.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchFigure {
    /// How rows are stored.
    pub rows: RowType,
    /// Queries that are searched together.
    pub queries: usize,
    /// Number of measured passes.
    pub rounds: usize,
    /// Time of the median pass.
    pub milliseconds: f64,
    /// Time of the fastest pass.
    pub milliseconds_best: f64,
    /// Billions of bytes per second, each row read once, in the median pass.
    pub gb_per_second: f64,
    /// The same divided by the bandwidth of the memory.
    pub share_of_bandwidth: f64,
    /// Billions of operations per second in the median pass.
    pub gflops: f64,
    /// The same divided by the peak: of bytes for `bytes`, else of f32.
    pub share_of_peak: f64,
    /// For `bytes`: rows per query that were scored in f32.
    pub candidates: Option<f64>,
    /// For `bytes`: queries with too many candidates, which were searched again in f32.
    pub searched_again: Option<u64>,
    /// The CPU time of all passes divided by that of the threads, at most one per core.
    pub cpu_share: f64,
    /// Times of passes from the 10th to the 90th percentile, relative to the median; `None` if there was one.
    pub spread: Option<f64>,
}

impl SearchFigure {
    pub(super) fn passes(&self) -> Passes {
        Passes { rounds: self.rounds, cpu_share: Some(self.cpu_share), spread: self.spread }
    }

    /// Whether other work on the machine disturbed it.
    pub fn is_disturbed(&self) -> bool {
        self.passes().are_disturbed()
    }
}

impl SearchReport {
    /// A report before its figures.
    pub(super) fn new(vectors: &SearchVectors, options: &SearchBenchOptions, threads: usize) -> Self {
        Self {
            nearsay: env!("CARGO_PKG_VERSION").to_owned(),
            commit: options.commit.clone(),
            date: date::now(),
            machine: Machine::current(),
            vectors: VectorsReport {
                name: vectors.name().to_owned(),
                seed: vectors.seed(),
                rows: vectors.rows(),
                dimensions: vectors.dim(),
            },
            top: options.top,
            threads,
            seconds_per_figure: options.time.as_secs_f64(),
            peaks: PeakRates::default(),
            load: Load::default(),
            figures: Vec::new(),
        }
    }
}
