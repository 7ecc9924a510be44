//! What a reader of any format does.

use std::fmt;

use super::batch::StoredNumbers;
use crate::Result;
use crate::text::RecordId;
use crate::vectors::{Metadata, NumberType};

/// Rows that are given together, at most.
pub(super) const BATCH_ROWS: usize = 4096;
/// Bytes of vectors that are given together, unless one has more.
pub(super) const BATCH_BYTES: usize = 8 << 20;

/// What is known of a file before its rows are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    pub(super) rows: Option<u64>,
    /// Numbers in a vector.
    pub(super) width: Option<usize>,
    pub(super) number_type: Option<NumberType>,
    /// What the file says of itself.
    pub(super) metadata: Metadata,
}

/// Rows that were read together.
pub(super) struct Piece {
    pub(super) rows: usize,
    /// None in a file without ids.
    pub(super) ids: Option<Vec<RecordId>>,
    pub(super) numbers: StoredNumbers,
}

/// The rows of a file, in order. Ends at the first error.
pub(super) type Pieces<'a> = Box<dyn Iterator<Item = Result<Piece>> + Send + 'a>;

/// A file of vectors whose head was read and checked.
pub(super) trait VectorSource: fmt::Debug + Send + Sync {
    /// What is known of it.
    fn head(&self) -> Head;

    /// Its rows from the first on; each call reads them again.
    fn pieces(&self) -> Result<Pieces<'_>>;
}

/// How many rows of so many bytes are given together.
pub(super) fn rows_at_once(row_bytes: usize) -> usize {
    (BATCH_BYTES / row_bytes.max(1)).clamp(1, BATCH_ROWS)
}
