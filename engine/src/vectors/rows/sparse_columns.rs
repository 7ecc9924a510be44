//! The columns of sparse vectors.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, UInt32Array};
use arrow_schema::{DataType, Field};
use nearsay_models::SparseVector;

use super::layout::RowOrigin;
use super::vector_columns::{check_finite, in_rows};
use crate::Result;
use crate::vectors::schema::{INDICES, VALUES, list};

pub(super) fn sparse_fields() -> [Field; 2] {
    [(INDICES, DataType::UInt32), (VALUES, DataType::Float32)]
        .map(|(name, value)| Field::new(name, list(value), false))
}

/// The arrays of [`sparse_fields`].
pub(super) fn sparse_columns(origins: &[RowOrigin<'_>], vectors: &[SparseVector]) -> Result<Vec<ArrayRef>> {
    for (origin, vector) in origins.iter().zip(vectors) {
        check_finite(origin, &vector.values)?;
    }
    let lengths: Vec<usize> = vectors.iter().map(|vector| vector.indices.len()).collect();
    let indices: UInt32Array = vectors.iter().flat_map(|vector| vector.indices.iter().copied()).collect();
    let values: Float32Array = vectors.iter().flat_map(|vector| vector.values.iter().copied()).collect();
    let columns: [ArrayRef; 2] = [Arc::new(indices), Arc::new(values)];
    columns.into_iter().map(|values| in_rows(&lengths, values)).collect()
}
