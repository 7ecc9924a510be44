//! Tensors as weight files store them.

use std::collections::BTreeMap;

use super::Dtype;

/// The tensors of a file by name.
pub(super) type Tensors = BTreeMap<String, StoredTensor>;

/// The most tensors that a file may have. Supported models have a few hundred.
pub(super) const TENSOR_LIMIT: usize = 100_000;

/// Where a tensor is in its file. The creator has checked that all of it is inside the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredTensor {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// Elements between neighbours in each dimension; `None` for the ordinary order, last dimension fastest.
    pub(super) strides: Option<Vec<usize>>,
    /// Offset of the first byte in the file.
    pub(super) start: u64,
    /// Elements from the first to the last, inclusive.
    pub(super) span: usize,
}

impl StoredTensor {
    /// One row of a matrix.
    pub(super) fn row(&self, row: usize) -> Self {
        let width = self.shape[1];
        let [between_rows, between_columns] = match self.strides.as_deref() {
            Some(&[rows, columns]) => [rows, columns],
            _ => [width, 1],
        };
        let bytes = (row * between_rows * self.dtype.bitsize()) as u64 / 8;
        Self {
            dtype: self.dtype,
            shape: vec![width],
            strides: (between_columns != 1).then(|| vec![between_columns]),
            start: self.start + bytes,
            span: width.checked_sub(1).map_or(0, |last| last * between_columns + 1),
        }
    }
}

/// The number of elements of a shape; `None` if it overflows.
pub(super) fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))
}
