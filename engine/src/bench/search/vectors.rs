//! Rows and queries to measure with, in memory.

use std::path::Path;

use nearsay_models::SplitMix64;

use crate::error::phrase;
use crate::search::to_length_1;
use crate::vectors::read::VectorFile;
use crate::{Error, Result, Setting};

/// Most rows of a search: their numbers have 32 bits.
const MAX_ROWS: usize = u32::MAX as usize - 1;

/// Rows and queries of one width, f32, in memory.
#[derive(Debug, Clone)]
pub struct SearchVectors {
    name: String,
    seed: Option<u64>,
    dim: usize,
    values: Vec<f32>,
    queries: Vec<f32>,
}

impl SearchVectors {
    /// Random rows and queries of length 1. Each depends on the seed and its own number alone, so fewer rows are the
    /// first ones of more.
    ///
    /// # Errors
    /// [`Error::Usage`] if there are no rows or dimensions; [`Error::NoMemory`] if memory runs out.
    pub fn random(rows: usize, dim: usize, queries: usize, seed: u64) -> Result<Self> {
        if !(1..=MAX_ROWS).contains(&rows) {
            return Err(Error::usage(phrase![
                Setting::Rows,
                format!(" must be 1 to {MAX_ROWS}, got {rows}")
            ]));
        }
        if dim == 0 {
            return Err(Error::usage(phrase![Setting::Dimensions, " must be 1 or more, got 0"]));
        }
        let mut streams = SplitMix64::new(seed);
        let [of_rows, of_queries] = [streams.next_u64(), streams.next_u64()];
        Ok(Self {
            name: "random".to_owned(),
            seed: Some(seed),
            dim,
            values: random_rows(rows, dim, of_rows)?,
            queries: random_rows(queries, dim, of_queries)?,
        })
    }

    /// Rows and queries in two files of vectors, or jobs' folders, as they are stored.
    ///
    /// # Errors
    /// As [`VectorFile::open`]; [`Error::BadInput`] if there are no rows or the widths differ;
    /// [`Error::NoMemory`] if memory runs out.
    pub fn read(rows: &Path, queries: &Path) -> Result<Self> {
        let (values, dim) = read(rows)?;
        let (queries_values, width) = read(queries)?;
        if width != dim {
            let rule = format!("has vectors of {width} dimensions; those of {} have {dim}", rows.display());
            return Err(Error::BadInput { input: queries.display().to_string(), rule });
        }
        let name = rows.file_name().unwrap_or(rows.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, seed: None, dim, values, queries: queries_values })
    }

    /// `random`, or the file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The seed of random ones.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Values of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Number of queries.
    pub fn num_queries(&self) -> usize {
        self.queries.len() / self.dim
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values of some rows, one after the other.
    pub(super) fn rows_of(&self, rows: &[u32]) -> Vec<f32> {
        rows.iter().flat_map(|&row| &self.values[row as usize * self.dim..][..self.dim]).copied().collect()
    }

    #[cfg(test)]
    pub(super) fn zero_query(&mut self, query: usize) {
        self.queries[query * self.dim..][..self.dim].fill(0.0);
    }

    /// The first `count` queries.
    pub(super) fn queries(&self, count: usize) -> &[f32] {
        &self.queries[..count * self.dim]
    }
}

fn random_rows(rows: usize, dim: usize, seed: u64) -> Result<Vec<f32>> {
    let no_room = || no_memory(rows as u64, dim);
    let count = rows.checked_mul(dim).ok_or_else(no_room)?;
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| no_room())?;
    values.resize(count, 0.0);
    for (number, row) in values.chunks_exact_mut(dim).enumerate() {
        let mut bits = SplitMix64::new(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for value in row.iter_mut() {
            // The sum of four uniform numbers of 16 bits: nearly normal, so that no direction is preferred.
            let bits = bits.next_u64();
            let sum: i64 = [0, 16, 32, 48].map(|shift| (bits >> shift & 0xffff) as i64).iter().sum();
            *value = (sum - 2 * 0xffff) as f32;
        }
        to_length_1(row);
    }
    Ok(values)
}

pub(super) fn no_memory(rows: u64, dim: usize) -> Error {
    Error::NoMemory { what: format!("{rows} rows of {dim} dimensions") }
}

/// All values of a file, and its width.
fn read(path: &Path) -> Result<(Vec<f32>, usize)> {
    let file = VectorFile::open(path)?;
    file.check_floats()?;
    let (mut values, mut dim) = (Vec::new(), 0);
    if let (Some(rows), Some(width)) = (file.rows(), file.width()) {
        // At once: growing could need twice as much.
        let count = usize::try_from(rows).ok().and_then(|rows| rows.checked_mul(width));
        let reserved = count.and_then(|count| values.try_reserve_exact(count).ok());
        reserved.ok_or_else(|| no_memory(rows, width))?;
    }
    for batch in file.batches()? {
        let vectors = batch?.vectors()?;
        dim = vectors.dim();
        values.extend_from_slice(vectors.values());
    }
    if values.is_empty() {
        return Err(Error::BadInput {
            input: file.name().to_owned(),
            rule: "has no rows to search".to_owned(),
        });
    }
    Ok((values, dim))
}
