//! Arrow IPC files, mapped: uncompressed vectors are not copied.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::FileDecoder;
use arrow_schema::SchemaRef;

use super::arrow_table::{ArrowTable, guarded};
use super::batch::StoredNumbers;
use super::columns::VectorColumns;
use super::source::{ColumnBatches, Head, RowBlock, RowBlocks, Table, VectorSource};
use crate::Result;
use crate::text::RecordId;

/// A file whose footer was read.
#[derive(Debug)]
pub(super) struct ArrowFile {
    table: ArrowTable,
    columns: VectorColumns,
    /// Decodes the vectors and ids.
    decoder: FileDecoder,
}

impl ArrowFile {
    /// Reads the footer of a mapped file. `name` is the file's name in messages.
    ///
    /// # Errors
    /// [`Error::BadInput`] if it is not an Arrow file or its columns break a rule.
    pub(super) fn open(name: String, file: Buffer) -> Result<Self> {
        let table = ArrowTable::open(name, file)?;
        let columns = VectorColumns::find(&table.schema).map_err(|rule| table.bad_input(rule))?;
        let decoder = table.decoder(&columns.roots)?;
        Ok(Self { table, columns, decoder })
    }

    /// The vectors and ids of a batch, some rows at a time: a batch may be as large as the file.
    fn blocks_of(&self, number: usize) -> Result<impl Iterator<Item = Result<RowBlock>> + '_> {
        let batch: RecordBatch = self.table.made(&self.decoder, number, Ok)?;
        let (rows, step) = (batch.num_rows(), self.columns.rows_at_once());
        let what = format!("cannot be read at batch {}", number + 1);
        let part = move |start: usize| {
            let part = batch.slice(start, step.min(rows - start));
            guarded(&what, || self.columns.piece(&part)).map_err(|rule| self.table.bad_input(rule))
        };
        Ok((0..rows).step_by(step).map(part))
    }

    fn batches(&self) -> std::ops::Range<usize> {
        0..self.table.batch_rows().len()
    }
}

impl VectorSource for ArrowFile {
    fn head(&self) -> Head {
        self.columns.head(self.table.rows(), &self.table.schema)
    }

    fn numbers(&self) -> Result<RowBlocks<'_>> {
        let decoder = self.table.decoder(&[self.columns.embedding])?;
        let numbers = move |number| self.table.made(&decoder, number, |rows| VectorColumns::numbers(&rows));
        Ok(Box::new(self.batches().map(numbers)))
    }

    fn numbers_of(&self, rows: &[u64]) -> Result<Vec<StoredNumbers>> {
        let found = self.table.select(rows, &[self.columns.embedding])?;
        let numbers =
            VectorColumns::numbers(&found).map_err(|error| self.table.bad_input(error.to_string()))?;
        Ok(vec![numbers.numbers])
    }

    fn ids_of(&self, rows: &[u64]) -> Result<Option<Vec<RecordId>>> {
        let Some(id) = self.columns.id else { return Ok(None) };
        let found = self.table.select(rows, &[id])?;
        let ids = self.columns.ids_in(&found).map_err(|error| self.table.bad_input(error.to_string()))?;
        Ok(Some(ids))
    }

    fn table(&self) -> Option<&dyn Table> {
        Some(self)
    }

    fn pieces(&self) -> Result<RowBlocks<'_>> {
        let of_batch = |number| -> RowBlocks<'_> {
            match self.blocks_of(number) {
                Ok(blocks) => Box::new(blocks),
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        };
        Ok(Box::new(self.batches().flat_map(of_batch)))
    }
}

impl Table for ArrowFile {
    fn schema(&self) -> Result<Option<SchemaRef>> {
        Ok(Some(Arc::clone(&self.table.schema)))
    }

    fn columns(&self, roots: &[usize]) -> Result<ColumnBatches<'_>> {
        let decoder = self.table.decoder(roots)?;
        Ok(Box::new(self.batches().map(move |number| self.table.made(&decoder, number, Ok))))
    }

    fn select(&self, rows: &[u64], roots: &[usize]) -> Result<RecordBatch> {
        self.table.select(rows, roots)
    }
}
