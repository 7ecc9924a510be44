//! Turns one input into records.

use std::io::BufRead;

use super::compression::NamedCompression;
use super::delimited::DelimitedRows;
use super::input::{Bytes, Opened};
use super::jsonl::JsonlRows;
use super::lines::LineReader;
use super::parquet::ParquetRows;
use super::record::Row;
use super::source::InputSource;
use super::{Input, InputFormat, Kept, Record, RecordId, TextOptions};
use crate::{Error, Result};

enum RowReader {
    Lines(Box<LineReader>, LineFormat),
    Parquet(Box<ParquetRows>),
}

/// How one or more lines become a row.
enum LineFormat {
    Txt,
    Jsonl(JsonlRows),
    Delimited(DelimitedRows),
}

/// The records of one input, in order. Ends at the first error.
///
/// [`RecordStream`](super::RecordStream), not this type, enforces that no id occurs twice.
pub struct TextReader {
    name: String,
    rows: RowReader,
    format: InputFormat,
    sniffed: bool,
    position: u64,
    done: bool,
}

impl TextReader {
    /// Opens an input. Its format is that of the options, else that of its extension, else (standard input)
    /// jsonl if its first non-blank byte is `{`, and txt otherwise. It is decompressed if its name ends in
    /// .gz or .zst, or if its name does not tell and its first bytes are those of such a file.
    ///
    /// # Errors
    /// [`Error::NoInput`] if it cannot be opened, [`Error::Usage`] if its extension is not known or the
    /// options contradict each other or the format, [`Error::BadInput`] if its content contradicts its name,
    /// is UTF-16 or lacks a column, [`Error::BadRow`] if a header is malformed, and [`Error::Io`] if reading
    /// fails.
    pub fn open(input: &Input, options: &TextOptions) -> Result<Self> {
        options.check()?;
        match input.open(options.format)? {
            Opened::Bytes(bytes) => Self::from_bytes(input.to_string(), bytes, options),
            Opened::Parquet(file) => {
                let rows = RowReader::Parquet(Box::new(ParquetRows::open(input.to_string(), file, options)?));
                Ok(Self::new(input.to_string(), rows, InputFormat::Parquet, false))
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
        Self::from_bytes(name.to_owned(), Bytes { reader, format, named: NamedCompression::Nothing }, options)
    }

    fn from_bytes(name: String, bytes: Bytes, options: &TextOptions) -> Result<Self> {
        let source = InputSource::new(&name, bytes.named, bytes.reader)?;
        let format = bytes.format.unwrap_or(source.sniffed);
        let mut lines = LineReader::new(name.clone(), source, options);
        let line_format = match format {
            InputFormat::Txt => check_txt(&name, options).map(|()| LineFormat::Txt)?,
            InputFormat::Jsonl => LineFormat::Jsonl(JsonlRows::new(options)),
            InputFormat::Csv | InputFormat::Tsv => {
                LineFormat::Delimited(DelimitedRows::new(format, &mut lines, options)?)
            }
            InputFormat::Parquet => return Err(super::input::not_parquet(&name)),
        };
        Ok(Self::new(name, RowReader::Lines(Box::new(lines), line_format), format, bytes.format.is_none()))
    }

    fn new(name: String, rows: RowReader, format: InputFormat, sniffed: bool) -> Self {
        Self { name, rows, format, sniffed, position: 0, done: false }
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
            RowReader::Parquet(_) => 0,
        }
    }

    /// Bytes of the input read so far, before decompression; for Parquet, in proportion to the rows read.
    pub fn bytes_read(&self) -> u64 {
        match &self.rows {
            RowReader::Lines(lines, _) => lines.bytes_taken(),
            RowReader::Parquet(rows) => rows.bytes_read(),
        }
    }

    fn next_row(&mut self) -> Result<Option<Row>> {
        match &mut self.rows {
            RowReader::Lines(lines, LineFormat::Txt) => {
                Ok(lines.next_row()?.map(|text| Row { id: None, text, kept: Kept::Nothing }))
            }
            RowReader::Lines(lines, LineFormat::Jsonl(rows)) => rows.next(lines),
            RowReader::Lines(lines, LineFormat::Delimited(rows)) => rows.next(lines),
            RowReader::Parquet(rows) => rows.next(),
        }
    }

    fn record(&mut self, row: Row) -> Record {
        let id = row.id.unwrap_or(RecordId::Row(self.position));
        self.position += 1;
        let number = match &self.rows {
            RowReader::Lines(lines, _) => lines.row(),
            RowReader::Parquet(_) => self.position,
        };
        Record { id, row: number, text: row.text, kept: row.kept }
    }
}

/// A txt has no fields; naming one is a mistake, except for the text's, which has a default.
pub(super) fn check_txt(name: &str, options: &TextOptions) -> Result<()> {
    let named = [
        (options.id_field.as_ref(), "for the id"),
        (options.keep.first(), "to keep"),
        (options.text_fields.get(1), "for the text"),
    ];
    match named.into_iter().find_map(|(field, purpose)| Some((field?, purpose))) {
        None => Ok(()),
        Some((field, purpose)) => Err(Error::usage_hint(
            format!("{name} is read as txt, which has no fields, and so none named `{field}` {purpose}"),
            "use jsonl, csv, tsv or parquet for texts with other fields",
        )),
    }
}

impl Iterator for TextReader {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.next_row().transpose();
        self.done = !matches!(row, Some(Ok(_)));
        Some(row?.map(|row| self.record(row)))
    }
}

impl std::iter::FusedIterator for TextReader {}

#[cfg(test)]
mod tests;
