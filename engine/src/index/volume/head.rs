//! The head of a file of a volume: a function of the volume's record, so a reader parses nothing.

use serde::Serialize;

use super::VolumeKind;
use crate::Result;
pub(super) use crate::vectors::write::HEAD_BYTES;
use crate::vectors::write::head_bytes;

#[derive(Serialize)]
pub(super) struct Head<'a> {
    pub(super) format_version: u32,
    pub(super) dtype: &'static str,
    pub(super) numpy: &'static str,
    pub(super) shape: [u64; 2],
    pub(super) order: &'static str,
    /// The seed of the rows' rotation, if they were rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rotation: Option<u64>,
    pub(super) sha256: &'a str,
}

impl Head<'_> {
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        head_bytes(self)
    }
}

/// The head of `rows` vectors whose bytes have this SHA-256.
pub(super) fn vectors_head(kind: VolumeKind, rows: u64, sha256: &str) -> Result<Vec<u8>> {
    let head = Head {
        format_version: crate::index::INDEX_FORMAT_VERSION,
        dtype: kind.stored.name(),
        numpy: kind.stored.numpy(),
        shape: [rows, kind.width as u64],
        order: "rows of rows.arrow",
        rotation: None,
        sha256,
    };
    head.bytes()
}
