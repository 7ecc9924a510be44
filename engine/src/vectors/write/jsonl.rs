//! One JSON object per line, with a key for each column: `{"id":..,"embedding":[..]}`, and for tokens
//! `{"id":..,"token_ids":[..],"tokens":[..],..,"embeddings":[[..],..]}`.
//!
//! A number is written with the fewest digits that parse back to the same f32.

use arrow_array::RecordBatch;

use super::RowWriter;
use super::destination::Sink;
use super::json_value::append_value;
use crate::Result;

/// Writes rows of jsonl.
pub(super) struct JsonlRows {
    sink: Sink,
    /// One line, kept to reuse its buffer.
    line: Vec<u8>,
}

impl JsonlRows {
    pub(super) fn new(sink: Sink) -> Self {
        Self { sink, line: Vec::new() }
    }

    fn fill_line(&mut self, rows: &RecordBatch, row: usize) -> Result<()> {
        self.line.clear();
        let schema = rows.schema_ref();
        for (index, (field, column)) in schema.fields().iter().zip(rows.columns()).enumerate() {
            self.line.push(if index == 0 { b'{' } else { b',' });
            super::json_value::append_string(&mut self.line, field.name());
            self.line.push(b':');
            append_value(&mut self.line, field, column, row)?;
        }
        self.line.extend_from_slice(b"}\n");
        Ok(())
    }
}

impl RowWriter for JsonlRows {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        (0..rows.num_rows()).try_for_each(|row| {
            self.fill_line(rows, row)?;
            self.sink.write(&self.line)
        })
    }

    fn flush(&mut self) -> Result<()> {
        self.sink.flush()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.sink.finish()
    }
}
