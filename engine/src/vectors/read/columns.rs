//! Vectors and ids in the columns of Parquet and Arrow.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Int8Type, UInt8Type};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema};

use super::batch::StoredNumbers;
use super::other_level::refuse;
use super::source::{Head, RowBlock, rows_at_once};
use crate::text::{Fault, Ids, RecordId, list_names};
use crate::vectors::schema::{EMBEDDING, EMBEDDINGS, ID, INDICES, VALUES, is_json};
use crate::vectors::{Level, Metadata, NumberType};

/// The columns to read from a file.
#[derive(Debug, Clone)]
pub(super) struct VectorColumns {
    /// Their indices in the file's schema, in order.
    pub(super) roots: Vec<usize>,
    number_type: NumberType,
    /// Numbers in a vector, if the column's type fixes it.
    width: Option<usize>,
    ids_are_json: bool,
    /// The index of the vectors, and of the ids if there are any.
    pub(super) embedding: usize,
    pub(super) id: Option<usize>,
}

impl VectorColumns {
    /// Finds them.
    ///
    /// # Errors
    /// The rule that the file breaks.
    pub(super) fn find(schema: &Schema) -> Result<Self, Fault> {
        let place = |name: &str| {
            let mut places = (0..).zip(schema.fields()).filter(|(_, field)| field.name() == name);
            match (places.next(), places.next()) {
                (_, Some(_)) => Err(format!("the file has the column `{name}` twice")),
                (first, None) => Ok(first.map(|(place, _)| place)),
            }
        };
        refuse(Level::Token, place(EMBEDDINGS)?.is_some())?;
        let has_sparse = place(INDICES)?.is_some() && place(VALUES)?.is_some();
        refuse(Level::Sparse, has_sparse && place(EMBEDDING)?.is_none())?;
        let embedding = place(EMBEDDING)?.ok_or_else(|| {
            let names = list_names(schema.fields().iter().map(|field| field.name().as_str()));
            format!("the file has no column `{EMBEDDING}`; its columns are {names}")
        })?;
        let (number_type, width) = vector_type(schema.field(embedding).data_type())?;
        let id = place(ID)?;
        let mut roots: Vec<usize> = id.into_iter().chain([embedding]).collect();
        roots.sort_unstable();
        let ids_are_json = id.is_some_and(|id| is_json(schema.field(id)));
        Ok(Self { roots, number_type, width, ids_are_json, embedding, id })
    }

    /// Facts about a file with this many rows, known before they are read.
    pub(super) fn head(&self, rows: u64, schema: &Schema) -> Head {
        let ours = |(key, value): (&String, &String)| {
            Some((key.strip_prefix("nearsay.")?.to_owned(), value.clone()))
        };
        let metadata: Metadata = schema.metadata().iter().filter_map(ours).collect();
        Head { rows: Some(rows), width: self.width, number_type: Some(self.number_type), metadata }
    }

    /// Rows to return together.
    pub(super) fn rows_at_once(&self) -> usize {
        rows_at_once(self.width.unwrap_or(1) * self.number_type.bytes())
    }

    /// The vectors and ids of a batch.
    ///
    /// # Errors
    /// If a value is null, or vectors have different widths.
    pub(super) fn piece(&self, rows: &RecordBatch) -> Result<RowBlock, ArrowError> {
        let column = |name: &str| rows.column_by_name(name);
        let vectors = column(EMBEDDING).ok_or_else(|| broken("the vectors were not read"))?;
        let ids = column(ID).map(|ids| self.ids(ids)).transpose()?;
        Ok(RowBlock { rows: rows.num_rows(), ids, numbers: numbers(vectors)? })
    }

    /// The vectors of a batch that has them.
    ///
    /// # Errors
    /// As [`Self::piece`].
    pub(super) fn numbers(rows: &RecordBatch) -> Result<RowBlock, ArrowError> {
        let vectors = rows.column_by_name(EMBEDDING).ok_or_else(|| broken("the vectors were not read"))?;
        Ok(RowBlock::of_numbers(rows.num_rows(), numbers(vectors)?))
    }

    /// The ids of a batch that has them.
    ///
    /// # Errors
    /// As [`Self::piece`].
    pub(super) fn ids_in(&self, rows: &RecordBatch) -> Result<Vec<RecordId>, ArrowError> {
        self.ids(rows.column_by_name(ID).ok_or_else(|| broken("the ids were not read"))?)
    }

    fn ids(&self, column: &ArrayRef) -> Result<Vec<RecordId>, ArrowError> {
        let ids = Ids::new(column)?;
        let id = |row: usize| match ids.get(row) {
            Some(RecordId::String(json)) if self.ids_are_json => {
                let value = serde_json::from_str(&json).ok();
                let id = value.as_ref().and_then(RecordId::from_json);
                id.ok_or_else(|| broken("an id is neither a string nor a whole number"))
            }
            id => id.ok_or_else(|| broken("an id is null")),
        };
        (0..column.len()).map(id).collect()
    }
}

/// The type and count of a vector's numbers.
fn vector_type(data_type: &DataType) -> Result<(NumberType, Option<usize>), String> {
    let (item, width) = match data_type {
        DataType::FixedSizeList(item, width) => (item, usize::try_from(*width).ok()),
        DataType::List(item) | DataType::LargeList(item) => (item, None),
        _ => {
            return Err(format!(
                "the column `{EMBEDDING}` is of type {data_type}; it must be lists of numbers"
            ));
        }
    };
    let number_type = NumberType::from_arrow(item.data_type()).ok_or_else(|| {
        let types = NumberType::ALL.map(NumberType::name).join(", ");
        format!("the column `{EMBEDDING}` has lists of {}; they must be of one of {types}", item.data_type())
    })?;
    Ok((number_type, width))
}

/// The numbers of all rows, back to back.
fn numbers(column: &ArrayRef) -> Result<StoredNumbers, ArrowError> {
    if column.null_count() > 0 {
        return Err(broken("a vector is null"));
    }
    let values = match column.data_type() {
        DataType::FixedSizeList(_, width) => {
            let (lists, width) = (column.as_fixed_size_list(), *width as usize);
            lists.values().slice(lists.offset() * width, lists.len() * width)
        }
        DataType::List(_) => listed::<i32>(column)?,
        _ => listed::<i64>(column)?,
    };
    if values.null_count() > 0 {
        return Err(broken("a number of a vector is null"));
    }
    Ok(match values.data_type() {
        DataType::Float16 => StoredNumbers::F16(values.as_primitive::<Float16Type>().values().clone()),
        DataType::Int8 => StoredNumbers::I8(values.as_primitive::<Int8Type>().values().clone()),
        DataType::UInt8 => StoredNumbers::U8(values.as_primitive::<UInt8Type>().values().clone()),
        DataType::Float32 => StoredNumbers::F32(values.as_primitive::<Float32Type>().values().clone()),
        other => return Err(broken(&format!("vectors of {other}"))),
    })
}

/// The values of lists of equal length.
fn listed<O: OffsetSizeTrait>(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let lists = column.as_list::<O>();
    let lengths: Vec<usize> = lists.offsets().lengths().collect();
    if let Some(pair) = lengths.windows(2).find(|pair| pair[0] != pair[1]) {
        return Err(broken(&format!("vectors have {} and {} numbers", pair[0], pair[1])));
    }
    let first = lists.offsets()[0].as_usize();
    Ok(lists.values().slice(first, lengths.iter().sum()))
}

fn broken(rule: &str) -> ArrowError {
    ArrowError::InvalidArgumentError(rule.to_owned())
}
