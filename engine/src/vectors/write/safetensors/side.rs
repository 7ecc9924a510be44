//! A tensor other than the embeddings, collected while these are written.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field};

use super::super::OutputFile;
use super::super::json_value::append_value;
use super::super::numbers::array_bytes;
use super::header::Tensor;
use super::spool::Spool;
use crate::Result;
use crate::vectors::schema::{BYTE_OFFSETS, CHARACTER_OFFSETS, ID, TOKEN_IDS, TOKENS, column, flattened};

/// The content of a side tensor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Where each text starts.
    Starts,
    /// This many numbers per token.
    TokenNumbers(u64),
    /// One number per row.
    RowNumbers,
    /// One byte per row, 0 or 1.
    Booleans,
    /// A JSON array.
    Json { of_tokens: bool },
    /// A JSON array, unless every value is the row's position.
    Ids,
}

/// A tensor other than the embeddings.
pub(super) struct SideTensor {
    /// The column's name; the tensor's may have a suffix.
    column: String,
    content: Content,
    spool: Spool,
    rows: u64,
    /// For ids: whether one was not the row's position.
    is_explicit: bool,
}

impl SideTensor {
    /// The tensors of a schema's columns, sorted by decreasing alignment.
    pub(super) fn of_schema(fields: &[&Field], folder: &Path) -> Result<Vec<Self>> {
        let mut contents: Vec<(&str, Content)> = Vec::new();
        if fields.iter().any(|field| field.name() == TOKEN_IDS) {
            contents.push((TOKEN_IDS, Content::Starts));
        }
        contents.extend(fields.iter().map(|field| (field.name().as_str(), content_of(field))));
        contents.sort_by_key(|(_, content)| content.alignment_rank());
        contents.into_iter().map(|(name, content)| Self::new(name, content, folder)).collect()
    }

    fn new(column: &str, content: Content, folder: &Path) -> Result<Self> {
        let mut spool = Spool::new(folder)?;
        if content == Content::Starts {
            spool.write(&0_i64.to_le_bytes())?;
        }
        Ok(Self { column: column.to_owned(), content, spool, rows: 0, is_explicit: false })
    }

    pub(super) fn push(&mut self, rows: &RecordBatch) -> Result<()> {
        let values = column(rows, &self.column)?;
        match self.content {
            Content::Starts => self.push_starts(values)?,
            Content::TokenNumbers(_) => self.spool.write(&array_bytes(&flattened(values)?)?)?,
            Content::RowNumbers => self.spool.write(&array_bytes(values)?)?,
            Content::Booleans => {
                let bytes: Vec<u8> =
                    values.as_boolean().iter().map(|value| u8::from(value == Some(true))).collect();
                self.spool.write(&bytes)?;
            }
            Content::Json { of_tokens: true } => {
                self.push_json(&flattened(values)?, &Field::new("", DataType::Utf8, true))?
            }
            Content::Json { .. } => {
                self.push_json(values, rows.schema_ref().field_with_name(&self.column)?)?
            }
            Content::Ids => self.push_ids(values, rows.schema_ref().field_with_name(&self.column)?)?,
        }
        Ok(())
    }

    fn push_starts(&mut self, lists: &ArrayRef) -> Result<()> {
        let lists = lists.as_list::<i32>();
        for row in 0..lists.len() {
            self.rows += u64::try_from(lists.value_length(row)).unwrap_or(0);
            self.spool.write(&(self.rows as i64).to_le_bytes())?;
        }
        Ok(())
    }

    fn push_json(&mut self, values: &ArrayRef, field: &Field) -> Result<()> {
        let mut json = Vec::new();
        for index in 0..values.len() {
            json.push(if self.rows == 0 { b'[' } else { b',' });
            append_value(&mut json, field, values, index)?;
            self.rows += 1;
        }
        self.spool.write(&json)
    }

    /// As long as every id is its row's position, only their count is kept.
    fn push_ids(&mut self, values: &ArrayRef, field: &Field) -> Result<()> {
        let mut json = Vec::new();
        for index in 0..values.len() {
            let mut id = Vec::new();
            append_value(&mut id, field, values, index)?;
            if !self.is_explicit && id != self.rows.to_string().as_bytes() {
                self.is_explicit = true;
                (0..self.rows).for_each(|row| append_element(&mut json, row, row.to_string().as_bytes()));
            }
            if self.is_explicit {
                append_element(&mut json, self.rows, &id);
            }
            self.rows += 1;
        }
        self.spool.write(&json)
    }

    /// Closes open JSON arrays. Nothing is pushed after this.
    pub(super) fn close(&mut self) -> Result<()> {
        match self.content {
            Content::Json { .. } if self.rows == 0 => self.spool.write(b"[]"),
            Content::Json { .. } => self.spool.write(b"]"),
            Content::Ids if self.is_explicit => self.spool.write(b"]"),
            _ => Ok(()),
        }
    }

    /// Its description, for the rows pushed so far.
    pub(super) fn tensor(&self) -> Tensor {
        let bytes = self.spool.bytes();
        let (name, dtype, shape) = match self.content {
            Content::Starts => ("cu_seqlens".to_owned(), "I64", vec![bytes / 8]),
            Content::TokenNumbers(1) => (self.column.clone(), "U32", vec![bytes / 4]),
            Content::TokenNumbers(width) => (self.column.clone(), "U32", vec![bytes / (4 * width), width]),
            Content::RowNumbers => (self.column.clone(), "U32", vec![bytes / 4]),
            Content::Booleans => (self.column.clone(), "BOOL", vec![bytes]),
            Content::Json { .. } => (format!("{}_json", self.column), "U8", vec![bytes]),
            Content::Ids => ("ids_json".to_owned(), "U8", vec![bytes]),
        };
        Tensor { name, dtype, shape, bytes }
    }

    /// Whether it is in the file at all.
    pub(super) fn is_present(&self) -> bool {
        self.content != Content::Ids || self.is_explicit
    }

    pub(super) fn append_to(self, file: &mut OutputFile) -> Result<()> {
        self.spool.append_to(file)
    }
}

impl Content {
    fn alignment_rank(self) -> u8 {
        match self {
            Self::Starts => 0,
            Self::TokenNumbers(_) | Self::RowNumbers => 1,
            Self::Booleans | Self::Json { .. } | Self::Ids => 2,
        }
    }
}

fn content_of(field: &Field) -> Content {
    match (field.name().as_str(), field.data_type()) {
        (TOKEN_IDS, _) => Content::TokenNumbers(1),
        (BYTE_OFFSETS | CHARACTER_OFFSETS, _) => Content::TokenNumbers(2),
        (TOKENS, _) => Content::Json { of_tokens: true },
        (ID, _) => Content::Ids,
        (_, DataType::UInt32) if !field.is_nullable() => Content::RowNumbers,
        (_, DataType::Boolean) if !field.is_nullable() => Content::Booleans,
        _ => Content::Json { of_tokens: false },
    }
}

fn append_element(json: &mut Vec<u8>, row: u64, value: &[u8]) {
    json.push(if row == 0 { b'[' } else { b',' });
    json.extend_from_slice(value);
}
