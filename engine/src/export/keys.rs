//! The key of each row: a string that names it in a database.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, Schema};

use super::rows::RowBlock;
use crate::vectors::rows::{CHUNK, CHUNK_ID};
use crate::vectors::schema::ID;
use crate::{Error, Result};

/// Where the keys of rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// The column of this name: chunks have ids of their own, and so have texts.
    Column(&'static str),
    /// The id of a text, `#` and the number of its chunk: what an index has of a chunk's own id.
    Chunks,
    /// The numbers of rows, from 0.
    Rows,
}

impl Keys {
    /// The keys of rows with these columns.
    pub(super) fn of(columns: &Schema) -> Self {
        let has = |name: &str| columns.index_of(name).is_ok();
        let has_chunks = columns.field_with_name(CHUNK).is_ok_and(|it| it.data_type() == &DataType::UInt32);
        if has(CHUNK_ID) {
            Self::Column(CHUNK_ID)
        } else if !has(ID) {
            Self::Rows
        } else if has_chunks {
            Self::Chunks
        } else {
            Self::Column(ID)
        }
    }

    /// A row's key.
    ///
    /// # Errors
    /// [`Error::BadRow`] if a column that it is taken from is null.
    pub(super) fn key(self, input: &str, block: &RowBlock, row: usize) -> Result<String> {
        match self {
            Self::Column(name) => part(input, block, name, row),
            Self::Chunks => {
                let id = part(input, block, ID, row)?;
                Ok(format!("{id}#{}", part(input, block, CHUNK, row)?))
            }
            Self::Rows => Ok((block.first_row + row as u64).to_string()),
        }
    }
}

/// A value of a key.
fn part(input: &str, block: &RowBlock, name: &str, row: usize) -> Result<String> {
    let values = block.columns.as_ref().and_then(|columns| columns.column_by_name(name));
    let values = values.ok_or_else(|| Error::Bug(format!("the column `{name}` was not read")))?;
    text(values, row)?.ok_or_else(|| {
        let rule = format!("column `{name}` is null; it has to name the row");
        Error::BadRow { input: input.to_owned(), row: block.first_row + row as u64 + 1, rule }
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
