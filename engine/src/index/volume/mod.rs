//! A volume: rows and their vectors in files that never change.
//!
//! ```text
//! volume-00000/rows.arrow      one row per chunk: the columns of [`columns`](super::columns)
//! volume-00000/vectors.f32     a head of 4,096 bytes, then the vectors in the order of the rows
//! volume-00000/blocks.xxh3     XXH3 of each MiB of the vectors, then of each MiB of rows.arrow
//! ```

mod checksums;
mod head;
mod read;
mod write;

pub(super) use read::Volume;
pub(super) use write::{TextHead, TextHeads, VolumeRows, VolumeWriter, head_columns};

/// The file of the rows.
pub(super) const TABLE: &str = "rows.arrow";
/// The checksums of parts of both files.
pub(super) const CHECKSUMS: &str = "blocks.xxh3";

/// The name of the file of vectors.
pub(super) fn vectors_name(stored: super::StoredType) -> String {
    format!("vectors.{}", stored.name())
}
