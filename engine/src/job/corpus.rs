//! Files embedded into a file or a folder of shards: reading, decisions from the first records, output.

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use nearsay_models::Model;

use super::calibration::calibrate;
use super::estimate::{Estimate, SAMPLE_RECORDS, estimate};
use super::settings::settings;
use super::shards::ShardedJob;
use super::{Existing, JobFolder, JobProgress, JobSummary, Observer, Part, ShardPlan, same_file};
use crate::embed::{Counts, EmbedOptions, EmbedRun, Embedder, OnLong, PoolingChoice};
use crate::error::phrase;
use crate::text::{Input, InputFormat, Record, RecordStream, TextOptions};
use crate::vectors::rows::{Columns, HEAD_RECORDS, RowLayout};
use crate::vectors::write::{Destination, Output, OutputContent, OutputFormat, row_writer};
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
}

impl Default for CorpusOptions {
    fn default() -> Self {
        Self {
            reading: TextOptions::default(),
            level: Level::Text,
            on_long: OnLong::Truncate,
            mark_truncated: false,
            output_type: OutputType::F32,
            calibration: None,
            json_columns: Vec::new(),
            rows_per_shard: ROWS_PER_SHARD,
            part: Part::WHOLE,
            existing: Existing::Refuse,
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
        if self.existing == Existing::Resume && !matches!(output, Output::Folder(_)) {
            return Err(Error::usage_hint(
                phrase![Setting::Resume, " continues a job, and the output of a job is a folder"],
                phrase!["name a folder with ", Setting::Output, ", ending in /"],
            ));
        }
        OutputFormat::of(output)?.check(OutputContent {
            level: self.level,
            keeps_columns: !self.reading.keep.is_empty(),
            chunked: matches!(self.on_long, OnLong::Chunk(_)),
            marks_truncated: self.mark_truncated,
        })?;
        if self.level == Level::Token {
            self.check_tokens(embedding)?;
        }
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
        let setting = match (embedding.pooling, embedding.dimensions, self.on_long) {
            (PoolingChoice::Auto, None, OnLong::Merge(_)) => Setting::Merge,
            (PoolingChoice::Auto, None, _) => return Ok(()),
            (PoolingChoice::Auto, Some(_), _) => Setting::Dimensions,
            _ => Setting::Pooling,
        };
        Err(Error::usage(phrase![
            setting,
            " makes no sense with ",
            (Setting::Level, "token"),
            ": every token keeps its own vector"
        ]))
    }

    /// The input rows that this machine embeds, and their grouping.
    fn shard_plan(&self) -> ShardPlan {
        ShardPlan { rows_per_shard: self.rows_per_shard, part: self.part }
    }

    /// Number of records to read before the first row is written.
    fn head_records(&self, format: OutputFormat) -> usize {
        let calibrates = self.output_type.needs_ranges() && self.calibration.is_none();
        if format.is_typed() || calibrates { HEAD_RECORDS } else { 0 }
    }
}

/// Files to embed, and their output. Opening checks everything that can be checked without a model.
///
/// ```no_run
/// use nearsay::Embedder;
/// use nearsay::job::CorpusOptions;
///
/// # fn main() -> nearsay::Result<()> {
/// let embedder = Embedder::open("sentence-transformers/all-MiniLM-L6-v2")?;
/// let summary = embedder.embed_files(["corpus.parquet"], "vectors/", &CorpusOptions::default())?;
/// println!("{} texts", summary.counts().texts);
/// # Ok(())
/// # }
/// ```
pub struct Corpus {
    files: CorpusFiles,
    target: Target,
}

/// The output, created before a model is loaded.
enum Target {
    Single(Destination),
    Folder(JobFolder),
}

impl Corpus {
    /// Checks that all `inputs` can be read (patterns are expanded), and creates `output` or opens its
    /// folder.
    ///
    /// # Errors
    /// [`Error::Usage`] if options contradict each other, or the output would destroy an input;
    /// [`Error::NoInput`], [`Error::BadInput`]; [`Error::CannotCreate`]; [`Error::Busy`].
    pub fn open(inputs: &[Input], output: &Output, options: &CorpusOptions) -> Result<Self> {
        let inputs = CorpusFiles::check(inputs, output, options)?;
        let target = Target::open(output, options)?;
        Ok(Self { files: CorpusFiles::open(&inputs, output, options)?, target })
    }

    /// The input files.
    pub fn files(&self) -> &CorpusFiles {
        &self.files
    }

    /// Embeds all records and completes the output, reporting progress to `observer`.
    ///
    /// # Errors
    /// If reading, tokenizing, encoding or writing fails, or the embedder's calls are stopped. An output file
    /// is then absent; a folder keeps every finished shard.
    pub fn embed(self, embedder: &Embedder, observer: &dyn Observer) -> Result<JobSummary> {
        let Self { mut files, target } = self;
        let run = files.plan(embedder, files.options.head_records(files.format), observer)?;
        let plan = files.options.shard_plan();
        let reports = Reports::new(&files.records, observer);
        let records = reports.read(&mut files.records);
        let mut summary = match target {
            Target::Folder(folder) => {
                let settings = settings(&run, &files.options, plan)?;
                ShardedJob::open(folder, plan, settings, embedder, observer)?.run(&run, records, &reports)?
            }
            Target::Single(destination) => {
                let (schema, metadata) = (run.layout.schema()?, run.provenance().to_metadata());
                let mut writer = row_writer(destination, files.format, &schema, &metadata)?;
                let ours = records.zip(0_u64..).filter_map(|(record, row)| {
                    // An error ends the run, even outside this machine's part.
                    (record.is_err() || plan.has_row(row)).then_some(record)
                });
                let mut now = Counts::default();
                run.run(ours, writer.as_mut(), &mut now, &|now| reports.send(Counts::default(), *now))?;
                writer.finish()?;
                JobSummary { now, ..JobSummary::default() }
            }
        };
        summary.input_rows = files.records.position();
        summary.replaced = files.records.replaced();
        Ok(summary)
    }
}

impl Target {
    fn open(output: &Output, options: &CorpusOptions) -> Result<Self> {
        match output {
            Output::Folder(path) => JobFolder::open(path, options.existing).map(Self::Folder),
            output => {
                let overwrite = options.existing == Existing::Overwrite;
                Destination::create(output, overwrite).map(Self::Single)
            }
        }
    }
}

/// The opened files of a corpus, and the name of the output.
pub struct CorpusFiles {
    options: CorpusOptions,
    output: Output,
    format: OutputFormat,
    records: RecordStream,
}

impl CorpusFiles {
    /// Opens `inputs` for an estimate, with the checks of [`Corpus::open`]; `output` is not touched.
    ///
    /// # Errors
    /// As [`Corpus::open`].
    pub fn for_estimate(inputs: &[Input], output: &Output, options: &CorpusOptions) -> Result<Self> {
        let inputs = Self::check(inputs, output, options)?;
        Self::open(&inputs, output, options)
    }

    /// Checks the inputs and returns them with patterns expanded.
    fn check(inputs: &[Input], output: &Output, options: &CorpusOptions) -> Result<Vec<Input>> {
        options.check(output, &EmbedOptions::default())?;
        same_file::refuse_matched_output(inputs, output)?;
        let inputs = Input::expand_all(inputs)?;
        same_file::refuse_inputs(&inputs, output)?;
        Ok(inputs)
    }

    fn open(inputs: &[Input], output: &Output, options: &CorpusOptions) -> Result<Self> {
        Ok(Self {
            format: OutputFormat::of(output)?,
            records: RecordStream::open(inputs, &options.reading)?,
            options: options.clone(),
            output: output.clone(),
        })
    }

    /// The first input's name and format, if the format was detected from its first bytes.
    pub fn sniffed(&self) -> Option<(&str, InputFormat)> {
        let reader = self.records.current().filter(|reader| reader.is_sniffed())?;
        Some((reader.name(), reader.format()))
    }

    /// Size of all inputs on disk in bytes; `None` if one is standard input or a pipe.
    pub fn bytes_total(&self) -> Option<u64> {
        self.records.bytes_total()
    }

    /// Rejects an output among the files of `model`.
    ///
    /// # Errors
    /// [`Error::Usage`] naming both.
    pub fn check_model(&self, model: &Model) -> Result<()> {
        self.output.path().map_or(Ok(()), |path| same_file::refuse_model_file(model, path))
    }

    /// Estimates [`Corpus::embed`] from a sample of the input; writes nothing.
    ///
    /// # Errors
    /// If reading, tokenizing or encoding the sample fails, or the embedder's calls are stopped.
    pub fn estimate(mut self, embedder: &Embedder, observer: &dyn Observer) -> Result<Estimate> {
        let run = self.plan(embedder, SAMPLE_RECORDS, observer)?;
        estimate(&run, self.format, &mut self.records)
    }

    /// Plans how records become rows: reads `ahead` records and takes column types and ranges from the first
    /// ones.
    fn plan<'a>(
        &mut self,
        embedder: &'a Embedder,
        ahead: usize,
        observer: &dyn Observer,
    ) -> Result<EmbedRun<'a>> {
        self.options.check(&self.output, embedder.options())?;
        self.check_model(embedder.session().model())?;
        self.records.read_ahead(ahead)?;
        let options = &self.options;
        let first: Vec<Record> = self.records.ahead().take(HEAD_RECORDS).cloned().collect();
        let columns = Columns::new(
            self.format,
            &options.reading.keep,
            self.records.kept_types(),
            &options.json_columns,
            &first,
        )?;
        let layout = RowLayout {
            level: options.level,
            columns,
            chunked: matches!(options.on_long, OnLong::Chunk(_)),
            marks_truncated: options.mark_truncated,
            output_type: options.output_type,
            ranges: None,
            dim: match options.level {
                Level::Text => embedder.dimensions(),
                Level::Token => embedder.hidden_dim(),
            },
        };
        let mut run = EmbedRun { embedder, layout, on_long: options.on_long };
        // Rejects duplicate names, and widths that are not whole bytes.
        run.layout.schema()?;
        if options.output_type.needs_ranges() {
            run.layout.ranges = Some(calibrate(&run, options, first, observer)?);
        }
        Ok(run)
    }
}

impl Embedder {
    /// Embeds the records of files into `output`. A path that ends in `/` is a folder of shards that can be
    /// resumed; else the extension of the file sets the format. Patterns in `inputs` are expanded.
    ///
    /// # Errors
    /// As [`Corpus::open`] and [`Corpus::embed`].
    pub fn embed_files<P: AsRef<Path>>(
        &self,
        inputs: impl IntoIterator<Item = P>,
        output: impl AsRef<Path>,
        options: &CorpusOptions,
    ) -> Result<JobSummary> {
        let inputs: Vec<Input> =
            inputs.into_iter().map(|path| Input::File(path.as_ref().to_owned())).collect();
        let output = Output::at(output.as_ref());
        Corpus::open(&inputs, &output, options)?.embed(self, &())
    }
}

/// Reports a job's progress to its observer.
pub(super) struct Reports<'a> {
    bytes_read: AtomicU64,
    bytes_total: Option<u64>,
    observer: &'a dyn Observer,
}

impl<'a> Reports<'a> {
    fn new(records: &RecordStream, observer: &'a dyn Observer) -> Self {
        Self { bytes_read: AtomicU64::new(0), bytes_total: records.bytes_total(), observer }
    }

    /// The records of a stream; counts the bytes read.
    fn read(&self, records: &mut RecordStream) -> impl Iterator<Item = Result<Record>> {
        std::iter::from_fn(|| {
            let record = records.next();
            self.bytes_read.store(records.bytes_read(), Ordering::Relaxed);
            record
        })
    }

    /// Sends the observer the counts from before this run and from this run.
    pub(super) fn send(&self, before: Counts, now: Counts) {
        let bytes_read = self.bytes_read.load(Ordering::Relaxed);
        self.observer.progress(&JobProgress { before, now, bytes_read, bytes_total: self.bytes_total });
    }
}
