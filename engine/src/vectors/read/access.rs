//! Parts of a file of vectors: its numbers without ids, some rows, its columns.

use std::sync::atomic::Ordering;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use super::NumberSlice;
use super::VectorFile;
use super::batch::StoredNumbers;
use super::source::{ColumnBatches, RowBlock, Table};
use crate::text::RecordId;
use crate::vectors::NumberType;
use crate::vectors::schema::EMBEDDING;
use crate::{Error, Result};

/// The numbers of some rows of a file, in order. A mapped file's are not copied.
#[derive(Debug, Clone)]
pub(crate) struct NumberBatch {
    /// Index of the first row in the file.
    pub(crate) first_row: u64,
    /// Number of rows.
    pub(crate) rows: usize,
    numbers: StoredNumbers,
}

impl NumberBatch {
    /// Rows of these numbers, back to back, from row `first_row` on.
    pub(crate) fn new(first_row: u64, rows: usize, numbers: StoredNumbers) -> Self {
        Self { first_row, rows, numbers }
    }

    /// The numbers, row after row.
    pub(crate) fn numbers(&self) -> NumberSlice<'_> {
        self.numbers.as_slice()
    }

    /// Some of its rows.
    pub(crate) fn slice(&self, start: usize, rows: usize) -> Self {
        let width = self.numbers.len() / self.rows.max(1);
        Self {
            first_row: self.first_row + start as u64,
            rows,
            numbers: self.numbers.slice(start * width, rows * width),
        }
    }
}

impl VectorFile {
    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The numbers of all rows, without their ids. That they are finite is checked when all of them are read for
    /// the first time.
    ///
    /// # Errors
    /// As [`VectorFile::batches`].
    pub(crate) fn numbers(&self) -> Result<impl Iterator<Item = Result<NumberBatch>> + '_> {
        let mut blocks = self.source.numbers()?;
        let is_checked = self.is_finite.load(Ordering::Relaxed);
        let (mut first_row, mut is_over) = (0u64, false);
        Ok(std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            let block = blocks.next();
            let batch = block.map(|block| self.number_batch(first_row, block?, is_checked));
            match &batch {
                Some(Ok(batch)) => first_row += batch.rows as u64,
                Some(Err(_)) => is_over = true,
                None => {
                    self.is_finite.store(true, Ordering::Relaxed);
                    is_over = true;
                }
            }
            batch
        }))
    }

    fn number_batch(&self, first_row: u64, block: RowBlock, is_checked: bool) -> Result<NumberBatch> {
        let RowBlock { rows, numbers, .. } = block;
        let width = self.head.width.unwrap_or(1);
        let bad_row = |row: u64, rule: String| Error::BadRow { input: self.name.clone(), row: row + 1, rule };
        let (expected, found) = (self.number_type(), numbers.number_type());
        if Some(numbers.len()) != rows.checked_mul(width) || expected != Some(found) {
            let expected = expected.map_or("", NumberType::name);
            let found_width = numbers.len() / rows.max(1);
            let rule = format!(
                "its vector has {found_width} numbers of {found}; the file has {width} of {expected}"
            );
            return Err(bad_row(first_row, rule));
        }
        if !is_checked && let Some(place) = numbers.first_not_finite() {
            let rule = format!("number {} of its vector is not finite", place % width);
            return Err(bad_row(first_row + (place / width) as u64, rule));
        }
        Ok(NumberBatch { first_row, rows, numbers })
    }

    /// The numbers of some rows, which are in ascending order: a batch for one or several of them.
    ///
    /// # Errors
    /// As [`VectorFile::batches`].
    pub(crate) fn numbers_of(&self, rows: &[u64]) -> Result<Vec<NumberBatch>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let (width, mut next) = (self.head.width.unwrap_or(1), 0);
        let mut batches = Vec::new();
        for numbers in self.source.numbers_of(rows)? {
            let count = numbers.len() / width;
            batches.push(NumberBatch {
                first_row: rows.get(next).copied().unwrap_or(0),
                rows: count,
                numbers,
            });
            next += count;
        }
        match next == rows.len() {
            true => Ok(batches),
            false => Err(self.bad_input(format!("has {next} of {} rows that were found before", rows.len()))),
        }
    }

    /// The ids of some rows, which are in ascending order. Without ids in the file these are the rows' numbers.
    ///
    /// # Errors
    /// As [`VectorFile::batches`].
    pub(crate) fn ids_of(&self, rows: &[u64]) -> Result<Vec<RecordId>> {
        let found = match rows.is_empty() {
            true => None,
            false => self.source.ids_of(rows)?,
        };
        let ids = found.unwrap_or_else(|| rows.iter().copied().map(RecordId::Row).collect());
        match ids.len() == rows.len() {
            true => Ok(ids),
            false => {
                Err(self.bad_input(format!("has {} of {} ids that were found before", ids.len(), rows.len())))
            }
        }
    }

    /// Its columns besides the vectors, in order. Formats without columns, and a job without rows, have none.
    ///
    /// # Errors
    /// If a job's first shard cannot be read.
    pub fn columns(&self) -> Result<SchemaRef> {
        let schema = self.source.table().map(Table::schema).transpose()?.flatten();
        let schema = schema.unwrap_or_else(|| SchemaRef::new(Schema::empty()));
        let others = schema.fields().iter().filter(|field| field.name() != EMBEDDING);
        Ok(SchemaRef::new(Schema::new(others.cloned().collect::<Vec<_>>())))
    }

    /// The columns of these names of all rows, in batches. Columns that the file lacks are left out.
    ///
    /// # Errors
    /// As [`VectorFile::batches`].
    pub(crate) fn columns_of_all(&self, names: &[&str]) -> Result<ColumnBatches<'_>> {
        match (self.source.table(), self.roots(names)?) {
            (Some(table), roots) if !roots.is_empty() => table.columns(&roots),
            _ => Ok(Box::new(std::iter::empty())),
        }
    }

    /// The columns of these names of some rows, which are in ascending order; `None` if the file has none of
    /// them.
    ///
    /// # Errors
    /// As [`VectorFile::batches`].
    pub(crate) fn columns_of(&self, rows: &[u64], names: &[&str]) -> Result<Option<RecordBatch>> {
        match (self.source.table(), self.roots(names)?) {
            (Some(table), roots) if !roots.is_empty() && !rows.is_empty() => {
                table.select(rows, &roots).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The indices of columns in the file's schema, in its order.
    fn roots(&self, names: &[&str]) -> Result<Vec<usize>> {
        let schema = self.source.table().map(Table::schema).transpose()?.flatten();
        let Some(schema) = schema else { return Ok(Vec::new()) };
        let mut roots: Vec<usize> = names.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        roots.sort_unstable();
        roots.dedup();
        Ok(roots)
    }
}
