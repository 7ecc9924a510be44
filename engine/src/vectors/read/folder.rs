//! The vectors of a job: those of its shards, one shard after the other, each after its SHA-256 was checked
//! against the manifest.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

use super::batch::StoredNumbers;
use super::parquet::ParquetVectors;
use super::source::{ColumnBatches, Head, RowBlocks, Table, VectorSource};
use crate::text::RecordId;
use crate::vectors::Metadata;
use crate::vectors::folder::{ManifestState, ShardRecord, failed, holds_no_job, open_checked};
use crate::{Error, Result};

/// A folder whose manifest was read.
#[derive(Debug)]
pub(super) struct JobVectors {
    path: PathBuf,
    settings: Metadata,
    shards: Vec<ShardRecord>,
    /// Whether a shard's SHA-256 was compared already.
    compared: Vec<AtomicBool>,
    is_complete: bool,
}

impl JobVectors {
    /// Reads a folder's manifest. An incomplete job, or one that another process is working on, has the
    /// shards recorded so far.
    ///
    /// # Errors
    /// If the folder is not a job's, or nothing is left of its manifest.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let state = ManifestState::read(path)?;
        let is_ended = state.end().map(|end| end.shards);
        let settings = state.settings.ok_or_else(|| holds_no_job(path))?;
        // A shard whose line in the manifest was damaged is recorded again.
        let mut shards = state.shards;
        shards.sort_by_key(|shard| shard.shard);
        shards.dedup_by(|later, earlier| {
            let is_same = later.shard == earlier.shard;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        let is_complete = is_ended.is_some_and(|count| count == shards.len() as u64);
        let compared = shards.iter().map(|_| AtomicBool::default()).collect();
        Ok(Self { path: path.to_owned(), settings, shards, compared, is_complete })
    }

    /// Whether every row of the input is here.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// A shard by its index, once its SHA-256 was compared.
    fn shard(&self, index: usize) -> Result<ParquetVectors> {
        let shard = &self.shards[index];
        let damaged = |rule| Error::DamagedJob { path: self.path.clone(), rule };
        let path = self.path.join(&shard.file);
        let file = match self.compared[index].load(Ordering::Relaxed) {
            true => File::open(&path).map_err(|error| failed("reading", &path, error))?,
            false => open_checked(&self.path, shard)?.map_err(damaged)?,
        };
        self.compared[index].store(true, Ordering::Relaxed);
        let name = path.display().to_string();
        let vectors = ParquetVectors::open(name.clone(), file)?;
        let (found, rows) = (vectors.head().rows.unwrap_or(0), shard.counts.rows);
        if found != rows {
            let rule = format!("has {found} rows; the manifest has {rows}");
            return Err(Error::BadInput { input: name, rule });
        }
        Ok(vectors)
    }

    /// What `read` returns for each shard, one after the other; ends at the first error.
    fn each<'a, T: Send + 'a, I: Iterator<Item = Result<T>> + Send + 'a>(
        &'a self,
        read: impl Fn(ParquetVectors) -> Result<I> + Send + 'a,
    ) -> Box<dyn Iterator<Item = Result<T>> + Send + 'a> {
        let of_shard = move |index| -> Box<dyn Iterator<Item = Result<T>> + Send + 'a> {
            match self.shard(index).and_then(&read) {
                Ok(rows) => Box::new(rows),
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        };
        Box::new((0..self.shards.len()).flat_map(of_shard))
    }

    /// Calls `read` with each shard that has some of `rows`, and their numbers in it.
    fn each_with(
        &self,
        rows: &[u64],
        mut read: impl FnMut(&ParquetVectors, &[u64]) -> Result<()>,
    ) -> Result<()> {
        let (mut first, mut next) = (0u64, 0);
        for index in 0..self.shards.len() {
            let end = first.saturating_add(self.shards[index].counts.rows);
            let inside = rows[next..].partition_point(|row| *row < end);
            if inside > 0 {
                let places: Vec<u64> = rows[next..next + inside].iter().map(|row| row - first).collect();
                read(&self.shard(index)?, &places)?;
            }
            next += inside;
            first = end;
        }
        Ok(())
    }
}

impl VectorSource for JobVectors {
    fn head(&self) -> Head {
        let rows = self.shards.iter().map(|shard| shard.counts.rows).fold(0, u64::saturating_add);
        Head { rows: Some(rows), metadata: self.settings.clone(), ..Head::default() }
    }

    fn pieces(&self) -> Result<RowBlocks<'_>> {
        Ok(self.each(|shard| shard.rows()))
    }

    fn numbers(&self) -> Result<RowBlocks<'_>> {
        Ok(self.each(|shard| shard.vectors()))
    }

    fn numbers_of(&self, rows: &[u64]) -> Result<Vec<StoredNumbers>> {
        let mut found = Vec::new();
        self.each_with(rows, |shard, places| {
            found.extend(shard.numbers_of(places)?);
            Ok(())
        })?;
        Ok(found)
    }

    fn ids_of(&self, rows: &[u64]) -> Result<Option<Vec<RecordId>>> {
        let mut found = Some(Vec::new());
        self.each_with(rows, |shard, places| {
            match (&mut found, shard.ids_of(places)?) {
                (Some(found), Some(ids)) => found.extend(ids),
                _ => found = None,
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn table(&self) -> Option<&dyn Table> {
        Some(self)
    }
}

impl Table for JobVectors {
    fn schema(&self) -> Result<Option<SchemaRef>> {
        if self.shards.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.shard(0)?.file_schema().clone()))
    }

    fn columns(&self, roots: &[usize]) -> Result<ColumnBatches<'_>> {
        let roots = roots.to_vec();
        Ok(self.each(move |shard| shard.made(&roots, Ok)))
    }

    fn select(&self, rows: &[u64], roots: &[usize]) -> Result<RecordBatch> {
        let mut found = Vec::new();
        self.each_with(rows, |shard, places| {
            found.push(shard.select(places, roots)?);
            Ok(())
        })?;
        let damaged = |rule| Error::DamagedJob { path: self.path.clone(), rule };
        let first = found.first().ok_or_else(|| damaged("a row is missing".to_owned()))?;
        concat_batches(&first.schema(), &found).map_err(|error| damaged(format!("shards differ: {error}")))
    }
}
