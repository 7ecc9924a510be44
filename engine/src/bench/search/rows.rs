//! Rows of every type, and how they are searched.

use candle_core::{Device, IndexOp, Tensor};
use half::{bf16, f16};
use nearsay_kernels::{Block, ByteCodes, ByteSearch, Form, RowValues, TopKSearch};
use serde::{Deserialize, Serialize};

use super::super::peaks::PeakRates;
use super::Pass;
use super::vectors::{SearchVectors, no_memory};
use crate::session::{Control, Workers};
use crate::{Error, Result};

/// Bytes besides a row's codes: step, residual and length.
const BYTES_WITH_CODES: usize = 12;

/// How rows are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RowType {
    /// f32.
    F32,
    /// f16.
    F16,
    /// bf16.
    Bf16,
    /// One byte per value to find candidates, which are then scored in f32: the hits of f32.
    Bytes,
}

impl RowType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::Bf16, Self::Bytes];

    /// The name: `f32`, `f16`, `bf16`, `bytes`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Bytes => "bytes",
        }
    }

    /// Bytes of a row that a scan reads.
    pub(super) fn bytes_per_row(self, dim: usize) -> usize {
        match self {
            Self::F32 => 4 * dim,
            Self::F16 | Self::Bf16 => 2 * dim,
            Self::Bytes => dim + BYTES_WITH_CODES,
        }
    }

    /// Billions of operations per second that this machine can do with them at most.
    pub(super) fn peak(self, peaks: &PeakRates) -> f64 {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => peaks.f32_gflops,
            Self::Bytes => peaks.int8_gops.unwrap_or(peaks.f32_gflops),
        }
    }
}

impl std::str::FromStr for RowType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|row_type| row_type.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::usage(format!("a type of rows must be one of {names}, got `{name}`"))
        })
    }
}

/// Rows of one type.
pub(super) enum StoredRows<'a> {
    F32(&'a SearchVectors),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
    Bytes { codes: ByteCodes, vectors: &'a SearchVectors },
}

impl<'a> StoredRows<'a> {
    /// The rows, rounded to the type.
    pub(super) fn new(vectors: &'a SearchVectors, row_type: RowType) -> Result<Self> {
        Ok(match row_type {
            RowType::F32 => Self::F32(vectors),
            RowType::F16 => Self::F16(rounded(vectors, f16::from_f32)?),
            RowType::Bf16 => Self::Bf16(rounded(vectors, bf16::from_f32)?),
            RowType::Bytes => {
                Self::Bytes { codes: ByteCodes::new(vectors.values(), vectors.dim(), None)?, vectors }
            }
        })
    }

    pub(super) fn row_type(&self) -> RowType {
        match self {
            Self::F32(_) => RowType::F32,
            Self::F16(_) => RowType::F16,
            Self::Bf16(_) => RowType::Bf16,
            Self::Bytes { .. } => RowType::Bytes,
        }
    }

    /// Searches for the `top` best rows of each query, on all threads.
    pub(super) fn search(&self, queries: &Tensor, top: usize, threads: Threads<'_>) -> Result<Pass> {
        let exact = |rows: RowValues<'_>| threads.together(|| exact(queries, top, rows));
        match self {
            Self::F32(vectors) => exact(RowValues::F32(vectors.values())),
            Self::F16(values) => exact(RowValues::F16(values)),
            Self::Bf16(values) => exact(RowValues::Bf16(values)),
            Self::Bytes { codes, vectors } => by_bytes(queries, top, (codes, vectors), threads),
        }
    }
}

/// All values, rounded.
fn rounded<T>(vectors: &SearchVectors, round: impl Fn(f32) -> T) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let reserved = values.try_reserve_exact(vectors.values().len());
    reserved.map_err(|_| no_memory(vectors.rows() as u64, vectors.dim()))?;
    values.extend(vectors.values().iter().map(|&value| round(value)));
    Ok(values)
}

/// The threads that search.
#[derive(Clone, Copy)]
pub(super) struct Threads<'a> {
    pub(super) workers: &'a Workers,
    pub(super) control: &'a Control,
}

impl Threads<'_> {
    /// Runs work that divides itself among all threads.
    fn together<R: Default + Send>(self, work: impl Fn() -> Result<R> + Sync) -> Result<R> {
        let mut results = self.workers.map_divisible(self.control, &[()], |()| work())?;
        Ok(results.pop().unwrap_or_default())
    }
}

/// The hits of a scan of all rows.
fn exact(queries: &Tensor, top: usize, rows: RowValues<'_>) -> Result<Pass> {
    let mut search = TopKSearch::new(queries, top, Form::Kernels)?;
    search.feed(&Block::new(rows, 0))?;
    search.finish()?;
    Ok(Pass::default())
}

/// The same hits from a scan of codes: the threads share the scan, then the queries, whose candidates are scored.
fn by_bytes(
    queries: &Tensor,
    top: usize,
    (codes, vectors): (&ByteCodes, &SearchVectors),
    threads: Threads<'_>,
) -> Result<Pass> {
    let candidates = threads.together(|| {
        let mut search = ByteSearch::new(queries, top, None)?;
        search.feed(&codes.block(0))?;
        Ok(search.candidates())
    })?;
    let mut pass = Pass::default();
    let (mut open, mut found) = (Vec::new(), Vec::new());
    for (query, rows) in candidates.iter().enumerate() {
        match rows {
            None => open.push(query as u32),
            Some(rows) => {
                pass.candidates += rows.len() as u64;
                found.push((query, rows));
            }
        }
    }
    threads.workers.map(threads.control, &found, |(query, rows)| {
        exact(&queries.i(*query..query + 1)?, top, RowValues::F32(&vectors.rows_of(rows)))
    })?;
    pass.again = open.len() as u64;
    if !open.is_empty() {
        let queries = queries.index_select(&Tensor::new(open, &Device::Cpu)?, 0)?;
        threads.together(|| exact(&queries, top, RowValues::F32(vectors.values())))?;
    }
    Ok(pass)
}
