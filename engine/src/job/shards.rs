//! Runs a job in its folder, shard by shard through the input.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use super::digest::InputDigest;
use super::lock::JobFolder;
use super::reports::Reports;
use super::settings::check_settings;
use super::{JobSummary, Notice, Observer, ShardPlan, Shards};
use crate::embed::{Counts, EmbedRun, Embedder};
use crate::text::Record;
use crate::vectors::Metadata;
use crate::vectors::folder::{
    FORMAT_VERSION, Manifest, ManifestEntry, ManifestState, ShardRecord, check_file, check_present, file_name,
};
use crate::vectors::write::{OutputFile, ParquetRows};
use crate::{Error, Result};

/// A job with a folder, started or resumed.
pub(super) struct ShardedJob {
    folder: JobFolder,
    manifest: Manifest,
    plan: ShardPlan,
    settings: Metadata,
    /// Recorded shards, by number.
    recorded: BTreeMap<u64, ShardRecord>,
    /// Recorded shards whose files are damaged and must be made again.
    damaged: BTreeSet<u64>,
    end: Option<(u64, u64)>,
}

/// Counts of a run over the shards so far.
#[derive(Debug, Clone, Copy, Default)]
struct ShardsDone {
    before: Counts,
    now: Counts,
    shards: Shards,
}

impl ShardedJob {
    /// Starts or resumes the job in `folder`; `settings` must match a resumed job's.
    ///
    /// # Errors
    /// [`Error::OtherJob`] naming the first setting that differs; [`Error::BadInput`] if both manifests are
    /// unusable; [`Error::Io`].
    pub(super) fn open(
        mut folder: JobFolder,
        plan: ShardPlan,
        settings: Metadata,
        embedder: &Embedder,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let warn = |what: String| observer.notice(&Notice::Damage { what });
        let mut state = if folder.is_overwritten() {
            ManifestState::default()
        } else {
            ManifestState::read(folder.path())?
        };
        let settings = match state.settings.take() {
            Some(recorded) => check_settings(folder.path(), recorded, &settings)?,
            None => settings,
        };
        folder.start()?;
        for damage in &state.damage {
            let what = if damage.is_torn { "torn by a crash" } else { "it is damaged" };
            warn(format!("{}: {}: {what}; repaired", folder.path().display(), damage.what));
        }
        let mut manifest = Manifest::open(folder.path(), &state)?;
        if state.is_new() {
            manifest.append(&ManifestEntry::Begin {
                format_version: FORMAT_VERSION,
                settings: settings.clone(),
            })?;
        }
        let damaged = find_damaged(folder.path(), &state.shards, embedder, &warn)?;
        let recorded: BTreeMap<u64, ShardRecord> =
            state.shards.into_iter().map(|record| (record.shard, record)).collect();
        let names: BTreeSet<&str> = recorded.values().map(|record| record.file.as_str()).collect();
        for stray in folder.remove_unrecorded(|name| names.contains(name))? {
            warn(format!("{}/{stray}: the manifest does not have it; removed", folder.path().display()));
        }
        let finished = (recorded.len() - damaged.len()) as u64;
        if finished > 0 {
            observer.notice(&Notice::Resuming { shards: finished });
        }
        Ok(Self { folder, manifest, plan, settings, recorded, damaged, end: state.end })
    }

    /// Makes every missing shard of this machine's part. `records` is the whole input from its start.
    ///
    /// # Errors
    /// [`Error::OtherInput`] if the input rows of a shard have changed; any error of [`EmbedRun::run`].
    /// Finished shards always stay.
    pub(super) fn run(
        &mut self,
        run: &EmbedRun<'_>,
        records: impl Iterator<Item = Result<Record>>,
        reports: &Reports<'_>,
    ) -> Result<JobSummary> {
        let mut records = records.peekable();
        let mut progress = ShardsDone::default();
        let (mut shard, mut input_rows) = (0, 0);
        // Without rows there is one empty shard, which has the columns.
        while shard == 0 || records.peek().is_some() {
            input_rows += self.shard(shard, run, &mut records, &mut progress, reports)?;
            shard += 1;
        }
        self.finish(input_rows, shard)?;
        let ShardsDone { before, now, shards } = progress;
        Ok(JobSummary { before, now, shards: Some(shards), input_rows, ..JobSummary::default() })
    }

    /// Makes or skips one shard; returns its number of input rows.
    fn shard(
        &mut self,
        shard: u64,
        run: &EmbedRun<'_>,
        records: &mut Peekable<impl Iterator<Item = Result<Record>>>,
        progress: &mut ShardsDone,
        reports: &Reports<'_>,
    ) -> Result<u64> {
        let first_row = shard * self.plan.rows_per_shard.get();
        let mut rows =
            ShardRows { records, left: self.plan.rows_per_shard.get(), digest: InputDigest::default() };
        match self.recorded.get(&shard).cloned() {
            _ if !self.plan.part.has(shard) => rows.skip_all()?,
            Some(record) if !self.damaged.contains(&shard) => {
                rows.skip_all()?;
                progress.before = progress.before + record.counts.into();
                progress.shards.before += 1;
                reports.send(progress.before, progress.now);
                self.check_input(&record, rows.digest, &rows.left)?;
                return Ok(record.counts.texts);
            }
            recorded => {
                let made = self.make((shard, first_row), run, &mut rows, progress, reports)?;
                progress.shards.now += 1;
                self.record(recorded, made)?;
            }
        }
        Ok(self.plan.rows_per_shard.get() - rows.left)
    }

    /// Makes shard number `shard`, whose first input row is `first_row`.
    fn make<I: Iterator<Item = Result<Record>>>(
        &self,
        (shard, first_row): (u64, u64),
        run: &EmbedRun<'_>,
        rows: &mut ShardRows<'_, I>,
        progress: &mut ShardsDone,
        reports: &Reports<'_>,
    ) -> Result<ShardRecord> {
        let target: PathBuf = self.folder.path().join(file_name(shard));
        // An unrecorded file of that name was renamed right before a crash.
        let file = OutputFile::create(&target, true)?;
        let mut writer = ParquetRows::new(file, &run.layout.schema()?, &self.settings)?;
        let (mut counts, so_far) = (Counts::default(), *progress);
        run.run(rows.by_ref(), &mut writer, &mut counts, &|counts| {
            reports.send(so_far.before, so_far.now + *counts);
        })?;
        let digest = std::mem::take(&mut rows.digest);
        let file = writer.finish_with_digest()?;
        progress.now = so_far.now + counts;
        reports.send(progress.before, progress.now);
        Ok(ShardRecord::new(shard, first_row, counts.of_rows, file, digest.finish()))
    }

    /// Records a new shard, or checks that a remade one has not changed.
    fn record(&mut self, recorded: Option<ShardRecord>, made: ShardRecord) -> Result<()> {
        match recorded {
            None => {
                self.manifest.append(&ManifestEntry::Shard(made.clone()))?;
                self.recorded.insert(made.shard, made);
                Ok(())
            }
            Some(recorded) if recorded == made => Ok(()),
            Some(recorded) if recorded.input_sha256 != made.input_sha256 => Err(self.other_rows(&recorded)),
            Some(recorded) => Err(Error::BadInput {
                input: self.folder.path().join(&recorded.file).display().to_string(),
                rule: format!(
                    "after a rewrite it has SHA-256 {}; the manifest has {}",
                    made.sha256, recorded.sha256
                ),
            }),
        }
    }

    fn check_input(&self, record: &ShardRecord, found: InputDigest, left: &u64) -> Result<()> {
        let rows = self.plan.rows_per_shard.get() - left;
        if rows == record.counts.texts && found.finish() == record.input_sha256 {
            return Ok(());
        }
        Err(self.other_rows(record))
    }

    fn other_rows(&self, record: &ShardRecord) -> Error {
        let (first, last) = (record.first_row, record.first_row + record.counts.texts.max(1) - 1);
        let rule = format!(
            "rows {first} to {last} (from 0), or the end of the input, differ from those that {} was made from",
            record.file
        );
        Error::OtherInput { path: self.folder.path().to_owned(), rule }
    }

    /// Records in the manifest that all shards of this part are finished, or checks that record.
    fn finish(&mut self, input_rows: u64, shards: u64) -> Result<()> {
        let path = self.folder.path().to_owned();
        if let Some((_, record)) = self.recorded.range(shards..).next() {
            let rule =
                format!("it ends after {input_rows} rows, before those that {} came from", record.file);
            return Err(Error::OtherInput { path, rule });
        }
        match self.end {
            None => self.manifest.append(&ManifestEntry::End { input_rows, shards })?,
            Some((rows, _)) if rows == input_rows => {}
            Some((rows, _)) => {
                let rule = format!("it has {input_rows} rows; it had {rows}");
                return Err(Error::OtherInput { path, rule });
            }
        }
        check_present(&path, self.recorded.values().map(|record| (record.file.clone(), record.bytes)))
    }
}

/// The recorded shards whose files are missing or damaged.
fn find_damaged(
    folder: &Path,
    shards: &[ShardRecord],
    embedder: &Embedder,
    warn: &impl Fn(String),
) -> Result<BTreeSet<u64>> {
    let check = |shard: &ShardRecord| check_file(folder, shard);
    let problems = embedder.workers().map(embedder.control(), shards, check)?;
    let mut damaged = BTreeSet::new();
    for (shard, problem) in shards.iter().zip(problems) {
        if let Some(problem) = problem {
            warn(format!("{problem}; rewriting it"));
            damaged.insert(shard.shard);
        }
    }
    Ok(damaged)
}

/// The input rows of one shard.
struct ShardRows<'a, I: Iterator> {
    records: &'a mut Peekable<I>,
    left: u64,
    digest: InputDigest,
}

impl<I: Iterator<Item = Result<Record>>> ShardRows<'_, I> {
    fn skip_all(&mut self) -> Result<()> {
        self.by_ref().try_for_each(|record| record.map(drop))
    }
}

impl<I: Iterator<Item = Result<Record>>> Iterator for ShardRows<'_, I> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let record = self.records.next()?;
        if let Ok(record) = &record {
            self.left -= 1;
            if let Err(error) = self.digest.add(record) {
                return Some(Err(error));
            }
        }
        Some(record)
    }
}
