//! An encoded text as bytes.
//!
//! ```text
//! 32 bytes   SHA-256 of all that follows
//! 32 bytes   SHA-256 of the text
//!  8 bytes   the number type (f32, f16, bf16), then zeros
//!  4 bytes   tokens
//!  4 bytes   numbers in a vector
//!  4 bytes   1 if the text was truncated, + 2 if it has only special tokens
//!            the token ids, 4 bytes each
//!            the vectors, token by token
//! ```
//!
//! All numbers are little-endian.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use safetensors::View;
use sha2::{Digest as _, Sha256};

use super::EncodedText;
use crate::Result;
use crate::tokens::TokenizedText;

/// The SHA-256 of a text.
pub(super) type TextId = [u8; DIGEST_BYTES];

pub(super) const DIGEST_BYTES: usize = 32;
/// Bytes before the token ids.
pub(super) const ENTRY_HEAD_BYTES: usize = 2 * DIGEST_BYTES + TYPE_BYTES + 3 * 4;
const TYPE_BYTES: usize = 8;

const TRUNCATED: u32 = 1;
const EMPTY: u32 = 2;

pub(super) fn text_id(text: &str) -> TextId {
    Sha256::digest(text).into()
}

/// The bytes of a text with this id; `None` if its tokens have parts, as those of a text on its own never have.
pub(super) fn to_bytes(id: &TextId, encoded: &EncodedText) -> Result<Option<Vec<u8>>> {
    let TokenizedText { ids, truncated, is_empty, second_part, keys } = &*encoded.text;
    if second_part.is_some() || keys.is_some() {
        return Ok(None);
    }
    let (tokens, width) = encoded.tokens.dims2()?;
    let matrix = encoded.tokens.to_device(&Device::Cpu)?;
    let values = View::data(&matrix);
    let flags = u32::from(*truncated) * TRUNCATED + u32::from(*is_empty) * EMPTY;
    let mut bytes = Vec::with_capacity(ENTRY_HEAD_BYTES + 4 * ids.len() + values.len());
    bytes.extend([0; DIGEST_BYTES]);
    bytes.extend(id);
    bytes.extend(type_name(matrix.dtype()));
    let numbers = [tokens as u32, width as u32, flags].into_iter().chain(ids.iter().copied());
    bytes.extend(numbers.flat_map(u32::to_le_bytes));
    bytes.extend(&*values);
    let digest = Sha256::digest(&bytes[DIGEST_BYTES..]);
    bytes[..DIGEST_BYTES].copy_from_slice(&digest);
    Ok(Some(bytes))
}

fn type_name(dtype: DType) -> [u8; TYPE_BYTES] {
    let mut name = [0; TYPE_BYTES];
    name.iter_mut().zip(dtype.as_str().bytes()).for_each(|(place, byte)| *place = byte);
    name
}

/// Whether these are the bytes of the text with this id, as they were written.
pub(super) fn is_intact(bytes: &[u8], id: &TextId) -> bool {
    let Some((digest, rest)) = bytes.split_first_chunk::<DIGEST_BYTES>() else { return false };
    rest.starts_with(id) && Sha256::digest(rest)[..] == digest[..]
}

/// The text with this id, on the CPU; `None` if the bytes are not as they were written.
pub(super) fn parse(bytes: &[u8], id: &TextId) -> Option<EncodedText> {
    if !is_intact(bytes, id) {
        return None;
    }
    let (name, rest) = bytes.get(2 * DIGEST_BYTES..)?.split_first_chunk::<TYPE_BYTES>()?;
    let dtype = [DType::F32, DType::F16, DType::BF16].into_iter().find(|dtype| type_name(*dtype) == *name)?;
    let (head, rest) = rest.split_at_checked(3 * 4)?;
    let [tokens, width, flags] = numbers(head)[..] else { return None };
    let (tokens, width) = (tokens as usize, width as usize);
    let (ids, values) = rest.split_at_checked(tokens.checked_mul(4)?)?;
    let expected = tokens.checked_mul(width)?.checked_mul(dtype.size_in_bytes())?;
    if values.len() != expected || flags > TRUNCATED + EMPTY {
        return None;
    }
    let text = TokenizedText {
        ids: numbers(ids),
        truncated: flags & TRUNCATED != 0,
        is_empty: flags & EMPTY != 0,
        second_part: None,
        keys: None,
    };
    let tokens = Tensor::from_raw_buffer(values, dtype, &[tokens, width], &Device::Cpu).ok()?;
    Some(EncodedText { text: Arc::new(text), tokens })
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number)).collect()
}
