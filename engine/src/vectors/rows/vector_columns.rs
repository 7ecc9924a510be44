//! The columns of vectors: of texts, or of their tokens.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeListArray, Float16Array, Float32Array, Int8Array, ListArray, StringArray, UInt8Array,
    UInt32Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};

use super::layout::{RowLayout, RowOrigin};
use crate::error::shorten;
use crate::tokens::TokenOffset;
use crate::vectors::schema::{
    BYTE_OFFSETS, CHARACTER_OFFSETS, EMBEDDINGS, TOKEN_IDS, TOKENS, fixed_list, item, list,
};
use crate::vectors::{Numbers, OutputType, Ranges, Vectors};
use crate::{Error, Result};

/// The column of vectors, one per row.
pub(super) fn text_column(
    layout: &RowLayout,
    origins: &[RowOrigin<'_>],
    vectors: Vectors,
) -> Result<ArrayRef> {
    for (origin, vector) in origins.iter().zip(&vectors) {
        check_finite(origin, vector)?;
    }
    Ok(Arc::new(fixed_lists(layout.output_type, vectors, layout.ranges.as_ref())?))
}

/// The hidden states of all rows' tokens, and the tokens' places.
#[derive(Debug)]
pub(crate) struct TokenRows<'a> {
    /// One per token, row after row.
    pub(crate) vectors: Vectors,
    pub(crate) rows: Vec<TokenRow<'a>>,
}

/// The tokens of a row.
#[derive(Debug, Clone)]
pub(crate) struct TokenRow<'a> {
    /// Ids, and places in the row's own text.
    pub(crate) tokens: Vec<(u32, &'a TokenOffset)>,
    /// Where the row's text starts in the record's, in bytes and in characters.
    pub(crate) start: (u32, u32),
}

impl TokenRow<'_> {
    /// Starts and ends in the record's text, in bytes.
    fn bytes(&self) -> impl Iterator<Item = [u32; 2]> {
        self.tokens.iter().map(|(_, offset)| moved(&offset.bytes, self.start.0))
    }

    /// The same in characters.
    fn characters(&self) -> impl Iterator<Item = [u32; 2]> {
        self.tokens.iter().map(|(_, offset)| moved(&offset.characters, self.start.1))
    }
}

/// Tokens without a place, such as special tokens, are not moved.
fn moved(range: &Range<usize>, start: u32) -> [u32; 2] {
    let start = if range.end == 0 { 0 } else { start };
    [range.start as u32 + start, range.end as u32 + start]
}

/// The columns of token-level rows.
pub(super) fn token_fields(output_type: OutputType, width: i32) -> [Field; 5] {
    [
        (TOKEN_IDS, DataType::UInt32),
        (TOKENS, DataType::Utf8),
        (BYTE_OFFSETS, fixed_list(DataType::UInt32, 2)),
        (CHARACTER_OFFSETS, fixed_list(DataType::UInt32, 2)),
        (EMBEDDINGS, fixed_list(output_type.number_type().arrow(), width)),
    ]
    .map(|(name, value)| Field::new(name, list(value), false))
}

pub(super) fn token_columns(
    layout: &RowLayout,
    origins: &[RowOrigin<'_>],
    TokenRows { vectors, rows }: TokenRows<'_>,
) -> Result<Vec<ArrayRef>> {
    let lengths: Vec<usize> = rows.iter().map(|row| row.tokens.len()).collect();
    let mut of_tokens = vectors.rows();
    for (origin, &length) in origins.iter().zip(&lengths) {
        of_tokens.by_ref().take(length).try_for_each(|vector| check_finite(origin, vector))?;
    }
    let ids: UInt32Array = rows.iter().flat_map(|row| row.tokens.iter().map(|(id, _)| *id)).collect();
    let tokens = rows.iter().flat_map(|row| &row.tokens).map(|(_, offset)| offset.token.as_str());
    let tokens = StringArray::from_iter_values(tokens);
    let bytes = pairs(rows.iter().flat_map(TokenRow::bytes));
    let characters = pairs(rows.iter().flat_map(TokenRow::characters));
    let vectors = fixed_lists(layout.output_type, vectors, layout.ranges.as_ref())?;
    let columns: [ArrayRef; 5] =
        [Arc::new(ids), Arc::new(tokens), Arc::new(bytes?), Arc::new(characters?), Arc::new(vectors)];
    columns.into_iter().map(|values| in_rows(&lengths, values)).collect()
}

/// Values as lists of these lengths.
pub(super) fn in_rows(lengths: &[usize], values: ArrayRef) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
    Ok(Arc::new(ListArray::try_new(item(values.data_type().clone()), offsets, values, None)?))
}

fn pairs(pairs: impl Iterator<Item = [u32; 2]>) -> Result<FixedSizeListArray> {
    let ends: UInt32Array = pairs.flatten().collect();
    Ok(FixedSizeListArray::try_new(item(DataType::UInt32), 2, Arc::new(ends), None)?)
}

/// Vectors as a column of lists of one length.
///
/// # Errors
/// [`Error::Usage`](crate::Error::Usage) if the type does not fit the dimensions or lacks ranges;
/// [`Error::BeyondOutputType`](crate::Error::BeyondOutputType) for a value that the type does not have.
pub fn fixed_lists(
    output_type: OutputType,
    vectors: Vectors,
    ranges: Option<&Ranges>,
) -> Result<FixedSizeListArray> {
    let width = output_type.width(vectors.dim())? as i32;
    let values: ArrayRef = match output_type.convert(vectors, ranges)? {
        Numbers::F32(values) => Arc::new(Float32Array::from(values)),
        Numbers::F16(values) => Arc::new(Float16Array::from(values)),
        Numbers::I8(values) => Arc::new(Int8Array::from(values)),
        Numbers::U8(values) => Arc::new(UInt8Array::from(values)),
    };
    Ok(FixedSizeListArray::try_new(item(output_type.number_type().arrow()), width, values, None)?)
}

pub(super) fn check_finite(origin: &RowOrigin<'_>, vectors: &[f32]) -> Result<()> {
    if vectors.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    let id = origin.record.id.to_string();
    Err(Error::NonFinite { what: format!("the vector of the record with id {}", shorten(&id)) })
}
