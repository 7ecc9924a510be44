//! A kernel's search that receives rows block by block.

use candle_core::Tensor;
use nearsay_kernels::{BitBlock, BitSearch, Block, RowValues, TopK, TopKSearch};

use super::values::RowSlice;
use crate::{Error, Result};

/// Rows that are ready to be compared.
pub(super) struct ReadyBlock<'a> {
    pub(super) rows: RowSlice<'a>,
    pub(super) first_row: u64,
    pub(super) count: usize,
    /// The bits of rows that count, unless all do.
    pub(super) included: Option<Vec<u64>>,
    pub(super) biases: Option<Vec<f32>>,
}

/// A search by numbers, or by signs.
pub(super) enum BlockSearch {
    Numbers(Box<TopKSearch>),
    Signs(Box<BitSearch>),
}

impl BlockSearch {
    /// A search of signs.
    ///
    /// # Errors
    /// Those of the kernel.
    pub(super) fn signs(queries: &Tensor, k: usize) -> Result<Self> {
        Ok(Self::Signs(Box::new(BitSearch::new(queries, k)?)))
    }

    /// Compares a block, the first of whose rows gets this number.
    ///
    /// # Errors
    /// [`Error::Usage`] if there are too many rows.
    pub(super) fn feed(&mut self, block: &ReadyBlock<'_>, first_row: u64) -> Result<()> {
        let first_row = number(first_row)?;
        let values: RowValues<'_> = match (&mut *self, block.rows) {
            (Self::Signs(search), RowSlice::Signs(bytes)) => {
                let included = block.included.as_deref();
                return Ok(search.feed(&BitBlock { bytes, first_row, included })?);
            }
            (_, RowSlice::F32(values)) => values.into(),
            (_, RowSlice::F16(values)) => values.into(),
            (_, RowSlice::I8(bytes)) => bytes.into(),
            (_, RowSlice::U8(bytes) | RowSlice::Signs(bytes)) => bytes.into(),
        };
        let Self::Numbers(search) = self else {
            return Err(Error::Bug("a search of signs got numbers".to_owned()));
        };
        let mut fed = Block::new(values, first_row);
        if let Some(bits) = &block.included {
            fed = fed.included(bits);
        }
        if let Some(biases) = &block.biases {
            fed = fed.biases(biases);
        }
        Ok(search.feed(&fed)?)
    }

    /// The hits.
    ///
    /// # Errors
    /// Those of the kernel.
    pub(super) fn finish(self) -> Result<TopK> {
        Ok(match self {
            Self::Numbers(search) => search.finish()?,
            Self::Signs(search) => search.finish()?,
        })
    }
}

/// A row's number as the kernels count.
///
/// # Errors
/// [`Error::Usage`] if there are too many rows.
pub(super) fn number(row: u64) -> Result<u32> {
    u32::try_from(row).map_err(|_| Error::usage("a corpus that is searched has 2^32 - 1 rows at most"))
}
