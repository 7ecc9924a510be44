//! Documents for services that take texts and make vectors themselves, such as Amazon Kendra: one JSON object per line,
//! `{"id": "..", "text": "..", "metadata": {..}}`, with all columns but the text in `metadata`.

use arrow_schema::SchemaRef;
use serde_json::json;

use super::OutputFolder;
use super::keys::{Keys, text};
use super::rows::RowBlock;
use crate::error::phrase;
use crate::search::Corpus;
use crate::vectors::write::{Destination, append_value};
use crate::{Error, Result, Setting};

pub(super) const FILE: &str = "documents.jsonl";

/// Writes documents.
pub(super) struct DocumentWriter {
    output: Destination,
    input: String,
    columns: SchemaRef,
    text_column: &'static str,
    /// The lines of one block.
    lines: Vec<u8>,
}

impl DocumentWriter {
    /// # Errors
    /// [`Error::BadInput`] if the corpus has no texts.
    pub(super) fn new(corpus: &Corpus, columns: SchemaRef, output: Destination) -> Result<Self> {
        let input = corpus.name().to_owned();
        let Some(text_column) = corpus.text_column else {
            let rule = "has no column `text` or `chunk_text`; documents need texts".to_owned();
            let hint = phrase!["embed with ", (Setting::Keep, "text"), " to store them next to the vectors"];
            return Err(Error::BadInput { input, rule }.with_hint(Some(hint.of_earlier_step())));
        };
        Ok(Self { output, input, columns, text_column, lines: Vec::new() })
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// [`Error::BadRow`] for a row without text or id, and [`Error::Io`].
    pub(super) fn write(&mut self, block: &RowBlock) -> Result<()> {
        self.lines.clear();
        let Some(columns) = &block.columns else {
            return Err(Error::Bug("documents without columns".to_owned()));
        };
        let Some(texts) = columns.column_by_name(self.text_column) else {
            return Err(Error::Bug("documents without texts".to_owned()));
        };
        for row in 0..block.rows {
            let id = Keys::of(&self.columns).key(&self.input, block, row)?;
            let text = text(texts, row)?.ok_or_else(|| {
                let rule = format!("column `{}` is null; a document needs a text", self.text_column);
                Error::BadRow { input: self.input.clone(), row: block.first_row + row as u64 + 1, rule }
            })?;
            let head = format!("{{\"id\":{},\"text\":{},\"metadata\":{{", json!(id), json!(text));
            self.lines.extend_from_slice(head.as_bytes());
            let mut separator = "";
            for (field, values) in self.columns.fields().iter().zip(columns.columns()) {
                if field.name() != self.text_column {
                    self.lines.extend_from_slice(format!("{separator}{}:", json!(field.name())).as_bytes());
                    append_value(&mut self.lines, field, values, row)?;
                    separator = ",";
                }
            }
            self.lines.extend_from_slice(b"}}\n");
        }
        self.output.write(&self.lines)
    }

    /// Completes the file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn finish(self, folder: Option<&mut OutputFolder>) -> Result<()> {
        match folder {
            Some(folder) => folder.complete(FILE, self.output),
            None => self.output.finish(),
        }
    }
}
