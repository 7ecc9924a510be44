//! Files that are one text each.

use super::fault::Fault;
use super::lines::LineReader;
use super::record::{NextRow, Row};
use super::{Input, InputFormat, Kept, RecordId, TextOptions, html};
use crate::error::{Phrase, phrase};
use crate::{Error, Result, Setting};

/// The only row of a document.
pub(super) struct Document {
    is_html: bool,
    id: Option<RecordId>,
    is_read: bool,
}

impl Document {
    /// `path` is the id; `None` if the row has none.
    pub(super) fn new(format: InputFormat, path: Option<RecordId>) -> Self {
        Self { is_html: format == InputFormat::Html, id: path, is_read: false }
    }

    /// The whole file, without blanks at its end.
    pub(super) fn next(&mut self, lines: &mut LineReader) -> Result<NextRow> {
        if std::mem::replace(&mut self.is_read, true) {
            return Ok(NextRow::End);
        }
        let mut text = lines.whole()?;
        if self.is_html {
            text = html::text(&text);
        }
        text.truncate(text.trim_end().len());
        Ok(NextRow::Row(Row { id: self.id.take(), text, missing: None, kept: Kept::Nothing }))
    }
}

impl Input {
    /// Whether this is a file that is one text as a whole, as far as its name or the options show: its path is
    /// its id unless rows are numbered.
    pub fn is_document(&self, options: &TextOptions) -> bool {
        let Self::File(path) = self else { return false };
        let format = options.format.or_else(|| InputFormat::from_path(path).ok());
        format.is_some_and(|format| format.is_document() || format == InputFormat::Txt && options.whole_files)
    }
}

/// Whether an input of this format is read as one text.
///
/// # Errors
/// [`Error::Usage`] if whole files are asked for and this one has rows with fields.
pub(super) fn is_whole(name: &str, format: InputFormat, options: &TextOptions) -> Result<bool> {
    match format {
        InputFormat::Txt => Ok(options.whole_files),
        _ if format.is_document() => Ok(true),
        _ if options.whole_files => Err(Error::usage_hint(
            format!(
                "{name} is read as {format}, which has a text in each row, and is not one text as a whole"
            ),
            phrase!["leave out ", Setting::WholeFiles, ", or name .txt, .md and .html files only"],
        )),
        _ => Ok(false),
    }
}

/// The remedy if a path cannot be an id.
pub(super) fn numbered() -> Phrase {
    phrase![Setting::NoId, " numbers the files"]
}

/// The id of a file that is one text: its path as given.
///
/// # Errors
/// If it is not UTF-8.
pub(super) fn id_of(input: &Input, options: &TextOptions) -> Result<Option<RecordId>> {
    match input {
        Input::File(path) if !options.no_id => match path.to_str() {
            Some(path) => Ok(Some(RecordId::String(path.to_owned()))),
            None => Err(Fault::from("its path is not UTF-8, and so cannot be its id")
                .hint(numbered())
                .of_input(&input.to_string())),
        },
        _ => Ok(None),
    }
}
