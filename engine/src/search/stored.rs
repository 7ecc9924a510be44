//! The stored texts of a corpus whose rows are texts.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_cast::cast;
use arrow_schema::DataType;

use super::corpus::Corpus;
use crate::text::RecordId;
use crate::{Error, Result};

impl Corpus {
    /// The text that is stored for an id; `None` if no row has the id. An index has whole texts:
    /// [`read_text`](crate::index::read_text).
    ///
    /// # Errors
    /// [`Error::Usage`] if the corpus stores no texts, or chunks of them; if it cannot be read.
    pub fn stored_text(&self, id: &RecordId) -> Result<Option<String>> {
        let Some(column) = self.text_column else {
            let rule = format!("{} stores no texts", self.name());
            return Err(Error::usage_hint(rule, "build an index, which stores them"));
        };
        if self.texts()?.is_some() {
            let rule = format!("{} stores chunks of texts, and not whole ones", self.name());
            return Err(Error::usage_hint(rule, "build an index, which stores whole texts"));
        }
        let Some(row) = self.row_of(id)? else { return Ok(None) };
        let columns = self.source.columns_of(&[row], &[column])?;
        let texts = columns.as_ref().and_then(|columns| columns.column_by_name(column));
        let texts = texts.map(|texts| cast(texts, &DataType::Utf8)).transpose()?;
        let text = texts.as_ref().map(|texts| texts.as_string::<i32>()).filter(|texts| texts.is_valid(0));
        Ok(Some(text.map_or_else(String::new, |texts| texts.value(0).to_owned())))
    }
}
