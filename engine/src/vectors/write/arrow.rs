//! Arrow IPC files (.arrow, .feather): record batches in their memory layout, which readers map without
//! decoding.

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, SchemaRef};

use super::{OutputFile, RowWriter};
use crate::vectors::Metadata;
use crate::vectors::schema::described;
use crate::{Error, Result};

/// Writes an Arrow IPC file.
pub(super) struct ArrowRows {
    target: String,
    writer: FileWriter<OutputFile>,
}

impl ArrowRows {
    pub(super) fn new(file: OutputFile, schema: &SchemaRef, metadata: &Metadata) -> Result<Self> {
        let target = file.target().display().to_string();
        let described = described(schema, metadata);
        let writer = FileWriter::try_new(file, &described).map_err(|error| failed(&target, error))?;
        Ok(Self { target, writer })
    }
}

impl RowWriter for ArrowRows {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.writer.write(rows).map_err(|error| failed(&self.target, error))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.writer.finish().map_err(|error| failed(&self.target, error))?;
        let target = self.target;
        self.writer.into_inner().map_err(|error| failed(&target, error))?.persist()
    }
}

fn failed(target: &str, error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, source) => Error::Io { action: "writing", target: target.to_owned(), source },
        other => Error::Bug(format!("arrow: {other}")),
    }
}
