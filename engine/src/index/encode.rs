//! Texts to the rows of a volume.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt32Type};
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::SchemaRef;

use super::columns::{PLACE, TRUNCATED, kept};
use super::volume::{TextHead, TextHeads, VolumeRows, VolumeWriter, head_columns};
use crate::embed::{Counts, EmbedProgress, EmbedRun};
use crate::search::to_length_1;
use crate::text::Record;
use crate::vectors::schema::{EMBEDDING, ID};
use crate::vectors::write::RowWriter;
use crate::{Error, Result};

/// Encodes texts, which are in the order of their numbers, into a volume.
///
/// # Errors
/// Those of [`EmbedRun::run`] and of writing.
pub(super) fn encode(
    run: &EmbedRun<'_>,
    texts: Vec<(Record, TextHead)>,
    (volume, schema, brings_to_length_1): (VolumeWriter, &SchemaRef, bool),
    progress: EmbedProgress<'_>,
) -> Result<(VolumeWriter, Counts)> {
    let (records, heads): (Vec<Record>, VecDeque<TextHead>) = texts.into_iter().unzip();
    let heads: TextHeads = Arc::new(Mutex::new(heads));
    let mut writer = IndexRowWriter {
        volume,
        schema: schema.clone(),
        heads: heads.clone(),
        current: None,
        brings_to_length_1,
    };
    let mut counts = Counts::default();
    run.run(records.into_iter().map(Ok), &mut writer, &mut counts, progress)?;
    match heads.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
        true => Ok((writer.volume, counts)),
        false => Err(Error::Bug("a text of an index has no rows".to_owned())),
    }
}

/// Rows of an embedding as rows of an index.
struct IndexRowWriter {
    volume: VolumeWriter,
    schema: SchemaRef,
    heads: TextHeads,
    /// The text whose chunks come next.
    current: Option<TextHead>,
    brings_to_length_1: bool,
}

impl RowWriter for IndexRowWriter {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let column = |name: &str| {
            rows.column_by_name(name)
                .cloned()
                .ok_or_else(|| Error::Bug(format!("rows without a column `{name}`")))
        };
        let is_chunked = rows.column_by_name(PLACE[0]).is_some();
        let chunks = match is_chunked {
            true => column(PLACE[0])?.as_primitive::<UInt32Type>().values().to_vec(),
            false => vec![0; rows.num_rows()],
        };
        let ([number, text, text_sha256, record_sha256, input], have_ids) =
            head_columns(&chunks, &self.heads, &mut self.current)?;
        let places = match is_chunked {
            true => PLACE.iter().map(|name| column(name)).collect::<Result<Vec<_>>>()?,
            false => whole(&text),
        };
        let mut columns =
            vec![number, with_nulls(&column(ID)?, have_ids)?, text, text_sha256, record_sha256, input];
        columns.extend(places);
        columns.push(column(TRUNCATED)?);
        for field in kept(&self.schema) {
            columns.push(column(field.name())?);
        }
        let embedding = column(EMBEDDING)?;
        let lists = embedding.as_fixed_size_list();
        let (start, width) = (lists.value_offset_at(0), lists.value_length() as usize);
        let values = lists.values().as_primitive::<Float32Type>();
        let mut vectors = values.values()[start..start + lists.len() * width].to_vec();
        if self.brings_to_length_1 {
            vectors.chunks_exact_mut(width).for_each(to_length_1);
        }
        let rows = RecordBatch::try_new(self.schema.clone(), columns)?;
        self.volume.write(&VolumeRows { rows, vectors })
    }

    /// A volume is finished by its owner.
    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// The places of chunks that are whole texts.
fn whole(texts: &ArrayRef) -> Vec<ArrayRef> {
    let texts = texts.as_string::<i32>();
    let lengths = |of: fn(&str) -> usize| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(texts.iter().map(|text| of(text.unwrap_or_default()) as u32)))
    };
    let zeros = || -> ArrayRef { Arc::new(UInt32Array::from(vec![0; texts.len()])) };
    vec![zeros(), zeros(), lengths(str::len), zeros(), lengths(|text| text.chars().count())]
}

/// A column that is null where a text has no id.
fn with_nulls(column: &ArrayRef, is_valid: Vec<bool>) -> Result<ArrayRef> {
    let data = column.to_data().into_builder().nulls(Some(NullBuffer::from(is_valid)));
    Ok(arrow_array::make_array(data.build()?))
}
