//! A stored text, or a stretch of it.

use std::ops::Range;
use std::path::Path;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use serde::{Deserialize, Serialize};

use super::columns::{INPUT, PLACE, TEXT};
use super::rows::IndexRows;
use crate::search::{Filter, RowSource};
use crate::text::RecordId;
use crate::{Error, Result};

/// A request for a stored text. An unknown field is an error.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TextRequest {
    /// The text's id: a string or a whole number.
    pub id: serde_json::Value,
    /// Only this chunk of it, from 0.
    #[serde(default)]
    pub chunk: Option<u32>,
    /// Characters around the chunk, on both sides.
    #[serde(default)]
    pub around: usize,
    /// The first byte of the text that is wanted: where an earlier answer said that it continues.
    #[serde(default)]
    pub from: usize,
    /// The most characters of the answer.
    #[serde(default)]
    pub max_characters: Option<usize>,
}

/// A stored text, or a stretch of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TextAnswer {
    /// The text's id.
    pub id: RecordId,
    /// The input that it was read from.
    pub input: String,
    /// The stretch.
    pub text: String,
    /// Where the stretch starts in the whole text, in bytes.
    pub byte_start: usize,
    /// Where it ends.
    pub byte_end: usize,
    /// Bytes of the whole text.
    pub bytes: usize,
    /// The number of chunks of the whole text.
    pub chunks: u64,
    /// The range of the chunk that was asked for in the whole text, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<[u32; 2]>,
    /// If the answer was cut: the byte of the whole text where it continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continues_at: Option<usize>,
}

impl TextRequest {
    /// A request for a whole text.
    pub fn new(id: &RecordId) -> Self {
        let id = serde_json::to_value(id).unwrap_or_default();
        Self { id, chunk: None, around: 0, from: 0, max_characters: None }
    }
}

/// Returns a stored text of the index in `path`, or `None` if there is none with this id.
///
/// # Errors
/// [`Error::Usage`] if the id is neither a string nor a whole number, or the text has no such chunk;
/// those of [`open`](super::open).
pub fn read_text(path: &Path, request: &TextRequest) -> Result<Option<TextAnswer>> {
    let id = RecordId::from_json(&request.id);
    let id = id.ok_or_else(|| Error::usage("an id must be a string or a whole number of 64 bits"))?;
    let rows = IndexRows::open(path)?;
    let Some(filter) = Filter::of_id(&id, &*rows.columns()?) else { return Ok(None) };
    let Some(row) = filter.rows(&rows)?.first() else { return Ok(None) };
    let own = row..rows.starts()?.after(row).unwrap_or(rows.len());
    let chunks = own.end - own.start;
    let chunk = match request.chunk {
        Some(chunk) if u64::from(chunk) >= chunks => {
            let chunks = if chunks == 1 { "1 chunk".to_owned() } else { format!("{chunks} chunks") };
            let rule = format!("the text has no chunk {chunk}: it has {chunks}, numbered from 0");
            return Err(Error::usage(rule));
        }
        Some(chunk) => Some(rows.chunk_of(row + u64::from(chunk))?.1),
        None => None,
    };
    let (whole, input) = rows.whole_text(row)?;
    let wanted = stretch(&whole, chunk.as_ref(), request);
    let text = &whole[wanted.clone()];
    let end = request.max_characters.and_then(|most| text.char_indices().nth(most)).map(|(end, _)| end);
    let text = &text[..end.unwrap_or(text.len())];
    Ok(Some(TextAnswer {
        id,
        input,
        text: text.to_owned(),
        byte_start: wanted.start,
        byte_end: wanted.start + text.len(),
        bytes: whole.len(),
        chunks,
        chunk: chunk.map(|range| [range.start as u32, range.end as u32]),
        continues_at: end.map(|end| wanted.start + end),
    }))
}

/// The bytes that are asked for, between characters.
fn stretch(whole: &str, chunk: Option<&Range<usize>>, request: &TextRequest) -> Range<usize> {
    let range = chunk.map_or(0..whole.len(), |chunk| {
        let start = whole[..chunk.start].char_indices().rev().take(request.around).last();
        let end = whole[chunk.end..].char_indices().nth(request.around);
        start.map_or(chunk.start, |(start, _)| start)..end.map_or(whole.len(), |(end, _)| chunk.end + end)
    });
    let from = whole.ceil_char_boundary(request.from);
    range.start.max(from).min(range.end)..range.end
}

impl IndexRows {
    /// A row's chunk: its number, and where it is in its text, in bytes.
    pub(super) fn chunk_of(&self, row: u64) -> Result<(u32, Range<usize>)> {
        let found = self.stored(row, &PLACE[..3])?;
        let at = |column: usize| {
            let column = found.column(column).as_primitive_opt::<UInt32Type>();
            column.map(|column| column.value(0)).ok_or_else(|| Error::Bug("places of chunks".to_owned()))
        };
        Ok((at(0)?, at(1)? as usize..at(2)? as usize))
    }

    /// The whole text whose first row this is, and its input.
    pub(super) fn whole_text(&self, row: u64) -> Result<(String, String)> {
        let found = self.stored(row, &[TEXT, INPUT])?;
        let value = |name: &str| {
            let column = found.column_by_name(name).map(|column| column.as_string::<i32>());
            column.filter(|column| column.is_valid(0)).map(|column| column.value(0).to_owned())
        };
        Ok((value(TEXT).unwrap_or_default(), value(INPUT).unwrap_or_default()))
    }
}
