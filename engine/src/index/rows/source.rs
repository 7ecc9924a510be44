//! The rows of an index as a corpus that can be searched.

use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_buffer::ScalarBuffer;
use arrow_schema::SchemaRef;

use super::IndexRows;
use crate::index::settings::StoredType;
use crate::index::volume::Volume;
use crate::search::{BitBatch, CodeBatch, InOrder, Metric, RowSet, RowSource};
use crate::text::RecordId;
use crate::vectors::read::{NumberBatch, StoredNumbers};
use crate::vectors::{NumberType, Provenance};
use crate::{Error, Result};

/// Bytes of vectors that are compared together.
const BATCH_BYTES: u64 = 32 << 20;
/// Shorter runs are copied together, so that a comparison has some rows.
const SHORT: u64 = 512;
/// Rows of short runs that are copied together at most.
const COPIED: u64 = 8192;

/// Rows of one volume.
type Part = (usize, Range<u64>);

impl IndexRows {
    /// The next rows from `row` on that are compared together: `most` of one volume at most, or short runs of several.
    fn parts_from(&self, row: u64, most: u64) -> Result<Vec<Part>> {
        let run = self.run_of(row).ok_or_else(|| Error::Bug("a row that the index lacks".to_owned()))?;
        let skipped = row - run.first;
        let left = run.rows - skipped;
        if left >= SHORT || run.first + run.rows == self.rows {
            let start = run.start + skipped;
            return Ok(vec![(run.volume, start..start + left.min(most))]);
        }
        let mut parts = Vec::new();
        let mut next = row;
        while let Some(run) = self.run_of(next).filter(|_| next - row < COPIED) {
            let skipped = next - run.first;
            let count = run.rows - skipped;
            if count >= SHORT && next > row {
                break;
            }
            parts.push((run.volume, run.start + skipped..run.start + run.rows));
            next += count;
        }
        Ok(parts)
    }

    /// The numbers of the next rows from `row` on.
    fn batch_from(&self, row: u64) -> Result<NumberBatch> {
        let kind = self.kind();
        let row_bytes = (kind.width * kind.stored.bytes()).max(1) as u64;
        let most = match kind.stored {
            StoredType::Bf16 => COPIED,
            _ => (BATCH_BYTES / row_bytes).max(1),
        };
        let parts = self.parts_from(row, most)?;
        let count = parts.iter().map(|(_, rows)| rows.end - rows.start).sum::<u64>() as usize;
        let mut numbers = Vec::new();
        for (volume, rows) in parts {
            numbers.push(self.volumes[volume].numbers(rows)?);
        }
        let numbers = if numbers.len() == 1 { numbers.remove(0) } else { joined(&numbers) };
        Ok(NumberBatch::new(row, count, numbers))
    }

    /// The signs of the next rows from `row` on.
    fn signs_from(&self, row: u64) -> Result<BitBatch> {
        let parts = self.parts_from(row, BATCH_BYTES / self.kind().width.div_ceil(8).max(1) as u64)?;
        let count = parts.iter().map(|(_, rows)| rows.end - rows.start).sum::<u64>() as usize;
        let mut bytes = Vec::new();
        for (volume, rows) in parts {
            let signs = self.volumes[volume].signs(rows)?;
            bytes.push(signs.ok_or_else(|| Error::Bug("a volume without the signs that it has".to_owned()))?);
        }
        let bytes = match bytes.len() {
            1 => bytes.remove(0),
            _ => bytes.iter().flat_map(|part| part.iter().copied()).collect(),
        };
        Ok(BitBatch { bytes, rows: count, first_row: row })
    }

    /// All rows, some at a time, in order.
    fn in_order<T>(
        &self,
        next: impl Fn(u64) -> Result<(T, usize)> + Send,
    ) -> impl Iterator<Item = Result<T>> + Send {
        let (mut row, rows) = (0, self.rows);
        std::iter::from_fn(move || {
            if row >= rows {
                return None;
            }
            let batch = next(row);
            row = batch.as_ref().map_or(rows, |(_, count)| row + *count as u64);
            Some(batch.map(|(batch, _)| batch))
        })
    }
}

/// Numbers of one type back to back.
fn joined(parts: &[StoredNumbers]) -> StoredNumbers {
    if parts.iter().all(|part| matches!(part, StoredNumbers::F16(_))) {
        let of = |part: &StoredNumbers| match part {
            StoredNumbers::F16(values) => values.to_vec(),
            _ => Vec::new(),
        };
        return StoredNumbers::F16(ScalarBuffer::from(parts.iter().flat_map(of).collect::<Vec<_>>()));
    }
    let of = |part: &StoredNumbers| match part {
        StoredNumbers::F32(values) => values.to_vec(),
        _ => Vec::new(),
    };
    StoredNumbers::F32(ScalarBuffer::from(parts.iter().flat_map(of).collect::<Vec<_>>()))
}

impl RowSource for IndexRows {
    fn name(&self) -> &str {
        &self.name
    }

    fn rows(&self) -> Result<u64> {
        Ok(self.rows)
    }

    fn width(&self) -> Option<usize> {
        Some(self.settings.dimensions).filter(|width| *width > 0)
    }

    fn number_type(&self) -> Option<NumberType> {
        Some(match self.settings.vectors {
            StoredType::F16 => NumberType::F16,
            StoredType::F32 | StoredType::Bf16 => NumberType::F32,
        })
    }

    fn is_complete(&self) -> bool {
        self.is_complete
    }

    fn provenance(&self) -> Option<&Provenance> {
        self.provenance.as_ref()
    }

    fn has_unit_rows(&self) -> bool {
        self.settings.metric == Metric::Cosine
    }

    fn stale(&self) -> &[String] {
        self.stale()
    }

    fn damage(&self) -> &[String] {
        self.damage()
    }

    fn has_texts_alone(&self) -> bool {
        self.volumes.iter().all(|volume| volume.record().texts == volume.record().rows)
    }

    fn has_whole_texts(&self) -> bool {
        true
    }

    fn around(&self, row: u64, characters: usize) -> Result<(String, String)> {
        let (chunk, range) = self.chunk_of(row)?;
        let (whole, _) = self.whole_text(row - u64::from(chunk).min(row))?;
        let (Some(before), Some(after)) = (whole.get(..range.start), whole.get(range.end..)) else {
            return Ok(Default::default());
        };
        let start =
            before.char_indices().rev().take(characters).last().map_or(before.len(), |(start, _)| start);
        let end = after.char_indices().nth(characters).map_or(after.len(), |(end, _)| end);
        Ok((before[start..].to_owned(), after[..end].to_owned()))
    }

    fn columns(&self) -> Result<SchemaRef> {
        Ok(self.visible.clone())
    }

    fn numbers(&self) -> Result<InOrder<'_, NumberBatch>> {
        Ok(Box::new(self.in_order(|row| {
            let batch = self.batch_from(row)?;
            let rows = batch.rows;
            Ok((batch, rows))
        })))
    }

    fn numbers_of(&self, rows: &[u64]) -> Result<Vec<NumberBatch>> {
        let batch = |row: &u64| {
            let run = self.run_of(*row).ok_or_else(|| Error::Bug("a row that the index lacks".to_owned()))?;
            let place = run.start + (row - run.first);
            Ok(NumberBatch::new(*row, 1, self.volumes[run.volume].numbers(place..place + 1)?))
        };
        rows.iter().map(batch).collect()
    }

    fn codes(&self) -> Option<InOrder<'_, CodeBatch>> {
        self.stored_codes()
    }

    fn bits(&self) -> Option<InOrder<'_, BitBatch>> {
        let has_bits = |volume: &Volume| volume.record().bits.is_some();
        if self.volumes.is_empty() || !self.volumes.iter().all(has_bits) {
            return None;
        }
        Some(Box::new(self.in_order(|row| {
            let batch = self.signs_from(row)?;
            let rows = batch.rows;
            Ok((batch, rows))
        })))
    }

    fn places_of(&self, rows: Option<&RowSet>) -> Option<RowSet> {
        self.stored_places(rows)
    }

    fn row_at(&self, place: u64) -> Option<u64> {
        self.row_at_place(place)
    }

    fn ids_of(&self, rows: &[u64]) -> Result<Vec<RecordId>> {
        self.ids(rows)
    }

    fn columns_of_all(&self, names: &[&str]) -> Result<InOrder<'_, RecordBatch>> {
        Ok(Box::new(self.scan(&self.known(names), true)?))
    }

    fn columns_of(&self, rows: &[u64], names: &[&str]) -> Result<Option<RecordBatch>> {
        let names = self.known(names);
        match names.is_empty() || rows.is_empty() {
            true => Ok(None),
            false => self.select(rows, &names).map(Some),
        }
    }
}

impl IndexRows {
    /// The names of columns that there are, each once.
    fn known<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        let mut known: Vec<&str> = Vec::new();
        for name in names {
            if self.visible.index_of(name).is_ok() && !known.contains(name) {
                known.push(name);
            }
        }
        known
    }
}
