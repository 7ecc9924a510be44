//! The vectors and texts of a file, some rows at a time.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::DataType;
use sha2::{Digest, Sha256};

use super::Source;
use crate::index::columns::PLACE;
use crate::vectors::read::NumberBatch;
use crate::{Error, Result};

/// Bytes between chunks that a text may have, in addition to the bytes of its chunks. In real texts they are a few
/// blanks.
const MOST_UNKNOWN: usize = 16 << 10;

/// Numbers of a file as f32, however many are asked for.
pub(super) struct Numbers<'a> {
    pub(super) batches: Box<dyn Iterator<Item = Result<NumberBatch>> + 'a>,
    pub(super) values: Vec<f32>,
    pub(super) name: &'a str,
}

impl Numbers<'_> {
    /// The next numbers.
    ///
    /// # Errors
    /// [`Error::BadInput`] if there are fewer; [`Error::Usage`] for bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<f32>> {
        while self.values.len() < count {
            let batch = self.batches.next().ok_or_else(|| Error::BadInput {
                input: self.name.to_owned(),
                rule: "has fewer vectors than rows".to_owned(),
            })??;
            batch.numbers().append_to(&mut self.values).ok_or_else(|| {
                Error::usage_hint(
                    format!("{} has vectors of bytes; an index needs f32 or f16", self.name),
                    "search the file itself, or embed the texts as f32",
                )
            })?;
        }
        let rest = self.values.split_off(count);
        Ok(std::mem::replace(&mut self.values, rest))
    }
}

/// The texts of some rows.
pub(super) struct Texts {
    /// Whole texts, put together from their chunks.
    pub(super) whole: Vec<Option<String>>,
    /// The text of each row.
    pub(super) text_of: Vec<usize>,
    /// Chunk, and its range in bytes and in characters.
    pub(super) places: [Vec<u32>; 5],
}

impl Texts {
    /// The texts of rows that start with a text's first chunk.
    ///
    /// # Errors
    /// [`Error::BadRow`] if chunks do not follow each other, have other lengths than their ranges, or leave out more of
    /// their text than blanks.
    pub(super) fn of(source: &Source<'_>, rows: &RecordBatch) -> Result<Self> {
        let texts = source.text.as_ref().and_then(|name| rows.column_by_name(name));
        let texts = texts.map(|texts| cast(texts, &DataType::Utf8)).transpose()?;
        let text = |row: usize| {
            let texts = texts.as_ref().map(|texts| texts.as_string::<i32>());
            texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row).to_owned())
        };
        let count = rows.num_rows();
        if !source.is_chunked {
            let whole: Vec<Option<String>> = (0..count).map(text).collect();
            let zeros = || vec![0; count];
            let length = |of: fn(&str) -> usize| {
                whole.iter().map(|text| text.as_deref().map_or(0, of) as u32).collect::<Vec<u32>>()
            };
            let places = [zeros(), zeros(), length(str::len), zeros(), length(|text| text.chars().count())];
            return Ok(Self { whole, text_of: (0..count).collect(), places });
        }
        let column = |name: &str| {
            let column = rows.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt32Type>());
            column
                .map(|column| column.values().to_vec())
                .ok_or_else(|| Error::Bug(format!("chunks without `{name}`")))
        };
        let [chunks, starts, ends, first, last] = PLACE.map(column);
        let places = [chunks?, starts?, ends?, first?, last?];
        let (mut whole, mut text_of): (Vec<Option<String>>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut unknown = 0;
        for row in 0..count {
            let chunk = places[0][row];
            if chunk != 0 && (row == 0 || places[0][row - 1] + 1 != chunk) {
                return Err(Error::BadRow {
                    input: source.file.name().to_owned(),
                    row: row as u64 + 1,
                    rule: format!("chunk {chunk} does not follow chunk {} of its text", chunk - 1),
                });
            }
            if chunk == 0 {
                whole.push(None);
                unknown = 0;
            }
            text_of.push(whole.len() - 1);
            let (Some(part), Some(whole)) = (text(row), whole.last_mut()) else { continue };
            let (start, end) = (places[1][row] as usize, places[2][row] as usize);
            let whole = whole.get_or_insert_default();
            let known = whole.len();
            let fits = end.checked_sub(start) == Some(part.len());
            // What overlaps with the chunk before is there already; what is between them was blank.
            let new = part.get(known.saturating_sub(start).min(part.len())..).filter(|_| fits);
            let new = new.ok_or_else(|| Error::BadRow {
                input: source.file.name().to_owned(),
                row: row as u64 + 1,
                rule: format!("its chunk has {} bytes, and its range {start} to {end}", part.len()),
            })?;
            let gap = start.saturating_sub(known);
            unknown += gap;
            let most = MOST_UNKNOWN + (known + gap + new.len() - unknown);
            if unknown > most {
                let rule = format!(
                    "its chunk starts at byte {start}, and the ones before end at {known}: {unknown} bytes of the text \
                     are in no chunk; at most {most} may be"
                );
                return Err(Error::BadRow {
                    input: source.file.name().to_owned(),
                    row: row as u64 + 1,
                    rule,
                });
            }
            whole.extend(std::iter::repeat_n(' ', gap));
            whole.push_str(new);
        }
        Ok(Self { whole, text_of, places })
    }

    /// The column of texts: each in the row of its first chunk.
    pub(super) fn column(&self) -> ArrayRef {
        let text = |row: usize| {
            let is_first = row == 0 || self.text_of[row - 1] != self.text_of[row];
            is_first.then(|| self.whole[self.text_of[row]].as_deref()).flatten()
        };
        Arc::new((0..self.text_of.len()).map(text).collect::<StringArray>())
    }

    /// The SHA-256 of each row's text.
    pub(super) fn sums(&self) -> Vec<[u8; 32]> {
        let sum = |text: &Option<String>| Sha256::digest(text.as_deref().unwrap_or_default()).into();
        let sums: Vec<[u8; 32]> = self.whole.iter().map(sum).collect();
        self.text_of.iter().map(|text| sums[*text]).collect()
    }
}
