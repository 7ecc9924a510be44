//! Builds an index from vectors that are there already: files, or a job's folder.
//!
//! Volumes are recorded only when all of them are written: after an error or a kill the folder has the index that it had
//! before, or none.

mod parts;
mod source;

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

use super::columns::{self, TRUNCATED};
use super::folder::{IndexFolder, append};
use super::known::{is_number, key};
use super::manifest::{Entry, InputRecord, State, VolumeRecord};
use super::options::IndexOptions;
use super::rows::{chunk_numbers, id_at};
use super::settings::Settings;
use super::summary::UpdateSummary;
use super::volume::{VolumeRows, VolumeWriter};
use crate::job::Existing;
use crate::search::{Metric, to_length_1};
use crate::session::Control;
use crate::text::Input;
use crate::vectors::read::VectorFile;
use crate::vectors::schema::ID;
use crate::{Error, Result};
use parts::{Numbers, Texts};
use source::{Source, plan};

/// Builds an index in `folder` from the vectors of files, or of a job's folder. The texts are in the column
/// `text_column`, if that is named; else in `chunk_text` or `text`, if there is one. Chunks of one text follow each
/// other; blanks between them are not known, and become spaces.
///
/// # Errors
/// [`Error::Usage`] if a file has no such column, or bytes for vectors; [`Error::BadInput`] if the files do not fit each
/// other, an id occurs twice, or some rows have numbers as ids and others none; those of [`VectorFile::open`]; [`Error::CannotCreate`], [`Error::Busy`].
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
    let folder = IndexFolder::create(folder, options.existing)?;
    let next_volume = folder.unused_volume()?;
    let mut build = Build {
        folder,
        volumes: Vec::new(),
        next_volume,
        schema,
        settings,
        options,
        control,
        writer: None,
        ids: HashMap::new(),
        have_numbers: None,
        next: 0,
        summary: UpdateSummary::default(),
    };
    if let Err(error) = build.write_all(&sources) {
        build.discard();
        return Err(error);
    }
    let inputs =
        files.iter().map(|path| InputRecord::of(&Input::File(path.clone()), path.display().to_string()));
    build.record(inputs.collect())
}

/// An index that is being built.
struct Build<'a> {
    folder: IndexFolder,
    /// Volumes that are written and not recorded.
    volumes: Vec<VolumeRecord>,
    /// The number of the next volume. Those of an index that is overwritten come before.
    next_volume: u64,
    schema: SchemaRef,
    settings: Settings,
    options: &'a IndexOptions,
    control: &'a Control,
    writer: Option<(VolumeWriter, u64)>,
    /// Where each id was first.
    ids: HashMap<u128, u64>,
    /// Whether rows have numbers as ids, or no ids; `None` as long as all are strings.
    have_numbers: Option<bool>,
    /// The number of the next text.
    next: u64,
    summary: UpdateSummary,
}

impl Build<'_> {
    /// Writes the rows of all sources into volumes.
    fn write_all(&mut self, sources: &[Source<'_>]) -> Result<()> {
        sources.iter().try_for_each(|source| self.add(source))?;
        self.commit()
    }

    /// Records the volumes, in place of those of an index that is overwritten.
    fn record(mut self, inputs: Vec<InputRecord>) -> Result<UpdateSummary> {
        if self.options.existing == Existing::Overwrite {
            self.folder.remove_manifests()?;
        }
        let mut state = State::default();
        let mut log = self.folder.log(&mut state, Some(self.settings))?;
        for volume in self.volumes {
            append(&mut log, &mut state, Entry::Volume { volume: Box::new(volume), deleted: None })?;
        }
        append(&mut log, &mut state, Entry::End { inputs })?;
        self.folder.tidy(&state)?;
        Ok(self.summary)
    }

    /// Removes the written volumes. If one cannot be removed, the next writer removes it, since it is not recorded.
    fn discard(mut self) {
        self.writer = None;
        let _ = self.folder.remove_unrecorded(&self.volumes);
    }

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
                let volume = VolumeWriter::create(self.folder.path(), self.next_volume, &self.schema, kind)?;
                self.writer.insert((volume, 0))
            }
        };
        writer.0.write(&VolumeRows { rows: batch, vectors })?;
        writer.1 += texts;
        if writer.1 >= self.options.texts_per_volume.get() { self.commit() } else { Ok(()) }
    }

    /// Refuses an id that occurs twice, and rows without ids among rows with ids.
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
            if !is_first {
                continue;
            }
            let place = first + row as u64 + 1;
            let id = ids.is_valid(row).then(|| id_at(field, ids, row)).transpose()?;
            if let Some(is_number) = is_number(id.as_ref())
                && *self.have_numbers.get_or_insert(is_number) != is_number
            {
                let rule = match is_number {
                    true => {
                        "it has a number as its id, and rows before it have no ids: their places are numbers, too"
                    }
                    false => "it has no id: its place would be one, and rows before it have numbers as ids",
                };
                let error =
                    Error::BadRow { input: source.file.name().to_owned(), row: place, rule: rule.to_owned() };
                return Err(error.with_hint(Some("give each row an id, or leave out the column `id`".into())));
            }
            let Some(id) = id.map(|id| id.to_string()) else { continue };
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
            None if !self.volumes.is_empty() => return Ok(()),
            None => {
                let kind = self.settings.volume_kind();
                VolumeWriter::create(self.folder.path(), self.next_volume, &self.schema, kind)?
            }
        };
        let volume = writer.finish()?;
        self.summary.zeros += volume.zeros;
        self.next_volume += 1;
        self.volumes.push(volume);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
