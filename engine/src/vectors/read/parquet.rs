//! The columns `embedding` and `id` of a Parquet file, in batches of rows.

use std::fs::File;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};

use super::batch::StoredNumbers;
use super::columns::VectorColumns;
use super::source::{ColumnBatches, Head, RowBlock, RowBlocks, Table, VectorSource};
use crate::Result;
use crate::text::{ParquetFile, RecordId};

/// A file whose columns were found.
#[derive(Debug)]
pub(super) struct ParquetVectors {
    file: ParquetFile,
    columns: VectorColumns,
}

impl ParquetVectors {
    /// Reads a file's schema. `name` is the file's name in messages.
    ///
    /// # Errors
    /// If it is not a Parquet file or its columns break a rule.
    pub(super) fn open(name: String, file: File) -> Result<Self> {
        let file = ParquetFile::open(name, file)?;
        let columns = VectorColumns::find(file.schema()).map_err(|rule| file.bad_input(rule))?;
        Ok(Self { file, columns })
    }

    /// Its rows, which no longer need the file's name.
    pub(super) fn rows(&self) -> Result<impl Iterator<Item = Result<RowBlock>> + Send + use<>> {
        let columns = self.columns.clone();
        self.made(&self.columns.roots, move |rows| columns.piece(&rows))
    }

    /// Its columns at indices `roots`, converted by `make`.
    pub(super) fn made<T, F: FnMut(RecordBatch) -> Result<T, ArrowError> + Send>(
        &self,
        roots: &[usize],
        mut make: F,
    ) -> Result<impl Iterator<Item = Result<T>> + Send + use<T, F>> {
        let mut batches = self.file.batches(self.file.schema().clone(), roots)?;
        Ok(std::iter::from_fn(move || batches.next(&mut make).transpose()))
    }

    /// Its vectors.
    pub(super) fn vectors(&self) -> Result<impl Iterator<Item = Result<RowBlock>> + Send + use<>> {
        self.made(&[self.columns.embedding], |rows| VectorColumns::numbers(&rows))
    }

    /// All of its columns.
    pub(super) fn file_schema(&self) -> &SchemaRef {
        self.file.schema()
    }
}

impl VectorSource for ParquetVectors {
    fn head(&self) -> Head {
        self.columns.head(self.file.rows(), self.file.schema())
    }

    fn pieces(&self) -> Result<RowBlocks<'_>> {
        Ok(Box::new(self.rows()?))
    }

    fn numbers(&self) -> Result<RowBlocks<'_>> {
        Ok(Box::new(self.vectors()?))
    }

    fn numbers_of(&self, rows: &[u64]) -> Result<Vec<StoredNumbers>> {
        let found = self.select(rows, &[self.columns.embedding])?;
        let numbers =
            VectorColumns::numbers(&found).map_err(|error| self.file.bad_input(error.to_string()))?;
        Ok(vec![numbers.numbers])
    }

    fn ids_of(&self, rows: &[u64]) -> Result<Option<Vec<RecordId>>> {
        let Some(id) = self.columns.id else { return Ok(None) };
        let found = self.select(rows, &[id])?;
        let ids = self.columns.ids_in(&found).map_err(|error| self.file.bad_input(error.to_string()))?;
        Ok(Some(ids))
    }

    fn table(&self) -> Option<&dyn Table> {
        Some(self)
    }
}

impl Table for ParquetVectors {
    fn schema(&self) -> Result<Option<SchemaRef>> {
        Ok(Some(self.file.schema().clone()))
    }

    fn columns(&self, roots: &[usize]) -> Result<ColumnBatches<'_>> {
        Ok(Box::new(self.made(roots, Ok)?))
    }

    fn select(&self, rows: &[u64], roots: &[usize]) -> Result<RecordBatch> {
        self.file.select(rows, roots)
    }
}
