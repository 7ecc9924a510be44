//! Makes the shards of a job that are missing or damaged, one after the other, and records them.

use std::collections::BTreeMap;
use std::iter::Peekable;

use super::reports::Reports;
use super::walk::{RecordedShards, ShardRows, ShardVisitor};
use super::{JobSummary, Shards};
use crate::embed::{Counts, EmbedRun};
use crate::text::Record;
use crate::vectors::Metadata;
use crate::vectors::folder::{InputEnd, Log, ManifestEntry, ShardRecord, check_present, file_name};
use crate::vectors::write::{OutputFile, ParquetRows};
use crate::{Error, Result};

/// Makes the missing shards of this machine's part.
pub(super) struct ShardMaker<'a> {
    pub(super) record: &'a RecordedShards,
    /// The recorded ends.
    pub(super) ends: &'a [InputEnd],
    /// Whether the input has been compared with all recorded shards.
    pub(super) is_compared: bool,
    /// Recorded shards whose files must be made again.
    pub(super) damaged: BTreeMap<u64, String>,
    pub(super) settings: &'a Metadata,
    pub(super) run: &'a EmbedRun<'a>,
    pub(super) reports: &'a Reports<'a>,
    pub(super) manifest: Log,
    /// The files made, and their bytes.
    pub(super) made: Vec<(String, u64)>,
    pub(super) done: ShardsDone,
}

/// Counts of a run over the shards so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ShardsDone {
    before: Counts,
    now: Counts,
    shards: Shards,
}

impl ShardMaker<'_> {
    /// Records that all shards up to this end of the input are finished, and returns the summary of the run.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::BadInput`] if a file of the job is gone or has another size.
    pub(super) fn finish(&mut self, end: InputEnd) -> Result<JobSummary> {
        // Removed before the end is recorded, so that the files of a complete job do not depend on time.
        self.reports.status().map_or(Ok(()), |status| status.remove())?;
        let input_rows = end.input_rows;
        self.record_end(end)?;
        let recorded = self.record.shards.values().map(|record| (record.file.clone(), record.bytes));
        check_present(&self.record.path, recorded.chain(self.made.iter().cloned()))?;
        let ShardsDone { before, now, shards } = self.done;
        Ok(JobSummary { before, now, shards: Some(shards), input_rows, ..JobSummary::default() })
    }

    fn record_end(&mut self, end: InputEnd) -> Result<()> {
        if self.ends.iter().any(|recorded| recorded.shards == end.shards) {
            return Ok(());
        }
        self.manifest.append(&ManifestEntry::End(end))
    }

    /// Makes a shard, unless its rows differ from the recorded ones.
    fn make<I: Iterator<Item = Result<Record>>>(
        &mut self,
        shard: u64,
        recorded: Option<&ShardRecord>,
        rows: &mut ShardRows<'_, I>,
    ) -> Result<ShardRecord> {
        let target = self.record.path.join(file_name(shard));
        // An unrecorded file of that name was renamed right before a crash.
        let file = OutputFile::create(&target, true)?;
        let mut writer = ParquetRows::new(file, &self.run.layout.schema()?, self.settings)?;
        let (mut counts, so_far) = (Counts::default(), self.done);
        self.run.run(rows.by_ref(), &mut writer, &mut counts, &|counts| {
            self.reports.send(so_far.before, so_far.now + *counts);
        })?;
        let input_sha256 = rows.digest();
        recorded.map_or(Ok(()), |recorded| self.record.check_shard(recorded, counts.texts, &input_sha256))?;
        self.reports.status().map_or(Ok(()), |status| status.check())?;
        let file = writer.finish_with_digest()?;
        self.done.now = so_far.now + counts;
        self.reports.send(self.done.before, self.done.now);
        let first_row = self.record.layout.rows(shard).start;
        Ok(ShardRecord::new(shard, first_row, counts.of_rows, file, input_sha256))
    }

    /// Records a new shard, or checks that a remade one has not changed.
    fn record(&mut self, recorded: Option<&ShardRecord>, made: ShardRecord) -> Result<()> {
        match recorded {
            None => {
                self.made.push((made.file.clone(), made.bytes));
                self.manifest.append(&ManifestEntry::Shard(made))
            }
            Some(recorded) if *recorded == made => Ok(()),
            Some(recorded) => Err(Error::BadInput {
                input: self.record.path.join(&recorded.file).display().to_string(),
                rule: format!(
                    "after a rewrite it has SHA-256 {}; the manifest has {}",
                    made.sha256, recorded.sha256
                ),
            }),
        }
    }

    /// Refuses to make an unrecorded shard before recorded ones from an input that may be another one.
    fn check_gap(&self, shard: u64) -> Result<()> {
        if self.is_compared || self.record.shards.range(shard..).next().is_none() {
            return Ok(());
        }
        let rule = format!(
            "the manifest does not have {}, but later shards, and the input cannot be read twice: store it in a file",
            file_name(shard)
        );
        Err(Error::DamagedJob { path: self.record.path.clone(), rule })
    }
}

impl<I: Iterator<Item = Result<Record>>> ShardVisitor<I> for ShardMaker<'_> {
    fn shard(&mut self, shard: u64, rows: &mut ShardRows<'_, I>) -> Result<()> {
        let job = self.record;
        match job.shards.get(&shard) {
            _ if !job.plan.part.has(shard) => rows.skip_all(),
            Some(record) if !self.damaged.contains_key(&shard) => {
                rows.skip_all()?;
                self.done.before = self.done.before + record.counts.into();
                self.done.shards.before += 1;
                self.reports.send(self.done.before, self.done.now);
                Ok(())
            }
            recorded => {
                recorded.map_or_else(|| self.check_gap(shard), |_| Ok(()))?;
                let made = self.make(shard, recorded, rows)?;
                self.done.shards.now += 1;
                self.record(recorded, made)
            }
        }
    }

    fn goes_on_after(&mut self, end: InputEnd) -> Result<()> {
        self.record_end(end)
    }

    fn rest(&mut self, _records: &mut Peekable<I>) -> Option<u64> {
        // The input may be a pipe, whose end may never come.
        None
    }
}
