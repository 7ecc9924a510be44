//! Parquet files.
//!
//! Vectors are uncompressed: no compression shrinks their bits much, and a reader gets them at the disk's
//! speed. The other columns are compressed with Zstandard. A file's bytes depend only on the rows and on
//! their division into batches.

use std::io;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::digest::{Digest, DigestWriter};
use super::{OutputFile, RowWriter};
use crate::vectors::Metadata;
use crate::vectors::schema::{EMBEDDING, EMBEDDINGS, VALUES, described};
use crate::{Error, Result, guard};

/// Bytes of rows in memory after which they become a row group: a reader must hold one at a time.
const ROW_GROUP_BYTES: usize = 32 << 20;

/// Writes a Parquet file.
pub struct ParquetRows {
    /// The file's path, for messages.
    target: String,
    writer: ArrowWriter<DigestWriter<OutputFile>>,
}

impl ParquetRows {
    /// Starts a file of rows of `schema`; `metadata` goes to its key-value metadata.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(file: OutputFile, schema: &SchemaRef, metadata: &Metadata) -> Result<Self> {
        let target = file.target().display().to_string();
        let described = SchemaRef::new(described(schema, metadata));
        let properties = properties(schema, metadata);
        let writer = ArrowWriter::try_new(DigestWriter::new(file), described, Some(properties))
            .map_err(|error| failed(&target, error))?;
        Ok(Self { target, writer })
    }

    /// Completes the file, renames it to its target, and returns its digest.
    ///
    /// # Errors
    /// Those of [`RowWriter::finish`].
    pub fn finish_with_digest(self) -> Result<Digest> {
        let Self { target, writer } = self;
        let file = caught(&target, || writer.into_inner())?;
        let (file, digest) = file.into_parts();
        file.persist()?;
        Ok(digest)
    }
}

impl RowWriter for ParquetRows {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let Self { target, writer } = self;
        caught(target, || writer.write(rows))?;
        if writer.in_progress_size() < ROW_GROUP_BYTES {
            return Ok(());
        }
        caught(target, || writer.flush())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.finish_with_digest().map(drop)
    }
}

fn properties(schema: &Schema, metadata: &Metadata) -> WriterProperties {
    let pairs = metadata.iter().map(|(key, value)| KeyValue::new(format!("nearsay.{key}"), value.clone()));
    // A job that another version started keeps that version's bytes.
    let version = metadata.get("version").map_or(env!("CARGO_PKG_VERSION"), String::as_str);
    let builder = WriterProperties::builder()
        .set_created_by(format!("nearsay version {version}"))
        .set_key_value_metadata(Some(pairs.collect()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_compression(Compression::ZSTD(ZstdLevel::default()));
    vector_columns(schema)
        .into_iter()
        .fold(builder, |builder, column| {
            builder
                .set_column_compression(column.clone(), Compression::UNCOMPRESSED)
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_statistics_enabled(column, EnabledStatistics::None)
        })
        .build()
}

/// The paths of the vectors' numbers.
fn vector_columns(schema: &Schema) -> Vec<ColumnPath> {
    let vectors = schema.fields().iter().filter(|field| has_vectors(field));
    vectors.map(|field| ColumnPath::new(leaf(field.name(), field.data_type()))).collect()
}

/// Whether a column has the numbers of vectors. A kept one may have the name of the values of sparse vectors.
fn has_vectors(field: &Field) -> bool {
    let is_list = matches!(field.data_type(), DataType::List(item) if item.data_type() == &DataType::Float32);
    match field.name().as_str() {
        EMBEDDING | EMBEDDINGS => true,
        VALUES => is_list && !field.is_nullable(),
        _ => false,
    }
}

fn leaf(name: &str, data_type: &DataType) -> Vec<String> {
    let mut path = vec![name.to_owned()];
    let mut inner = data_type;
    while let DataType::FixedSizeList(item, _) | DataType::List(item) = inner {
        path.extend(["list".to_owned(), item.name().clone()]);
        inner = item.data_type();
    }
    path
}

/// Zstandard's crate panics if it cannot allocate; nothing half done is used after that.
fn caught<T>(target: &str, work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    let out_of_memory = |panic: String| Error::Io {
        action: "writing",
        target: target.to_owned(),
        source: io::Error::new(io::ErrorKind::OutOfMemory, panic),
    };
    guard::catch(work).map_err(out_of_memory)?.map_err(|error| failed(target, error))
}

/// The system's error, which the writer has wrapped, or else a bug that the writer reports.
fn failed(target: &str, error: ParquetError) -> Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(source) => Error::Io { action: "writing", target: target.to_owned(), source: *source },
            Err(cause) => Error::Bug(format!("parquet: {cause}")),
        },
        other => Error::Bug(format!("parquet: {other}")),
    }
}
