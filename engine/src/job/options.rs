//! Options of a job.

use std::num::NonZero;

use super::{Existing, Part, ShardPlan};
use crate::embed::{EmbedOptions, OnLong, PoolingChoice};
use crate::error::phrase;
use crate::text::{Input, TextOptions};
use crate::vectors::rows::HEAD_RECORDS;
use crate::vectors::write::{Output, OutputContent, OutputFormat};
use crate::vectors::{Level, OutputType};
use crate::{Error, Result, Setting};

/// Default number of input rows per shard.
pub const ROWS_PER_SHARD: NonZero<u64> = NonZero::new(10_000).unwrap();

/// Options of a job, in addition to its embedder's.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CorpusOptions {
    /// How records are read, and which of their fields are kept.
    pub reading: TextOptions,
    /// One vector per text, or one per token.
    pub level: Level,
    /// How to treat texts that are longer than the embedder's longest.
    pub on_long: OnLong,
    /// Whether a kept text field is that of the whole text in each of its chunks, and not the chunk's own text.
    pub keep_document: bool,
    /// Whether a column marks truncated texts.
    pub mark_truncated: bool,
    /// The number type of the output.
    pub output_type: OutputType,
    /// Texts that set the ranges of byte output; `None`: the first of the input.
    pub calibration: Option<Input>,
    /// Kept columns, or `id`, to write as JSON text.
    pub json_columns: Vec<String>,
    /// Input rows per shard.
    pub rows_per_shard: NonZero<u64>,
    /// This machine's part of the job.
    pub part: Part,
    /// How to treat an existing output.
    pub existing: Existing,
    /// Whether each row is embedded and written as soon as it is read: to standard output only.
    pub stream: bool,
}

impl Default for CorpusOptions {
    fn default() -> Self {
        Self {
            reading: TextOptions::default(),
            level: Level::Text,
            on_long: OnLong::Truncate,
            keep_document: false,
            mark_truncated: false,
            output_type: OutputType::F32,
            calibration: None,
            json_columns: Vec::new(),
            rows_per_shard: ROWS_PER_SHARD,
            part: Part::WHOLE,
            existing: Existing::Refuse,
            stream: false,
        }
    }
}

impl CorpusOptions {
    /// Sets how records are read.
    #[must_use]
    pub fn reading(self, reading: TextOptions) -> Self {
        Self { reading, ..self }
    }

    /// Sets the level of the vectors.
    #[must_use]
    pub fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// Sets how long texts are treated.
    #[must_use]
    pub fn on_long(self, on_long: OnLong) -> Self {
        Self { on_long, ..self }
    }

    /// Keeps the field of the whole text in each of its chunks.
    #[must_use]
    pub fn keep_document(self) -> Self {
        Self { keep_document: true, ..self }
    }

    /// Embeds and writes each row as soon as it is read.
    #[must_use]
    pub fn stream(self) -> Self {
        Self { stream: true, ..self }
    }

    /// Sets the number type of the output.
    #[must_use]
    pub fn output_type(self, output_type: OutputType) -> Self {
        Self { output_type, ..self }
    }

    /// Sets the input rows per shard; 0 means the default.
    #[must_use]
    pub fn rows_per_shard(self, rows: u64) -> Self {
        Self { rows_per_shard: NonZero::new(rows).unwrap_or(ROWS_PER_SHARD), ..self }
    }

    /// Adds a column that marks truncated texts.
    #[must_use]
    pub fn mark_truncated(self) -> Self {
        Self { mark_truncated: true, ..self }
    }

    /// Sets the texts that the ranges of byte output come from.
    #[must_use]
    pub fn calibration(self, input: Input) -> Self {
        Self { calibration: Some(input), ..self }
    }

    /// Writes these kept columns, or `id`, as JSON text.
    #[must_use]
    pub fn json_columns<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self { json_columns: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// Makes only one machine's part of the job.
    #[must_use]
    pub fn part(self, part: Part) -> Self {
        Self { part, ..self }
    }

    /// Sets how an existing output is treated.
    #[must_use]
    pub fn existing(self, existing: Existing) -> Self {
        Self { existing, ..self }
    }

    /// Rejects options that contradict each other, the output, or `embedding`.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn check(&self, output: &Output, embedding: &EmbedOptions) -> Result<()> {
        let level = match self.level {
            Level::Text => embedding.pooling.level().unwrap_or(Level::Text),
            level => level,
        };
        self.check_at(level, output, embedding)
    }

    /// [`CorpusOptions::check`] for vectors of this level.
    pub(super) fn check_at(&self, level: Level, output: &Output, embedding: &EmbedOptions) -> Result<()> {
        let what = match self.existing {
            Existing::Resume => Some(phrase![Setting::Resume, " continues"]),
            Existing::Append => Some(phrase![Setting::Append, " extends"]),
            Existing::Refuse | Existing::Overwrite => None,
        };
        if let Some(what) = what.filter(|_| !matches!(output, Output::Folder(_))) {
            return Err(Error::usage_hint(
                what.and(" a job, and the output of a job is a folder"),
                phrase!["name a folder with ", Setting::Output, ", ending in /"],
            ));
        }
        if !self.part.is_whole() && !matches!(output, Output::Folder(_)) {
            return Err(Error::usage_hint(
                "only the output of a job, a folder, is divided into parts",
                phrase!["name a folder with ", Setting::Output, ", ending in /"],
            ));
        }
        OutputFormat::of(output)?.check(OutputContent {
            level,
            keeps_columns: !self.reading.keep.is_empty(),
            chunked: matches!(self.on_long, OnLong::Chunk(_)),
            marks_truncated: self.mark_truncated,
        })?;
        if level == Level::Token {
            self.check_tokens(embedding)?;
        }
        if level == Level::Sparse {
            self.check_sparse()?;
        }
        self.check_kept_text()?;
        self.check_stream(output)?;
        if self.calibration.is_some() && !self.output_type.needs_ranges() {
            return Err(Error::usage_hint(
                phrase![
                    Setting::Calibration,
                    " has no effect without ",
                    (Setting::OutputType, "i8"),
                    " or u8"
                ],
                phrase!["add ", (Setting::OutputType, "i8"), " or u8, or leave it out"],
            ));
        }
        Ok(())
    }

    /// Rejects options for one vector per text, since each token keeps its own.
    fn check_tokens(&self, embedding: &EmbedOptions) -> Result<()> {
        if self.output_type.needs_ranges() {
            return Err(Error::usage_hint(
                "vectors of tokens are not calibrated",
                phrase!["their ", Setting::OutputType, " is f32, f16, binary or ubinary"],
            ));
        }
        let has_tokens = matches!(embedding.pooling, PoolingChoice::Auto | PoolingChoice::Colbert);
        let setting = match (has_tokens, embedding.dimensions, self.on_long) {
            (false, ..) => Setting::Pooling,
            (true, Some(_), _) => Setting::Dimensions,
            (true, None, OnLong::Merge(_)) => Setting::Merge,
            (true, None, _) => return Ok(()),
        };
        // Without being asked for, vectors of tokens are those of a model for late interaction.
        let vectors = match self.level {
            Level::Token => phrase![(Setting::Level, "token")],
            _ => "late interaction".into(),
        };
        let message =
            phrase![setting, " makes no sense with ", vectors, ": every token keeps its own vector"];
        Err(Error::usage(message))
    }

    /// Rejects options for dense vectors.
    fn check_sparse(&self) -> Result<()> {
        let (setting, reason) = match (self.output_type, self.on_long) {
            (OutputType::F32, OnLong::Merge(_)) => (Setting::Merge, "a mean of them would be less sparse"),
            (OutputType::F32, _) => return Ok(()),
            _ => (Setting::OutputType, "their values are f32"),
        };
        Err(Error::usage(phrase![setting, " makes no sense with sparse vectors: ", reason]))
    }

    /// The kept columns that have the text of each row's chunk.
    pub(super) fn chunk_text_columns(&self) -> &[String] {
        let is_own = matches!(self.on_long, OnLong::Chunk(_)) && !self.keep_document;
        if is_own { &self.reading.text_fields } else { &[] }
    }

    /// Rejects a kept text field whose meaning in a chunk is not clear.
    fn check_kept_text(&self) -> Result<()> {
        let fields = &self.reading.text_fields;
        let kept = fields.iter().find(|field| self.reading.keep.contains(field));
        let is_chunked = matches!(self.on_long, OnLong::Chunk(_));
        match kept {
            Some(field) if is_chunked && !self.keep_document && fields.len() > 1 => Err(Error::usage_hint(
                format!(
                    "the text field `{field}` of several cannot be kept with chunks, which are parts of the joined text"
                ),
                phrase![
                    "the column chunk_text has each chunk's text; ",
                    Setting::KeepDocument,
                    " keeps the whole field in every chunk's row"
                ],
            )),
            Some(_) if is_chunked => Ok(()),
            _ if self.keep_document => Err(Error::usage_hint(
                phrase![Setting::KeepDocument, " has no effect without chunks and a kept text field"],
                phrase!["add ", (Setting::OnLong, "chunk"), " and ", (Setting::Keep, &fields[0])],
            )),
            _ => Ok(()),
        }
    }

    /// Rejects a stream that would have to wait.
    fn check_stream(&self, output: &Output) -> Result<()> {
        if !self.stream {
            return Ok(());
        }
        if *output != Output::Stdout {
            return Err(Error::usage_hint(
                phrase![Setting::Stream, " answers on standard output, and the output is another"],
                phrase!["leave out ", Setting::Output, " or ", Setting::Stream],
            ));
        }
        if self.output_type.needs_ranges() && self.calibration.is_none() {
            return Err(Error::usage_hint(
                phrase![
                    Setting::Stream,
                    " cannot wait for the texts that ",
                    Setting::OutputType,
                    " is calibrated with"
                ],
                phrase!["name texts with ", (Setting::Calibration, "FILE")],
            ));
        }
        Ok(())
    }

    /// The input rows that this machine embeds, and their grouping.
    pub(super) fn shard_plan(&self) -> ShardPlan {
        ShardPlan { rows_per_shard: self.rows_per_shard, part: self.part }
    }

    /// Number of records to read before the first row is written.
    pub(super) fn head_records(&self, format: OutputFormat) -> usize {
        let calibrates = self.output_type.needs_ranges() && self.calibration.is_none();
        if format.is_typed() || calibrates { HEAD_RECORDS } else { 0 }
    }
}
