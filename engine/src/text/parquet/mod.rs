//! Rows of a Parquet file, by Apache Arrow's reader.
//!
//! Only the columns that are needed are read, at most [`BATCH_ROWS`] rows at a time and fewer where rows are large, so that
//! memory is bounded by the pages of one row group. Texts and ids may be of any type of string, ids also whole numbers;
//! kept columns are of any type and stay as they are. Columns inside columns cannot be named.
//!
//! A file that breaks the format is refused by name; so is one on which the parquet crate panics.

mod columns;
mod file;
mod values;

use std::fs::File;

use arrow_schema::Field;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use columns::Columns;
use file::{Failure, ParquetSource};
use values::Batch;

use super::reader::Row;
use super::{Kept, TextOptions};
use crate::{Error, Result, guard};

/// Rows that are read at a time, at most.
const BATCH_ROWS: u64 = 1024;
/// Bytes, after decompression, that such rows have on average at most, unless one row has more.
const BATCH_BYTES: u64 = 32 << 20;

/// A file whose end was read, and in which the columns were found.
pub(super) struct ParquetFile {
    name: String,
    source: ParquetSource,
    metadata: ArrowReaderMetadata,
    columns: Columns,
}

impl ParquetFile {
    /// Reads a file's schema.
    ///
    /// # Errors
    /// [`Error::BadInput`] when it is no Parquet file or lacks a column, [`Error::Io`] when reading fails.
    pub(super) fn open(name: String, file: File, options: &TextOptions) -> Result<Self> {
        let source = ParquetSource::new(file).map_err(|source| Error::Io {
            action: "reading",
            target: name.clone(),
            source,
        })?;
        let load = || ArrowReaderMetadata::load(&source, ArrowReaderOptions::new());
        let metadata = guarded(&name, &source.failure(), "is not a valid Parquet file", load)?;
        let bad_input = |rule| Error::BadInput { input: name.clone(), rule };
        check_roots(&metadata).map_err(bad_input)?;
        let columns = Columns::find(metadata.schema(), options).map_err(bad_input)?;
        Ok(Self { name, source, metadata, columns })
    }

    /// The columns that are kept, in the order of [`TextOptions::keep`], each nullable.
    pub(super) fn kept_fields(self) -> Vec<Field> {
        self.columns.kept_fields
    }

    fn read(self) -> Result<(ParquetRecordBatchReader, Columns)> {
        let rows = batch_rows(self.metadata.metadata(), &self.columns.roots);
        let failure = self.source.failure();
        let views = ArrowReaderOptions::new().with_schema(self.columns.with_views(self.metadata.schema()));
        let build = || {
            // Where a file's own schema does not allow for views, strings are read as they are.
            let metadata = ArrowReaderMetadata::try_new(self.metadata.metadata().clone(), views);
            let metadata = metadata.unwrap_or(self.metadata);
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.source, metadata);
            let mask = ProjectionMask::roots(builder.parquet_schema(), self.columns.roots.iter().copied());
            builder.with_batch_size(rows).with_projection(mask).build()
        };
        let reader = guarded(&self.name, &failure, "is not a valid Parquet file", build)?;
        Ok((reader, self.columns))
    }
}

/// The rows of a file.
pub(super) struct ParquetRows {
    name: String,
    size: u64,
    /// Rows that the file says it has.
    total_rows: u64,
    failure: Failure,
    reader: ParquetRecordBatchReader,
    columns: Columns,
    join: String,
    max_text_bytes: usize,
    batch: Option<Batch>,
    /// The next row of the batch.
    next: usize,
    /// Rows that were given.
    rows: u64,
}

impl ParquetRows {
    /// Opens a file to be read from the first row on.
    ///
    /// # Errors
    /// Those of [`ParquetFile::open`].
    pub(super) fn open(name: String, file: File, options: &TextOptions) -> Result<Self> {
        let file = ParquetFile::open(name.clone(), file, options)?;
        let total_rows = file.metadata.metadata().file_metadata().num_rows().try_into().unwrap_or(0);
        let (size, failure) = (file.source.size(), file.source.failure());
        let (reader, columns) = file.read()?;
        Ok(Self {
            name,
            size,
            total_rows,
            failure,
            reader,
            columns,
            join: options.join.clone(),
            max_text_bytes: options.max_row_bytes,
            batch: None,
            next: 0,
            rows: 0,
        })
    }

    /// The file's bytes, in proportion of the rows that were given.
    pub(super) fn bytes_read(&self) -> u64 {
        match self.total_rows {
            0 => self.size,
            total => (u128::from(self.size) * u128::from(self.rows.min(total)) / u128::from(total)) as u64,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>> {
        loop {
            if let Some(batch) = self.batch.as_ref().filter(|batch| self.next < batch.rows) {
                let row = self.take(batch).map_err(|rule| self.bad_row(rule))?;
                self.next += 1;
                self.rows += 1;
                return Ok(Some(row));
            }
            self.batch = self.next_batch()?;
            self.next = 0;
            if self.batch.is_none() {
                return self.check_end().map(|()| None);
            }
        }
    }

    fn take(&self, batch: &Batch) -> Result<Row, String> {
        let index = self.next;
        let kept = match batch.kept.len() {
            0 => Kept::Nothing,
            _ => Kept::Row { columns: batch.kept.clone(), index },
        };
        Ok(Row { id: batch.id(index)?, text: batch.text(index, &self.join, self.max_text_bytes)?, kept })
    }

    fn next_batch(&mut self) -> Result<Option<Batch>> {
        let what = format!("cannot be read behind row {}", self.rows);
        let (reader, columns) = (&mut self.reader, &self.columns);
        guarded(&self.name, &self.failure, &what, || {
            let batch = reader.next().transpose()?;
            Ok(batch.map(|batch| Batch::new(&batch, columns)).transpose()?)
        })
    }

    fn bad_row(&self, rule: String) -> Error {
        Error::BadRow { input: self.name.clone(), row: self.rows + 1, rule }
    }

    fn check_end(&self) -> Result<()> {
        if self.rows == self.total_rows {
            return Ok(());
        }
        let rule = format!("ends behind row {}, but says that it has {} rows", self.rows, self.total_rows);
        Err(Error::BadInput { input: self.name.clone(), rule })
    }
}

/// Holds that the schema's fields are the file's columns, one to one: without its values a column has no field.
fn check_roots(metadata: &ArrowReaderMetadata) -> Result<(), String> {
    let columns = metadata.parquet_schema().root_schema().get_fields().len();
    let fields = metadata.schema().fields().len();
    if fields == columns {
        return Ok(());
    }
    Err(format!("has {columns} columns, of which only {fields} have values"))
}

/// Rows to read at a time: as many as have [`BATCH_BYTES`] where the file's rows are largest, on average of a row group.
fn batch_rows(metadata: &ParquetMetaData, roots: &[usize]) -> usize {
    let schema = metadata.file_metadata().schema_descr();
    let row_bytes = metadata.row_groups().iter().map(|group| {
        let read = group.columns().iter().enumerate();
        let read = read.filter(|(leaf, _)| roots.contains(&schema.get_column_root_idx(*leaf)));
        let bytes = read.map(|(_, chunk)| chunk.uncompressed_size().max(0) as u64);
        bytes.fold(0, u64::saturating_add) / group.num_rows().max(1) as u64
    });
    let largest = row_bytes.max().unwrap_or(0).max(1);
    (BATCH_BYTES / largest).clamp(1, BATCH_ROWS) as usize
}

/// Lets the parquet crate work; its errors and panics are the file's fault, unless the system could not read.
fn guarded<T>(
    name: &str,
    failure: &Failure,
    what: &str,
    body: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T> {
    let result = guard::catch(body);
    if let Some(failure) = failure.take() {
        return Err(failure.into_error(name));
    }
    let message = match result {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!("the reader fails on it ({panic})"),
    };
    // Names in the file may hold anything; a message has one line.
    let cause = message.trim_start_matches("Parquet error: ").replace(char::is_control, " ");
    Err(Error::BadInput { input: name.to_owned(), rule: format!("{what}: {cause}") })
}
