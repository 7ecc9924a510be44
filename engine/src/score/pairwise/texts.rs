//! A column of texts in memory.

use crate::score::{TextColumn, TextSource};
use crate::text::{RecordId, TextOptions};
use crate::{Error, Result};

/// A column of texts with their ids.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TextList {
    /// The texts, at least one.
    pub texts: Vec<String>,
    /// The id of each.
    pub ids: Vec<RecordId>,
    /// The row of each in its input, from 1.
    pub rows: Vec<u64>,
}

impl TextList {
    /// Reads a column with the `common` options.
    ///
    /// # Errors
    /// If it cannot be read, or has no texts.
    pub fn read(column: &TextColumn, common: &TextOptions) -> Result<Self> {
        let source = TextSource::of_column(column, common)?;
        let mut list = Self { texts: Vec::new(), ids: Vec::new(), rows: Vec::new() };
        for record in source.records()? {
            let record = record?;
            list.texts.push(record.text);
            list.ids.push(record.id);
            list.rows.push(record.row);
        }
        if list.texts.is_empty() {
            let rule = "has no texts; a matrix must have 1 at least on each side".to_owned();
            return Err(Error::BadInput { input: source.name().to_owned(), rule });
        }
        Ok(list)
    }
}
