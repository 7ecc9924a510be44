//! The job at work: shard by shard through the input.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use super::FORMAT_VERSION;
use super::digest::InputDigest;
use super::folder::{JobFolder, check_present};
use super::manifest::{Manifest, State};
use super::plan::ShardPlan;
use super::record::{Entry, ShardRecord, file_name};
use super::verify::check_file;
use crate::embed::{Counts, EmbedRun};
use crate::output::{Metadata, OutputFile, ParquetRows};
use crate::text::Record;
use crate::{Error, Result, Workers};

/// A job, begun or continued.
pub struct Job {
    folder: JobFolder,
    manifest: Manifest,
    plan: ShardPlan,
    settings: Metadata,
    /// Recorded shards, by number.
    recorded: BTreeMap<u64, ShardRecord>,
    /// Those of them whose files are not what was recorded, and must be made again.
    damaged: BTreeSet<u64>,
    end: Option<(u64, u64)>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobProgress {
    /// Counted for shards that were made before this run.
    pub before: Counts,
    /// Counted in this run.
    pub now: Counts,
}

/// What a job has come to.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobSummary {
    /// What was counted before this run and in it.
    pub progress: JobProgress,
    /// Shards that were there.
    pub shards_before: u64,
    /// Shards that this run made.
    pub shards_now: u64,
    /// Rows of the whole input.
    pub input_rows: u64,
}

impl Job {
    /// Begins or continues a job in `folder`, whose settings must be those that it was begun with. `warn` hears what is wrong with files
    /// that are there, and what becomes of it.
    ///
    /// # Errors
    /// [`Error::OtherJob`] naming the first setting that differs; [`Error::BadInput`] when both manifests are beyond use; [`Error::Io`].
    pub fn open(
        mut folder: JobFolder,
        plan: ShardPlan,
        settings: Metadata,
        workers: &Workers,
        warn: impl Fn(String),
    ) -> Result<Self> {
        let mut state = if folder.is_overwritten() { State::default() } else { State::read(folder.path())? };
        let settings = match state.settings.take() {
            Some(recorded) => check_settings(folder.path(), recorded, &settings)?,
            None => settings,
        };
        folder.begin()?;
        for damage in &state.damage {
            let what = if damage.is_torn { "as a crash leaves it" } else { "this is not as it was written" };
            warn(format!("{}: {}: {what}; mended", folder.path().display(), damage.what));
        }
        let mut manifest = Manifest::open(folder.path(), &state)?;
        if state.is_new() {
            manifest.append(&Entry::Begin { format_version: FORMAT_VERSION, settings: settings.clone() })?;
        }
        let damaged = find_damaged(folder.path(), &state.shards, workers, &warn)?;
        let recorded: BTreeMap<u64, ShardRecord> =
            state.shards.into_iter().map(|record| (record.shard, record)).collect();
        let names: BTreeSet<&str> = recorded.values().map(|record| record.file.as_str()).collect();
        for stray in folder.remove_unrecorded(|name| names.contains(name))? {
            warn(format!("{}/{stray}: the manifest does not have it; removed", folder.path().display()));
        }
        Ok(Self { folder, manifest, plan, settings, recorded, damaged, end: state.end })
    }

    /// The job's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Shards that are there, and will not be made again.
    pub fn finished_shards(&self) -> u64 {
        (self.recorded.len() - self.damaged.len()) as u64
    }

    /// Makes every shard of ours that is not there yet. `records` is the whole input, from its start.
    ///
    /// # Errors
    /// [`Error::OtherInput`] when rows are not those that a shard was made of; what [`EmbedRun::run`] fails by. Shards that are finished
    /// stay in every case.
    pub fn run(
        &mut self,
        run: &EmbedRun<'_>,
        records: impl Iterator<Item = Result<Record>>,
        progress: &(dyn Fn(&JobProgress) + Sync),
    ) -> Result<JobSummary> {
        let mut records = records.peekable();
        let mut summary = JobSummary::default();
        let mut shard = 0;
        // Without rows there is one shard, which shows the columns.
        while shard == 0 || records.peek().is_some() {
            summary.input_rows += self.shard(shard, run, &mut records, &mut summary, progress)?;
            shard += 1;
        }
        self.finish(summary.input_rows, shard)?;
        Ok(summary)
    }

    /// One shard: its number of input rows.
    fn shard(
        &mut self,
        shard: u64,
        run: &EmbedRun<'_>,
        records: &mut Peekable<impl Iterator<Item = Result<Record>>>,
        summary: &mut JobSummary,
        progress: &(dyn Fn(&JobProgress) + Sync),
    ) -> Result<u64> {
        let first_row = shard * self.plan.rows_per_shard.get();
        let mut rows =
            ShardRows { records, left: self.plan.rows_per_shard.get(), digest: InputDigest::default() };
        match self.recorded.get(&shard).cloned() {
            _ if !self.plan.part.has(shard) => rows.skip_all()?,
            Some(record) if !self.damaged.contains(&shard) => {
                rows.skip_all()?;
                summary.progress.before = summary.progress.before + record.counts;
                summary.shards_before += 1;
                progress(&summary.progress);
                self.check_input(&record, rows.digest, &rows.left)?;
                return Ok(record.counts.texts);
            }
            recorded => {
                let made = self.make(shard, first_row, run, &mut rows, &mut summary.progress, progress)?;
                summary.shards_now += 1;
                self.record(recorded, made)?;
            }
        }
        Ok(self.plan.rows_per_shard.get() - rows.left)
    }

    fn make<I: Iterator<Item = Result<Record>>>(
        &self,
        shard: u64,
        first_row: u64,
        run: &EmbedRun<'_>,
        rows: &mut ShardRows<'_, I>,
        job: &mut JobProgress,
        progress: &(dyn Fn(&JobProgress) + Sync),
    ) -> Result<ShardRecord> {
        let target: PathBuf = self.folder.path().join(file_name(shard));
        // A file of that name that nothing is recorded of was renamed right before a crash.
        let file = OutputFile::create(&target, true)?;
        let mut writer = ParquetRows::new(file, &run.schema()?, &self.settings)?;
        let (mut counts, so_far) = (Counts::default(), *job);
        run.run(rows.by_ref(), &mut writer, &mut counts, &|counts| {
            progress(&JobProgress { now: so_far.now + *counts, ..so_far });
        })?;
        let digest = std::mem::take(&mut rows.digest);
        let file = writer.finish_with_digest()?;
        job.now = so_far.now + counts;
        progress(job);
        Ok(ShardRecord::new(shard, first_row, counts, file, digest.finish()))
    }

    /// Records a shard that was made, or holds that one that was made again is what it was.
    fn record(&mut self, recorded: Option<ShardRecord>, made: ShardRecord) -> Result<()> {
        match recorded {
            None => {
                self.manifest.append(&Entry::Shard(made.clone()))?;
                self.recorded.insert(made.shard, made);
                Ok(())
            }
            Some(recorded) if recorded == made => Ok(()),
            Some(recorded) if recorded.input_sha256 != made.input_sha256 => Err(self.other_rows(&recorded)),
            Some(recorded) => Err(Error::BadInput {
                input: self.folder.path().join(&recorded.file).display().to_string(),
                rule: format!(
                    "made again, it has SHA-256 {}; the manifest has {}",
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
            "rows {first} to {last} (from 0), or what follows them, are not those that {} was made of",
            record.file
        );
        Error::OtherInput { path: self.folder.path().to_owned(), rule }
    }

    /// Every shard of ours is there: says so in the manifest, or holds that it says so.
    fn finish(&mut self, input_rows: u64, shards: u64) -> Result<()> {
        let path = self.folder.path().to_owned();
        if let Some((_, record)) = self.recorded.range(shards..).next() {
            let rule =
                format!("it ends after {input_rows} rows, before those that {} was made of", record.file);
            return Err(Error::OtherInput { path, rule });
        }
        match self.end {
            None => self.manifest.append(&Entry::End { input_rows, shards })?,
            Some((rows, _)) if rows == input_rows => {}
            Some((rows, _)) => {
                let rule = format!("it has {input_rows} rows; it had {rows}");
                return Err(Error::OtherInput { path, rule });
            }
        }
        check_present(&path, self.recorded.values().map(|record| (record.file.clone(), record.bytes)))
    }
}

/// The recorded shards whose files are not what was recorded.
fn find_damaged(
    folder: &Path,
    shards: &[ShardRecord],
    workers: &Workers,
    warn: &impl Fn(String),
) -> Result<BTreeSet<u64>> {
    let problems = workers.map(shards, |shard| check_file(folder, shard))?;
    let mut damaged = BTreeSet::new();
    for (shard, problem) in shards.iter().zip(problems) {
        if let Some(problem) = problem {
            warn(format!("{problem}; it is made again"));
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

/// The settings that the job was begun with, if they are those asked for. The same model by another name is the same model.
fn check_settings(path: &Path, recorded: Metadata, asked: &Metadata) -> Result<Metadata> {
    let differs = |key: &&str| recorded.get(*key) != asked.get(*key);
    if let Some((was, is)) = only_schema_differs(&recorded, asked) {
        let rule = format!("its first rows give the columns {is}; those of the job are {was}");
        return Err(Error::OtherInput { path: path.to_owned(), rule });
    }
    let keys = recorded.keys().chain(asked.keys()).map(String::as_str);
    let keys = ["model_sha256"].into_iter().chain(keys.filter(|key| !["model", "revision"].contains(key)));
    let Some(field) = keys.into_iter().find(differs) else { return Ok(recorded) };
    Err(Error::OtherJob {
        path: path.to_owned(),
        field: field.trim_end_matches("_sha256").replace('_', " "),
        recorded: setting(&recorded, field),
        asked: setting(asked, field),
    })
}

/// The columns as they were and as they are, where nothing else differs: then it is the input that tells other types.
fn only_schema_differs<'a>(recorded: &'a Metadata, asked: &'a Metadata) -> Option<(&'a str, &'a str)> {
    let ignored = ["model", "revision"];
    let differs = |key: &&String| !ignored.contains(&key.as_str()) && recorded.get(*key) != asked.get(*key);
    let mut keys = recorded.keys().chain(asked.keys()).filter(differs).peekable();
    keys.peek()?;
    keys.all(|key| key == "schema")
        .then(|| Some((recorded.get("schema")?.as_str(), asked.get("schema")?.as_str())))?
}

/// A setting as a message shows it.
pub(super) fn setting(settings: &Metadata, field: &str) -> String {
    let value = |key: &str| settings.get(key).map(String::as_str).filter(|value| !value.is_empty());
    match (field, value(field)) {
        (_, None) => "nothing".to_owned(),
        ("model_sha256", Some(digest)) => format!(
            "{}{} (SHA-256 {}..)",
            value("model").unwrap_or_default(),
            value("revision").map(|revision| format!(" at revision {revision}")).unwrap_or_default(),
            digest.get(..12).unwrap_or(digest)
        ),
        (_, Some(value)) => crate::text::shorten(value).into_owned(),
    }
}
