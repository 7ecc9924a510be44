//! The interface of all readers.

use std::fmt;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::batch::StoredNumbers;
use crate::Result;
use crate::text::RecordId;
use crate::vectors::{Metadata, NumberType};

/// Maximum rows returned together.
pub(super) const BATCH_ROWS: usize = 4096;
/// Maximum bytes of vectors returned together, unless one has more.
pub(super) const BATCH_BYTES: usize = 8 << 20;

/// Facts about a file known before its rows are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    pub(super) rows: Option<u64>,
    /// Numbers in a vector.
    pub(super) width: Option<usize>,
    pub(super) number_type: Option<NumberType>,
    /// The file's metadata.
    pub(super) metadata: Metadata,
}

/// Rows that were read together.
pub(super) struct RowBlock {
    pub(super) rows: usize,
    /// None in a file without ids, or if they were not read.
    pub(super) ids: Option<Vec<RecordId>>,
    pub(super) numbers: StoredNumbers,
}

impl RowBlock {
    /// Rows without their ids.
    pub(super) fn of_numbers(rows: usize, numbers: StoredNumbers) -> Self {
        Self { rows, ids: None, numbers }
    }
}

/// The rows of a file, in order. Ends at the first error.
pub(super) type RowBlocks<'a> = Box<dyn Iterator<Item = Result<RowBlock>> + Send + 'a>;

/// A file of vectors whose head was read and checked.
pub(super) trait VectorSource: fmt::Debug + Send + Sync {
    /// The facts known before reading rows.
    fn head(&self) -> Head;

    /// Its rows from the first on; each call reads them again.
    fn pieces(&self) -> Result<RowBlocks<'_>>;

    /// The vectors of all rows, without reading ids.
    fn numbers(&self) -> Result<RowBlocks<'_>> {
        self.pieces()
    }

    /// The vectors of some rows, which are in ascending order.
    fn numbers_of(&self, rows: &[u64]) -> Result<Vec<StoredNumbers>> {
        let (mut found, mut first, mut next) = (Vec::new(), 0, 0);
        for piece in self.pieces()? {
            let piece = piece?;
            let width = piece.numbers.len() / piece.rows.max(1);
            let end = first + piece.rows as u64;
            while let Some(row) = rows.get(next).filter(|row| **row < end) {
                found.push(piece.numbers.slice((row - first) as usize * width, width));
                next += 1;
            }
            first = end;
            if next == rows.len() {
                break;
            }
        }
        Ok(found)
    }

    /// The ids of some rows, which are in ascending order; none in a file without ids.
    fn ids_of(&self, rows: &[u64]) -> Result<Option<Vec<RecordId>>> {
        let (mut found, mut first, mut next) = (Vec::new(), 0, 0);
        for piece in self.pieces()? {
            let piece = piece?;
            let Some(ids) = piece.ids else { return Ok(None) };
            let end = first + piece.rows as u64;
            while let Some(row) = rows.get(next).filter(|row| **row < end) {
                found.push(ids[(row - first) as usize].clone());
                next += 1;
            }
            first = end;
            if next == rows.len() {
                break;
            }
        }
        Ok(Some(found))
    }

    /// Its columns, if the format has any.
    fn table(&self) -> Option<&dyn Table> {
        None
    }
}

/// Some rows with some columns, in order. Ends at the first error.
pub(super) type ColumnBatches<'a> = Box<dyn Iterator<Item = Result<RecordBatch>> + Send + 'a>;

/// The columns of a file.
pub(super) trait Table {
    /// All of them, in the file's order; none if nothing was written yet.
    fn schema(&self) -> Result<Option<SchemaRef>>;

    /// The columns at indices `roots` of all rows.
    fn columns(&self, roots: &[usize]) -> Result<ColumnBatches<'_>>;

    /// The columns at indices `roots` of some rows, at least one, which are in ascending order.
    fn select(&self, rows: &[u64], roots: &[usize]) -> Result<RecordBatch>;
}

/// Number of rows of this size that are returned together.
pub(super) fn rows_at_once(row_bytes: usize) -> usize {
    (BATCH_BYTES / row_bytes.max(1)).clamp(1, BATCH_ROWS)
}
