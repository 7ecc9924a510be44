//! The head of a file of a volume: JSON that says what follows, padded with blanks to 4,096 bytes.
//!
//! It is a function of the volume's record, so a reader compares it byte by byte and parses nothing.

use serde::Serialize;

use super::VolumeKind;
use crate::{Error, Result};

/// Bytes before the numbers: a page, so that mapped ones are aligned.
pub(super) const HEAD_BYTES: usize = 4096;

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
        let mut bytes = serde_json::to_vec(self).map_err(|error| Error::Bug(format!("a head: {error}")))?;
        bytes.resize(HEAD_BYTES - 1, b' ');
        bytes.push(b'\n');
        Ok(bytes)
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
