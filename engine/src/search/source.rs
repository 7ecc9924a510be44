//! Rows that can be searched: those of a file of vectors or of a job's folder.

use std::fmt;

use arrow_array::RecordBatch;
use arrow_buffer::ScalarBuffer;
use arrow_schema::SchemaRef;

use super::row_set::RowSet;
use crate::text::RecordId;
use crate::vectors::read::{NumberBatch, VectorFile};
use crate::vectors::{NumberType, Provenance};
use crate::{Error, Result};

/// Things in the order of their rows. Ends at the first error.
pub(crate) type InOrder<'a, T> = Box<dyn Iterator<Item = Result<T>> + Send + 'a>;

/// Some rows as bytes, where they are stored: whole panels of [`ByteCodes`](nearsay_kernels::ByteCodes).
pub(crate) struct CodeBatch {
    pub(crate) codes: ScalarBuffer<i8>,
    pub(crate) steps: ScalarBuffer<f32>,
    pub(crate) residuals: ScalarBuffer<f32>,
    pub(crate) lengths: ScalarBuffer<f32>,
    /// The place of the first among all rows that are stored.
    pub(crate) first_place: u64,
    /// The seed of their rotation.
    pub(crate) rotation: Option<u64>,
}

/// The signs of some rows.
pub(crate) struct BitBatch {
    /// [rows, width / 8]
    pub(crate) bytes: ScalarBuffer<u8>,
    pub(crate) rows: usize,
    pub(crate) first_row: u64,
}

/// Rows of a vector, an id and columns each, in an order that does not change.
pub(crate) trait RowSource: fmt::Debug + Send + Sync {
    /// The name in messages.
    fn name(&self) -> &str;

    /// Number of rows.
    fn rows(&self) -> Result<u64>;

    /// Numbers in a row; `None` if there are no rows and it is not stated.
    fn width(&self) -> Option<usize>;

    /// The type of the numbers; `None` as for the width.
    fn number_type(&self) -> Option<NumberType>;

    /// Whether rows are missing that are still being written.
    fn is_complete(&self) -> bool;

    /// The origin of the vectors, if it is known.
    fn provenance(&self) -> Option<&Provenance>;

    /// Whether rows have length 1, those of zeros excepted.
    fn has_unit_rows(&self) -> bool {
        self.provenance().is_some_and(|provenance| provenance.normalized)
    }

    /// Inputs that have changed since they were read. Files of vectors do not record them.
    fn stale(&self) -> &[String] {
        &[]
    }

    /// Damage that was avoided by reading a copy.
    fn damage(&self) -> &[String] {
        &[]
    }

    /// Whether it is known without reading that each row is a text, and none a chunk of one.
    fn has_texts_alone(&self) -> bool {
        false
    }

    /// Whether the texts that chunks come from are stored whole.
    fn has_whole_texts(&self) -> bool {
        false
    }

    /// The stretches of a text before and after a row's chunk, so many characters each; empty without whole texts.
    fn around(&self, _row: u64, _characters: usize) -> Result<(String, String)> {
        Ok(Default::default())
    }

    /// The columns besides the vectors.
    fn columns(&self) -> Result<SchemaRef>;

    /// The numbers of all rows.
    fn numbers(&self) -> Result<InOrder<'_, NumberBatch>>;

    /// The numbers of some rows, which are in ascending order.
    fn numbers_of(&self, rows: &[u64]) -> Result<Vec<NumberBatch>>;

    /// All stored rows as bytes, in the order of their places; `None` if not all are.
    fn codes(&self) -> Option<InOrder<'_, CodeBatch>> {
        None
    }

    /// The signs of all rows; `None` if not all have them.
    fn bits(&self) -> Option<InOrder<'_, BitBatch>> {
        None
    }

    /// The places of some rows, or of all; `None` if each place is that of a row.
    fn places_of(&self, rows: Option<&RowSet>) -> Option<RowSet> {
        rows.cloned()
    }

    /// The row that is stored at a place.
    fn row_at(&self, place: u64) -> Option<u64> {
        Some(place)
    }

    /// The ids of some rows, which are in ascending order; their numbers if they have no ids.
    fn ids_of(&self, rows: &[u64]) -> Result<Vec<RecordId>>;

    /// Columns of all rows.
    fn columns_of_all(&self, names: &[&str]) -> Result<InOrder<'_, RecordBatch>>;

    /// Columns of some rows, which are in ascending order; `None` if none of the columns exists.
    fn columns_of(&self, rows: &[u64], names: &[&str]) -> Result<Option<RecordBatch>>;
}

impl RowSource for VectorFile {
    fn name(&self) -> &str {
        self.name()
    }

    fn rows(&self) -> Result<u64> {
        self.rows().ok_or_else(|| {
            Error::usage_hint(
                format!("{} cannot be searched: its number of rows is not known", self.name()),
                "search a .parquet, .arrow, .safetensors or .npy file, or a job's folder",
            )
        })
    }

    fn width(&self) -> Option<usize> {
        self.width()
    }

    fn number_type(&self) -> Option<NumberType> {
        self.number_type()
    }

    fn is_complete(&self) -> bool {
        self.is_complete()
    }

    fn provenance(&self) -> Option<&Provenance> {
        self.provenance()
    }

    fn columns(&self) -> Result<SchemaRef> {
        self.columns()
    }

    fn numbers(&self) -> Result<InOrder<'_, NumberBatch>> {
        Ok(Box::new(self.numbers()?))
    }

    fn numbers_of(&self, rows: &[u64]) -> Result<Vec<NumberBatch>> {
        self.numbers_of(rows)
    }

    fn ids_of(&self, rows: &[u64]) -> Result<Vec<RecordId>> {
        self.ids_of(rows)
    }

    fn columns_of_all(&self, names: &[&str]) -> Result<InOrder<'_, RecordBatch>> {
        self.columns_of_all(names)
    }

    fn columns_of(&self, rows: &[u64], names: &[&str]) -> Result<Option<RecordBatch>> {
        self.columns_of(rows, names)
    }
}
