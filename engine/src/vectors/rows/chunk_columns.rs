//! The columns of chunks, with which a database can store each one as a document.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, UInt32Array};
use arrow_schema::{DataType, Field};

use super::column_types::Columns;
use super::layout::RowOrigin;
use crate::text::RecordId;

/// The id of a chunk, unique in an output: its text's id, `#` and its number.
pub(crate) const CHUNK_ID: &str = "chunk_id";
/// The chunk's number in its text, from 0.
pub(crate) const CHUNK: &str = "chunk";
/// Where the chunk starts in its text, in bytes.
pub(crate) const BYTE_START: &str = "byte_start";
/// Where it ends.
pub(crate) const BYTE_END: &str = "byte_end";
/// The chunk's number in its text, and its range.
const NUMBERS: [&str; 5] = [CHUNK, BYTE_START, BYTE_END, "character_start", "character_end"];
/// The chunk's own text.
pub(crate) const CHUNK_TEXT: &str = "chunk_text";

/// A chunk's range in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkPlace {
    /// The chunk's number in its text, from 0.
    pub(crate) index: u32,
    /// Start and end in bytes, then in characters.
    pub(crate) offsets: [u32; 4],
}

impl ChunkPlace {
    /// Its start, in bytes and in characters.
    pub(crate) fn start(self) -> (u32, u32) {
        (self.offsets[0], self.offsets[2])
    }
}

pub(super) fn fields() -> impl Iterator<Item = Field> {
    let string = |name| Field::new(name, DataType::Utf8, false);
    let numbers = NUMBERS.map(|name| Field::new(name, DataType::UInt32, false));
    std::iter::once(string(CHUNK_ID)).chain(numbers).chain(std::iter::once(string(CHUNK_TEXT)))
}

/// The arrays of [`fields`].
pub(super) fn arrays(columns: &Columns, origins: &[RowOrigin<'_>]) -> impl Iterator<Item = ArrayRef> {
    let number = |part: usize| {
        let of_chunk = |chunk: ChunkPlace| if part == 0 { chunk.index } else { chunk.offsets[part - 1] };
        let numbers = origins.iter().map(|origin| origin.chunk.map_or(0, of_chunk));
        Arc::new(numbers.collect::<UInt32Array>()) as ArrayRef
    };
    let ids = origins.iter().map(|origin| chunk_id(columns, origin));
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    std::iter::once(ids).chain([0, 1, 2, 3, 4].map(number)).chain(std::iter::once(texts(origins)))
}

/// The texts of the rows' chunks.
pub(super) fn texts(origins: &[RowOrigin<'_>]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(origins.iter().map(chunk_text)))
}

fn chunk_text<'a>(origin: &RowOrigin<'a>) -> &'a str {
    let text = &origin.record.text;
    let range =
        origin.chunk.map_or(0..text.len(), |chunk| chunk.offsets[0] as usize..chunk.offsets[1] as usize);
    text.get(range).unwrap_or_default()
}

/// A string as it is, a number as its digits. Where both occur, a string is in quotes, as in the column of ids:
/// the chunks of 1 and of "1" have different ids.
fn chunk_id(columns: &Columns, origin: &RowOrigin<'_>) -> String {
    let number = origin.chunk.map_or(0, |chunk| chunk.index);
    match &origin.record.id {
        RecordId::String(id) if !columns.ids_are_mixed => format!("{id}#{number}"),
        id => format!("{id}#{number}"),
    }
}
