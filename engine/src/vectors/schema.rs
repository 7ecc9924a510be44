//! The names of an output's columns, and their arrow types. This module exposes types of arrow.
//!
//! Writers are given arrow record batches with one schema. Sentence level:
//!
//! | column | type |
//! |---|---|
//! | `id` | Int64, UInt64 or Utf8; JSON text if ids of both kinds occur or the format has no types |
//! | kept columns | as in a Parquet input (`rows/parquet_types.rs`); Boolean, Int64, UInt64, Float64, Utf8, or JSON text |
//! | `chunk_id` | Utf8, if long texts are cut into chunks |
//! | `chunk`, `byte_start`, `byte_end`, `character_start`, `character_end` | UInt32, likewise |
//! | `chunk_text` | Utf8, likewise |
//! | `truncated` | Boolean, on request |
//! | `embedding` | FixedSizeList of Float32, Float16, Int8 or UInt8 |
//!
//! Token level has, instead of `embedding`, lists with one entry per token: `token_ids` (UInt32), `tokens`
//! (Utf8), `byte_offsets` and `character_offsets` (FixedSizeList of two UInt32: start and end in the text),
//! `embeddings` (FixedSizeList of numbers).
//!
//! Sparse vectors are, instead of `embedding`, two lists: `indices` (UInt32, ascending) and `values` (Float32, above
//! 0).
//!
//! JSON text is a Utf8 column marked as such in its field's metadata: numbers and strings remain distinct in
//! it, and a format that is itself JSON writes it unchanged.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, FixedSizeListArray, RecordBatch};
use arrow_schema::{DataType, Field, FieldRef, Schema};

use super::Metadata;
use crate::{Error, Result};

/// The record's id.
pub const ID: &str = "id";
/// The vector of a text.
pub const EMBEDDING: &str = "embedding";
/// The vectors of a text's tokens.
pub const EMBEDDINGS: &str = "embeddings";
/// The ids of a text's tokens.
pub const TOKEN_IDS: &str = "token_ids";
/// The tokens as the tokenizer writes them.
pub const TOKENS: &str = "tokens";
/// Each token's range in the text, in bytes.
pub const BYTE_OFFSETS: &str = "byte_offsets";
/// Each token's range in the text, in characters.
pub const CHARACTER_OFFSETS: &str = "character_offsets";

/// The indices of a sparse vector's values.
pub const INDICES: &str = "indices";
/// The values of a sparse vector.
pub const VALUES: &str = "values";

/// The key of a field's metadata that marks a Utf8 column as JSON text.
const JSON_KEY: &str = "nearsay.json";

/// A column of JSON text.
pub fn json_field(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
        .with_metadata(HashMap::from([(JSON_KEY.to_owned(), "1".to_owned())]))
}

/// A schema with an output's metadata, each key as `nearsay.KEY`.
pub(super) fn described(schema: &Schema, metadata: &Metadata) -> Schema {
    let pairs: HashMap<String, String> =
        metadata.iter().map(|(key, value)| (format!("nearsay.{key}"), value.clone())).collect();
    Schema::new_with_metadata(schema.fields().clone(), pairs)
}

/// Whether a column is JSON text.
pub fn is_json(field: &Field) -> bool {
    field.metadata().get(JSON_KEY).is_some()
}

/// A fixed number of numbers of one type per row, such as a vector.
pub fn fixed_list(number: DataType, width: i32) -> DataType {
    DataType::FixedSizeList(item(number), width)
}

/// Any number of values per row, one per token.
pub fn list(value: DataType) -> DataType {
    DataType::List(item(value))
}

/// A value inside a list; it is never null.
pub fn item(value: DataType) -> FieldRef {
    Arc::new(Field::new_list_field(value, false))
}

/// A column that every batch with the writer's schema has.
pub(super) fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name).ok_or_else(|| Error::Bug(format!("rows without a column `{name}`")))
}

/// The vectors of a batch: one per row, or with token-level rows one per token.
pub(super) fn vectors(rows: &RecordBatch) -> Result<FixedSizeListArray> {
    let vectors = match rows.column_by_name(EMBEDDINGS) {
        Some(column) => flattened(column)?,
        None => Arc::clone(column(rows, EMBEDDING)?),
    };
    let vectors = vectors.as_fixed_size_list_opt().cloned();
    vectors.ok_or_else(|| Error::Bug("vectors are not of a fixed size".to_owned()))
}

/// The values of all rows' lists, back to back.
pub(super) fn flattened(lists: &ArrayRef) -> Result<ArrayRef> {
    let Some(lists) = lists.as_list_opt::<i32>() else {
        return Err(Error::Bug("a token-level column is not a list".to_owned()));
    };
    let offsets = lists.value_offsets();
    let (start, end) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
    Ok(lists.values().slice(start, end - start))
}
