//! Rows of a Parquet file, by Apache Arrow's reader.
//!
//! Only the needed columns are read, in batches of rows, so that memory is bounded by the pages of one row
//! group. Texts and ids may be of any string type, ids also whole numbers; kept columns may have any type and
//! stay unchanged. Nested columns cannot be named.

mod batches;
mod columns;
mod file;
mod values;

use std::fs::File;

use arrow_schema::Field;

pub(crate) use batches::{ParquetBatches, ParquetFile};
use columns::Columns;
use values::Batch;
pub(crate) use values::Ids;

use super::fault::{Checked, Fault};
use super::record::{Missing, NextRow, Row};
use super::{Kept, TextOptions};
use crate::Result;

/// A file's kept columns, in the order of [`TextOptions::keep`], each nullable.
///
/// # Errors
/// Those of [`ParquetRows::open`].
pub(super) fn kept_fields(name: String, file: File, options: &TextOptions) -> Result<Vec<Field>> {
    let file = ParquetFile::open(name, file)?;
    Ok(find_columns(&file, options)?.kept_fields)
}

fn find_columns(file: &ParquetFile, options: &TextOptions) -> Result<Columns> {
    Columns::find(file.schema(), options).map_err(|fault| fault.of_input(file.name()))
}

/// The rows of a file.
pub(super) struct ParquetRows {
    name: String,
    size: u64,
    /// Number of rows according to the file.
    total_rows: u64,
    batches: ParquetBatches,
    columns: Columns,
    options: TextOptions,
    batch: Option<Batch>,
    /// The next row of the batch.
    next: usize,
    /// Rows returned so far.
    rows: u64,
}

impl ParquetRows {
    /// Opens a file for reading from the first row on.
    ///
    /// # Errors
    /// [`Error::BadInput`] if it is not a Parquet file or lacks a column, [`Error::Io`] if reading fails.
    pub(super) fn open(name: String, file: File, options: &TextOptions) -> Result<Self> {
        let file = ParquetFile::open(name.clone(), file)?;
        let columns = find_columns(&file, options)?;
        let batches = file.batches(columns.with_views(file.schema()), &columns.roots)?;
        Ok(Self {
            name,
            size: file.size(),
            total_rows: file.rows(),
            batches,
            columns,
            options: options.clone(),
            batch: None,
            next: 0,
            rows: 0,
        })
    }

    /// The file's bytes, in proportion to the rows returned.
    pub(super) fn bytes_read(&self) -> u64 {
        match self.total_rows {
            0 => self.size,
            total => (u128::from(self.size) * u128::from(self.rows.min(total)) / u128::from(total)) as u64,
        }
    }

    pub(super) fn next(&mut self) -> Result<NextRow> {
        loop {
            if let Some(batch) = self.batch.as_ref().filter(|batch| self.next < batch.rows) {
                let row = self.take(batch).map_err(|fault| fault.of_row(&self.name, self.rows + 1))?;
                self.next += 1;
                self.rows += 1;
                return Ok(row);
            }
            let columns = &self.columns;
            self.batch = self.batches.next(|batch| Batch::new(&batch, columns))?;
            self.next = 0;
            if self.batch.is_none() {
                return Ok(NextRow::End);
            }
        }
    }

    fn take(&self, batch: &Batch) -> Checked<NextRow> {
        let index = self.next;
        let (text, missing) = match batch.text(index, &self.options)? {
            Some(text) => (text, None),
            None if self.options.keep_missing => (String::new(), Some(Missing::Null)),
            None => return Ok(NextRow::Skipped(Missing::Null)),
        };
        let kept = match batch.kept.len() {
            0 => Kept::Nothing,
            _ => Kept::Row { columns: batch.kept.clone(), index },
        };
        let id = batch.id(index).map_err(|rule| Fault::from(rule).with(self.options.id_remedy()))?;
        Ok(NextRow::Row(Row { id, text, missing, kept }))
    }
}
