//! Runs a job in its folder: compares the input with what is recorded, then makes the missing shards.

use std::collections::BTreeMap;
use std::path::Path;

use super::corpus::CorpusFiles;
use super::layout::ShardLayout;
use super::lock::JobFolder;
use super::make::{ShardMaker, ShardsDone};
use super::reports::Reports;
use super::settings::{check_settings, settings};
use super::status_file::StatusFile;
use super::walk::{Comparison, RecordedShards};
use super::{JobSummary, Notice, Observer, Shards};
use crate::Result;
use crate::embed::{Counts, EmbedRun, Embedder};
use crate::text::RecordStream;
use crate::vectors::Metadata;
use crate::vectors::folder::{
    FORMAT_VERSION, InputEnd, Log, ManifestEntry, ManifestState, ShardRecord, check_file,
};

/// A job with a folder, started or resumed.
pub(super) struct ShardedJob<'a> {
    folder: JobFolder,
    state: ManifestState,
    record: RecordedShards,
    embedder: &'a Embedder,
    observer: &'a dyn Observer,
}

/// An input that was read as far as the record goes, and has the recorded rows.
struct ComparedInput {
    /// The end of the input, if it was read to its end.
    end: Option<InputEnd>,
    replaced: u64,
    skipped: u64,
}

impl<'a> ShardedJob<'a> {
    /// Reads the job's record; nothing is written.
    ///
    /// # Errors
    /// [`DamagedJob`](crate::Error::DamagedJob) if both manifests are unusable; [`Io`](crate::Error::Io).
    pub(super) fn open(
        folder: JobFolder,
        files: &CorpusFiles,
        embedder: &'a Embedder,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
        let state = match folder.is_overwritten() {
            true => ManifestState::default(),
            false => ManifestState::read(folder.path())?,
        };
        let plan = files.options.shard_plan();
        let record = RecordedShards {
            path: folder.path().to_owned(),
            plan,
            layout: ShardLayout::new(plan.rows_per_shard, &state.ends, &state.shards),
            shards: state.shards.iter().map(|record| (record.shard, record.clone())).collect(),
            appends: folder.appends(),
        };
        Ok(Self { folder, state, record, embedder, observer })
    }

    /// Embeds all rows that are not recorded yet. Everything that can be refused is refused before anything
    /// is written.
    ///
    /// # Errors
    /// [`OtherJob`](crate::Error::OtherJob) naming the first setting that differs;
    /// [`OtherInput`](crate::Error::OtherInput) and [`GrownInput`](crate::Error::GrownInput) if the input is
    /// not the job's; any error of [`EmbedRun::run`]. Finished shards always stay.
    pub(super) fn run(mut self, mut files: CorpusFiles) -> Result<JobSummary> {
        // Column types and ranges come from the rows that the job was started with.
        let first_rows = self.record.layout.ends().first().map(|end| end.input_rows);
        let run = files.plan(self.embedder, files.head_records(), first_rows, self.observer)?;
        let asked = settings(&run, &files.options, self.record.plan)?;
        let settings = match self.state.settings.take() {
            Some(recorded) => check_settings(self.folder.path(), recorded, &asked)?,
            None => asked,
        };
        let damaged = self.find_damaged()?;
        let compared = self.compare(&files)?;
        let manifest = self.start(&settings, &damaged)?;
        match compared.as_ref().and_then(|input| self.done(input, &damaged)) {
            Some(summary) => Ok(summary),
            None => self.make((&run, &settings, damaged), manifest, &mut files, compared),
        }
    }

    /// Compares the recorded shards with the input, if it can be read twice. While a shard is recorded for
    /// every row so far, the input is read only as far as these.
    fn compare(&self, files: &CorpusFiles) -> Result<Option<ComparedInput>> {
        if self.record.shards.is_empty() || files.bytes_total().is_none() {
            return Ok(None);
        }
        let mut stream = RecordStream::open(&files.inputs, &files.options.reading)?;
        if !self.record.layout.ends().is_empty() {
            let end = self.record.walk(&mut stream.by_ref().peekable(), &mut Comparison)?;
            return Ok(Some(ComparedInput {
                end: Some(end),
                replaced: stream.replaced(),
                skipped: stream.skipped(),
            }));
        }
        let rows = self.record.shards.values().map(|record| record.first_row + record.counts.texts).max();
        let mut recorded = stream.by_ref().take(rows.unwrap_or(0) as usize).peekable();
        self.record.walk(&mut recorded, &mut Comparison)?;
        Ok(Some(ComparedInput { end: None, replaced: 0, skipped: 0 }))
    }

    /// Clears the folder of a killed process's leftovers, and repairs or starts the manifest.
    fn start(&mut self, settings: &Metadata, damaged: &BTreeMap<u64, String>) -> Result<Log> {
        let warn = |what: String| self.observer.notice(&Notice::Damage { what });
        self.folder.start()?;
        let path = self.folder.path();
        for damage in &self.state.log.damage {
            let what = if damage.is_torn { "torn by a crash" } else { "it is damaged" };
            warn(format!("{}: {}: {what}; repaired", path.display(), damage.what));
        }
        let mut manifest = Log::open(path, &self.state.log)?;
        if self.state.is_new() {
            let settings = settings.clone();
            manifest.append(&ManifestEntry::Begin { format_version: FORMAT_VERSION, settings })?;
        }
        damaged.values().for_each(|problem| warn(format!("{problem}; rewriting it")));
        let is_recorded = |name: &str| self.record.shards.values().any(|record| record.file == name);
        for stray in self.folder.remove_unrecorded(is_recorded)? {
            warn(format!("{}: the manifest does not have it; removed", path.join(&stray).display()));
        }
        let finished = (self.record.shards.len() - damaged.len()) as u64;
        if finished > 0 {
            self.observer.notice(&Notice::Resuming { shards: finished });
        }
        Ok(manifest)
    }

    /// The summary of a job of which nothing is left to do.
    fn done(&self, input: &ComparedInput, damaged: &BTreeMap<u64, String>) -> Option<JobSummary> {
        let (end, recorded) = (input.end.as_ref()?, self.state.end()?);
        let mut ours = (0..end.shards).filter(|shard| self.record.plan.part.has(*shard));
        let is_done = (end.input_rows, end.shards) == (recorded.input_rows, recorded.shards)
            && damaged.is_empty()
            && ours.all(|shard| self.record.shards.contains_key(&shard));
        let shards = Shards { before: self.record.shards.len() as u64, now: 0 };
        is_done.then(|| JobSummary {
            before: self.record.shards.values().fold(Default::default(), |sum, it| sum + it.counts.into()),
            shards: Some(shards),
            input_rows: end.input_rows,
            replaced: input.replaced,
            skipped: input.skipped,
            ..JobSummary::default()
        })
    }

    /// Makes what is missing or damaged, and records the end.
    fn make(
        &self,
        (run, settings, damaged): (&EmbedRun<'_>, &Metadata, BTreeMap<u64, String>),
        manifest: Log,
        files: &mut CorpusFiles,
        compared: Option<ComparedInput>,
    ) -> Result<JobSummary> {
        let reports = Reports::new(&files.records, self.record.plan.part, self.observer);
        if let Some(end) = compared.as_ref().and_then(|input| input.end.as_ref()) {
            reports.set_rows(end.input_rows);
        }
        let whole = self.record.shards.iter().filter(|(shard, _)| !damaged.contains_key(shard));
        let recorded = whole.fold(Counts::default(), |sum, (_, record)| sum + record.counts.into());
        reports.set_status(StatusFile::create(self.folder.path(), recorded)?);
        let mut maker = ShardMaker {
            record: &self.record,
            ends: &self.state.ends,
            is_compared: compared.is_some(),
            damaged,
            settings,
            run,
            reports: &reports,
            manifest,
            made: Vec::new(),
            done: ShardsDone::default(),
        };
        let mut records = reports.read(&mut files.records).peekable();
        let result = self.record.walk(&mut records, &mut maker).and_then(|end| maker.finish(end));
        drop(records);
        if let (Err(error), Some(status)) = (&result, reports.status()) {
            status.end_with(error);
        }
        Ok(JobSummary { replaced: files.records.replaced(), skipped: files.records.skipped(), ..result? })
    }

    /// The recorded shards whose files are missing or damaged, and what is wrong with them.
    fn find_damaged(&self) -> Result<BTreeMap<u64, String>> {
        let shards: Vec<&ShardRecord> = self.record.shards.values().collect();
        let path: &Path = self.folder.path();
        let check = |shard: &&ShardRecord| check_file(path, shard);
        let problems = self.embedder.workers().map(self.embedder.control(), &shards, check)?;
        let numbered = shards.iter().zip(problems);
        Ok(numbered.filter_map(|(shard, problem)| Some((shard.shard, problem?))).collect())
    }
}
