//! How far jobs are, without a look at their shards.

use std::path::{Path, PathBuf};

use super::layout::ShardLayout;
use super::{Part, ROWS_PER_SHARD};
use crate::vectors::folder::{InputEnd, ManifestState, RowCounts, RunStatus, holds_no_job, writer_of};
use crate::vectors::{Metadata, differences};
use crate::{Error, Result};

/// How far the job in a folder is, by its manifest, its status file and its lock. No shard is read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FolderStatus {
    /// The folder.
    pub path: PathBuf,
    /// The settings that the job was started with; empty if it is about to start.
    pub settings: Metadata,
    /// Recorded shards.
    pub shards: u64,
    /// Counts of these shards.
    pub counts: RowCounts,
    /// Bytes of these shards.
    pub bytes: u64,
    /// Every end of the input so far: more than one if rows were appended.
    pub ends: Vec<InputEnd>,
    /// Whether every shard up to the last end is recorded, and none after it.
    pub is_complete: bool,
    /// The process that holds the lock.
    pub writer: Option<String>,
    /// The progress of the last run, if the job is not complete.
    pub run: Option<RunStatus>,
}

/// The size of one machine's part of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartTotals {
    /// Its shards.
    pub shards: u64,
    /// Their input rows.
    pub texts: u64,
    /// Whether both were counted, not estimated.
    pub is_exact: bool,
}

impl FolderStatus {
    /// Reads the manifest and the status file, and asks the system about the lock.
    ///
    /// # Errors
    /// [`Error::NoInput`] if the folder cannot be read, [`Error::BadInput`] if it has no job,
    /// [`Error::DamagedJob`] if both manifests are unusable.
    pub fn read(path: &Path) -> Result<Self> {
        std::fs::read_dir(path).map_err(|source| Error::NoInput { path: path.to_owned(), source })?;
        let writer = writer_of(path);
        let state = ManifestState::read(path)?;
        if state.settings.is_none() && writer.is_none() {
            return Err(holds_no_job(path));
        }
        let is_complete = state.end().is_some();
        Ok(Self {
            path: path.to_owned(),
            shards: state.shards.len() as u64,
            counts: state.shards.iter().fold(RowCounts::default(), |sum, shard| sum + shard.counts),
            bytes: state.shards.iter().map(|shard| shard.bytes).sum(),
            run: if is_complete { None } else { RunStatus::read(path)? },
            settings: state.settings.unwrap_or_default(),
            ends: state.ends,
            is_complete,
            writer,
        })
    }

    /// This machine's part of the job.
    pub fn part(&self) -> Part {
        Part::recorded(&self.settings)
    }

    /// The size of this machine's part: from its own end, from the end of another part among `folders`, or
    /// from the estimate of its last run; `None` if nothing is known.
    pub fn totals(&self, folders: &[Self]) -> Option<PartTotals> {
        if self.is_complete {
            return Some(PartTotals { shards: self.shards, texts: self.counts.texts, is_exact: true });
        }
        let own = self.ends.last().map_or(0, |end| end.input_rows);
        let others = folders.iter().filter(|other| other.is_complete && self.is_part_of(other));
        let of_other = others.max_by_key(|other| other.ends.last().map(|end| end.input_rows));
        if let Some(ends) = of_other.map(|other| &other.ends)
            && let Some(end) = ends.last().filter(|end| end.input_rows > own)
        {
            let layout = ShardLayout::new(self.rows_per_shard(), ends, &[]);
            let ours = (0..end.shards).filter(|shard| self.part().has(*shard));
            let rows = ours.map(|shard| layout.rows(shard)).map(|rows| rows.end - rows.start);
            let (shards, texts) = rows.fold((0, 0), |(shards, texts), rows| (shards + 1, texts + rows));
            return Some(PartTotals { shards, texts, is_exact: true });
        }
        let run = self.run.as_ref()?;
        let texts = run.texts_total?.max(self.counts.texts);
        let left = (texts - self.counts.texts).div_ceil(self.rows_per_shard().get());
        Some(PartTotals { shards: self.shards + left, texts, is_exact: run.total_is_exact })
    }

    /// The share of this machine's texts that are recorded, from 0 to 1.
    pub fn share(&self, totals: Option<PartTotals>) -> Option<f64> {
        match totals? {
            _ if self.is_complete => Some(1.0),
            totals => Some(self.counts.texts as f64 / totals.texts.max(1) as f64),
        }
    }

    /// Whether both are parts of one job.
    fn is_part_of(&self, other: &Self) -> bool {
        differences(&self.settings, &other.settings).all(|key| key == "part")
    }

    fn rows_per_shard(&self) -> std::num::NonZero<u64> {
        let recorded = self.settings.get("rows_per_shard").and_then(|rows| rows.parse().ok());
        recorded.unwrap_or(ROWS_PER_SHARD)
    }
}
