//! The interface of all writers, and the writers.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::arrow::ArrowRows;
use super::destination::{Destination, Sink};
use super::jsonl::JsonlRows;
use super::npy::NpyRows;
use super::parquet::ParquetRows;
use super::safetensors::TensorRows;
use super::{OutputFile, OutputFormat};
use crate::error::phrase;
use crate::vectors::Metadata;
use crate::{Error, Result, Setting};

/// Writes rows.
pub trait RowWriter: Send {
    /// Appends rows of the writer's schema.
    ///
    /// # Errors
    /// [`Error::Io`].
    fn write(&mut self, rows: &RecordBatch) -> Result<()>;

    /// Flushes the rows written so far, if they go to standard output.
    ///
    /// # Errors
    /// [`Error::Io`].
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// Completes the output and renames it to its target. Without this there is no output.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::CannotCreate`] if the name was taken in the meantime.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// A writer of rows of `schema` (see [`schema`](crate::vectors::schema)). `metadata` is for the formats that
/// can store it: parquet, arrow and safetensors.
///
/// # Errors
/// [`Error::Usage`] for standard output in a format other than jsonl, and [`Error::Io`].
pub fn row_writer(
    destination: Destination,
    format: OutputFormat,
    schema: &SchemaRef,
    metadata: &Metadata,
) -> Result<Box<dyn RowWriter>> {
    Ok(match format {
        OutputFormat::Jsonl => Box::new(JsonlRows::new(destination.0)),
        OutputFormat::Npy => Box::new(NpyRows::new(file(destination, format)?, schema)?),
        OutputFormat::Safetensors => Box::new(TensorRows::new(file(destination, format)?, schema, metadata)?),
        OutputFormat::Parquet => Box::new(ParquetRows::new(file(destination, format)?, schema, metadata)?),
        OutputFormat::Arrow => Box::new(ArrowRows::new(file(destination, format)?, schema, metadata)?),
    })
}

/// The formats other than jsonl need a file.
fn file(destination: Destination, format: OutputFormat) -> Result<OutputFile> {
    match destination.0 {
        Sink::File(file) => Ok(file),
        Sink::Stream(_) => Err(Error::usage_hint(
            format!("{format} cannot be written to standard output; only jsonl can"),
            phrase!["name a file with ", Setting::Output],
        )),
    }
}

#[cfg(test)]
mod tests;
