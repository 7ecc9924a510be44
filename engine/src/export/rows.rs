//! The rows of a corpus: numbers and columns together, some at a time.

use std::ops::Range;

use arrow_array::RecordBatch;
use half::f16;

use crate::search::{Corpus, InOrder};
use crate::vectors::NumberType;
use crate::vectors::read::{NumberBatch, NumberSlice};
use crate::{Error, Result};

/// Most rows of a block.
const ROWS_AT_ONCE: usize = 4096;

/// Some rows of a corpus, one after the other.
#[derive(Debug)]
pub(super) struct RowBlock {
    /// The first row, from 0.
    pub(super) first_row: u64,
    /// Number of rows, at least 1.
    pub(super) rows: usize,
    /// The columns besides the vectors; `None` if there are none.
    pub(super) columns: Option<RecordBatch>,
    numbers: NumberBatch,
    /// Index of the first row in `numbers`.
    offset: usize,
    width: usize,
}

impl RowBlock {
    /// The numbers of a row of the block.
    pub(super) fn vector(&self, row: usize) -> NumberSlice<'_> {
        self.numbers_of(row..row + 1)
    }

    /// The numbers of all rows of the block.
    pub(super) fn numbers(&self) -> NumberSlice<'_> {
        self.numbers_of(0..self.rows)
    }

    fn numbers_of(&self, rows: Range<usize>) -> NumberSlice<'_> {
        let range = (self.offset + rows.start) * self.width..(self.offset + rows.end) * self.width;
        match self.numbers.numbers() {
            NumberSlice::F32(values) => NumberSlice::F32(&values[range]),
            NumberSlice::F16(values) => NumberSlice::F16(&values[range]),
            NumberSlice::I8(values) => NumberSlice::I8(&values[range]),
            NumberSlice::U8(values) => NumberSlice::U8(&values[range]),
        }
    }
}

/// Whether all values of a vector of floats are 0.
pub(super) fn is_zero(vector: NumberSlice<'_>) -> bool {
    match vector {
        NumberSlice::F32(values) => values.iter().all(|value| *value == 0.0),
        NumberSlice::F16(values) => values.iter().all(|value| *value == f16::ZERO),
        NumberSlice::I8(_) | NumberSlice::U8(_) => false,
    }
}

/// The blocks of a corpus, in order. Ends at the first error.
pub(super) struct RowBlocks<'a> {
    corpus: &'a Corpus,
    width: usize,
    numbers: InOrder<'a, NumberBatch>,
    /// `None` if there are no columns.
    columns: Option<InOrder<'a, RecordBatch>>,
    /// What was read and not returned, and its first row that was not.
    numbers_left: Option<(NumberBatch, usize)>,
    columns_left: Option<(RecordBatch, usize)>,
    next_row: u64,
    is_over: bool,
}

impl<'a> RowBlocks<'a> {
    /// The blocks with these columns.
    ///
    /// # Errors
    /// If the corpus cannot be read.
    pub(super) fn new(corpus: &'a Corpus, names: &[&str]) -> Result<Self> {
        let source = corpus.source.as_ref();
        let columns = (!names.is_empty()).then(|| source.columns_of_all(names)).transpose()?;
        Ok(Self {
            corpus,
            width: source.width().unwrap_or(1),
            numbers: source.numbers()?,
            columns,
            numbers_left: None,
            columns_left: None,
            next_row: 0,
            is_over: false,
        })
    }

    fn next_block(&mut self) -> Result<Option<RowBlock>> {
        self.numbers_left.take_if(|(batch, next)| *next >= batch.rows);
        while self.numbers_left.is_none() {
            match self.numbers.next().transpose()? {
                Some(batch) if batch.rows > 0 => self.numbers_left = Some((batch, 0)),
                Some(_) => {}
                None => break,
            }
        }
        self.columns_left.take_if(|(batch, next)| *next >= batch.num_rows());
        while self.columns_left.is_none()
            && let Some(columns) = &mut self.columns
        {
            match columns.next().transpose()? {
                Some(batch) if batch.num_rows() > 0 => self.columns_left = Some((batch, 0)),
                Some(_) => {}
                None => break,
            }
        }
        if self.columns.is_some() && self.numbers_left.is_some() != self.columns_left.is_some() {
            let rule = format!(
                "has other numbers of vectors and of rows; they differ from row {} on",
                self.next_row + 1
            );
            return Err(Error::BadInput { input: self.corpus.name().to_owned(), rule });
        }
        let Some((numbers, offset)) = &mut self.numbers_left else { return Ok(None) };
        let mut rows = (numbers.rows - *offset).min(ROWS_AT_ONCE);
        let columns = self.columns_left.as_mut().map(|(batch, next)| {
            rows = rows.min(batch.num_rows() - *next);
            let columns = batch.slice(*next, rows);
            *next += rows;
            columns
        });
        let block = RowBlock {
            first_row: self.next_row,
            rows,
            columns,
            numbers: numbers.clone(),
            offset: *offset,
            width: self.width,
        };
        *offset += rows;
        self.next_row += rows as u64;
        Ok(Some(block))
    }
}

impl Iterator for RowBlocks<'_> {
    type Item = Result<RowBlock>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let block = self.next_block().transpose();
        self.is_over = !matches!(block, Some(Ok(_)));
        block
    }
}

/// How vectors are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VectorKind {
    F32,
    F16,
    /// Eight signs per byte, the first in the highest bit.
    Bits,
}

/// The kind and the dimensions of a corpus' vectors.
///
/// # Errors
/// [`Error::BadInput`] for bytes, and if nothing states the dimensions.
pub(super) fn vector_kind(corpus: &Corpus) -> Result<(VectorKind, usize)> {
    let bad = |rule: String| Err(Error::BadInput { input: corpus.name().to_owned(), rule });
    let (Some(number_type), true) = (corpus.source.number_type(), corpus.source.width().is_some()) else {
        return bad("has no rows and does not state the width of its vectors".to_owned());
    };
    let dimensions = corpus.dimensions();
    match number_type {
        NumberType::F32 => Ok((VectorKind::F32, dimensions)),
        NumberType::F16 => Ok((VectorKind::F16, dimensions)),
        _ if dimensions == 8 * corpus.source.width().unwrap_or(0) => Ok((VectorKind::Bits, dimensions)),
        other => bad(format!(
            "has vectors of {other}, with a range per dimension, which databases do not have; f32, f16, binary and \
             ubinary can be exported"
        )),
    }
}

/// A byte of eight signs as it is in `ubinary`: `binary` has it less 128.
pub(super) fn bits_of_signed(byte: i8) -> u8 {
    byte.wrapping_sub(-128) as u8
}
