//! The vectors of a job: those of its shards, one shard after the other, each after its SHA-256 was checked
//! against the manifest.

use std::path::{Path, PathBuf};

use super::parquet::ParquetVectors;
use super::source::{Head, RowBlock, RowBlocks, VectorSource};
use crate::vectors::Metadata;
use crate::vectors::folder::{ManifestState, ShardRecord, holds_no_job, open_checked};
use crate::{Error, Result};

/// A folder whose manifest was read.
#[derive(Debug)]
pub(super) struct JobVectors {
    path: PathBuf,
    settings: Metadata,
    shards: Vec<ShardRecord>,
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
        Ok(Self { path: path.to_owned(), settings, shards, is_complete })
    }

    /// Whether every row of the input is here.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    fn rows_of(&self, shard: &ShardRecord) -> Result<impl Iterator<Item = Result<RowBlock>> + Send + use<>> {
        let file = open_checked(&self.path, shard)?;
        let file = file.map_err(|rule| Error::DamagedJob { path: self.path.clone(), rule })?;
        let name = self.path.join(&shard.file).display().to_string();
        let vectors = ParquetVectors::open(name.clone(), file)?;
        let (found, rows) = (vectors.head().rows.unwrap_or(0), shard.counts.rows);
        if found != rows {
            let rule = format!("has {found} rows; the manifest has {rows}");
            return Err(Error::BadInput { input: name, rule });
        }
        vectors.rows()
    }
}

impl VectorSource for JobVectors {
    fn head(&self) -> Head {
        let rows = self.shards.iter().map(|shard| shard.counts.rows).fold(0, u64::saturating_add);
        Head { rows: Some(rows), metadata: self.settings.clone(), ..Head::default() }
    }

    fn pieces(&self) -> Result<RowBlocks<'_>> {
        let of_shard = |shard| -> RowBlocks<'_> {
            match self.rows_of(shard) {
                Ok(rows) => Box::new(rows),
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        };
        Ok(Box::new(self.shards.iter().flat_map(of_shard)))
    }
}
