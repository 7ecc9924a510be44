//! Which rows are chunks of one text.

use std::ops::Range;

use arrow_array::UInt32Array;

use super::row_set::RowSet;
use super::source::RowSource;
use crate::vectors::rows::CHUNK;
use crate::{Error, Result};

/// The texts of a corpus whose rows are chunks. A text's chunks follow each other, the first with number 0.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    /// The first row of each text.
    starts: RowSet,
    rows: u64,
}

impl Texts {
    /// The texts of a corpus; `None` if each row is a text.
    ///
    /// # Errors
    /// If the chunks' numbers cannot be read.
    pub(super) fn of(corpus: &dyn RowSource) -> Result<Option<Self>> {
        let schema = corpus.columns()?;
        let is_chunk = |field: &arrow_schema::Field| field.data_type() == &arrow_schema::DataType::UInt32;
        if corpus.has_texts_alone() || !schema.field_with_name(CHUNK).is_ok_and(is_chunk) {
            return Ok(None);
        }
        let rows = corpus.rows()?;
        let (mut starts, mut row) = (RowSet::none(rows), 0);
        for batch in corpus.columns_of_all(&[CHUNK])? {
            let batch = batch?;
            let numbers = batch.column_by_name(CHUNK);
            let numbers = numbers.and_then(|column| column.as_any().downcast_ref::<UInt32Array>());
            let numbers = numbers.ok_or_else(|| Error::Bug(format!("the column `{CHUNK}` was not read")))?;
            for number in numbers.values() {
                if *number == 0 || row == 0 {
                    starts.insert(row);
                }
                row += 1;
            }
        }
        Ok((starts.len() < rows).then_some(Self { starts, rows }))
    }

    /// Number of texts.
    pub(super) fn len(&self) -> u64 {
        self.starts.len()
    }

    /// Average number of rows in a text, rounded up; 1 or more.
    pub(super) fn rows_per_text(&self) -> usize {
        self.rows.div_ceil(self.starts.len().max(1)).max(1) as usize
    }

    /// The rows of the text that has `row`.
    pub(super) fn around(&self, row: u64) -> Range<u64> {
        let start = self.starts.at_or_before(row).unwrap_or(0);
        start..self.starts.after(row).unwrap_or(self.rows)
    }
}
