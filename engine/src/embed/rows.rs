//! Vectors, and the records that they are of, to rows of an output.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::arrays;
use super::columns::Columns;
use super::vector_column::{TextVectors, TokenRow, number_type, token_columns, token_fields};
use super::{OutputType, Ranges};
use crate::Result;
use crate::output::columns::{EMBEDDING, fixed_list};
use crate::text::Record;

/// The columns of a chunk's place in its text.
const CHUNK_COLUMNS: [&str; 5] = ["chunk", "byte_start", "byte_end", "character_start", "character_end"];
/// The column that says whether a text was cut.
const TRUNCATED: &str = "truncated";

/// What the rows of an output hold.
#[derive(Debug, Clone)]
pub struct RowLayout {
    /// Ids and kept columns.
    pub columns: Columns,
    /// Whether rows are chunks of texts.
    pub chunked: bool,
    /// Whether rows say if their text was cut.
    pub marks_truncated: bool,
    /// The numbers of the vectors.
    pub output_type: OutputType,
    /// For bytes: what each dimension's values range over.
    pub ranges: Option<Ranges>,
    /// Values in a vector, before they become numbers of the output's type.
    pub dim: usize,
}

/// Where a chunk stands in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkPlace {
    /// The chunk's number in its text, from 0.
    pub(super) index: u32,
    /// Start and end in bytes, then in characters.
    pub(super) offsets: [u32; 4],
}

impl ChunkPlace {
    /// Where it begins, in bytes and in characters.
    pub(super) fn start(self) -> (u32, u32) {
        (self.offsets[0], self.offsets[2])
    }
}

/// What a row is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowOrigin<'a> {
    pub(super) record: &'a Record,
    pub(super) chunk: Option<ChunkPlace>,
    pub(super) truncated: bool,
}

impl RowLayout {
    /// The schema of rows with one vector a text.
    ///
    /// # Errors
    /// When the output's type does not fit the vectors' width, or two columns would have one name.
    pub fn text_schema(&self) -> Result<SchemaRef> {
        let width = self.output_type.width(self.dim)? as i32;
        self.schema([Field::new(EMBEDDING, fixed_list(number_type(self.output_type), width), false)])
    }

    /// The schema of rows with one vector a token.
    ///
    /// # Errors
    /// Those of [`Self::text_schema`].
    pub fn token_schema(&self) -> Result<SchemaRef> {
        let width = self.output_type.width(self.dim)? as i32;
        self.schema(token_fields(self.output_type, width))
    }

    /// Bytes of a vector in the output.
    ///
    /// # Errors
    /// When the output's type does not fit the vectors' width.
    pub fn vector_bytes(&self) -> Result<usize> {
        let number = number_type(self.output_type).primitive_width().unwrap_or(0);
        Ok(self.output_type.width(self.dim)? * number)
    }

    fn schema(&self, vectors: impl IntoIterator<Item = Field>) -> Result<SchemaRef> {
        let mut fields = vec![self.columns.id.field(false)];
        fields.extend(self.columns.kept.iter().map(|column| column.field(true)));
        if self.chunked {
            fields.extend(CHUNK_COLUMNS.map(|name| Field::new(name, DataType::UInt32, false)));
        }
        if self.marks_truncated {
            fields.push(Field::new(TRUNCATED, DataType::Boolean, false));
        }
        fields.extend(vectors);
        super::columns::check_names(&fields)?;
        Ok(Arc::new(Schema::new(fields)))
    }

    /// Rows with one vector each; `vectors` is `[rows, dim]`, finite.
    pub(super) fn text_rows(
        &self,
        schema: &SchemaRef,
        origins: &[RowOrigin<'_>],
        vectors: &[f32],
    ) -> Result<RecordBatch> {
        let vectors = TextVectors { layout: self, ids: origins }.column(vectors)?;
        self.rows(schema, origins, vec![vectors])
    }

    /// Rows with the vectors of their tokens.
    pub(super) fn token_rows(
        &self,
        schema: &SchemaRef,
        origins: &[RowOrigin<'_>],
        tokens: &[TokenRow<'_>],
    ) -> Result<RecordBatch> {
        self.rows(schema, origins, token_columns(self, origins, tokens)?)
    }

    fn rows(
        &self,
        schema: &SchemaRef,
        origins: &[RowOrigin<'_>],
        vectors: Vec<ArrayRef>,
    ) -> Result<RecordBatch> {
        let records: Vec<&Record> = origins.iter().map(|origin| origin.record).collect();
        let mut columns = vec![arrays::ids(&self.columns.id, &records)?];
        for (index, column) in self.columns.kept.iter().enumerate() {
            columns.push(arrays::kept(column, &records, index)?);
        }
        if self.chunked {
            columns.extend(chunk_columns(origins));
        }
        if self.marks_truncated {
            let marks: Vec<bool> = origins.iter().map(|origin| origin.truncated).collect();
            columns.push(Arc::new(BooleanArray::from(marks)));
        }
        columns.extend(vectors);
        Ok(RecordBatch::try_new(SchemaRef::clone(schema), columns)?)
    }
}

fn chunk_columns(origins: &[RowOrigin<'_>]) -> [ArrayRef; 5] {
    let place = |origin: &RowOrigin<'_>, part: usize| {
        origin.chunk.map_or(0, |chunk| if part == 0 { chunk.index } else { chunk.offsets[part - 1] })
    };
    [0, 1, 2, 3, 4].map(|part| {
        Arc::new(origins.iter().map(|origin| place(origin, part)).collect::<UInt32Array>()) as ArrayRef
    })
}
