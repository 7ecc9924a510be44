//! Vectors back to back in one buffer.

use std::ops::{Index, Range};

use crate::{Error, Result};

/// Vectors of equal width: a contiguous matrix `[rows, dim]` of f32, row after row, as pooling returns it.
/// Consumers (arrow, a file, a socket, numpy) need not copy it: [`Vectors::values`],
/// [`Vectors::into_values`].
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    values: Vec<f32>,
    dim: usize,
}

impl Vectors {
    /// The matrix of these values, `dim` per row.
    ///
    /// # Errors
    /// [`Error::Usage`] if `dim` is 0 or does not divide the number of values.
    pub fn new(values: Vec<f32>, dim: usize) -> Result<Self> {
        if dim == 0 || !values.len().is_multiple_of(dim) {
            let count = values.len();
            return Err(Error::usage(format!("{count} values do not make vectors of {dim} dimensions")));
        }
        Ok(Self { values, dim })
    }

    /// `rows` vectors of zeros.
    pub(crate) fn zeros(rows: usize, dim: usize) -> Self {
        Self { values: vec![0.0; rows * dim], dim: dim.max(1) }
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Values in a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, row after row, without a copy.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// The vectors, in order.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.dim)
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        self.rows_mut(row..row + 1)
    }

    /// The values of several rows.
    pub(crate) fn rows_mut(&mut self, rows: Range<usize>) -> &mut [f32] {
        &mut self.values[rows.start * self.dim..rows.end * self.dim]
    }
}

/// A vector by its row.
impl Index<usize> for Vectors {
    type Output = [f32];

    fn index(&self, row: usize) -> &[f32] {
        &self.values[row * self.dim..(row + 1) * self.dim]
    }
}

impl<'a> IntoIterator for &'a Vectors {
    type Item = &'a [f32];
    type IntoIter = std::slice::ChunksExact<'a, f32>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows()
    }
}

/// The dot product of two vectors: their cosine, if they have length 1. Sums in f64 from first to last.
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f64 {
    left.iter().zip(right).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dot_product_is_summed_in_order() {
        assert_eq!(dot(&[0.6, 0.8], &[1.0, 0.0]), f64::from(0.6_f32));
        assert_eq!(dot(&[], &[]), 0.0);
    }

    #[test]
    fn rows_lie_back_to_back() {
        let vectors = Vectors::new(vec![1.0, 2.0, 3.0, 4.0], 2).unwrap();
        assert_eq!((vectors.len(), vectors.dim()), (2, 2));
        assert_eq!(vectors[1], [3.0, 4.0]);
        assert_eq!(vectors.rows().map(|row| row[0]).collect::<Vec<_>>(), [1.0, 3.0]);
        assert!(Vectors::new(Vec::new(), 3).unwrap().is_empty());
    }

    #[test]
    fn values_that_make_no_whole_rows_are_refused() {
        for (count, dim) in [(3, 2), (3, 0), (0, 0)] {
            let error = Vectors::new(vec![0.0; count], dim).unwrap_err();
            let message = format!("{count} values do not make vectors of {dim} dimensions");
            assert_eq!(error.to_string(), message);
        }
    }
}
