//! Splits bytes into lines of UTF-8: the only place that decides where a row ends.

use std::io::{self, BufRead, Read};
use std::path::Path;

use super::bytes::{ReadFailure, Taken};
use super::compression::Compression;
use super::fault::Fault;
use super::input::{Bytes, Opened};
use super::source::InputSource;
use super::{Input, InputFormat, TextOptions};
use crate::{Error, Result};

/// Reads lines; one or more of them are a row.
pub(crate) struct LineReader {
    name: String,
    reader: Box<dyn BufRead + Send>,
    compression: Option<Compression>,
    taken: Taken,
    max_row_bytes: usize,
    lossy: bool,
    /// Decompressed bytes of the input read so far.
    offset: u64,
    /// Lines read so far.
    line: u64,
    /// The line at which the current row starts, from 1.
    row: u64,
    /// Bytes of the current row read so far.
    row_bytes: usize,
    replaced: u64,
    /// Whether all of the input is one row.
    is_document: bool,
}

impl LineReader {
    /// Opens a file of lines in UTF-8, which may be compressed.
    ///
    /// # Errors
    /// [`Error::NoInput`] if it cannot be opened, [`Error::BadInput`] if its first bytes are not those of
    /// such a file, and [`Error::Io`] if they cannot be read.
    pub(crate) fn of_file(path: &Path) -> Result<Self> {
        Self::of_input(&Input::File(path.to_owned()))
    }

    /// The same of a file or standard input.
    ///
    /// # Errors
    /// As [`LineReader::of_file`].
    pub(crate) fn of_input(input: &Input) -> Result<Self> {
        match input.open(Some(InputFormat::Jsonl))? {
            Opened::Bytes(Bytes { reader, named, .. }) => {
                let source = InputSource::new(&input.to_string(), named, reader)?;
                Ok(Self::new(input.to_string(), source, &TextOptions::default()))
            }
            Opened::Parquet(_) | Opened::Text(_) => {
                Err(Error::Bug("a file of lines was opened as Parquet".to_owned()))
            }
        }
    }

    pub(super) fn new(name: String, source: InputSource, options: &TextOptions) -> Self {
        Self {
            name,
            reader: source.reader,
            compression: source.compression,
            taken: source.taken,
            max_row_bytes: options.max_row_bytes,
            lossy: options.lossy,
            offset: source.skipped,
            line: 0,
            row: 1,
            row_bytes: 0,
            replaced: 0,
            is_document: false,
        }
    }

    /// The same for a file that is one row.
    pub(super) fn of_document(self) -> Self {
        Self { is_document: true, ..self }
    }

    /// The input's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The line at which the last row read starts, from 1.
    pub(crate) fn row(&self) -> u64 {
        self.row
    }

    /// Bytes of the input read from the system, compressed or not.
    pub(super) fn bytes_taken(&self) -> u64 {
        self.taken.bytes()
    }

    /// Sequences that were not UTF-8 and were replaced.
    pub(super) fn replaced(&self) -> u64 {
        self.replaced
    }

    /// The next line as a row, without its end. `None` at the end of the input.
    pub(crate) fn next_row(&mut self) -> Result<Option<String>> {
        let line = self.start_row()?;
        Ok(line.map(|mut line| {
            line.truncate(line_body(&line).len());
            line
        }))
    }

    /// Checks that the last row read, which is blank, is also the input's last: editors leave a blank last
    /// line, but before the end it would silently shift the row count.
    pub(crate) fn expect_end(&mut self) -> Result<()> {
        let blank = self.bad_row("the row is blank; only the last one may be".to_owned());
        match self.next_row()? {
            None => Ok(()),
            Some(_) => Err(blank),
        }
    }

    /// All lines up to the end as one row, their ends kept.
    pub(super) fn whole(&mut self) -> Result<String> {
        let mut whole = self.start_row()?.unwrap_or_default();
        while let Some(line) = self.continue_row()? {
            whole.push_str(&line);
        }
        Ok(whole)
    }

    /// The next byte that is not blank, which stays in the input.
    pub(super) fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            let (blanks, next) = match self.reader.fill_buf() {
                Ok(bytes) => {
                    let blanks = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                    (blanks, bytes.get(blanks).copied())
                }
                Err(error) => return Err(self.cannot_read(error)),
            };
            self.skip(blanks);
            if next.is_some() || blanks == 0 {
                return Ok(next);
            }
        }
    }

    /// Skips bytes that were seen.
    pub(super) fn skip(&mut self, count: usize) {
        self.reader.consume(count);
        self.offset += count as u64;
    }

    /// Starts row number `row` with bytes up to its end: `scan` is called with one piece after the other, and
    /// returns how many bytes of it belong to the row, and whether it ends there. Also returns whether it ended
    /// before the input did.
    pub(super) fn scan_row(
        &mut self,
        row: u64,
        mut scan: impl FnMut(&[u8]) -> (usize, bool),
    ) -> Result<(String, bool)> {
        (self.row, self.line, self.row_bytes) = (row, row, 0);
        let (start, mut bytes) = (self.offset, Vec::new());
        loop {
            let (count, is_end) = match self.reader.fill_buf() {
                Ok([]) => return Ok((self.decode(bytes, start)?, false)),
                Ok(piece) => {
                    let (count, is_end) = scan(piece);
                    bytes.extend_from_slice(&piece[..count]);
                    (count, is_end)
                }
                Err(error) => return Err(self.cannot_read(error)),
            };
            if bytes.len() > self.max_row_bytes {
                return Err(self.bad_row(self.too_long()));
            }
            self.skip(count);
            if is_end {
                return Ok((self.decode(bytes, start)?, true));
            }
        }
    }

    /// Starts a row with the next line, its end (`\n` or `\r\n`) kept.
    pub(super) fn start_row(&mut self) -> Result<Option<String>> {
        self.row = self.line + 1;
        self.row_bytes = 0;
        self.continue_row()
    }

    /// The next line, its end kept, as part of the current row.
    pub(super) fn continue_row(&mut self) -> Result<Option<String>> {
        let start = self.offset;
        let bytes = self.read_line()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        self.decode(bytes, start).map(Some)
    }

    fn read_line(&mut self) -> Result<Vec<u8>> {
        let left = self.max_row_bytes.saturating_sub(self.row_bytes);
        let mut bytes = Vec::new();
        // Two more than the limit, so that the end of a row that just fits is read too.
        let mut limited = self.reader.as_mut().take(left as u64 + 2);
        let count = limited.read_until(b'\n', &mut bytes).map_err(|error| self.cannot_read(error))?;
        if bytes_body(&bytes).len() > left {
            return Err(self.row_too_long());
        }
        self.offset += count as u64;
        self.row_bytes += count;
        Ok(bytes)
    }

    fn cannot_read(&self, error: io::Error) -> Error {
        match (ReadFailure::out_of(error), self.compression) {
            (Ok(failure), _) => failure.into_error(&self.name),
            (Err(error), Some(compression)) => self.bad_row(compression.broken(&error)),
            (Err(source), None) => Error::Io { action: "reading", target: self.name.clone(), source },
        }
    }

    fn decode(&mut self, bytes: Vec<u8>, start: u64) -> Result<String> {
        let error = match String::from_utf8(bytes) {
            Ok(line) => return Ok(line),
            Err(error) => error,
        };
        if self.lossy {
            let chunks = error.as_bytes().utf8_chunks();
            self.replaced += chunks.filter(|chunk| !chunk.invalid().is_empty()).count() as u64;
            return Ok(String::from_utf8_lossy(error.as_bytes()).into_owned());
        }
        let position = error.utf8_error().valid_up_to();
        let byte = error.as_bytes()[position];
        let whole = if self.compression.is_some() { "decompressed input" } else { "input" };
        let offset = start + position as u64;
        let rule = format!("byte {offset} of the {whole} (0x{byte:02x}) is not valid UTF-8");
        Err(self.bad_row_at(self.line, rule))
    }

    fn row_too_long(&self) -> Error {
        let mut rule = self.too_long();
        if self.line >= self.row && !self.is_document {
            rule.push_str("; a quote in it is never closed, or far too late");
        }
        self.bad_row(rule)
    }

    fn too_long(&self) -> String {
        let what = if self.is_document { "file" } else { "row" };
        format!("the {what} is longer than the limit of {} bytes", self.max_row_bytes)
    }

    /// The error for a rule that the last row read breaks.
    pub(crate) fn bad_row(&self, fault: impl Into<Fault>) -> Error {
        fault.into().of_row(&self.name, self.row)
    }

    fn bad_row_at(&self, row: u64, rule: String) -> Error {
        Error::BadRow { input: self.name.clone(), row, rule }
    }
}

/// Whether a row has nothing that an editor shows.
pub(crate) fn is_blank(row: &str) -> bool {
    row.bytes().all(|byte| byte.is_ascii_whitespace())
}

/// A line without its final `\n` or `\r\n`.
pub(super) fn line_body(line: &str) -> &str {
    line.strip_suffix('\n').map_or(line, |body| body.strip_suffix('\r').unwrap_or(body))
}

fn bytes_body(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").map_or(line, |body| body.strip_suffix(b"\r").unwrap_or(body))
}
