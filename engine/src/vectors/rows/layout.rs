//! The columns of an output, and rows of them.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use nearsay_models::SparseVector;

use super::arrays;
use super::chunk_columns::{self, ChunkPlace};
use super::column_types::{ColumnType, Columns, check_names};
use super::sparse_columns::{sparse_columns, sparse_fields};
use super::vector_columns::{TokenRows, text_column, token_columns, token_fields};
use crate::Result;
use crate::text::Record;
use crate::vectors::schema::{EMBEDDING, fixed_list};
use crate::vectors::{Level, OutputType, Ranges, Vectors};

/// The column that marks texts that were cut.
const TRUNCATED: &str = "truncated";

/// The contents of an output's rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RowLayout {
    /// Whether a vector is a text's or a token's, or sparse.
    pub level: Level,
    /// Ids and kept columns.
    pub columns: Columns,
    /// Whether rows are chunks of texts.
    pub chunked: bool,
    /// Whether rows mark texts that were cut.
    pub marks_truncated: bool,
    /// The number type of the vectors.
    pub output_type: OutputType,
    /// For bytes: the range of each dimension's values.
    pub ranges: Option<Ranges>,
    /// Values in a vector, before conversion to the output type.
    pub dim: usize,
}

/// The record, and the chunk of it, that a row is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowOrigin<'a> {
    pub(crate) record: &'a Record,
    pub(crate) chunk: Option<ChunkPlace>,
    pub(crate) truncated: bool,
}

impl RowLayout {
    /// The schema of the rows.
    ///
    /// # Errors
    /// If the output type does not fit the vectors' width, or two columns would have the same name.
    pub fn schema(&self) -> Result<SchemaRef> {
        let width = self.output_type.width(self.dim)? as i32;
        match self.level {
            Level::Text => {
                let vectors = fixed_list(self.output_type.number_type().arrow(), width);
                self.schema_with([Field::new(EMBEDDING, vectors, false)])
            }
            Level::Token => self.schema_with(token_fields(self.output_type, width)),
            Level::Sparse => self.schema_with(sparse_fields()),
        }
    }

    /// Bytes of a vector in the output.
    ///
    /// # Errors
    /// If the output type does not fit the vectors' width.
    pub fn vector_bytes(&self) -> Result<usize> {
        Ok(self.output_type.width(self.dim)? * self.output_type.number_type().bytes())
    }

    fn schema_with(&self, vectors: impl IntoIterator<Item = Field>) -> Result<SchemaRef> {
        let mut fields = vec![self.columns.id.field(false)];
        fields.extend(self.columns.kept.iter().map(|column| column.field(true)));
        if self.chunked {
            fields.extend(chunk_columns::fields());
        }
        if self.marks_truncated {
            fields.push(Field::new(TRUNCATED, DataType::Boolean, false));
        }
        fields.extend(vectors);
        check_names(&fields)?;
        Ok(Arc::new(Schema::new(fields)))
    }

    /// Rows with one vector each, which are not copied if the output is f32.
    ///
    /// # Errors
    /// [`Error::NonFinite`](crate::Error::NonFinite) naming the record; a value that its column's type cannot
    /// represent.
    pub(crate) fn text_rows(
        &self,
        schema: &SchemaRef,
        origins: &[RowOrigin<'_>],
        vectors: Vectors,
    ) -> Result<RecordBatch> {
        let vectors = text_column(self, origins, vectors)?;
        self.rows(schema, origins, vec![vectors])
    }

    /// Rows with the vectors of their tokens.
    ///
    /// # Errors
    /// As [`RowLayout::text_rows`].
    pub(crate) fn token_rows(
        &self,
        schema: &SchemaRef,
        origins: &[RowOrigin<'_>],
        tokens: TokenRows<'_>,
    ) -> Result<RecordBatch> {
        self.rows(schema, origins, token_columns(self, origins, tokens)?)
    }

    /// Rows with one sparse vector each.
    ///
    /// # Errors
    /// As [`RowLayout::text_rows`].
    pub(crate) fn sparse_rows(
        &self,
        schema: &SchemaRef,
        origins: &[RowOrigin<'_>],
        vectors: &[SparseVector],
    ) -> Result<RecordBatch> {
        self.rows(schema, origins, sparse_columns(origins, vectors)?)
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
            columns.push(match column.column_type {
                ColumnType::ChunkText => chunk_columns::texts(origins),
                _ => arrays::kept(column, &records, index)?,
            });
        }
        if self.chunked {
            columns.extend(chunk_columns::arrays(&self.columns, origins));
        }
        if self.marks_truncated {
            let marks: Vec<bool> = origins.iter().map(|origin| origin.truncated).collect();
            columns.push(Arc::new(BooleanArray::from(marks)));
        }
        columns.extend(vectors);
        Ok(RecordBatch::try_new(SchemaRef::clone(schema), columns)?)
    }
}
