//! Fields that rows have besides their texts: the group of a row, and its weight.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_cast::display::array_value_to_string;
use arrow_schema::DataType;

use super::PairSource;
use crate::error::shorten;
use crate::text::{Kept, KeptValue, Record};
use crate::{Error, Result};

/// The source whose kept fields are about the row, and their places among those kept.
#[derive(Debug, Clone, Default)]
pub(super) struct RowFields {
    /// Counted from the systems' first.
    pub(super) source: usize,
    pub(super) group: Option<usize>,
    pub(super) weight: Option<usize>,
    /// The name of the weights' field.
    pub(super) weight_name: Arc<str>,
}

impl PairSource {
    /// The same; rows whose references have the same value in `field` are a group. If the references are lines
    /// without fields, it is a field of the first system's that has any.
    ///
    /// # Errors
    /// If no input has fields.
    pub fn grouped_by(self, field: &str) -> Result<Self> {
        self.with_row_field(field, "the group of a row", |fields, place| fields.group = Some(place))
    }

    /// The same; each row has the weight in `field` in means over rows. The field is of the same input as that of
    /// groups.
    ///
    /// # Errors
    /// If no input has fields.
    pub fn weighted_by_field(self, field: &str) -> Result<Self> {
        self.with_row_field(field, "the weight of a row", |fields, place| {
            fields.weight = Some(place);
            fields.weight_name = field.into();
        })
    }

    fn with_row_field(
        mut self,
        field: &str,
        what: &str,
        set: impl FnOnce(&mut RowFields, usize),
    ) -> Result<Self> {
        let systems = self.systems.len();
        let sources = || self.systems.iter().map(|system| &system.texts).chain(&self.references);
        let mut order = (systems..systems + self.references.len()).chain(0..systems);
        let has_fields = |at: &usize| sources().nth(*at).is_some_and(|texts| texts.field().is_some());
        let source = order.find(has_fields).ok_or_else(|| {
            Error::usage_hint(
                format!("no input has fields, and so none named `{field}` for {what}"),
                "use jsonl, json, csv, tsv or parquet for rows with fields",
            )
        })?;
        let texts = match source.checked_sub(systems) {
            Some(column) => &mut self.references[column],
            None => &mut self.systems[source].texts,
        };
        let place;
        (*texts, place) = texts.keeping(field)?;
        let fields = self.row_fields.get_or_insert_default();
        fields.source = source;
        set(fields, place);
        Ok(self)
    }
}

/// The name of a record's group: a string as it is, another value as JSON; `None` if it is null.
pub(super) fn group(record: &Record, place: usize) -> Option<String> {
    match &record.kept {
        Kept::Nothing => None,
        Kept::Values(values) => match values.get(place)? {
            KeptValue::Value(serde_json::Value::Null) => None,
            KeptValue::Value(serde_json::Value::String(text)) => Some(text.clone()),
            value => Some(value.to_string()),
        },
        Kept::Row { columns, index } => {
            let column = columns.get(place).filter(|column| column.is_valid(*index))?;
            array_value_to_string(column, *index).ok()
        }
    }
}

/// The number in a kept field of a record; else its value in words.
pub(super) fn number(record: &Record, place: usize) -> Result<f64, String> {
    match &record.kept {
        Kept::Nothing => Err("nothing".to_owned()),
        Kept::Values(values) => match values.get(place) {
            Some(value) => value.as_number().ok_or_else(|| shorten(&value.to_string()).into_owned()),
            None => Err("nothing".to_owned()),
        },
        Kept::Row { columns, index } => match columns.get(place) {
            Some(column) => number_of_column(column, *index),
            None => Err("nothing".to_owned()),
        },
    }
}

fn number_of_column(column: &ArrayRef, index: usize) -> Result<f64, String> {
    if !column.is_valid(index) {
        return Err("null".to_owned());
    }
    let value = column.slice(index, 1);
    let is_text = matches!(value.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let number = (value.data_type().is_numeric() || is_text)
        .then(|| cast(&value, &DataType::Float64).ok())
        .flatten()
        .and_then(|cast| {
            let numbers = cast.as_primitive_opt::<Float64Type>()?;
            numbers.is_valid(0).then(|| numbers.value(0))
        });
    number.ok_or_else(|| {
        let text = array_value_to_string(&value, 0).unwrap_or_default();
        shorten(&text).into_owned()
    })
}
