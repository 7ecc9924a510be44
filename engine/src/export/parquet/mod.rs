//! Databases that load Parquet: Qdrant, LanceDB, DuckDB, Milvus and Chroma.
//!
//! `rows.parquet` has the row's number from 0 ([`ROW`]), the string that names it ([`KEY`]), the columns, and the
//! vector as a list of a fixed size, or as binary if it is bits for DuckDB. docs/databases.md has the code that loads
//! it. A [`Recipe`] states what a database takes.

mod column;
mod recipe;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float16Array, Float32Array, Int64Array, RecordBatch,
    StringArray, UInt8Array,
};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use half::f16;

use self::column::FormedColumn;
use self::recipe::{BitForm, KEY, ROW, Recipe};
use super::keys::Keys;
use super::rows::{RowBlock, VectorKind, bits_of_signed};
use super::{Database, OutputFolder};
use crate::search::Corpus;
use crate::text::{Input, RecordId, SeenIds};
use crate::vectors::Provenance;
use crate::vectors::read::NumberSlice;
use crate::vectors::schema::{EMBEDDING, fixed_list, item};
use crate::vectors::write::{Destination, OutputFormat, RowWriter, row_writer};
use crate::{Error, Result};

pub(super) const FILE: &str = "rows.parquet";

/// Writes the rows of a corpus to one Parquet file.
pub(super) struct TableWriter {
    recipe: &'static Recipe,
    input: String,
    kind: VectorKind,
    dimensions: usize,
    /// The columns of the corpus, and those of the file.
    columns: SchemaRef,
    formed: Vec<FormedColumn>,
    schema: SchemaRef,
    writer: Box<dyn RowWriter>,
    /// The keys so far, if they must be unique, and the input as their place.
    keys: Option<(SeenIds, [Input; 1])>,
}

impl TableWriter {
    /// Starts the file.
    ///
    /// # Errors
    /// [`Error::BadInput`] if the database cannot have the columns or the vectors, and [`Error::Io`].
    pub(super) fn new(
        corpus: &Corpus,
        (kind, dimensions): (VectorKind, usize),
        columns: SchemaRef,
        output: Destination,
        database: Database,
    ) -> Result<Self> {
        let input = corpus.name().to_owned();
        let Some(recipe) = Recipe::of(database) else {
            return Err(Error::Bug(format!("{} does not load Parquet", database.name())));
        };
        if let Some(rule) = recipe.broken_rule(&columns, kind, dimensions) {
            return Err(Error::BadInput { input, rule });
        }
        let formed: Vec<FormedColumn> =
            columns.fields().iter().map(|field| FormedColumn::new(field, recipe.columns)).collect();
        let schema = schema(&formed, vector_type(recipe, kind, dimensions));
        let metadata = corpus.provenance().map(Provenance::to_metadata).unwrap_or_default();
        let writer = row_writer(output, OutputFormat::Parquet, &schema, &metadata)?;
        let place = || [Input::File(PathBuf::from(&input))];
        let keys = recipe.has_unique_keys.then(|| (SeenIds::default(), place()));
        Ok(Self { recipe, input, kind, dimensions, columns, formed, schema, writer, keys })
    }

    /// The type of the vectors.
    pub(super) fn vector_type(&self) -> String {
        let name = match self.kind {
            VectorKind::F16 if self.recipe.keeps_halves => "f16",
            VectorKind::F32 | VectorKind::F16 => "f32",
            VectorKind::Bits => "bit",
        };
        format!("{name}({})", self.dimensions)
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// [`Error::BadRow`] for a row whose key the database cannot have, and [`Error::Io`].
    pub(super) fn write(&mut self, block: &RowBlock) -> Result<()> {
        let numbers: Int64Array = (0..block.rows).map(|row| (block.first_row + row as u64) as i64).collect();
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(numbers), Arc::new(self.keys(block)?)];
        let stored = block.columns.as_ref().map_or(&[][..], |columns| columns.columns());
        for (column, values) in self.formed.iter().zip(stored) {
            arrays.push(column.convert(values)?);
        }
        arrays.push(self.vectors(block)?);
        self.writer.write(&RecordBatch::try_new(self.schema.clone(), arrays)?)
    }

    /// The keys of a block.
    fn keys(&mut self, block: &RowBlock) -> Result<StringArray> {
        let names = Keys::of(&self.columns);
        let mut keys = Vec::with_capacity(block.rows);
        for row in 0..block.rows {
            let key = names.key(&self.input, block, row)?;
            if let Some((seen, inputs)) = &mut self.keys {
                let number = block.first_row + row as u64 + 1;
                if key.is_empty() {
                    let rule = format!("the id is empty; {} needs one", self.recipe.name);
                    return Err(Error::BadRow { input: self.input.clone(), row: number, rule });
                }
                let id = RecordId::String(key);
                seen.insert(&id, 0, number, inputs)?;
                let RecordId::String(key) = id else { continue };
                keys.push(key);
            } else {
                keys.push(key);
            }
        }
        Ok(StringArray::from(keys))
    }

    /// The vectors of a block, in the database's form.
    fn vectors(&self, block: &RowBlock) -> Result<ArrayRef> {
        let values: ArrayRef = match block.numbers() {
            NumberSlice::F32(values) => Arc::new(Float32Array::from(values.to_vec())),
            NumberSlice::F16(values) if self.recipe.keeps_halves => {
                Arc::new(Float16Array::from(values.to_vec()))
            }
            NumberSlice::F16(values) => {
                Arc::new(Float32Array::from_iter_values(values.iter().copied().map(f16::to_f32)))
            }
            NumberSlice::I8(values) => {
                return self.bits(values.iter().copied().map(bits_of_signed).collect());
            }
            NumberSlice::U8(values) => return self.bits(values.to_vec()),
        };
        self.lists(values, self.dimensions)
    }

    fn bits(&self, bytes: Vec<u8>) -> Result<ArrayRef> {
        let width = self.dimensions / 8;
        match self.recipe.bits {
            Some(BitForm::Binary) => {
                Ok(Arc::new(FixedSizeBinaryArray::try_new(width as i32, Buffer::from_vec(bytes), None)?))
            }
            Some(BitForm::List) => self.lists(Arc::new(UInt8Array::from(bytes)), width),
            None => Err(Error::Bug(format!("bits for {}", self.recipe.name))),
        }
    }

    fn lists(&self, values: ArrayRef, width: usize) -> Result<ArrayRef> {
        let item = item(values.data_type().clone());
        Ok(Arc::new(FixedSizeListArray::try_new(item, width as i32, values, None)?))
    }

    /// Completes the file.
    ///
    /// # Errors
    /// [`Error::BadRow`] for a key that occurs twice, and [`Error::Io`].
    pub(super) fn finish(self, folder: &mut OutputFolder) -> Result<()> {
        if let Some((mut seen, inputs)) = self.keys {
            seen.finish(&inputs)?;
        }
        self.writer.finish()?;
        folder.completed(FILE);
        Ok(())
    }
}

/// The file's columns.
fn schema(columns: &[FormedColumn], vectors: DataType) -> SchemaRef {
    let head = [Field::new(ROW, DataType::Int64, false), Field::new(KEY, DataType::Utf8, false)];
    let fields = head.into_iter().map(Arc::new);
    let fields = fields.chain(columns.iter().map(|column| column.field().clone()));
    let embedding = Arc::new(Field::new(EMBEDDING, vectors, false));
    Arc::new(Schema::new(fields.chain([embedding]).collect::<Vec<_>>()))
}

fn vector_type(recipe: &Recipe, kind: VectorKind, dimensions: usize) -> DataType {
    match kind {
        VectorKind::Bits if recipe.bits == Some(BitForm::Binary) => {
            DataType::FixedSizeBinary(dimensions as i32 / 8)
        }
        VectorKind::Bits => fixed_list(DataType::UInt8, dimensions as i32 / 8),
        VectorKind::F16 if recipe.keeps_halves => fixed_list(DataType::Float16, dimensions as i32),
        VectorKind::F32 | VectorKind::F16 => fixed_list(DataType::Float32, dimensions as i32),
    }
}

#[cfg(test)]
mod tests;
