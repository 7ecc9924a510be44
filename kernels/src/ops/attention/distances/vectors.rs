//! A vector per distance, which queries or keys are multiplied by.
//!
//! position_keys (PK), position_queries (PQ): [num_heads, rows, head_dim] f32, or [1, rows, head_dim] if all heads
//! have the same. The row of a distance is in a list that belongs to a batch: BERT's relative keys and DeBERTa
//! have a row per distance, DeBERTa-v2 shares rows among large ones.

use candle_core::{DType, Tensor};

use super::bias::longest_of;
use crate::args::shape;
use crate::{Error, Placement, Result};

const NAME: &str = "distance_vectors";

/// The vectors of one layer. Cloning shares them.
#[derive(Debug, Clone)]
pub struct DistanceVectors {
    /// PK: multiplied by queries.
    pub(crate) position_keys: Option<Tensor>,
    /// PQ: multiplied by keys.
    pub(crate) position_queries: Option<Tensor>,
    /// Of each table: 1 or num_heads, rows, head_dim.
    dims: [usize; 3],
}

impl DistanceVectors {
    /// Moves the tables to the device of `placement`.
    ///
    /// # Errors
    /// If there is none, they differ in shape, or the device lacks the memory.
    pub fn new(
        position_keys: Option<&Tensor>,
        position_queries: Option<&Tensor>,
        placement: &Placement,
    ) -> Result<Self> {
        let Some(first) = position_keys.or(position_queries) else {
            let rule = "there must be position_keys or position_queries, got none".to_owned();
            return Err(Error::Argument { operation: NAME, rule });
        };
        let &[heads, rows, head_dim] = first.dims() else {
            return Err(shape(NAME, "position_keys", "[num_heads, rows, head_dim]", first.dims()));
        };
        let dims = [heads, rows, head_dim];
        if let Some(table) = position_queries.filter(|table| table.dims() != dims) {
            return Err(shape(NAME, "position_queries", &format!("{dims:?}"), table.dims()));
        }
        let place = |table: &Tensor| table.to_dtype(DType::F32)?.contiguous()?.to_device(placement.device());
        Ok(Self {
            position_keys: position_keys.map(place).transpose()?,
            position_queries: position_queries.map(place).transpose()?,
            dims,
        })
    }

    /// Rows of each table.
    pub fn num_rows(&self) -> usize {
        self.dims[1]
    }

    /// Checks that they are for these heads, and returns the length of the longest text that `rows` are for.
    pub(crate) fn check(&self, num_heads: usize, head_dim: usize, rows: &[u32]) -> Result<usize> {
        let [heads, num_rows, width] = self.dims;
        if (heads != num_heads && heads != 1) || width != head_dim {
            let expected = format!("[{num_heads} or 1, rows, {head_dim}]");
            return Err(shape(NAME, "position_keys", &expected, &self.dims));
        }
        longest_of(NAME, rows, num_rows)
    }

    /// Calls `body` with the tables as slices, for the CPU.
    pub(crate) fn with_tables<T>(
        &self,
        rows: &[u32],
        body: impl FnOnce(VectorTables<'_>) -> candle_core::Result<T>,
    ) -> candle_core::Result<T> {
        let body = |position_keys: &[f32], position_queries: &[f32]| {
            body(VectorTables { position_keys, position_queries, dims: self.dims, rows })
        };
        match (&self.position_keys, &self.position_queries) {
            (Some(keys), Some(queries)) => crate::args::with_f32(keys, |keys| {
                crate::args::with_f32(queries, |queries| body(keys, queries))
            }),
            (Some(keys), None) => crate::args::with_f32(keys, |keys| body(keys, &[])),
            (None, Some(queries)) => crate::args::with_f32(queries, |queries| body(&[], queries)),
            (None, None) => body(&[], &[]),
        }
    }
}

/// [`DistanceVectors`] on the CPU.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VectorTables<'a> {
    /// Empty if there are none.
    pub(crate) position_keys: &'a [f32],
    /// Empty if there are none.
    pub(crate) position_queries: &'a [f32],
    dims: [usize; 3],
    /// The row of each distance from -(longest - 1) to longest - 1.
    rows: &'a [u32],
}

impl<'a> VectorTables<'a> {
    /// Whether all heads have the same tables.
    pub(crate) fn are_shared(self) -> bool {
        self.dims[0] == 1
    }

    /// The length of the longest text.
    pub(crate) fn longest(self) -> usize {
        self.rows.len() / 2 + 1
    }

    /// The vector of `distance` in one of the tables; a distance before all others has that of the first.
    pub(crate) fn vector(self, table: &'a [f32], head: usize, distance: isize) -> &'a [f32] {
        let [_, num_rows, head_dim] = self.dims;
        let head = if self.are_shared() { 0 } else { head };
        let place = (self.longest() - 1).saturating_add_signed(distance);
        let row = head * num_rows + self.rows[place] as usize;
        &table[row * head_dim..][..head_dim]
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn table(dims: [usize; 3]) -> Tensor {
        let values: Vec<f32> = (0..dims.iter().product::<usize>()).map(|i| i as f32).collect();
        Tensor::from_vec(values, &dims, &Device::Cpu).unwrap()
    }

    #[test]
    fn a_distance_has_the_vector_of_its_row() {
        let vectors = DistanceVectors::new(None, Some(&table([2, 4, 3])), &Placement::CPU).unwrap();
        let rows = [3, 3, 1, 0, 2];
        vectors
            .with_tables(&rows, |tables| {
                assert_eq!((tables.longest(), tables.are_shared()), (3, false));
                assert!(tables.position_keys.is_empty());
                let vector = |head, distance| tables.vector(tables.position_queries, head, distance);
                assert_eq!(vector(0, 0), [3.0, 4.0, 5.0]);
                assert_eq!(vector(1, 2), [18.0, 19.0, 20.0]);
                assert_eq!(vector(1, -7), [21.0, 22.0, 23.0]);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn tables_that_do_not_fit_are_named() {
        let new = |keys: Option<&Tensor>, queries: Option<&Tensor>| {
            DistanceVectors::new(keys, queries, &Placement::CPU)
        };
        let error = new(None, None).unwrap_err().to_string();
        assert_eq!(error, "distance_vectors: there must be position_keys or position_queries, got none");
        let error = new(Some(&table([2, 4, 3])), Some(&table([1, 4, 3]))).unwrap_err().to_string();
        assert_eq!(error, "distance_vectors: position_queries must have shape [2, 4, 3], got [1, 4, 3]");
        let vectors = new(Some(&table([2, 4, 3])), None).unwrap();
        let error = vectors.check(4, 3, &[0]).unwrap_err().to_string();
        assert_eq!(error, "distance_vectors: position_keys must have shape [4 or 1, rows, 3], got [2, 4, 3]");
        let error = vectors.check(2, 3, &[4]).unwrap_err().to_string();
        assert_eq!(error, "distance_vectors: rows must be in the table of 4 rows, got row 4");
    }
}
