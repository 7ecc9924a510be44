//! Files to files of vectors: the job of `nearsay embed`.

use std::path::PathBuf;

use nearsay::embed::{ChunkEnds, ChunkOptions, OnLong};
use nearsay::job::{Corpus, CorpusOptions, Existing, JobProgress, JobSummary, Notice, Observer, Part};
use nearsay::text::{Input, Quotes, TextOptions};
use nearsay::vectors::write::Output;
use nearsay::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::words;
use crate::work::Done;

/// How files are read and written.
#[derive(Debug, Clone, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct JobSettings {
    inputs: Vec<PathBuf>,
    output: PathBuf,
    text_field: Vec<String>,
    join: String,
    id_field: Option<String>,
    no_id: bool,
    keep: Vec<String>,
    format: Option<String>,
    separator: Option<String>,
    quotes: Option<bool>,
    lossy: bool,
    whole_files: bool,
    skip_empty: bool,
    level: String,
    output_type: String,
    calibration: Option<PathBuf>,
    json_columns: Vec<String>,
    on_long: String,
    chunk_tokens: Option<usize>,
    chunk_overlap: Option<usize>,
    merge: bool,
    keep_document: bool,
    mark_truncated: bool,
    existing: String,
    rows_per_shard: u64,
    shard: Option<String>,
}

impl JobSettings {
    fn reading(&self) -> Result<TextOptions> {
        let mut reading = TextOptions::default()
            .text_fields(&self.text_field)
            .join(&self.join)
            .keep(&self.keep)
            .lossy(self.lossy);
        reading.id_field = self.id_field.clone();
        reading.no_id = self.no_id;
        reading.format = self.format.as_deref().map(str::parse).transpose().map_err(usage)?;
        reading.separator = self.separator.as_deref().map(str::parse).transpose().map_err(usage)?;
        reading.quotes = match self.quotes {
            None => Quotes::Auto,
            Some(true) => Quotes::Always,
            Some(false) => Quotes::Never,
        };
        reading.whole_files = self.whole_files;
        reading.skip_empty = self.skip_empty;
        Ok(reading)
    }

    fn options(&self) -> Result<CorpusOptions> {
        let mut options = CorpusOptions::default()
            .reading(self.reading()?)
            .level(self.level.parse()?)
            .on_long(self.on_long()?)
            .output_type(self.output_type.parse()?)
            .json_columns(&self.json_columns)
            .rows_per_shard(self.rows_per_shard)
            .existing(self.existing()?);
        options.keep_document = self.keep_document;
        options.mark_truncated = self.mark_truncated;
        options.calibration = self.calibration.clone().map(Input::File);
        options.part = self.shard.as_deref().map_or(Ok(Part::WHOLE), str::parse).map_err(usage)?;
        Ok(options)
    }

    fn on_long(&self) -> Result<OnLong> {
        let mut chunks = ChunkOptions::default();
        (chunks.tokens, chunks.overlap) = (self.chunk_tokens, self.chunk_overlap);
        if self.whole_files {
            chunks.ends = ChunkEnds::Document;
        }
        match (self.on_long.as_str(), self.merge) {
            ("truncate", false) => Ok(OnLong::Truncate),
            ("error", false) => Ok(OnLong::Error),
            ("chunk", false) => Ok(OnLong::Chunk(chunks)),
            ("chunk", true) => Ok(OnLong::Merge(chunks)),
            (other, _) => Err(usage(format!("on_long must be truncate, error or chunk, got {other:?}"))),
        }
    }

    fn existing(&self) -> Result<Existing> {
        match self.existing.as_str() {
            "refuse" => Ok(Existing::Refuse),
            "overwrite" => Ok(Existing::Overwrite),
            "resume" => Ok(Existing::Resume),
            "append" => Ok(Existing::Append),
            other => Err(Error::Bug(format!("no way to treat an existing output: {other}"))),
        }
    }

    /// Checks and opens inputs and output, which needs no model.
    pub(crate) fn open(&self, embedding: &nearsay::EmbedOptions) -> Result<Corpus> {
        let options = self.options()?;
        let output = Output::at(&self.output);
        options.check(&output, embedding)?;
        let inputs: Vec<Input> = self.inputs.iter().cloned().map(Input::File).collect();
        Corpus::open(&inputs, &output, &options)
    }
}

fn usage(message: String) -> Error {
    Error::Usage { message: message.into(), hint: None }
}

/// Counts texts for progress, and writes notices to the log.
pub(crate) struct JobObserver<'a>(pub(crate) &'a Done);

impl Observer for JobObserver<'_> {
    fn notice(&self, notice: &Notice) {
        let message = words(&notice.message());
        match notice.is_warning() {
            true => tracing::warn!("{message}"),
            false => tracing::info!("{message}"),
        }
    }

    fn progress(&self, progress: &JobProgress) {
        self.0.set(progress.before.texts + progress.now.texts);
        if let Some(total) = progress.texts_total {
            self.0.set_total(total);
        }
    }
}

/// A summary for Python.
pub(crate) fn summary<'py>(py: Python<'py>, found: &JobSummary) -> PyResult<Bound<'py, PyDict>> {
    let counts = found.counts();
    let summary = PyDict::new(py);
    summary.set_item("texts", counts.texts)?;
    summary.set_item("rows", counts.rows)?;
    summary.set_item("tokens", counts.tokens)?;
    summary.set_item("truncated", counts.truncated)?;
    summary.set_item("empty", counts.empty)?;
    summary.set_item("repeated", counts.repeated)?;
    summary.set_item("skipped", found.skipped)?;
    summary.set_item("replaced", found.replaced)?;
    summary.set_item("shards_before", found.shards.map(|shards| shards.before))?;
    summary.set_item("shards_now", found.shards.map(|shards| shards.now))?;
    Ok(summary)
}
