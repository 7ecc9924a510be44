//! The forms that columns have in the file.
//!
//! Tables of LanceDB and DuckDB have arrow's types. Payloads of Qdrant, dynamic fields of Milvus and metadata of Chroma
//! have those of JSON: booleans, numbers and strings, in the first two also lists of them. All other values are
//! written as the text that they are in nearsay's JSON lines.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, FieldRef};

use crate::vectors::schema::is_json;
use crate::vectors::write::append_value;
use crate::{Error, Result};

/// The types of columns that a database takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnForm {
    /// Those that the columns have.
    Stored,
    /// Those of JSON, and lists.
    Json,
    /// Those of JSON without lists.
    Flat,
}

/// How a column is brought to its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conversion {
    /// It has the form.
    Keep,
    /// A dictionary is unpacked, an f16 widened.
    Cast,
    /// Floats whose values that are not finite become null, since JSON has none.
    Finite,
    /// Values become their text.
    Text,
}

/// A column in its form.
#[derive(Debug)]
pub(super) struct FormedColumn {
    /// The field as it is stored.
    stored: FieldRef,
    /// The field as it is written.
    field: FieldRef,
    conversion: Conversion,
}

impl FormedColumn {
    /// A column in a form.
    pub(super) fn new(stored: &FieldRef, form: ColumnForm) -> Self {
        let (conversion, data_type) = match form {
            ColumnForm::Stored => (Conversion::Keep, stored.data_type().clone()),
            ColumnForm::Json | ColumnForm::Flat => json_form(stored.data_type(), form == ColumnForm::Json),
        };
        let is_changed = conversion != Conversion::Keep;
        let field = if is_changed {
            Arc::new(Field::new(stored.name(), data_type, true).with_metadata(stored.metadata().clone()))
        } else {
            stored.clone()
        };
        Self { stored: stored.clone(), field, conversion }
    }

    /// The field that is written.
    pub(super) fn field(&self) -> &FieldRef {
        &self.field
    }

    /// The values in the column's form.
    ///
    /// # Errors
    /// If arrow cannot convert or display a value.
    pub(super) fn convert(&self, values: &ArrayRef) -> Result<ArrayRef> {
        Ok(match self.conversion {
            Conversion::Keep => values.clone(),
            Conversion::Cast => cast(values, self.field.data_type())?,
            Conversion::Finite => finite(&cast(values, self.field.data_type())?),
            Conversion::Text => texts(&self.stored, values)?,
        })
    }
}

/// How a type becomes one of JSON, and which.
fn json_form(data_type: &DataType, has_lists: bool) -> (Conversion, DataType) {
    match data_type {
        DataType::Null => (Conversion::Keep, DataType::Null),
        DataType::Float16 | DataType::Float32 => (Conversion::Finite, DataType::Float32),
        DataType::Float64 => (Conversion::Finite, DataType::Float64),
        DataType::Dictionary(_, values) if is_plain(values) => (Conversion::Cast, values.as_ref().clone()),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
            if has_lists && is_plain(item.data_type()) =>
        {
            (Conversion::Keep, data_type.clone())
        }
        plain if is_plain(plain) => (Conversion::Keep, plain.clone()),
        _ => (Conversion::Text, DataType::Utf8),
    }
}

/// Whether values are booleans, whole numbers of 64 bits with sign, or strings.
fn is_plain(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
    )
}

fn finite(values: &ArrayRef) -> ArrayRef {
    if let Some(values) = values.as_primitive_opt::<Float32Type>() {
        let finite = values.unary_opt::<_, Float32Type>(|value| value.is_finite().then_some(value));
        return Arc::new(finite);
    }
    match values.as_primitive_opt::<Float64Type>() {
        Some(values) => {
            Arc::new(values.unary_opt::<_, Float64Type>(|value| value.is_finite().then_some(value)))
        }
        None => values.clone(),
    }
}

/// Values as in JSON lines; strings without their quotes.
fn texts(field: &Field, values: &ArrayRef) -> Result<ArrayRef> {
    let text = |row: usize| {
        if values.is_null(row) {
            return Ok(None);
        }
        let mut json = Vec::new();
        append_value(&mut json, field, values, row)?;
        if !is_json(field)
            && let Ok(text) = serde_json::from_slice::<String>(&json)
        {
            return Ok(Some(text));
        }
        String::from_utf8(json).map(Some).map_err(|error| Error::Bug(format!("JSON: {error}")))
    };
    Ok(Arc::new((0..values.len()).map(text).collect::<Result<StringArray>>()?))
}
