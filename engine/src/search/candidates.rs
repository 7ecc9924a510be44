//! Rows that can be among the best, found by less than their vectors: bytes with certainty, signs with high probability.
//!
//! Candidates are scored from their vectors, by the kernel that scans all rows elsewhere. A row's score does not depend
//! on the others, so with bytes the hits are those of that scan, bit for bit.

use std::sync::{Mutex, PoisonError};

use nearsay_kernels::{BitBlock, BitSearch, Block, ByteSearch, CodeBlock, Form, Rotation, TopKSearch};

use super::Hit;
use super::block_search::number;
use super::row_set::RowSet;
use super::scan::{Scan, Scanned, hits, tensor};
use super::source::CodeBatch;
use crate::vectors::Vectors;
use crate::{Error, Result};

/// Rows whose vectors are read together.
const ROWS_AT_ONCE: usize = 1024;

/// The measure by which rows are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The product with the query.
    Product,
    /// The Euclidean distance.
    Distance,
}

/// Rows that can be among the best.
pub(super) struct Candidates {
    /// Those of each query in ascending order; `None` if all rows have to be scanned.
    pub(super) rows: Vec<Option<Vec<u64>>>,
    /// Rows of zeros among those that count.
    pub(super) zeros: u64,
}

/// The searches of rows that were rotated alike.
struct Searches<'a> {
    all: Vec<(Option<u64>, Mutex<ByteSearch>)>,
    queries: &'a Vectors,
    k: usize,
    by: By,
}

impl Searches<'_> {
    /// The search of a batch.
    fn of(&mut self, batch: &CodeBatch) -> Result<&Mutex<ByteSearch>> {
        let place = match self.all.iter().position(|(rotation, _)| *rotation == batch.rotation) {
            Some(place) => place,
            None => {
                let rotation = batch.rotation.map(|seed| Rotation::new(self.queries.dim(), seed));
                let (queries, k) = (tensor(self.queries)?, self.k);
                let search = match self.by {
                    By::Product => ByteSearch::new(&queries, k, rotation.as_ref())?,
                    By::Distance => ByteSearch::nearest(&queries, k, rotation.as_ref())?,
                };
                self.all.push((batch.rotation, Mutex::new(search)));
                self.all.len() - 1
            }
        };
        Ok(&self.all[place].1)
    }
}

impl Scan<'_> {
    /// For each query all included rows that can be among its `k` best; `None` if the corpus has no bytes.
    pub(super) fn by_bytes(
        &self,
        queries: &Vectors,
        (k, by): (usize, By),
        included: Option<&RowSet>,
    ) -> Result<Option<Candidates>> {
        let Some(batches) = self.source.codes() else { return Ok(None) };
        let places = self.source.places_of(included);
        let mut searches = Searches { all: Vec::new(), queries, k, by };
        let mut zeros = 0;
        for batch in batches {
            let batch = batch?;
            let bits = places.as_ref().map(|set| set.part(batch.first_place, batch.steps.len()));
            if bits.as_ref().is_some_and(|bits| bits.iter().all(|word| *word == 0)) {
                self.control.check()?;
                continue;
            }
            let counts = |row: usize| bits.as_ref().is_none_or(|bits| bits[row / 64] >> (row % 64) & 1 == 1);
            let lengths = batch.lengths.iter().enumerate();
            zeros += lengths.filter(|(row, length)| **length == 0.0 && counts(*row)).count() as u64;
            let block = CodeBlock {
                codes: &batch.codes,
                steps: &batch.steps,
                residuals: &batch.residuals,
                lengths: &batch.lengths,
                first_row: number(batch.first_place)?,
                included: bits.as_deref(),
            };
            let search = searches.of(&batch)?;
            self.workers.map_divisible(self.control, &[()], |()| {
                Ok(search.lock().unwrap_or_else(PoisonError::into_inner).feed(&block)?)
            })?;
        }
        let mut all = vec![Some(Vec::new()); queries.len()];
        for (_, search) in searches.all {
            let mut search = search.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (rows, places) in all.iter_mut().zip(search.candidates()) {
                *rows = match (rows.take(), places) {
                    (Some(rows), Some(places)) => Some(self.with_rows_at(rows, &places)?),
                    _ => None,
                };
            }
        }
        all.iter_mut().flatten().for_each(|rows| rows.sort_unstable());
        Ok(Some(Candidates { rows: all, zeros }))
    }

    /// For each query the `count` included rows whose signs fit it best; `None` if the corpus has no signs.
    pub(super) fn by_signs(
        &self,
        queries: &Vectors,
        count: usize,
        included: Option<&RowSet>,
    ) -> Result<Option<Candidates>> {
        let Some(batches) = self.source.bits() else { return Ok(None) };
        let search = Mutex::new(BitSearch::new(&tensor(queries)?, count)?);
        for batch in batches {
            let batch = batch?;
            let bits = included.map(|set| set.part(batch.first_row, batch.rows));
            let first_row = number(batch.first_row)?;
            let block = BitBlock { bytes: &batch.bytes, first_row, included: bits.as_deref() };
            self.workers.map_divisible(self.control, &[()], |()| {
                Ok(search.lock().unwrap_or_else(PoisonError::into_inner).feed(&block)?)
            })?;
        }
        let search = search.into_inner().unwrap_or_else(PoisonError::into_inner);
        let found = hits(&search.finish()?, 0)?.into_iter();
        let rows = found.map(|found| {
            let mut rows: Vec<u64> = found.iter().map(|hit| hit.row as u64).collect();
            rows.sort_unstable();
            Some(rows)
        });
        Ok(Some(Candidates { rows: rows.collect(), zeros: 0 }))
    }

    /// Adds the rows that are stored at some places.
    fn with_rows_at(&self, mut rows: Vec<u64>, places: &[u32]) -> Result<Vec<u64>> {
        rows.reserve(places.len());
        for place in places {
            let row = self.source.row_at(u64::from(*place));
            rows.push(row.ok_or_else(|| Error::Bug("a place without a row was searched".to_owned()))?);
        }
        Ok(rows)
    }

    /// For each query the `k` best of its candidates, best first.
    pub(super) fn best_of(
        &self,
        queries: &Vectors,
        candidates: &Candidates,
        (k, included): (usize, Option<&RowSet>),
    ) -> Result<Scanned> {
        let pairs: Vec<(&[f32], &[u64])> = queries
            .rows()
            .zip(&candidates.rows)
            .map(|(query, rows)| (query, rows.as_deref().unwrap_or(&[])))
            .collect();
        let lists = self.workers.map(self.control, &pairs, |(query, rows)| self.scored(query, rows, k))?;
        let scored = candidates.rows.iter().map(|rows| rows.as_ref().map_or(0, |rows| rows.len() as u64));
        let mut found =
            Scanned { lists, zeros: candidates.zeros, scored: Some(scored.collect()), longest: 0.0 };
        let open: Vec<usize> = (0..queries.len()).filter(|query| candidates.rows[*query].is_none()).collect();
        if open.is_empty() {
            return Ok(found);
        }
        let some = open.iter().flat_map(|query| queries[*query].iter().copied()).collect();
        let scanned = self.best(&Vectors::new(some, queries.dim())?, k, included)?;
        let all = self.count(included);
        for (query, list) in open.into_iter().zip(scanned.lists) {
            found.lists[query] = list;
            found.scored.iter_mut().for_each(|scored| scored[query] = all);
        }
        Ok(found)
    }

    /// Rows that count.
    fn count(&self, included: Option<&RowSet>) -> u64 {
        included.map_or_else(|| self.source.rows().unwrap_or(0), RowSet::len)
    }

    /// The `k` best of some rows, which ascend.
    fn scored(&self, query: &[f32], rows: &[u64], k: usize) -> Result<Vec<Hit>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let query = Vectors::new(query.to_vec(), query.len())?;
        let mut search = TopKSearch::new(&tensor(&query)?, k, Form::Kernels)?;
        let mut values = Vec::new();
        for (part, some) in rows.chunks(ROWS_AT_ONCE).enumerate() {
            values.clear();
            for batch in self.source.numbers_of(some)? {
                self.reading.append(&batch, &mut values);
            }
            search.feed(&Block::new(values.as_slice(), (part * ROWS_AT_ONCE) as u32))?;
        }
        let mut found = hits(&search.finish()?, 0)?.pop().unwrap_or_default();
        found.iter_mut().for_each(|hit| hit.row = rows[hit.row] as usize);
        Ok(found)
    }
}
