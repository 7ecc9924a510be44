//! Columns of rows, in the order of the index: ids and texts are completed.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, UInt64Array};
use arrow_ipc::reader::FileDecoder;
use arrow_schema::{DataType, Field};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use serde_json::Value;

use super::IndexRows;
use crate::index::columns::{PLACE, TEXT};
use crate::index::volume::Volume;
use crate::text::RecordId;
use crate::vectors::schema::{ID, is_json};
use crate::{Error, Result};

impl IndexRows {
    /// The columns of these names of some rows, which are in ascending order. The text is that of the row's chunk.
    /// Texts without ids have their places among all texts, from 0.
    ///
    /// # Errors
    /// If a file is damaged or cannot be read.
    pub(in crate::index) fn select(&self, rows: &[u64], names: &[&str]) -> Result<RecordBatch> {
        let place = |row: &u64| {
            let run = self.run_of(*row).ok_or_else(|| Error::Bug("a row that the index lacks".to_owned()))?;
            Ok((run.volume, run.start + (row - run.first)))
        };
        let places = rows.iter().map(place).collect::<Result<Vec<_>>>()?;
        let all = self.gather(&places, |volume, stored| {
            with_chunk_texts(volume, stored, volume.select(stored, &with_place(names))?)
        })?;
        projected(&self.with_ids(&all, rows)?, names)
    }

    /// Rows of several volumes, each as its volume and its number there, in this order; those of each volume are in
    /// ascending order. `read` returns some rows of a volume.
    ///
    /// # Errors
    /// Those of `read`; [`Error::Bug`] if there are no rows.
    pub(in crate::index) fn gather(
        &self,
        rows: &[(usize, u64)],
        read: impl Fn(&Volume, &[u64]) -> Result<RecordBatch>,
    ) -> Result<RecordBatch> {
        let mut stored: Vec<Vec<u64>> = vec![Vec::new(); self.volumes.len()];
        let mut sources = Vec::with_capacity(rows.len());
        for (volume, row) in rows {
            sources.push((*volume, stored[*volume].len()));
            stored[*volume].push(*row);
        }
        let mut parts = Vec::new();
        let mut starts = vec![0; self.volumes.len()];
        let mut count = 0;
        for (index, stored) in stored.iter().enumerate().filter(|(_, stored)| !stored.is_empty()) {
            starts[index] = count;
            count += stored.len();
            parts.push(read(&self.volumes[index], stored)?);
        }
        let Some(schema) = parts.first().map(RecordBatch::schema) else {
            return Err(Error::Bug("no rows were asked for".to_owned()));
        };
        if let [only] = parts.as_slice() {
            return Ok(only.clone());
        }
        let all = concat_batches(&schema, &parts)?;
        let places: UInt64Array = sources.iter().map(|(volume, at)| (starts[*volume] + at) as u64).collect();
        Ok(take_record_batch(&all, &places)?)
    }

    /// The columns of these names of one row, as they are stored.
    ///
    /// # Errors
    /// As [`IndexRows::select`].
    pub(in crate::index) fn stored(&self, row: u64, names: &[&str]) -> Result<RecordBatch> {
        let run = self.run_of(row).ok_or_else(|| Error::Bug("a row that the index lacks".to_owned()))?;
        self.volumes[run.volume].select(&[run.start + (row - run.first)], names)
    }

    /// The ids of some rows, which are in ascending order.
    ///
    /// # Errors
    /// As [`IndexRows::select`].
    pub(in crate::index) fn ids(&self, rows: &[u64]) -> Result<Vec<RecordId>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.select(rows, &[ID])?;
        let field = found.schema_ref().field(0).clone();
        (0..found.num_rows()).map(|row| id_at(&field, found.column(0), row)).collect()
    }

    /// Fills in the places of texts that have no id.
    fn with_ids(&self, batch: &RecordBatch, rows: &[u64]) -> Result<RecordBatch> {
        let Ok(index) = batch.schema_ref().index_of(ID) else { return Ok(batch.clone()) };
        if batch.column(index).null_count() == 0 {
            return Ok(batch.clone());
        }
        let starts = self.starts()?;
        let (mut before, mut word) = (0, 0);
        let mut places = Vec::with_capacity(rows.len());
        for row in rows {
            // The text that has the row is the last that starts at it or before.
            before += starts.count(word..row + 1);
            word = row + 1;
            places.push(before.saturating_sub(1));
        }
        fill_ids(batch, index, &places)
    }

    /// These columns of all rows, some at a time, in order: with ids and texts completed as [`IndexRows::select`] does,
    /// or as they are stored.
    ///
    /// # Errors
    /// As [`IndexRows::select`].
    pub(in crate::index) fn scan<'a>(
        &'a self,
        names: &[&str],
        completes: bool,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + 'a> {
        let asked: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (mut before, mut run, mut taken) = (0u64, 0, 0);
        let mut decoders: Vec<Option<FileDecoder>> = self.volumes.iter().map(|_| None).collect();
        let mut decoded: Vec<Option<(u64, RecordBatch)>> = self.volumes.iter().map(|_| None).collect();
        let mut next = move || -> Result<Option<RecordBatch>> {
            let names: Vec<&str> = asked.iter().map(String::as_str).collect();
            let Some(current) = self.runs.get(run) else { return Ok(None) };
            let row = current.start + taken;
            let volume = &self.volumes[current.volume];
            let known = &mut decoded[current.volume];
            if known
                .as_ref()
                .is_none_or(|(first, batch)| !(*first..first + batch.num_rows() as u64).contains(&row))
            {
                let decoder = match &mut decoders[current.volume] {
                    Some(decoder) => decoder,
                    unknown => unknown.insert(volume.decoder(&with_place(&names))?),
                };
                *known = Some(volume.batch_with(row, decoder)?);
            }
            let Some((first, batch)) = known else {
                return Err(Error::Bug("a batch was not kept".to_owned()));
            };
            let at = (row - *first) as usize;
            let count = (batch.num_rows() - at).min((current.rows - taken) as usize);
            let part = batch.slice(at, count);
            taken += count as u64;
            if taken == current.rows {
                (run, taken) = (run + 1, 0);
            }
            if !completes {
                return projected(&part, &names).map(Some);
            }
            let stored: Vec<u64> = (row..row + count as u64).collect();
            let part = with_chunk_texts(volume, &stored, part)?;
            let chunks = chunk_numbers(&part)?;
            let mut places = Vec::with_capacity(count);
            for chunk in chunks {
                before += u64::from(chunk == 0);
                places.push(before.saturating_sub(1));
            }
            let part = match part.schema_ref().index_of(ID) {
                Ok(index) if part.column(index).null_count() > 0 => fill_ids(&part, index, &places)?,
                _ => part,
            };
            projected(&part, &names).map(Some)
        };
        let mut is_over = false;
        Ok(std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            let batch = next().transpose();
            is_over = !matches!(batch, Some(Ok(_)));
            batch
        }))
    }
}

/// The names, and the columns that complete texts and ids.
fn with_place<'a>(names: &[&'a str]) -> Vec<&'a str> {
    names.iter().copied().chain(PLACE[..3].iter().copied()).collect()
}

/// Only these columns, in the order of the names.
fn projected(batch: &RecordBatch, names: &[&str]) -> Result<RecordBatch> {
    let mut places = Vec::new();
    for name in names {
        places.push(batch.schema_ref().index_of(name)?);
    }
    places.sort_unstable();
    places.dedup();
    Ok(batch.project(&places)?)
}

pub(in crate::index) fn chunk_numbers(batch: &RecordBatch) -> Result<Vec<u32>> {
    Ok(numbers(batch, PLACE[0])?.to_vec())
}

fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a [u32]> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt32Type>());
    let column = column.ok_or_else(|| Error::Bug(format!("rows of an index without `{name}`")))?;
    Ok(column.values())
}

/// Puts in place of the text, which only the first row of a text has, that of each row's chunk.
fn with_chunk_texts(volume: &Volume, stored: &[u64], batch: RecordBatch) -> Result<RecordBatch> {
    let Ok(index) = batch.schema_ref().index_of(TEXT) else { return Ok(batch) };
    let (chunks, starts, ends) =
        (numbers(&batch, PLACE[0])?, numbers(&batch, PLACE[1])?, numbers(&batch, PLACE[2])?);
    if chunks.iter().all(|chunk| *chunk == 0) && starts.iter().all(|start| *start == 0) {
        let texts = batch.column(index).as_string::<i32>();
        if (0..texts.len()).all(|row| texts.is_null(row) || texts.value(row).len() == ends[row] as usize) {
            return Ok(batch);
        }
    }
    let broken = || Error::BadInput {
        input: format!("volume {}", volume.record().volume),
        rule: "a chunk is outside its text".to_owned(),
    };
    let mut firsts = Vec::with_capacity(stored.len());
    for (row, chunk) in stored.iter().zip(chunks) {
        firsts.push(row.checked_sub(u64::from(*chunk)).ok_or_else(broken)?);
    }
    let mut distinct = firsts.clone();
    distinct.dedup();
    let found = volume.select(&distinct, &[TEXT])?;
    let whole = found.column(0).as_string::<i32>();
    let mut texts = Vec::with_capacity(stored.len());
    for (row, first) in firsts.iter().enumerate() {
        let at = distinct.partition_point(|known| known < first);
        let text = whole.is_valid(at).then(|| whole.value(at));
        let part = text.map(|text| text.get(starts[row] as usize..ends[row] as usize).ok_or_else(broken));
        texts.push(part.transpose()?);
    }
    replaced(&batch, index, Arc::new(StringArray::from(texts)))
}

/// Puts texts' places in place of missing ids.
fn fill_ids(batch: &RecordBatch, index: usize, places: &[u64]) -> Result<RecordBatch> {
    let column = batch.column(index);
    let filled: ArrayRef = match column.data_type() {
        DataType::Int64 => {
            let ids = column.as_primitive::<arrow_array::types::Int64Type>();
            let id = |row: usize| if ids.is_null(row) { places[row] as i64 } else { ids.value(row) };
            Arc::new(Int64Array::from_iter_values((0..ids.len()).map(id)))
        }
        DataType::UInt64 => {
            let ids = column.as_primitive::<arrow_array::types::UInt64Type>();
            let id = |row: usize| if ids.is_null(row) { places[row] } else { ids.value(row) };
            Arc::new(UInt64Array::from_iter_values((0..ids.len()).map(id)))
        }
        DataType::Utf8 => {
            let ids = column.as_string::<i32>();
            let id = |row: usize| {
                if ids.is_null(row) { places[row].to_string() } else { ids.value(row).to_owned() }
            };
            Arc::new(StringArray::from_iter_values((0..ids.len()).map(id)))
        }
        _ => return Ok(batch.clone()),
    };
    replaced(batch, index, filled)
}

fn replaced(batch: &RecordBatch, index: usize, column: ArrayRef) -> Result<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    columns[index] = column;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns, &options)?)
}

/// An id in a column of ids.
pub(in crate::index) fn id_at(field: &Field, column: &ArrayRef, row: usize) -> Result<RecordId> {
    let bad = || Error::Bug("a column of ids of another type".to_owned());
    Ok(match column.data_type() {
        DataType::Int64 => {
            RecordId::Number(column.as_primitive::<arrow_array::types::Int64Type>().value(row).into())
        }
        DataType::UInt64 => {
            RecordId::Number(column.as_primitive::<arrow_array::types::UInt64Type>().value(row).into())
        }
        DataType::Utf8 if is_json(field) => {
            let value: Value =
                serde_json::from_str(column.as_string::<i32>().value(row)).map_err(|_| bad())?;
            RecordId::from_json(&value).ok_or_else(bad)?
        }
        DataType::Utf8 => RecordId::String(column.as_string::<i32>().value(row).to_owned()),
        _ => return Err(bad()),
    })
}
