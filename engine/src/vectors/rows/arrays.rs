//! Converts ids and kept values to arrow arrays.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, UInt64Builder};
use arrow_array::{Array, ArrayRef, new_empty_array};
use arrow_schema::DataType;
use arrow_select::interleave::interleave;
use serde_json::Value;

use super::column_types::{ColumnType, KeptColumn, exact_float, id_value};
use super::parquet_types;
use crate::text::{Kept, KeptValue, Record, json_kind};
use crate::{Error, Result};

const NULL: KeptValue = KeptValue::Value(Value::Null);

/// The ids of `records`.
pub(super) fn ids(column: &KeptColumn, records: &[&Record]) -> Result<ArrayRef> {
    let ids: Vec<KeptValue> = records.iter().map(|record| id_value(&record.id).into()).collect();
    values(column, records, &ids)
}

/// The values of kept column `index`.
pub(super) fn kept(column: &KeptColumn, records: &[&Record], index: usize) -> Result<ArrayRef> {
    if let ColumnType::Arrow(field) = &column.column_type {
        return gathered(field.data_type(), records, index);
    }
    let value = |record: &&Record| match &record.kept {
        Kept::Values(values) => values.get(index).cloned().unwrap_or(NULL),
        Kept::Nothing | Kept::Row { .. } => NULL,
    };
    values(column, records, &records.iter().map(value).collect::<Vec<_>>())
}

/// Rows of the arrays from Parquet files.
fn gathered(data_type: &DataType, records: &[&Record], index: usize) -> Result<ArrayRef> {
    let mut arrays: Vec<ArrayRef> = Vec::new();
    let mut known: HashMap<*const ArrayRef, usize> = HashMap::new();
    let mut places = Vec::with_capacity(records.len());
    for record in records {
        let Kept::Row { columns, index: row } = &record.kept else {
            return Err(Error::Bug("a record of a Parquet file without its columns".to_owned()));
        };
        let array = match known.entry(columns.as_ptr()) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                arrays.push(parquet_types::gathered(&columns[index])?);
                *entry.insert(arrays.len() - 1)
            }
        };
        places.push((array, *row));
    }
    if arrays.is_empty() {
        return Ok(new_empty_array(data_type));
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    parquet_types::as_type(&interleave(&arrays, &places)?, data_type)
}

fn values(column: &KeptColumn, records: &[&Record], values: &[KeptValue]) -> Result<ArrayRef> {
    let count = values.len();
    let pairs = records.iter().zip(values);
    let misfit = |record: &Record, value: &KeptValue| does_not_fit(column, record, value);
    macro_rules! build {
        ($builder:expr, $take:expr) => {{
            let mut builder = $builder;
            for (record, value) in pairs {
                match value {
                    KeptValue::Value(Value::Null) => builder.append_null(),
                    value => builder.append_value($take(value).ok_or_else(|| misfit(record, value))?),
                }
            }
            Arc::new(builder.finish())
        }};
    }
    Ok(match &column.column_type {
        ColumnType::Boolean => {
            build!(BooleanBuilder::with_capacity(count), |value| plain(value).and_then(Value::as_bool))
        }
        ColumnType::Int64 => {
            build!(Int64Builder::with_capacity(count), |value| plain(value).and_then(Value::as_i64))
        }
        ColumnType::UInt64 => {
            build!(UInt64Builder::with_capacity(count), |value| plain(value).and_then(Value::as_u64))
        }
        ColumnType::Float64 => {
            build!(Float64Builder::with_capacity(count), |value| plain(value).and_then(exact_float))
        }
        ColumnType::Utf8 => build!(StringBuilder::new(), |value| plain(value).and_then(Value::as_str)),
        ColumnType::Json => build!(StringBuilder::new(), |value: &KeptValue| Some(value.to_string())),
        ColumnType::Arrow(_) | ColumnType::ChunkText => {
            return Err(Error::Bug("a column that is not made of values".to_owned()));
        }
    })
}

/// A value that is not JSON text.
fn plain(value: &KeptValue) -> Option<&Value> {
    match value {
        KeptValue::Value(value) => Some(value),
        KeptValue::Json(_) => None,
    }
}

fn does_not_fit(column: &KeptColumn, record: &Record, value: &KeptValue) -> Error {
    let expected = match column.column_type {
        ColumnType::Boolean => "booleans",
        ColumnType::Int64 => "whole numbers of 64 bits",
        ColumnType::UInt64 => "whole numbers from 0 to 2^64 - 1",
        ColumnType::Float64 => "numbers that a float of 64 bits holds",
        _ => "strings",
    };
    Error::ColumnType {
        column: column.name.clone(),
        row: record.row,
        id: record.id.to_string(),
        found: match value {
            KeptValue::Value(value) => json_kind(value),
            KeptValue::Json(json) if json.starts_with('[') => "an array",
            KeptValue::Json(json) if json.starts_with('{') => "an object",
            KeptValue::Json(_) => "a number with more digits than 64 bits hold",
        },
        expected,
    }
}
