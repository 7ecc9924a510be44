//! Hits as rows of a table, with the corpus' own types.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::take::take;

use super::answer::{SearchAnswer, SearchHit};
use super::corpus::TEXT;
use super::metric::Metric;
use super::prepared::Search;
use crate::error::phrase;
use crate::text::RecordId;
use crate::vectors::rows::{BYTE_END, BYTE_START, CHUNK};
use crate::vectors::schema::{ID, json_field};
use crate::{Error, Result, Setting};

/// Hits of some answers as rows.
pub struct HitTable {
    schema: SchemaRef,
    /// The corpus' columns after the id and those of chunks.
    columns: Vec<String>,
}

impl Search<'_> {
    /// The table that hits of this search are rows of: `query` (null for vectors), `query_id` (JSON text), `rank`,
    /// `score` or `distance`, `id`, `chunk`, `byte_start` and `byte_end` (null if rows are not chunks), `text`, and the
    /// columns that hits have.
    ///
    /// # Errors
    /// [`Error::Usage`] if hits are to have a column of the corpus whose name the table uses for something else; if the
    /// corpus cannot be read.
    pub fn hit_table(&self) -> Result<HitTable> {
        let own = self.corpus.source.columns()?;
        let number = if self.corpus.metric == Metric::Euclidean { "distance" } else { "score" };
        let id = own.field_with_name(ID).cloned().unwrap_or_else(|_| json_field(ID));
        let mut fields = vec![
            Field::new("query", DataType::Utf8, true),
            json_field("query_id"),
            Field::new("rank", DataType::UInt32, false),
            Field::new(number, DataType::Float32, false),
            id,
        ];
        fields.extend([CHUNK, BYTE_START, BYTE_END].map(|name| Field::new(name, DataType::UInt32, true)));
        fields.push(Field::new(TEXT, DataType::Utf8, true));
        let is_other = |name: &&String| {
            let field = fields.iter().find(|field| field.name() == *name);
            field.is_some_and(|field| !self.is_stored_as(field, &own))
        };
        if let Some(name) = self.options.columns.iter().find(is_other) {
            return Err(is_taken(name));
        }
        let is_new = |name: &&String| !fields.iter().any(|field| field.name() == *name);
        let columns: Vec<String> = self.options.columns.iter().filter(is_new).cloned().collect();
        for name in &columns {
            fields.push(own.field_with_name(name)?.clone().with_nullable(true));
        }
        Ok(HitTable { schema: SchemaRef::new(Schema::new(fields)), columns })
    }

    /// Whether a column of the table has what the corpus has under its name.
    fn is_stored_as(&self, field: &Field, own: &Schema) -> bool {
        match field.name().as_str() {
            ID => true,
            TEXT => self.corpus.text_column == Some(TEXT),
            name @ (CHUNK | BYTE_START | BYTE_END) => {
                own.field_with_name(name).is_ok_and(|own| own.data_type() == field.data_type())
            }
            _ => false,
        }
    }
}

/// Refuses a column whose name the table uses for something else.
fn is_taken(name: &str) -> Error {
    Error::usage_hint(
        phrase![
            Setting::Columns,
            format!(" cannot add `{name}` to a table of hits, which has another column of that name")
        ],
        "write .jsonl, in which the columns of the corpus are apart",
    )
}

impl HitTable {
    /// Its columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The hits of an answer to a query of `search`.
    ///
    /// # Errors
    /// If the corpus cannot be read.
    pub fn rows(&self, search: &Search<'_>, answer: &SearchAnswer) -> Result<RecordBatch> {
        let hits = answer.hits.as_slice();
        let mut rows: Vec<u64> = hits.iter().map(|hit| hit.row).collect();
        rows.sort_unstable();
        rows.dedup();
        let names: Vec<&str> = self.columns.iter().map(String::as_str).chain([ID]).collect();
        let stored = search.corpus.source.columns_of(&rows, &names)?;
        let place = |hit: &SearchHit| rows.partition_point(|row| *row < hit.row) as u64;
        let places: UInt64Array = hits.iter().map(place).collect();
        let own = |name: &str| -> Result<Option<ArrayRef>> {
            let column = stored.as_ref().and_then(|stored| stored.column_by_name(name));
            Ok(column.map(|column| take(column, &places, None)).transpose()?)
        };
        let query_id = answer.query_id.as_ref().map(json);
        let numbers = |number: &dyn Fn(&SearchHit) -> Option<u32>| -> ArrayRef {
            Arc::new(hits.iter().map(number).collect::<UInt32Array>())
        };
        let ids =
            || -> ArrayRef { Arc::new(StringArray::from_iter_values(hits.iter().map(|hit| json(&hit.id)))) };
        let score = |hit: &SearchHit| hit.score.or(hit.distance).unwrap_or(f32::NAN);
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![answer.query.as_deref(); hits.len()])),
            Arc::new(StringArray::from(vec![query_id.as_deref(); hits.len()])),
            numbers(&|hit| u32::try_from(hit.rank).ok()),
            Arc::new(Float32Array::from_iter_values(hits.iter().map(score))),
            own(ID)?.unwrap_or_else(ids),
            numbers(&|hit| hit.chunk),
            numbers(&|hit| hit.byte_start),
            numbers(&|hit| hit.byte_end),
            Arc::new(hits.iter().map(|hit| hit.text.as_deref()).collect::<StringArray>()),
        ];
        for (name, field) in self.columns.iter().zip(&self.schema.fields()[arrays.len()..]) {
            let missing = || arrow_array::new_null_array(field.data_type(), hits.len());
            arrays.push(own(name)?.unwrap_or_else(missing));
        }
        debug_assert!(arrays.iter().all(|array| array.len() == hits.len()));
        Ok(RecordBatch::try_new(self.schema.clone(), arrays)?)
    }
}

fn json(id: &RecordId) -> String {
    id.to_string()
}
