//! A Parquet file and its rows in batches, independent of what its columns are for.
//!
//! A file that breaks the format, or on which the parquet crate panics, is refused with its name.

use std::fs::File;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::file::{Failure, ParquetSource};
use crate::{Error, Result, guard};

/// Maximum rows read at a time.
const BATCH_ROWS: u64 = 1024;
/// Maximum average bytes of such a batch after decompression, unless one row has more.
const BATCH_BYTES: u64 = 32 << 20;

/// A file whose footer was read.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    name: String,
    source: ParquetSource,
    metadata: ArrowReaderMetadata,
}

impl ParquetFile {
    /// Reads a file's schema. `name` is the file's name in messages.
    ///
    /// # Errors
    /// [`Error::BadInput`] if it is not a Parquet file, [`Error::Io`] if reading fails.
    pub(crate) fn open(name: String, file: File) -> Result<Self> {
        let source = ParquetSource::new(file).map_err(|source| Error::Io {
            action: "reading",
            target: name.clone(),
            source,
        })?;
        let load = || ArrowReaderMetadata::load(&source, ArrowReaderOptions::new());
        let metadata = guarded(&name, &source.failure(), "is not a valid Parquet file", load)?;
        let file = Self { name, source, metadata };
        file.check_roots().map_err(|rule| file.bad_input(rule))?;
        Ok(file)
    }

    /// The columns, and the file's key-value metadata.
    pub(crate) fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Size of the file in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.source.size()
    }

    /// Number of rows according to the file.
    pub(crate) fn rows(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows().try_into().unwrap_or(0)
    }

    /// The file's name in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The error for a rule that the file breaks.
    pub(crate) fn bad_input(&self, rule: String) -> Error {
        Error::BadInput { input: self.name.clone(), rule }
    }

    /// The rows from the first on, with the columns at indices `roots` in the types that `schema` has for
    /// them.
    ///
    /// # Errors
    /// [`Error::BadInput`] if the columns cannot be read, [`Error::Io`] if reading fails.
    pub(crate) fn batches(&self, schema: SchemaRef, roots: &[usize]) -> Result<ParquetBatches> {
        let rows = batch_rows(self.metadata.metadata(), roots);
        let source = self.source.again();
        let failure = source.failure();
        let options = ArrowReaderOptions::new().with_schema(schema);
        let build = || {
            // If a file's own schema does not allow these types, columns are read as they are.
            let metadata = ArrowReaderMetadata::try_new(self.metadata.metadata().clone(), options);
            let metadata = metadata.unwrap_or_else(|_| self.metadata.clone());
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata);
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots.iter().copied());
            builder.with_batch_size(rows).with_projection(mask).build()
        };
        let reader = guarded(&self.name, &failure, "is not a valid Parquet file", build)?;
        Ok(ParquetBatches { name: self.name.clone(), total_rows: self.rows(), failure, reader, rows: 0 })
    }

    /// Checks that the schema's fields are the file's columns, one to one: a column without values has no
    /// field.
    fn check_roots(&self) -> Result<(), String> {
        let columns = self.metadata.parquet_schema().root_schema().get_fields().len();
        let fields = self.schema().fields().len();
        if fields == columns {
            return Ok(());
        }
        Err(format!("has {columns} columns, of which only {fields} have values"))
    }
}

/// The rows of a file, in batches.
pub(crate) struct ParquetBatches {
    name: String,
    /// Number of rows according to the file.
    total_rows: u64,
    failure: Failure,
    reader: ParquetRecordBatchReader,
    /// Rows read so far.
    rows: u64,
}

impl ParquetBatches {
    /// The next rows, converted by `make`; `None` after the last.
    ///
    /// # Errors
    /// [`Error::BadInput`] if they break the format or there are fewer than the file claims, [`Error::Io`] if
    /// reading fails.
    pub(crate) fn next<T>(
        &mut self,
        make: impl FnOnce(RecordBatch) -> Result<T, ArrowError>,
    ) -> Result<Option<T>> {
        let what = format!("cannot be read after row {}", self.rows);
        let (reader, mut rows) = (&mut self.reader, 0);
        let made = guarded(&self.name, &self.failure, &what, || {
            let batch = reader.next().transpose()?;
            rows = batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
            Ok(batch.map(make).transpose()?)
        })?;
        self.rows += rows;
        if made.is_none() && self.rows != self.total_rows {
            let rule = format!("ends after row {}, but says that it has {} rows", self.rows, self.total_rows);
            return Err(Error::BadInput { input: self.name.clone(), rule });
        }
        Ok(made)
    }
}

/// Rows to read at a time: the number that fits [`BATCH_BYTES`] in the row group with the largest average
/// row.
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

/// Calls the parquet crate; its errors and panics are the file's fault, unless the system failed to read.
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
    // Names in the file may contain anything; a message is one line.
    let cause = message.trim_start_matches("Parquet error: ").replace(char::is_control, " ");
    Err(Error::BadInput { input: name.to_owned(), rule: format!("{what}: {cause}") })
}
