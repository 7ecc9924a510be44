//! The interface of all readers.

use std::fmt;

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
    /// None in a file without ids.
    pub(super) ids: Option<Vec<RecordId>>,
    pub(super) numbers: StoredNumbers,
}

/// The rows of a file, in order. Ends at the first error.
pub(super) type RowBlocks<'a> = Box<dyn Iterator<Item = Result<RowBlock>> + Send + 'a>;

/// A file of vectors whose head was read and checked.
pub(super) trait VectorSource: fmt::Debug + Send + Sync {
    /// The facts known before reading rows.
    fn head(&self) -> Head;

    /// Its rows from the first on; each call reads them again.
    fn pieces(&self) -> Result<RowBlocks<'_>>;
}

/// Number of rows of this size that are returned together.
pub(super) fn rows_at_once(row_bytes: usize) -> usize {
    (BATCH_BYTES / row_bytes.max(1)).clamp(1, BATCH_ROWS)
}
