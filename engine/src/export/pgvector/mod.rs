//! PostgreSQL with pgvector: a table, its rows in COPY's binary form, and a script that loads them.
//!
//! A file of COPY is a signature, two 32-bit zeros, rows, and -1 in 16 bits; a row is its number of values in 16 bits,
//! then for each value its length in 32 bits, or -1 for null, and its bytes (PostgreSQL's manual, "COPY"). A `vector` or
//! `halfvec` is its dimensions and 0 in 16 bits each, then its values; a `bit` is its bits in 32 bits, then bytes, the
//! first bit in the highest place (`*_recv` in pgvector's src). All numbers are big-endian.

mod column;
mod numeric;
mod schema;

use std::borrow::Cow;

use arrow_array::ArrayRef;
use arrow_schema::SchemaRef;

use self::column::{SqlColumn, SqlType, Written};
use super::rows::{RowBlock, VectorKind, bits_of_signed};
use super::{Counts, ExportOptions, OutputFolder};
use crate::error::phrase;
use crate::search::Corpus;
use crate::vectors::read::NumberSlice;
use crate::vectors::write::Destination;
use crate::{Error, Result, Setting};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
const END: i16 = -1;
const NULL: i32 = -1;
/// Longest value in bytes: PostgreSQL's limit is 1 GiB less its head.
const MAX_VALUE_BYTES: usize = (1 << 30) - 64;
/// Stands for a NUL that is replaced.
const REPLACEMENT: &str = "\u{fffd}";

pub(super) const ROWS_FILE: &str = "rows.pgcopy";
const SCHEMA_FILE: &str = "schema.sql";
const SCRIPT_FILE: &str = "load.sh";

/// Refuses a name that is not an identifier.
///
/// # Errors
/// [`Error::Usage`].
pub(super) fn check_table(table: &str) -> Result<()> {
    if schema::is_identifier(table) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "a table's name must be an SQL identifier, of letters from a to z, digits and _, not starting with a digit, of at most {} \
         bytes; got {table:?}",
        schema::MAX_IDENTIFIER_BYTES
    )))
}

/// Writes the rows of a corpus for COPY.
pub(super) struct CopyWriter {
    output: Destination,
    input: String,
    columns: SchemaRef,
    kind: VectorKind,
    dimensions: usize,
    table: String,
    replace_nul: bool,
    /// The bytes of one block, and those of one value.
    bytes: Vec<u8>,
    value: Vec<u8>,
}

impl CopyWriter {
    /// Starts the rows.
    ///
    /// # Errors
    /// [`Error::BadInput`] if a table cannot have the columns, and [`Error::Io`].
    pub(super) fn new(
        corpus: &Corpus,
        (kind, dimensions): (VectorKind, usize),
        columns: SchemaRef,
        mut output: Destination,
        options: &ExportOptions,
    ) -> Result<Self> {
        let input = corpus.name().to_owned();
        if let Some(rule) = schema::broken_rule(&columns, kind, dimensions) {
            return Err(Error::BadInput { input, rule });
        }
        output.write(SIGNATURE)?;
        output.write(&[0; 8])?;
        let (table, replace_nul) = (options.table.clone(), options.replace_nul);
        let (bytes, value) = (Vec::new(), Vec::new());
        Ok(Self { output, input, columns, kind, dimensions, table, replace_nul, bytes, value })
    }

    /// The type of the vectors' column.
    pub(super) fn vector_type(&self) -> String {
        schema::vector_type(self.kind, self.dimensions)
    }

    /// The statements that create the table.
    pub(super) fn schema(&self) -> String {
        schema::schema(&self.table, &self.columns, self.kind, self.dimensions)
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// [`Error::BadRow`] for a value that PostgreSQL cannot store, and [`Error::Io`].
    pub(super) fn write(&mut self, block: &RowBlock, counts: &mut Counts) -> Result<()> {
        let arrays: &[ArrayRef] = block.columns.as_ref().map_or(&[], |columns| columns.columns());
        let columns = self.columns.fields().iter().zip(arrays);
        let columns = columns.map(|(field, array)| SqlColumn::new(field.clone(), array));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        // The number and the vector come on top.
        let values = (columns.len() + 2) as i16;
        self.bytes.clear();
        for row in 0..block.rows {
            let number = block.first_row + row as u64;
            self.bytes.extend_from_slice(&values.to_be_bytes());
            self.bytes.extend_from_slice(&8i32.to_be_bytes());
            self.bytes.extend_from_slice(&number.to_be_bytes());
            for (index, column) in columns.iter().enumerate() {
                self.append(column, row, counts)
                    .and_then(|written| {
                        written.map_err(|rule| {
                            let rule = format!("column `{}`: {rule}", self.columns.field(index).name());
                            Error::BadRow { input: self.input.clone(), row: number + 1, rule }
                        })
                    })
                    .map_err(|error| self.hinted(error))?;
            }
            append_vector(&mut self.bytes, block.vector(row));
        }
        self.output.write(&self.bytes)
    }

    /// Appends a value and its length; the inner error is a rule that it breaks.
    fn append(&mut self, column: &SqlColumn, row: usize, counts: &mut Counts) -> Result<Result<(), String>> {
        if column.is_null(row) {
            self.bytes.extend_from_slice(&NULL.to_be_bytes());
            return Ok(Ok(()));
        }
        self.value.clear();
        match column.append(row, &mut self.value)? {
            Ok(Written::Whole) => {}
            Ok(Written::Shortened) => counts.shortened_times += 1,
            Err(rule) => return Ok(Err(rule)),
        }
        let mut value = Cow::Borrowed(self.value.as_slice());
        if column.sql_type() == SqlType::Text && value.contains(&0) {
            if !self.replace_nul {
                return Ok(Err(NUL_RULE.to_owned()));
            }
            counts.replaced_nul += 1;
            // Removing one-byte characters and adding whole ones keeps it UTF-8.
            let parts: Vec<&[u8]> = value.split(|byte| *byte == 0).collect();
            value = Cow::Owned(parts.join(REPLACEMENT.as_bytes()));
        }
        if value.len() > MAX_VALUE_BYTES {
            return Ok(Err(format!("has {} bytes; PostgreSQL stores at most 1 GiB", value.len())));
        }
        self.bytes.extend_from_slice(&(value.len() as i32).to_be_bytes());
        self.bytes.extend_from_slice(&value);
        Ok(Ok(()))
    }

    /// An error about a NUL with its remedy.
    fn hinted(&self, error: Error) -> Error {
        let is_nul = matches!(&error, Error::BadRow { rule, .. } if rule.ends_with(NUL_RULE));
        error.with_hint(is_nul.then(|| phrase![Setting::ReplaceNul, " puts U+FFFD in its place"]))
    }

    /// Completes the rows, and in a folder the other files: the script last, since it needs them.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn finish(mut self, folder: Option<&mut OutputFolder>) -> Result<()> {
        self.output.write(&END.to_be_bytes())?;
        let Some(folder) = folder else { return self.output.finish() };
        let (schema, script) = (self.schema(), schema::script(&self.table));
        folder.complete(ROWS_FILE, self.output)?;
        folder.write(SCHEMA_FILE, &schema)?;
        folder.write(SCRIPT_FILE, &script)
    }
}

const NUL_RULE: &str = "the text has a NUL character, which PostgreSQL does not store";

/// Appends a vector and its length in bytes.
fn append_vector(bytes: &mut Vec<u8>, vector: NumberSlice<'_>) {
    let head = |bytes: &mut Vec<u8>, dimensions: usize, size: usize| {
        bytes.extend_from_slice(&((4 + dimensions * size) as i32).to_be_bytes());
        bytes.extend_from_slice(&(dimensions as i16).to_be_bytes());
        bytes.extend_from_slice(&[0; 2]);
    };
    let bits_head = |bytes: &mut Vec<u8>, count: usize| {
        bytes.extend_from_slice(&((4 + count) as i32).to_be_bytes());
        bytes.extend_from_slice(&((8 * count) as i32).to_be_bytes());
    };
    match vector {
        NumberSlice::F32(values) => {
            head(bytes, values.len(), 4);
            values.iter().for_each(|value| bytes.extend_from_slice(&value.to_be_bytes()));
        }
        NumberSlice::F16(values) => {
            head(bytes, values.len(), 2);
            values.iter().for_each(|value| bytes.extend_from_slice(&value.to_be_bytes()));
        }
        NumberSlice::I8(values) => {
            bits_head(bytes, values.len());
            bytes.extend(values.iter().copied().map(bits_of_signed));
        }
        NumberSlice::U8(values) => {
            bits_head(bytes, values.len());
            bytes.extend_from_slice(values);
        }
    }
}

#[cfg(test)]
mod tests;
