//! The key of each row: a string that names it in a database.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, Schema};

use super::rows::RowBlock;
use crate::vectors::rows::CHUNK_ID;
use crate::vectors::schema::ID;
use crate::{Error, Result};

/// The column that names rows: chunks by their own ids, texts by theirs.
pub(super) fn key_column(columns: &Schema) -> Option<&'static str> {
    [CHUNK_ID, ID].into_iter().find(|name| columns.index_of(name).is_ok())
}

/// A row's key: the value of `column`, or its number from 0 if there is none.
///
/// # Errors
/// [`Error::BadRow`] if it is null.
pub(super) fn key(input: &str, block: &RowBlock, column: Option<&str>, row: usize) -> Result<String> {
    let number = block.first_row + row as u64;
    let Some(values) = column.and_then(|name| block.columns.as_ref()?.column_by_name(name)) else {
        return Ok(number.to_string());
    };
    text(values, row)?.ok_or_else(|| {
        let rule = format!("column `{}` is null; it has to name the row", column.unwrap_or_default());
        Error::BadRow { input: input.to_owned(), row: number + 1, rule }
    })
}

/// A value as text; `None` if it is null.
///
/// # Errors
/// [`Error::Bug`] if arrow cannot display it.
pub(super) fn text(values: &ArrayRef, row: usize) -> Result<Option<String>> {
    if values.data_type() == &DataType::Null || values.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match values.as_string_opt::<i32>() {
        Some(texts) => texts.value(row).to_owned(),
        None => array_value_to_string(values, row)
            .map_err(|error| Error::Bug(format!("a kept value: {error}")))?,
    }))
}
