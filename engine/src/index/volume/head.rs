//! The head of a file of vectors: JSON that says what follows, padded with blanks to 4,096 bytes.
//!
//! It is a function of the volume's record, so a reader compares it byte by byte and parses nothing.

use serde::Serialize;

use crate::index::StoredType;
use crate::{Error, Result};

/// Bytes before the vectors: a page, so that mapped numbers are aligned.
pub(super) const HEAD_BYTES: usize = 4096;

#[derive(Serialize)]
struct Head<'a> {
    format_version: u32,
    dtype: &'static str,
    numpy: &'static str,
    shape: [u64; 2],
    order: &'static str,
    sha256: &'a str,
}

/// The head of `rows` vectors of `width` numbers whose bytes have this SHA-256.
pub(super) fn head(stored: StoredType, rows: u64, width: usize, sha256: &str) -> Result<Vec<u8>> {
    let head = Head {
        format_version: crate::index::INDEX_FORMAT_VERSION,
        dtype: stored.name(),
        numpy: stored.numpy(),
        shape: [rows, width as u64],
        order: "rows of rows.arrow",
        sha256,
    };
    let mut bytes = serde_json::to_vec(&head).map_err(|error| Error::Bug(format!("a head: {error}")))?;
    bytes.resize(HEAD_BYTES - 1, b' ');
    bytes.push(b'\n');
    Ok(bytes)
}
