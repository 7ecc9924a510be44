//! Builds an index from vectors that are there already: files, or a job's folder.

mod parts;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, RecordBatch, RecordBatchOptions, StringArray,
    UInt32Array, UInt64Array, new_null_array,
};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;

use super::columns::{self, PLACE, TEXT, TRUNCATED};
use super::folder::{IndexFolder, append};
use super::known::key;
use super::manifest::{Entry, InputRecord, State};
use super::options::IndexOptions;
use super::rows::{chunk_numbers, id_at};
use super::settings::Settings;
use super::summary::UpdateSummary;
use super::volume::{VolumeRows, VolumeWriter};
use crate::job::Existing;
use crate::search::{Metric, to_length_1};
use crate::session::Control;
use crate::text::Input;
use crate::vectors::differences;
use crate::vectors::folder::Log;
use crate::vectors::read::VectorFile;
use crate::vectors::rows::CHUNK_TEXT;
use crate::vectors::schema::ID;
use crate::{Error, Result};
use parts::{Numbers, Texts};

/// Columns of chunks besides their places.
const OF_CHUNKS: [&str; 2] = ["chunk_id", CHUNK_TEXT];

/// Builds an index in `folder` from the vectors of files, or of a job's folder. The texts are in the column
/// `text_column`, if that is named; else in `chunk_text` or `text`, if there is one. Chunks of one text follow each
/// other; blanks between them are not known, and become spaces.
///
/// # Errors
/// [`Error::Usage`] if a file has no such column, or bytes for vectors; [`Error::BadInput`] if the files do not fit each
/// other or an id occurs twice; those of [`VectorFile::open`]; [`Error::CannotCreate`], [`Error::Busy`].
pub fn build_from_vectors(
    folder: &Path,
    files: &[PathBuf],
    text_column: Option<&str>,
    options: &IndexOptions,
    control: &Control,
) -> Result<UpdateSummary> {
    if options.existing == Existing::Resume {
        return Err(Error::usage("an index of vectors is built at once, and cannot be resumed"));
    }
    let opened = files.iter().map(|path| VectorFile::open(path)).collect::<Result<Vec<_>>>()?;
    let sources = opened.iter().map(|file| Source::of(file, text_column)).collect::<Result<Vec<_>>>()?;
    let (settings, schema) = plan(&sources, options)?;
    let mut folder = IndexFolder::create(folder, options.existing)?;
    if options.existing == Existing::Overwrite {
        folder.clear()?;
    }
    let mut state = State::default();
    let log = folder.start(&mut state, Some(settings.clone()))?;
    let mut build = Build {
        folder,
        state,
        log,
        schema,
        settings,
        options,
        control,
        writer: None,
        ids: HashMap::new(),
        next: 0,
        summary: UpdateSummary::default(),
    };
    for source in &sources {
        build.add(source)?;
    }
    build.commit()?;
    let inputs =
        files.iter().map(|path| InputRecord::of(&Input::File(path.clone()), path.display().to_string()));
    append(&mut build.log, &mut build.state, Entry::End { inputs: inputs.collect() })?;
    Ok(build.summary)
}

/// A file, and which of its columns become which of the index.
struct Source<'a> {
    file: &'a VectorFile,
    columns: SchemaRef,
    text: Option<String>,
    is_chunked: bool,
}

impl<'a> Source<'a> {
    fn of(file: &'a VectorFile, text_column: Option<&str>) -> Result<Self> {
        let columns = file.columns()?;
        let is_string = |name: &str| {
            let field = columns.field_with_name(name).ok();
            field.is_some_and(|field| {
                matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
            })
        };
        let text = match text_column {
            Some(name) if !is_string(name) => {
                return Err(Error::usage(format!("{} has no column `{name}` of strings", file.name())));
            }
            Some(name) => Some(name.to_owned()),
            None => [CHUNK_TEXT, TEXT].into_iter().find(|name| is_string(name)).map(str::to_owned),
        };
        let is_number =
            |name: &&str| columns.field_with_name(name).is_ok_and(|it| *it.data_type() == DataType::UInt32);
        let is_chunked = PLACE.iter().all(is_number);
        Ok(Self { file, columns, text, is_chunked })
    }

    /// The fields of the id and of the kept columns.
    fn fields(&self) -> (Field, Vec<Field>) {
        let id = self.columns.field_with_name(ID).ok().cloned();
        let id = id.map(|field| match field.data_type() {
            DataType::Int64 | DataType::UInt64 | DataType::Utf8 => field,
            kind if kind.is_integer() => field.with_data_type(DataType::Int64),
            _ => field.with_data_type(DataType::Utf8),
        });
        let is_own = |name: &str| {
            name == ID
                || name == TRUNCATED
                || self.is_chunked && (PLACE.contains(&name) || OF_CHUNKS.contains(&name))
                || self.text.as_deref() == Some(name)
                // With chunks, the kept text is that of the chunk.
                || name == TEXT && self.text.as_deref() == Some(CHUNK_TEXT)
        };
        let kept = self.columns.fields().iter().filter(|field| !is_own(field.name()));
        let kept = kept.map(|field| field.as_ref().clone().with_nullable(true)).collect();
        (id.unwrap_or_else(|| Field::new(ID, DataType::Int64, true)), kept)
    }
}

/// The settings and the columns of an index of all sources.
fn plan(sources: &[Source<'_>], options: &IndexOptions) -> Result<(Settings, SchemaRef)> {
    let Some(first) = sources.first() else { return Err(Error::usage("no file of vectors is named")) };
    let provenance = |source: &Source<'_>| source.file.provenance().map(|it| it.to_metadata());
    let expected = (first.file.width(), provenance(first), first.fields());
    for source in &sources[1..] {
        let bad = |rule: String| {
            Err(Error::BadInput {
                input: source.file.name().to_owned(),
                rule: format!("{rule} than {}", first.file.name()),
            })
        };
        if source.file.width() != expected.0 {
            let width = |width: Option<usize>| width.unwrap_or_default();
            return bad(format!(
                "its vectors have {} numbers, not {}: others",
                width(source.file.width()),
                width(expected.0)
            ));
        }
        let (was, is) = (expected.1.clone().unwrap_or_default(), provenance(source).unwrap_or_default());
        if let Some(name) = differences(&was, &is).next() {
            return bad(format!("its vectors come from another {}", name.replace('_', " ")));
        }
        if source.fields() != expected.2 {
            return bad("it has other columns".to_owned());
        }
    }
    let settings = Settings {
        metric: options.metric,
        vectors: options.vectors,
        codes: options.codes,
        bits: options.bits,
        seed: options.seed,
        dimensions: expected.0.unwrap_or_default(),
        provenance: expected.1,
        reading: None,
    };
    Ok((settings, columns::schema(&expected.2.0, &expected.2.1)?))
}

/// An index that is being built.
struct Build<'a> {
    folder: IndexFolder,
    state: State,
    log: Log,
    schema: SchemaRef,
    settings: Settings,
    options: &'a IndexOptions,
    control: &'a Control,
    writer: Option<(VolumeWriter, u64)>,
    /// Where each id was first.
    ids: HashMap<u128, u64>,
    /// The number of the next text.
    next: u64,
    summary: UpdateSummary,
}

impl Build<'_> {
    fn add(&mut self, source: &Source<'_>) -> Result<()> {
        let width = self.settings.dimensions.max(1);
        let mut numbers = Numbers {
            batches: Box::new(source.file.numbers()?),
            values: Vec::new(),
            name: source.file.name(),
        };
        let names: Vec<&str> = source.columns.fields().iter().map(|field| field.name().as_str()).collect();
        let rows = source.file.rows().ok_or_else(|| {
            Error::usage(format!(
                "{} cannot be an index: its number of rows is not known",
                source.file.name()
            ))
        })?;
        if names.is_empty() {
            let mut left = rows as usize;
            while left > 0 {
                let count = left.min(4096);
                let options = RecordBatchOptions::new().with_row_count(Some(count));
                let part =
                    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
                self.write(source, &part, numbers.take(count * width)?, rows - left as u64)?;
                left -= count;
            }
            return Ok(());
        }
        let (mut carried, mut row): (Option<RecordBatch>, u64) = (None, 0);
        for batch in source.file.columns_of_all(&names)? {
            let batch = batch?;
            let all = match carried.take() {
                Some(before) => concat_batches(&batch.schema(), [&before, &batch])?,
                None => batch,
            };
            // The last text may go on in the next batch.
            let cut = match source.is_chunked {
                true => chunk_numbers(&all)?.iter().rposition(|chunk| *chunk == 0).unwrap_or(0),
                false => all.num_rows(),
            };
            let part = all.slice(0, cut);
            self.write(source, &part, numbers.take(cut * width)?, row)?;
            row += cut as u64;
            carried = (cut < all.num_rows()).then(|| all.slice(cut, all.num_rows() - cut));
        }
        match carried {
            Some(rest) => {
                let vectors = numbers.take(rest.num_rows() * width)?;
                self.write(source, &rest, vectors, row)
            }
            None => Ok(()),
        }
    }

    /// Writes whole texts.
    fn write(
        &mut self,
        source: &Source<'_>,
        rows: &RecordBatch,
        mut vectors: Vec<f32>,
        first: u64,
    ) -> Result<()> {
        self.control.check()?;
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let is_unit = source.file.provenance().is_some_and(|provenance| provenance.normalized);
        if self.settings.metric == Metric::Cosine && !is_unit {
            vectors.chunks_exact_mut(self.settings.dimensions.max(1)).for_each(to_length_1);
        }
        let texts = Texts::of(source, rows)?;
        let id_field = self.schema.field(1).clone();
        let ids = match rows.column_by_name(ID) {
            Some(ids) => cast(ids, id_field.data_type())?,
            None => new_null_array(&DataType::Int64, rows.num_rows()),
        };
        self.check_ids(source, &ids, &id_field, &texts, first)?;
        let numbers: Vec<u64> = texts.text_of.iter().map(|text| self.next + *text as u64).collect();
        self.next += texts.whole.len() as u64;
        self.summary.added += texts.whole.len() as u64;
        let sums: Vec<[u8; 32]> = texts.sums();
        let sums: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter(sums.iter())?);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(numbers)),
            ids,
            texts.column(),
            sums.clone(),
            sums,
            Arc::new(StringArray::from(vec![source.file.name(); rows.num_rows()])),
        ];
        columns
            .extend(texts.places.iter().map(|place| Arc::new(UInt32Array::from(place.clone())) as ArrayRef));
        let truncated = rows.column_by_name(TRUNCATED).and_then(|column| column.as_boolean_opt()).cloned();
        columns.push(Arc::new(truncated.unwrap_or_else(|| BooleanArray::from(vec![false; rows.num_rows()]))));
        for field in columns::kept(&self.schema) {
            let column = rows.column_by_name(field.name());
            columns
                .push(column.cloned().ok_or_else(|| Error::Bug(format!("rows without `{}`", field.name())))?);
        }
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        let texts = texts.whole.len() as u64;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let kind = self.settings.volume_kind();
                let volume =
                    VolumeWriter::create(self.folder.path(), self.state.next_volume, &self.schema, kind)?;
                self.writer.insert((volume, 0))
            }
        };
        writer.0.write(&VolumeRows { rows: batch, vectors })?;
        writer.1 += texts;
        if writer.1 >= self.options.texts_per_volume.get() { self.commit() } else { Ok(()) }
    }

    /// Refuses an id that occurs twice.
    fn check_ids(
        &mut self,
        source: &Source<'_>,
        ids: &ArrayRef,
        field: &Field,
        texts: &Texts,
        first: u64,
    ) -> Result<()> {
        for (row, text) in texts.text_of.iter().enumerate() {
            let is_first = row == 0 || texts.text_of[row - 1] != *text;
            if !is_first || ids.is_null(row) {
                continue;
            }
            let id = id_at(field, ids, row)?.to_string();
            let place = first + row as u64 + 1;
            if let Some(other) = self.ids.insert(key(&[&id]), place) {
                return Err(Error::BadRow {
                    input: source.file.name().to_owned(),
                    row: place,
                    rule: format!(
                        "the id {id} occurs twice; it is first in row {other} of this file or one before"
                    ),
                });
            }
        }
        Ok(())
    }

    /// Completes the current volume; one without rows if there is none.
    fn commit(&mut self) -> Result<()> {
        let writer = match self.writer.take() {
            Some((writer, _)) => writer,
            None if !self.state.volumes.is_empty() => return Ok(()),
            None => {
                let kind = self.settings.volume_kind();
                VolumeWriter::create(self.folder.path(), self.state.next_volume, &self.schema, kind)?
            }
        };
        let volume = writer.finish()?;
        self.summary.zeros += volume.zeros;
        append(&mut self.log, &mut self.state, Entry::Volume { volume: Box::new(volume), deleted: None })
    }
}
