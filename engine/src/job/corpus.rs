//! Files embedded into a file or a folder of shards: reading, decisions from the first records, output.

use std::path::Path;

use nearsay_models::Model;

use super::calibration::calibrate;
use super::estimate::{Estimate, SAMPLE_RECORDS, estimate};
use super::reports::Reports;
use super::shards::ShardedJob;
use super::{CorpusOptions, Existing, JobFolder, JobSummary, Observer, same_file};
use crate::Result;
use crate::embed::{Counts, EmbedOptions, EmbedRun, Embedder, OnLong};
use crate::text::{Input, InputFormat, Record, RecordStream};
use crate::vectors::Level;
use crate::vectors::rows::{Columns, HEAD_RECORDS, RowLayout};
use crate::vectors::write::{Destination, Output, OutputFormat, row_writer};

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
    /// [`Usage`](crate::Error::Usage) if options contradict each other, or the output would destroy an input;
    /// [`NoInput`](crate::Error::NoInput), [`BadInput`](crate::Error::BadInput);
    /// [`CannotCreate`](crate::Error::CannotCreate); [`Busy`](crate::Error::Busy).
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
        let Self { files, target } = self;
        match target {
            Target::Folder(folder) => ShardedJob::open(folder, &files, embedder, observer)?.run(files),
            Target::Single(destination) => files.embed(destination, embedder, observer),
        }
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
    pub(super) options: CorpusOptions,
    pub(super) inputs: Vec<Input>,
    output: Output,
    format: OutputFormat,
    pub(super) records: RecordStream,
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
        same_file::refuse_matched_output(inputs, output, &options.reading)?;
        let inputs = Input::expand_all(inputs, &options.reading)?;
        same_file::refuse_inputs(&inputs, output)?;
        Ok(inputs)
    }

    fn open(inputs: &[Input], output: &Output, options: &CorpusOptions) -> Result<Self> {
        Ok(Self {
            format: OutputFormat::of(output)?,
            records: RecordStream::open(inputs, &options.reading)?,
            inputs: inputs.to_vec(),
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
    /// [`Usage`](crate::Error::Usage) naming both.
    pub fn check_model(&self, model: &Model) -> Result<()> {
        self.output.path().map_or(Ok(()), |path| same_file::refuse_model_file(model, path))
    }

    /// Estimates [`Corpus::embed`] from a sample of the input; writes nothing.
    ///
    /// # Errors
    /// If reading, tokenizing or encoding the sample fails, or the embedder's calls are stopped.
    pub fn estimate(mut self, embedder: &Embedder, observer: &dyn Observer) -> Result<Estimate> {
        let run = self.plan(embedder, SAMPLE_RECORDS, None, observer)?;
        estimate(&run, self.format, &mut self.records)
    }

    /// Embeds all records into a file or standard output.
    fn embed(
        mut self,
        destination: Destination,
        embedder: &Embedder,
        observer: &dyn Observer,
    ) -> Result<JobSummary> {
        let run = self.plan(embedder, self.head_records(), None, observer)?;
        let reports = Reports::new(&self.records, self.options.shard_plan().part, observer);
        let (schema, metadata) = (run.layout.schema()?, run.provenance().to_metadata());
        let mut writer = row_writer(destination, self.format, &schema, &metadata)?;
        let records = reports.read(&mut self.records);
        let mut now = Counts::default();
        run.run(records, writer.as_mut(), &mut now, &|now| reports.send(Counts::default(), *now))?;
        writer.finish()?;
        let records = &self.records;
        let (input_rows, replaced, skipped) = (records.position(), records.replaced(), records.skipped());
        Ok(JobSummary { now, input_rows, replaced, skipped, ..JobSummary::default() })
    }

    /// Number of records to read before the first row is written.
    pub(super) fn head_records(&self) -> usize {
        self.options.head_records(self.format)
    }

    /// Plans how records become rows: reads `ahead` records and takes column types and ranges from the first
    /// ones, at most `first_rows`.
    pub(super) fn plan<'a>(
        &mut self,
        embedder: &'a Embedder,
        ahead: usize,
        first_rows: Option<u64>,
        observer: &dyn Observer,
    ) -> Result<EmbedRun<'a>> {
        let level = embedder.level_for(self.options.level)?;
        self.options.check_at(level, &self.output, embedder.options())?;
        self.check_model(embedder.session().model())?;
        self.options.on_long.check_for(embedder)?;
        self.records.read_ahead(ahead)?;
        let options = &self.options;
        let count = first_rows.map_or(HEAD_RECORDS, |rows| HEAD_RECORDS.min(rows as usize));
        let first: Vec<Record> = self.records.ahead().take(count).cloned().collect();
        let columns = Columns::new(
            self.format,
            &options.reading.keep,
            self.records.kept_types(),
            &options.json_columns,
            &first,
        )?
        .with_chunk_text(options.chunk_text_columns());
        let layout = RowLayout {
            level,
            columns,
            chunked: matches!(options.on_long, OnLong::Chunk(_)),
            marks_truncated: options.mark_truncated,
            output_type: options.output_type,
            ranges: None,
            dim: match level {
                Level::Text | Level::Sparse => embedder.dimensions(),
                Level::Token => embedder.hidden_dim(),
            },
        };
        let mut run = EmbedRun { embedder, layout, on_long: options.on_long, row_by_row: options.stream };
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
