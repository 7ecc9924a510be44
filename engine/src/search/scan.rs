//! The scan: every row that counts is compared with every query.
//!
//! Scores are those of [`TopKSearch`], in f32, one chain of multiply-adds per row, first to last. So a row has the
//! same score for the same query among any rows, in any block and with any number of threads. Of equal scores the lower
//! row comes first.

use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Tensor};
use nearsay_kernels::TopK;

use super::Hit;
use super::block_search::ReadyBlock;
use super::row_set::RowSet;
use super::source::RowSource;
use super::values::{RowBuffer, RowReading};
use crate::Result;
use crate::session::{Control, Workers};
use crate::vectors::Vectors;
use crate::vectors::read::NumberBatch;

/// What is searched, and with which threads.
pub(super) struct Scan<'a> {
    pub(super) source: &'a dyn RowSource,
    pub(super) reading: &'a RowReading,
    pub(super) workers: &'a Workers,
    pub(super) control: &'a Control,
}

/// What a scan found.
#[derive(Default)]
pub(super) struct Scanned {
    /// The hits of each query, best first.
    pub(super) lists: Vec<Vec<Hit>>,
    /// Rows of zeros among those that count.
    pub(super) zeros: u64,
    /// The rows whose score was computed from the stored numbers, per query; `None`: all that count.
    pub(super) scored: Option<Vec<u64>>,
    /// The length of the longest row of the blocks with rows that count; with Euclidean distances only.
    pub(super) longest: f64,
}

impl Scan<'_> {
    /// For each query the `k` best of the included rows, best first. `queries` are as the metric compares them.
    pub(super) fn best(&self, queries: &Vectors, k: usize, included: Option<&RowSet>) -> Result<Scanned> {
        let search = Mutex::new(self.reading.search(&tensor(queries)?, k)?);
        let scanned = self.for_each_block(included, |block| {
            search.lock().unwrap_or_else(PoisonError::into_inner).feed(block, block.first_row)
        })?;
        let search = search.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Scanned { lists: hits(&search.finish()?, 0)?, ..scanned })
    }

    /// For each query the included rows whose score is at least `least`, best first.
    pub(super) fn reaching(
        &self,
        queries: &Vectors,
        least: f32,
        included: Option<&RowSet>,
    ) -> Result<Scanned> {
        let queries = tensor(queries)?;
        let found = Mutex::new(vec![Vec::new(); queries.dim(0)?]);
        let scanned = self.for_each_block(included, |block| {
            let mut search = self.reading.search(&queries, block.count)?;
            search.feed(block, 0)?;
            let mut lists = found.lock().unwrap_or_else(PoisonError::into_inner);
            for (list, hits) in lists.iter_mut().zip(hits(&search.finish()?, block.first_row)?) {
                list.extend(hits.into_iter().take_while(|hit| hit.score >= least));
            }
            Ok(())
        })?;
        let mut lists = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        for list in &mut lists {
            list.sort_unstable_by(Hit::order);
        }
        Ok(Scanned { lists, ..scanned })
    }

    /// Calls `visit` with each block that has included rows, in order, on threads that share its work.
    fn for_each_block(
        &self,
        included: Option<&RowSet>,
        visit: impl Fn(&ReadyBlock<'_>) -> Result<()> + Sync,
    ) -> Result<Scanned> {
        let mut buffer = RowBuffer::default();
        let (mut zeros, mut smallest_bias) = (0, 0.0f32);
        for batch in self.source.numbers()? {
            let batch = batch?;
            let bits = included.map(|set| set.part(batch.first_row, batch.rows));
            if bits.as_ref().is_some_and(|bits| bits.iter().all(|word| *word == 0)) {
                self.control.check()?;
                continue;
            }
            let block = self.ready(&batch, bits, &mut buffer);
            block.rows.for_each_zero(self.reading.dim(), |row| {
                let counts = block.included.as_ref().is_none_or(|bits| bits[row / 64] >> (row % 64) & 1 == 1);
                zeros += u64::from(counts);
            });
            smallest_bias = block.biases.iter().flatten().copied().fold(smallest_bias, f32::min);
            self.workers.map_divisible(self.control, &[()], |()| visit(&block))?;
        }
        // A bias is -|x|^2 / 2, rounded.
        let longest = (-2.0 * f64::from(smallest_bias) * (1.0 + 1e-6)).sqrt();
        Ok(Scanned { lists: Vec::new(), zeros, scored: None, longest })
    }

    fn ready<'a>(
        &self,
        batch: &'a NumberBatch,
        included: Option<Vec<u64>>,
        buffer: &'a mut RowBuffer,
    ) -> ReadyBlock<'a> {
        let rows = self.reading.rows(batch, buffer);
        let biases = self.reading.biases(rows);
        ReadyBlock { rows, first_row: batch.first_row, count: batch.rows, included, biases }
    }
}

pub(super) fn tensor(vectors: &Vectors) -> Result<Tensor> {
    Ok(Tensor::from_slice(vectors.values(), (vectors.len(), vectors.dim()), &Device::Cpu)?)
}

/// The hits of each query, `first_row` added to their rows.
pub(super) fn hits(found: &TopK, first_row: u64) -> Result<Vec<Vec<Hit>>> {
    if found.scores.elem_count() == 0 {
        return Ok(vec![Vec::new(); found.scores.dim(0)?]);
    }
    let (scores, rows) = (found.scores.to_vec2::<f32>()?, found.indices.to_vec2::<u32>()?);
    let hits = |(scores, rows): (Vec<f32>, Vec<u32>)| {
        let hit = |(score, row): (f32, u32)| Hit { score, row: first_row as usize + row as usize };
        scores.into_iter().zip(rows).map(hit).collect()
    };
    Ok(scores.into_iter().zip(rows).map(hits).collect())
}
