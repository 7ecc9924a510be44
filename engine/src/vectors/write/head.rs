//! The head of a file of numbers: JSON that says what follows, padded with blanks to 4,096 bytes.
//!
//! It is a function of what a reader expects, so a reader compares it byte by byte.

use serde::Serialize;

use crate::{Error, Result};

/// Bytes before the numbers: a page, so that mapped ones are aligned.
pub(crate) const HEAD_BYTES: usize = 4096;

/// The bytes of a head.
///
/// # Errors
/// [`Error::Bug`] if it is longer than [`HEAD_BYTES`].
pub(crate) fn head_bytes(head: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(head).map_err(|error| Error::Bug(format!("a head: {error}")))?;
    if bytes.len() >= HEAD_BYTES {
        return Err(Error::Bug(format!(
            "a head must have fewer than {HEAD_BYTES} bytes, got {}",
            bytes.len()
        )));
    }
    bytes.resize(HEAD_BYTES - 1, b' ');
    bytes.push(b'\n');
    Ok(bytes)
}
