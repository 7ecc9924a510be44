//! A Parquet file and its rows in batches, independent of what its columns are for.
//!
//! A file that breaks the format, or on which the parquet crate panics, is refused with its name.

use std::fs::File;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::concat::concat_batches;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection, RowSelector,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::file::{Failure, ParquetSource};
use crate::text::fault::Fault;
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
    pub(crate) fn bad_input(&self, fault: impl Into<Fault>) -> Error {
        fault.into().of_input(&self.name)
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

    /// The columns at indices `roots` of some rows, whose numbers (from 0) are in ascending order; at least
    /// one. Row groups without any of them are not read.
    ///
    /// # Errors
    /// [`Error::BadInput`] if they cannot be read, [`Error::Io`] if reading fails.
    pub(crate) fn select(&self, rows: &[u64], roots: &[usize]) -> Result<RecordBatch> {
        let (groups, selection) = self.selection(rows);
        let source = self.source.again();
        let failure = source.failure();
        guarded(&self.name, &failure, "cannot be read", || {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, self.metadata.clone());
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots.iter().copied());
            let builder = builder.with_row_groups(groups).with_row_selection(selection);
            let reader = builder.with_batch_size(rows.len()).with_projection(mask).build()?;
            let schema = reader.schema();
            let found = reader.collect::<Result<Vec<RecordBatch>, ArrowError>>()?;
            let found = concat_batches(&schema, &found)?;
            match found.num_rows() == rows.len() {
                true => Ok(found),
                false => Err(ParquetError::General("rows are missing".to_owned())),
            }
        })
    }

    /// The row groups that have some of `rows`, and the rows to select in these.
    fn selection(&self, rows: &[u64]) -> (Vec<usize>, RowSelection) {
        let (mut groups, mut selectors) = (Vec::new(), Vec::new());
        let (mut first, mut next) = (0u64, 0);
        for (index, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            let end = first.saturating_add(group.num_rows().max(0) as u64);
            let inside = rows[next..].partition_point(|row| *row < end);
            if inside > 0 {
                groups.push(index);
                let mut at = first;
                for row in &rows[next..next + inside] {
                    selectors.push(RowSelector::skip((row - at) as usize));
                    selectors.push(RowSelector::select(1));
                    at = row + 1;
                }
                selectors.push(RowSelector::skip((end - at) as usize));
            }
            next += inside;
            first = end;
        }
        (groups, selectors.into())
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
