//! An output's columns and their types.
//!
//! Typed formats need the types before the first row is written. Those of ids and of columns kept from jsonl
//! are inferred from the first records of the input ([`HEAD_RECORDS`]); a later value that does not fit is an
//! error that names its row. A column that already has several types there, is nested, or has a number that
//! would lose digits, is written as JSON text.

use arrow_schema::{DataType, Field};
use serde_json::{Number, Value};

use super::parquet_types::output_field;
use crate::error::phrase;
use crate::text::{Kept, KeptValue, Record, RecordId};
use crate::vectors::schema::{
    BYTE_OFFSETS, CHARACTER_OFFSETS, EMBEDDINGS, ID, TOKEN_IDS, TOKENS, is_json, json_field,
};
use crate::vectors::write::OutputFormat;
use crate::{Error, Result, Setting};

/// Number of records examined.
pub const HEAD_RECORDS: usize = 1000;

/// Whether one of our tensors in a .safetensors has this name, not counting `_json`.
fn is_tensor(name: &str) -> bool {
    let ours =
        ["ids", "cu_seqlens", "padding", EMBEDDINGS, TOKEN_IDS, TOKENS, BYTE_OFFSETS, CHARACTER_OFFSETS];
    ours.contains(&name)
}

/// How a column's values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// As JSON text.
    Json,
    Boolean,
    Int64,
    UInt64,
    Float64,
    Utf8,
    /// As in a Parquet input; the field of the output.
    Arrow(Field),
    /// The text of the row's chunk, whatever the record's value is.
    ChunkText,
}

impl ColumnType {
    /// Whether a value can be written exactly.
    pub(super) fn holds(&self, value: &KeptValue) -> bool {
        let KeptValue::Value(value) = value else { return *self == Self::Json };
        match self {
            _ if value.is_null() => true,
            Self::Json => true,
            Self::Boolean => value.is_boolean(),
            Self::Int64 => value.is_i64(),
            Self::UInt64 => value.is_u64(),
            Self::Float64 => exact_float(value).is_some(),
            Self::Utf8 => value.is_string(),
            Self::Arrow(_) | Self::ChunkText => false,
        }
    }
}

/// A number that a float represents exactly, or that was one in the input.
pub(super) fn exact_float(value: &Value) -> Option<f64> {
    let float = value.as_f64()?;
    let whole = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    whole.is_none_or(|whole| float as i128 == whole).then_some(float)
}

/// A column next to the vectors.
#[derive(Debug, Clone)]
pub(super) struct KeptColumn {
    pub(super) name: String,
    pub(super) column_type: ColumnType,
}

impl KeptColumn {
    pub(super) fn field(&self, nullable: bool) -> Field {
        let data_type = match &self.column_type {
            ColumnType::Json => return json_field(&self.name).with_nullable(nullable),
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::UInt64 => DataType::UInt64,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Utf8 | ColumnType::ChunkText => DataType::Utf8,
            ColumnType::Arrow(field) => return field.clone(),
        };
        Field::new(&self.name, data_type, nullable)
    }
}

/// The ids and kept columns of an output.
#[derive(Debug, Clone)]
pub struct Columns {
    pub(super) id: KeptColumn,
    pub(super) kept: Vec<KeptColumn>,
    /// Whether ids are both numbers and strings, as far as is known.
    pub(super) ids_are_mixed: bool,
}

impl Columns {
    /// The columns of records that start with `head`. `keep` are the kept columns' names, and `types` their
    /// types if the input is Parquet; those in `as_json` are always JSON text.
    ///
    /// # Errors
    /// [`Error::Usage`] if a format cannot hold kept columns, or two columns of the output would have the
    /// same name.
    pub fn new(
        format: OutputFormat,
        keep: &[String],
        types: Option<&[Field]>,
        as_json: &[String],
        head: &[Record],
    ) -> Result<Self> {
        if let Some(name) = as_json.iter().find(|name| *name != ID && !keep.contains(name)) {
            return Err(Error::usage_hint(
                format!("`{name}` is to be written as JSON text, and is neither kept nor the id"),
                phrase!["pass ", (Setting::Keep, name), " too"],
            ));
        }
        let is_json = |name: &str| as_json.iter().any(|other| other == name);
        if let Some(name) = keep.iter().find(|name| format == OutputFormat::Safetensors && is_tensor(name)) {
            return Err(Error::usage_hint(
                format!(
                    "a column named `{name}` cannot be kept in .safetensors, which has a tensor of that name"
                ),
                "write .parquet, .jsonl or .arrow",
            ));
        }
        let id_type = if is_json(ID) { ColumnType::Json } else { id_type(format, head) };
        let id = KeptColumn { name: ID.to_owned(), column_type: id_type };
        let kept = keep.iter().enumerate().map(|(index, name)| KeptColumn {
            name: name.clone(),
            column_type: match types {
                _ if is_json(name) && types.is_none() => ColumnType::Json,
                Some(types) => ColumnType::Arrow(output_field(format, name, &types[index])),
                None => kept_type(format, head, index),
            },
        });
        let ids_are_mixed = format.is_typed() && id.column_type == ColumnType::Json;
        Ok(Self { id, kept: kept.collect(), ids_are_mixed })
    }

    /// The columns of an output that is extended: those with these fields. `types` are those of the kept columns in
    /// the input, if it is Parquet.
    ///
    /// # Errors
    /// [`Error::Usage`] if a kept column of the input has another type.
    pub(crate) fn stored(id: &Field, kept: &[Field], types: Option<&[Field]>) -> Result<Self> {
        let id = KeptColumn { name: ID.to_owned(), column_type: stored_type(id).unwrap_or(ColumnType::Json) };
        let mut columns = Vec::new();
        for (index, field) in kept.iter().enumerate() {
            let given = types.map(|types| output_field(OutputFormat::Arrow, field.name(), &types[index]));
            let column_type = match given {
                Some(given) if given.data_type() == field.data_type() => {
                    Some(ColumnType::Arrow(field.clone()))
                }
                Some(_) => None,
                None => stored_type(field),
            };
            let column_type = column_type.ok_or_else(|| {
                Error::usage(format!(
                    "the column `{}` has another type in this input than before",
                    field.name()
                ))
            })?;
            columns.push(KeptColumn { name: field.name().clone(), column_type });
        }
        let ids_are_mixed = id.column_type == ColumnType::Json;
        Ok(Self { id, kept: columns, ids_are_mixed })
    }

    /// The fields of the id and of the kept columns.
    pub(crate) fn fields(&self) -> (Field, Vec<Field>) {
        (self.id.field(false), self.kept.iter().map(|column| column.field(true)).collect())
    }

    /// The same columns, but those of these names have the text of the row's chunk.
    #[must_use]
    pub fn with_chunk_text(mut self, names: &[String]) -> Self {
        for column in self.kept.iter_mut().filter(|column| names.contains(&column.name)) {
            column.column_type = ColumnType::ChunkText;
        }
        self
    }
}

/// How values of JSON are written into a column with this field.
fn stored_type(field: &Field) -> Option<ColumnType> {
    Some(match field.data_type() {
        DataType::Utf8 if is_json(field) => ColumnType::Json,
        DataType::Utf8 => ColumnType::Utf8,
        DataType::Boolean => ColumnType::Boolean,
        DataType::Int64 => ColumnType::Int64,
        DataType::UInt64 => ColumnType::UInt64,
        DataType::Float64 => ColumnType::Float64,
        _ => return None,
    })
}

/// Refuses two columns with the same name.
pub(super) fn check_names(fields: &[Field]) -> Result<()> {
    for (index, field) in fields.iter().enumerate() {
        if fields[..index].iter().any(|earlier| earlier.name() == field.name()) {
            return Err(Error::usage_hint(
                format!("the output would have two columns named `{}`", field.name()),
                phrase!["leave out the ", Setting::Keep, " of that name, or rename the column in the input"],
            ));
        }
    }
    Ok(())
}

fn id_type(format: OutputFormat, head: &[Record]) -> ColumnType {
    if !format.is_typed() {
        return ColumnType::Json;
    }
    narrowest(head.iter().map(|record| id_value(&record.id).into()), ColumnType::Int64)
}

/// An id as a JSON value.
pub(super) fn id_value(id: &RecordId) -> Value {
    match id {
        RecordId::Row(row) => Value::from(*row),
        RecordId::Number(number) => Value::Number(number.clone()),
        RecordId::String(string) => Value::from(string.as_str()),
    }
}

fn kept_type(format: OutputFormat, head: &[Record], index: usize) -> ColumnType {
    if !format.is_typed() {
        return ColumnType::Json;
    }
    let value = |record: &Record| match &record.kept {
        Kept::Values(values) => values.get(index).cloned(),
        Kept::Nothing | Kept::Row { .. } => None,
    };
    narrowest(head.iter().filter_map(value), ColumnType::Utf8)
}

/// The narrowest type that represents all `values` exactly; JSON text if there is none, `otherwise` if all
/// are null.
fn narrowest(values: impl Iterator<Item = KeptValue>, otherwise: ColumnType) -> ColumnType {
    let values: Vec<KeptValue> = values.collect();
    match values.iter().filter_map(value_type).reduce(common) {
        None => otherwise,
        Some(column_type) if values.iter().all(|value| column_type.holds(value)) => column_type,
        Some(_) => ColumnType::Json,
    }
}

/// The type of one value; null has none.
fn value_type(value: &KeptValue) -> Option<ColumnType> {
    let KeptValue::Value(value) = value else { return Some(ColumnType::Json) };
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => ColumnType::Boolean,
        Value::Number(number) => number_type(number),
        Value::String(_) => ColumnType::Utf8,
        Value::Array(_) | Value::Object(_) => ColumnType::Json,
    })
}

fn number_type(number: &Number) -> ColumnType {
    match (number.is_i64(), number.is_u64()) {
        (true, _) => ColumnType::Int64,
        (_, true) => ColumnType::UInt64,
        _ => ColumnType::Float64,
    }
}

/// The narrowest type that can represent values of both.
fn common(left: ColumnType, right: ColumnType) -> ColumnType {
    use ColumnType::{Float64, Int64, Json, UInt64};
    match (left, right) {
        (left, right) if left == right => left,
        (Int64 | Float64, Float64 | Int64) => Float64,
        (Int64, UInt64) | (UInt64, Int64) => UInt64,
        _ => Json,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(id: RecordId, kept: &[Value]) -> Record {
        Record {
            id,
            row: 1,
            text: String::new(),
            has_text: true,
            kept: Kept::Values(kept.iter().cloned().map(Into::into).collect()),
        }
    }

    fn types(rows: &[&[Value]]) -> Vec<ColumnType> {
        let head: Vec<Record> = rows.iter().map(|row| record(RecordId::Row(0), row)).collect();
        let keep: Vec<String> = (0..rows[0].len()).map(|index| format!("column {index}")).collect();
        let columns = Columns::new(OutputFormat::Parquet, &keep, None, &[], &head).unwrap();
        columns.kept.into_iter().map(|column| column.column_type).collect()
    }

    #[test]
    fn first_records_tell_the_types() {
        use ColumnType::{Boolean, Float64, Int64, Json, Utf8};
        let first = [json!(1), json!(1), json!("a"), json!(null), json!(true), json!([1]), json!(null)];
        let second = [json!(-2), json!(0.5), json!("b"), json!("c"), json!(1), json!([2]), json!(null)];
        assert_eq!(types(&[&first, &second]), [Int64, Float64, Utf8, Utf8, Json, Json, Utf8]);
        assert_eq!(types(&[&[json!(true)]]), [Boolean]);
    }

    #[test]
    fn what_no_type_holds_is_json_text() {
        use ColumnType::{Json, UInt64};
        assert_eq!(types(&[&[json!(9_007_199_254_740_993_u64)], &[json!(0.5)]]), [Json]);
        assert_eq!(types(&[&[json!(-1)], &[json!(u64::MAX)]]), [Json]);
        assert_eq!(types(&[&[json!(1)], &[json!(u64::MAX)]]), [UInt64]);
        let columns =
            Columns::new(OutputFormat::Parquet, &["a".to_owned()], None, &["a".to_owned()], &[]).unwrap();
        assert_eq!(columns.kept[0].column_type, Json);
        let error = Columns::new(OutputFormat::Parquet, &[], None, &["a".to_owned()], &[]).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
    }

    #[test]
    fn ids_of_both_kinds_are_json() {
        let numbers = [record(RecordId::Row(0), &[]), record(RecordId::Number(u64::MAX.into()), &[])];
        let id = |head: &[Record], format| Columns::new(format, &[], None, &[], head).unwrap().id.column_type;
        assert_eq!(id(&numbers, OutputFormat::Parquet), ColumnType::UInt64);
        assert_eq!(id(&numbers[..1], OutputFormat::Arrow), ColumnType::Int64);
        assert_eq!(id(&[], OutputFormat::Parquet), ColumnType::Int64);
        let mixed = [record(RecordId::Row(0), &[]), record(RecordId::String("1".to_owned()), &[])];
        assert_eq!(id(&mixed, OutputFormat::Parquet), ColumnType::Json);
        assert_eq!(id(&mixed[1..], OutputFormat::Parquet), ColumnType::Utf8);
        assert_eq!(id(&mixed[1..], OutputFormat::Jsonl), ColumnType::Json);
    }

    #[test]
    fn names_of_tensors_are_refused_where_there_are_tensors() {
        for name in ["ids", "tokens", "padding"] {
            let columns = |format| Columns::new(format, &[name.to_owned()], None, &[], &[]);
            assert_eq!(columns(OutputFormat::Safetensors).unwrap_err().kind(), crate::ErrorKind::Usage);
            assert!(columns(OutputFormat::Parquet).is_ok());
        }
    }
}
