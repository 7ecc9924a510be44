//! Turns one input into records.

use std::io::BufRead;

use super::compression::NamedCompression;
use super::delimited::DelimitedRows;
use super::document::{Document, id_of, is_whole};
use super::input::{Bytes, Opened};
use super::json::{JsonElements, JsonRows};
use super::lines::LineReader;
use super::names::list_names;
use super::parquet::ParquetRows;
use super::record::{Missing, NextRow, Row};
use super::source::InputSource;
use super::{Input, InputFormat, Kept, Record, RecordId, TextOptions};
use crate::{Error, Result};

enum RowReader {
    Lines(Box<LineReader>, Box<LineFormat>),
    Parquet(Box<ParquetRows>),
    /// One text that was given as such.
    Text(Option<String>),
}

/// How one or more lines become a row.
enum LineFormat {
    Txt,
    Jsonl(JsonRows),
    Json(JsonElements),
    Delimited(DelimitedRows),
    Document(Document),
}

/// The records of one input, in order. Ends at the first error.
///
/// [`RecordStream`](super::RecordStream), not this type, enforces that no id occurs twice.
pub struct TextReader {
    name: String,
    rows: RowReader,
    format: InputFormat,
    sniffed: bool,
    text_fields: Vec<String>,
    skips_empty: bool,
    /// Rows so far, those left out included.
    position: u64,
    skipped: u64,
    /// Rows so far that do not even have a text field.
    lacking: u64,
    done: bool,
}

impl TextReader {
    /// Opens an input. Its format is that of the options, else that of its extension, else (standard input)
    /// jsonl if its first non-blank byte is `{`, json if it starts with an array of objects, and txt otherwise.
    /// It is decompressed if its name ends in
    /// .gz or .zst, or if its name does not tell and its first bytes are those of such a file.
    ///
    /// # Errors
    /// [`Error::NoInput`] if it cannot be opened, [`Error::Usage`] if its extension is not known or the
    /// options contradict each other or the format, [`Error::BadInput`] if its content contradicts its name,
    /// is UTF-16 or lacks a column, [`Error::BadRow`] if a header is malformed, and [`Error::Io`] if reading
    /// fails.
    pub fn open(input: &Input, options: &TextOptions) -> Result<Self> {
        options.check()?;
        let name = input.to_string();
        match input.open(options.format)? {
            Opened::Bytes(bytes) => Self::from_bytes(Source::Input(input), bytes, options),
            Opened::Parquet(file) => {
                is_whole(&name, InputFormat::Parquet, options)?;
                let rows = RowReader::Parquet(Box::new(ParquetRows::open(name.clone(), file, options)?));
                Ok(Self::new(name, rows, InputFormat::Parquet, options))
            }
            Opened::Text(text) => {
                check_fieldless(&name, InputFormat::Txt, options)?;
                Ok(Self::new(name, RowReader::Text(Some(text)), InputFormat::Txt, options))
            }
        }
    }

    /// Reads bytes from anywhere, compressed or not. `name` is used in messages; without a format it is
    /// sniffed.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); Parquet is refused as [`Error::Usage`].
    pub fn from_bufread(
        name: &str,
        format: Option<InputFormat>,
        reader: Box<dyn BufRead + Send>,
        options: &TextOptions,
    ) -> Result<Self> {
        options.check()?;
        let bytes = Bytes { reader, format, named: NamedCompression::Nothing };
        Self::from_bytes(Source::Named(name), bytes, options)
    }

    fn from_bytes(from: Source<'_>, bytes: Bytes, options: &TextOptions) -> Result<Self> {
        let name = from.name();
        let source = InputSource::new(&name, bytes.named, bytes.reader)?;
        // A page or a note that starts with a brace is a text as a whole too.
        let sniffed = if options.whole_files { InputFormat::Txt } else { source.sniffed };
        let format = bytes.format.unwrap_or(sniffed);
        let mut lines = LineReader::new(name.clone(), source, options);
        let line_format = if is_whole(&name, format, options)? {
            lines = lines.of_document();
            check_fieldless(&name, format, options)?;
            LineFormat::Document(Document::new(format, from.id(options)?))
        } else {
            line_format(format, &mut lines, options)?
        };
        let rows = RowReader::Lines(Box::new(lines), Box::new(line_format));
        Ok(Self { sniffed: bytes.format.is_none(), ..Self::new(name, rows, format, options) })
    }

    fn new(name: String, rows: RowReader, format: InputFormat, options: &TextOptions) -> Self {
        Self {
            name,
            rows,
            format,
            sniffed: false,
            text_fields: options.text_fields.clone(),
            skips_empty: options.skip_empty,
            position: 0,
            skipped: 0,
            lacking: 0,
            done: false,
        }
    }

    /// The input's name, as in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The format.
    pub fn format(&self) -> InputFormat {
        self.format
    }

    /// Whether the format was guessed from the first bytes, which the user should know.
    pub fn is_sniffed(&self) -> bool {
        self.sniffed
    }

    /// Sequences so far that were not UTF-8 and were replaced by U+FFFD; 0 unless [`TextOptions::lossy`].
    pub fn replaced(&self) -> u64 {
        match &self.rows {
            RowReader::Lines(lines, _) => lines.replaced(),
            RowReader::Parquet(_) | RowReader::Text(_) => 0,
        }
    }

    /// Rows so far, those left out included.
    pub fn rows(&self) -> u64 {
        self.position
    }

    /// Rows so far that were left out because they have no text; 0 unless [`TextOptions::skip_empty`].
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Bytes of the input read so far, before decompression; for Parquet, in proportion to the rows read.
    pub fn bytes_read(&self) -> u64 {
        match &self.rows {
            RowReader::Lines(lines, _) => lines.bytes_taken(),
            RowReader::Parquet(rows) => rows.bytes_read(),
            RowReader::Text(_) => 0,
        }
    }

    fn next_row(&mut self) -> Result<NextRow> {
        match &mut self.rows {
            RowReader::Lines(lines, format) => format.next(lines),
            RowReader::Parquet(rows) => rows.next(),
            RowReader::Text(text) => Ok(text.take().map_or(NextRow::End, bare_row)),
        }
    }

    /// The next row with a text, if those without are left out.
    fn next_record(&mut self) -> Result<Option<Record>> {
        loop {
            match self.next_row()? {
                NextRow::Row(row) if !self.skips_empty || !row.text.trim_ascii().is_empty() => {
                    return Ok(Some(self.record(row)));
                }
                NextRow::Row(_) => self.skipped += 1,
                NextRow::Skipped(missing) => {
                    self.skipped += 1;
                    self.lacking += u64::from(missing == Missing::Field);
                }
                NextRow::End => return self.check_fields().map(|()| None),
            }
            self.position += 1;
        }
    }

    /// An input in which no row has the field of the text is not one with empty rows: the name is wrong.
    fn check_fields(&self) -> Result<()> {
        if self.lacking == 0 || self.lacking < self.position {
            return Ok(());
        }
        let fields = list_names(self.text_fields.iter().map(String::as_str));
        let rule = format!("none of the {} rows has a field {fields}", self.position);
        Err(Error::BadInput { input: self.name.clone(), rule })
    }

    fn record(&mut self, row: Row) -> Record {
        let id = row.id.unwrap_or(RecordId::Row(self.position));
        self.lacking += u64::from(row.missing == Some(Missing::Field));
        self.position += 1;
        let number = match &self.rows {
            RowReader::Lines(lines, _) => lines.row(),
            RowReader::Parquet(_) | RowReader::Text(_) => self.position,
        };
        Record { id, row: number, text: row.text, has_text: row.missing.is_none(), kept: row.kept }
    }
}

impl LineFormat {
    fn next(&mut self, lines: &mut LineReader) -> Result<NextRow> {
        match self {
            Self::Txt => Ok(lines.next_row()?.map_or(NextRow::End, bare_row)),
            Self::Jsonl(rows) => rows.next_line(lines),
            Self::Json(rows) => rows.next(lines),
            Self::Delimited(rows) => rows.next(lines),
            Self::Document(document) => document.next(lines),
        }
    }
}

/// A row that is only a text.
fn bare_row(text: String) -> NextRow {
    NextRow::Row(Row { id: None, text, missing: None, kept: Kept::Nothing })
}

/// Where bytes come from.
#[derive(Clone, Copy)]
enum Source<'a> {
    Input(&'a Input),
    Named(&'a str),
}

impl Source<'_> {
    fn name(self) -> String {
        match self {
            Self::Input(input) => input.to_string(),
            Self::Named(name) => name.to_owned(),
        }
    }

    /// The id of an input that is one text.
    fn id(self, options: &TextOptions) -> Result<Option<RecordId>> {
        match self {
            Self::Input(input) => id_of(input, options),
            Self::Named(_) => Ok(None),
        }
    }
}

/// The format of an input whose rows are lines, or parts of them.
fn line_format(format: InputFormat, lines: &mut LineReader, options: &TextOptions) -> Result<LineFormat> {
    Ok(match format {
        InputFormat::Jsonl => LineFormat::Jsonl(JsonRows::new(options)),
        InputFormat::Json => LineFormat::Json(JsonElements::new(JsonRows::new(options))),
        InputFormat::Csv | InputFormat::Tsv => {
            LineFormat::Delimited(DelimitedRows::new(format, lines, options)?)
        }
        InputFormat::Parquet => return Err(super::input::not_parquet(lines.name())),
        InputFormat::Txt | InputFormat::Markdown | InputFormat::Html => {
            check_fieldless(lines.name(), format, options).map(|()| LineFormat::Txt)?
        }
    })
}

/// Some formats have no fields; naming one is a mistake, except for the text's, which has a default.
pub(super) fn check_fieldless(name: &str, format: InputFormat, options: &TextOptions) -> Result<()> {
    let named = [
        (options.id_field.as_ref(), "for the id"),
        (options.keep.first(), "to keep"),
        (options.text_fields.get(1), "for the text"),
    ];
    match named.into_iter().find_map(|(field, purpose)| Some((field?, purpose))) {
        None => Ok(()),
        Some((field, purpose)) => Err(Error::usage_hint(
            format!("{name} is read as {format}, which has no fields, and so none named `{field}` {purpose}"),
            "use jsonl, json, csv, tsv or parquet for texts with other fields",
        )),
    }
}

impl Iterator for TextReader {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let record = self.next_record().transpose();
        self.done = !matches!(record, Some(Ok(_)));
        record
    }
}

impl std::iter::FusedIterator for TextReader {}

#[cfg(test)]
mod tests;
