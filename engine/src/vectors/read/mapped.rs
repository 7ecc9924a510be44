//! Files that are one matrix in memory, with or without ids.

use arrow_buffer::Buffer;

use super::batch::StoredNumbers;
use super::matrix::Matrix;
use super::npy;
use super::safetensors::{JsonIds, Tensors, tensors};
use super::source::{Head, RowBlock, RowBlocks, VectorSource, rows_at_once};
use crate::text::RecordId;
use crate::vectors::Metadata;
use crate::{Error, Result};

/// Bytes of vectors that are returned together without their ids: enough for threads that share the work on them.
const NUMBER_BYTES: usize = 32 << 20;
/// Most rows of them.
const NUMBER_ROWS: usize = 1 << 16;

/// A matrix in a mapped file.
#[derive(Debug)]
pub(super) struct MappedMatrix {
    name: String,
    matrix: Matrix,
    ids: Option<Buffer>,
    metadata: Metadata,
}

impl MappedMatrix {
    /// From a npy file.
    ///
    /// # Errors
    /// [`Error::BadInput`] if it breaks a rule.
    pub(super) fn npy(name: String, file: &Buffer) -> Result<Self> {
        match npy::matrix(file) {
            Ok(matrix) => Ok(Self { name, matrix, ids: None, metadata: Metadata::new() }),
            Err(rule) => Err(Error::BadInput { input: name, rule }),
        }
    }

    /// From a safetensors file.
    ///
    /// # Errors
    /// [`Error::BadInput`] if it breaks a rule.
    pub(super) fn safetensors(name: String, file: &Buffer) -> Result<Self> {
        let bad_input = |rule| Error::BadInput { input: name.clone(), rule };
        let Tensors { matrix, ids, metadata } = tensors(file).map_err(|fault| fault.of_input(&name))?;
        if let (0, Some(ids)) = (matrix.rows(), &ids) {
            // Those of rows are checked as they are read.
            JsonIds::new(ids.clone()).expect_end().map_err(bad_input)?;
        }
        Ok(Self { name, matrix, ids, metadata })
    }
}

impl VectorSource for MappedMatrix {
    fn head(&self) -> Head {
        Head {
            rows: Some(self.matrix.rows() as u64),
            width: Some(self.matrix.width()),
            number_type: Some(self.matrix.number_type()),
            metadata: self.metadata.clone(),
        }
    }

    fn pieces(&self) -> Result<RowBlocks<'_>> {
        let matrix = &self.matrix;
        let rows = matrix.rows();
        let step = rows_at_once(matrix.width() * matrix.number_type().bytes());
        let mut ids = self.ids.clone().map(JsonIds::new);
        let mut piece = move |start: usize| -> Result<RowBlock, String> {
            let end = rows.min(start + step);
            let ids = ids.as_mut().map(|ids| {
                let taken = ids.take(end - start)?;
                if end == rows { ids.expect_end().map(|()| taken) } else { Ok(taken) }
            });
            Ok(RowBlock { rows: end - start, ids: ids.transpose()?, numbers: matrix.numbers(start..end) })
        };
        let bad_input = |rule| Error::BadInput { input: self.name.clone(), rule };
        Ok(Box::new((0..rows).step_by(step).map(move |start| piece(start).map_err(bad_input))))
    }

    fn numbers(&self) -> Result<RowBlocks<'_>> {
        let (matrix, rows) = (&self.matrix, self.matrix.rows());
        let step = (NUMBER_BYTES / (matrix.width() * matrix.number_type().bytes())).clamp(1, NUMBER_ROWS);
        let block = move |start: usize| {
            let end = rows.min(start + step);
            Ok(RowBlock::of_numbers(end - start, matrix.numbers(start..end)))
        };
        Ok(Box::new((0..rows).step_by(step).map(block)))
    }

    fn numbers_of(&self, rows: &[u64]) -> Result<Vec<StoredNumbers>> {
        // Rows of a file that is mapped have numbers that fit a usize.
        let numbers = |row: &u64| self.matrix.numbers(*row as usize..*row as usize + 1);
        Ok(rows.iter().map(numbers).collect())
    }

    fn ids_of(&self, rows: &[u64]) -> Result<Option<Vec<RecordId>>> {
        let Some(ids) = self.ids.clone() else { return Ok(None) };
        let (mut ids, mut next) = (JsonIds::new(ids), 0);
        let mut id = |row: &u64| {
            ids.skip(row - next)?;
            next = row + 1;
            ids.next()
        };
        let found: Result<_, String> = rows.iter().map(&mut id).collect();
        found.map(Some).map_err(|rule| Error::BadInput { input: self.name.clone(), rule })
    }
}
