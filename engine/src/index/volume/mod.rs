//! A volume: rows and their vectors in files that never change.
//!
//! ```text
//! volume-00000/rows.arrow      one row per chunk: the columns of [`columns`](super::columns)
//! volume-00000/vectors.f32     a head of 4,096 bytes, then the vectors in the order of the rows
//! volume-00000/codes.i8        the same rows as bytes, in panels
//! volume-00000/bits.u8         their signs, if the index was built with them
//! volume-00000/blocks.xxh3     XXH3 of each MiB of the vectors, of rows.arrow, of the codes and of the signs
//! ```

mod bits;
mod checksums;
mod codes;
mod hashed_file;
mod head;
mod mapped;
mod read;
mod write;

use nearsay_kernels::ByteCodes;

pub(super) use read::Volume;
pub(super) use write::{TextHead, TextHeads, VolumeRows, VolumeWriter, head_columns};

/// The file of the rows.
pub(super) const TABLE: &str = "rows.arrow";
/// The checksums of parts of both files.
pub(super) const CHECKSUMS: &str = "blocks.xxh3";

/// How the rows of a volume are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VolumeKind {
    /// The number type of the vectors.
    pub(crate) stored: super::StoredType,
    /// Numbers in a vector.
    pub(crate) width: usize,
    pub(crate) codes: super::Codes,
    pub(crate) bits: bool,
    /// Of the rotation that rows get before they are made codes, if it pays.
    pub(crate) seed: u64,
}

impl VolumeKind {
    /// Whether new volumes have codes: a search cannot use those of wider rows.
    fn has_codes(&self) -> bool {
        self.codes == super::Codes::I8 && (1..=ByteCodes::MOST_DIM).contains(&self.width)
    }

    fn has_bits(&self) -> bool {
        self.bits && self.width > 0
    }
}

/// The name of the file of vectors.
pub(super) fn vectors_name(stored: super::StoredType) -> String {
    format!("vectors.{}", stored.name())
}
