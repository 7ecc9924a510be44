//! Texts and ids from arrays of any type that may hold them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringViewArray, UInt64Array};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};

use super::columns::{Column, Columns};
use crate::text::fault::{Checked, Fault};
use crate::text::json::skip_empty;
use crate::text::{RecordId, TextOptions};

/// The columns of a batch of rows.
pub(super) struct Batch {
    pub(super) rows: usize,
    texts: Vec<(String, StringViewArray)>,
    ids: Option<(String, Ids)>,
    pub(super) kept: Arc<[ArrayRef]>,
}

/// A column of ids.
pub(crate) enum Ids {
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Strings(StringViewArray),
}

impl Batch {
    pub(super) fn new(batch: &RecordBatch, columns: &Columns) -> Result<Self, ArrowError> {
        let array = |column: &Column| batch.column(column.place);
        let text = |column: &Column| strings(array(column)).map(|texts| (column.name.clone(), texts));
        let ids = |column: &Column| Ids::new(array(column)).map(|ids| (column.name.clone(), ids));
        Ok(Self {
            rows: batch.num_rows(),
            texts: columns.texts.iter().map(text).collect::<Result<_, _>>()?,
            ids: columns.id.as_ref().map(ids).transpose()?,
            kept: columns.keep.iter().map(|column| array(column).clone()).collect(),
        })
    }

    /// The id of a row, if there is an id column.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn id(&self, row: usize) -> Result<Option<RecordId>, String> {
        let Some((name, ids)) = &self.ids else { return Ok(None) };
        let id = ids.get(row).ok_or_else(|| null(name, "a string or a whole number"))?;
        Ok(Some(id))
    }

    /// The text of a row; `None` if all its columns are null and such rows are allowed.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn text(&self, row: usize, options: &TextOptions) -> Checked<Option<String>> {
        let is_null = |(_, strings): &(String, StringViewArray)| strings.is_null(row);
        if options.allows_missing() && self.texts.iter().all(is_null) {
            return Ok(None);
        }
        let (mut text, limit) = (String::new(), options.max_row_bytes);
        for (index, (name, strings)) in self.texts.iter().enumerate() {
            if strings.is_null(row) && !options.allows_missing() {
                return Err(Fault::from(null(name, "a string")).hint(skip_empty()));
            }
            let part = if strings.is_null(row) { "" } else { strings.value(row) };
            let between = if index > 0 { options.join.as_str() } else { "" };
            if text.len() + between.len() + part.len() > limit {
                return Err(format!("the text is longer than the limit of {limit} bytes").into());
            }
            text.push_str(between);
            text.push_str(part);
        }
        Ok(Some(text))
    }
}

fn null(column: &str, rule: &str) -> String {
    format!("the column `{column}` is null; it must be {rule}")
}

fn strings(array: &ArrayRef) -> Result<StringViewArray, ArrowError> {
    let views = cast(array, &DataType::Utf8View)?;
    views.as_string_view_opt().cloned().ok_or_else(|| not(array, "a string"))
}

fn not(array: &ArrayRef, what: &str) -> ArrowError {
    ArrowError::CastError(format!("{} is not {what}", array.data_type()))
}

impl Ids {
    /// From an array of whole numbers or strings.
    ///
    /// # Errors
    /// If it is of another type.
    pub(crate) fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        match array.data_type() {
            DataType::UInt64 => array.as_primitive_opt::<UInt64Type>().cloned().map(Self::Unsigned),
            data_type if data_type.is_integer() => {
                cast(array, &DataType::Int64)?.as_primitive_opt::<Int64Type>().cloned().map(Self::Signed)
            }
            _ => Some(Self::Strings(strings(array)?)),
        }
        .ok_or_else(|| not(array, "a whole number"))
    }

    /// The id of a row; `None` if it is null.
    pub(crate) fn get(&self, row: usize) -> Option<RecordId> {
        match self {
            Self::Signed(ids) => ids.is_valid(row).then(|| RecordId::Number(ids.value(row).into())),
            Self::Unsigned(ids) => ids.is_valid(row).then(|| RecordId::Number(ids.value(row).into())),
            Self::Strings(ids) => ids.is_valid(row).then(|| RecordId::String(ids.value(row).to_owned())),
        }
    }
}
