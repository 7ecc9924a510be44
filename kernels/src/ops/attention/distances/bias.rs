//! A number per head and distance, added to the scaled scores.
//!
//! values: [num_heads, stride] f32; a head's row has the distances δ = key - query from -(longest - 1) to
//! longest - 1, followed by zeros that vectors of scores may read. A query's biases for consecutive keys are a
//! piece of that row, so there is no matrix of queries by keys.

use candle_core::{DType, Device, Tensor};

use crate::args::{matrix, shape};
use crate::cpu::simd::MAX_LANES;
use crate::{Error, Result};

const NAME: &str = "distance_bias";

/// Zeros after a head's last distance: a vector of scores may start at it, and scores come in whole panels.
const PADDING: usize = 2 * MAX_LANES;

/// The biases of texts of up to a length, made once per batch and used by every layer that has the same table.
/// Cloning shares them.
#[derive(Debug, Clone)]
pub struct DistanceBias {
    values: Tensor,
    longest: usize,
}

impl DistanceBias {
    /// The biases of `table` [buckets, num_heads] (MPNet, T5), with the row of each distance from -(longest - 1)
    /// to longest - 1 in `rows` ([`DistanceBuckets::rows`](crate::DistanceBuckets::rows)). They are on the
    /// table's device.
    ///
    /// # Errors
    /// If the number of rows is even, or the table lacks one of them.
    pub fn from_table(table: &Tensor, rows: &[u32]) -> Result<Self> {
        let (buckets, _) = matrix(NAME, "table", table)?;
        let longest = longest_of(NAME, rows, buckets)?;
        let rows = Tensor::new(rows, table.device())?;
        let values = table.to_dtype(DType::F32)?.contiguous()?.index_select(&rows, 0)?.t()?.contiguous()?;
        Ok(Self { values: values.pad_with_zeros(1, 0, PADDING)?.contiguous()?, longest })
    }

    /// Attention with linear biases (Press, Smith and Lewis, "Train Short, Test Long", 2022): -slope |δ|, with a
    /// slope per head, for texts of up to `longest` tokens.
    ///
    /// # Errors
    /// If the device lacks the memory.
    pub fn from_slopes(slopes: &[f32], longest: usize, device: &Device) -> Result<Self> {
        let longest = longest.max(1);
        let most = longest as isize - 1;
        let mut values = Vec::with_capacity(slopes.len() * (2 * longest - 1 + PADDING));
        for slope in slopes {
            values.extend((-most..=most).map(|distance| -slope * distance.unsigned_abs() as f32));
            values.extend([0.0; PADDING]);
        }
        let columns = 2 * longest - 1 + PADDING;
        let values = Tensor::from_vec(values, (slopes.len(), columns), &Device::Cpu)?;
        Ok(Self { values: values.to_device(device)?, longest })
    }

    /// The number of heads.
    pub fn num_heads(&self) -> usize {
        self.values.dims()[0]
    }

    /// The length of the longest text that it is for.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The biases of texts of up to `length` tokens, for candle's operations: [num_heads, 2 * length - 1].
    pub(crate) fn of_length(&self, length: usize) -> candle_core::Result<Tensor> {
        self.values.narrow(1, self.longest - length, 2 * length - 1)?.contiguous()
    }

    /// [num_heads, stride] f32
    pub(crate) fn values(&self) -> &Tensor {
        &self.values
    }

    /// Values from one head to the next, and the column of distance 0.
    pub(crate) fn row_layout(&self) -> (usize, usize) {
        (self.values.dims()[1], self.longest - 1)
    }

    /// Calls `body` with the biases as slices, for the CPU.
    pub(crate) fn with_rows<T>(
        &self,
        body: impl FnOnce(BiasRows<'_>) -> candle_core::Result<T>,
    ) -> candle_core::Result<T> {
        let (stride, zero) = self.row_layout();
        crate::args::with_f32(self.values(), |values| body(BiasRows { values, stride, zero }))
    }
}

/// A [`DistanceBias`] on the CPU.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BiasRows<'a> {
    values: &'a [f32],
    stride: usize,
    /// The column of distance 0.
    zero: usize,
}

impl<'a> BiasRows<'a> {
    #[inline(always)]
    pub(crate) fn num_heads(self) -> usize {
        self.values.len() / self.stride
    }

    /// The biases of `head` for `query` and the keys from `key` on.
    #[inline(always)]
    pub(crate) fn from(self, head: usize, query: usize, key: usize) -> &'a [f32] {
        &self.values[head * self.stride..][..self.stride][self.zero + key - query..]
    }
}

/// The length of the longest text that `rows`, one per distance, are for. They must be in a table of
/// `num_rows`.
pub(super) fn longest_of(operation: &'static str, rows: &[u32], num_rows: usize) -> Result<usize> {
    if rows.len().is_multiple_of(2) {
        return Err(shape(operation, "rows", "[2 * longest - 1]", &[rows.len()]));
    }
    if let Some(row) = rows.iter().find(|&&row| row as usize >= num_rows) {
        let rule = format!("rows must be in the table of {num_rows} rows, got row {row}");
        return Err(Error::Argument { operation, rule });
    }
    Ok(rows.len() / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_reads_its_distances_from_a_piece_of_its_head() {
        let table =
            Tensor::new(&[[0f32, 10.0], [1.0, 11.0], [2.0, 12.0], [3.0, 13.0]], &Device::Cpu).unwrap();
        let bias = DistanceBias::from_table(&table, &[3, 2, 0, 1, 2]).unwrap();
        assert_eq!((bias.num_heads(), bias.longest()), (2, 3));
        bias.with_rows(|rows| {
            assert_eq!(rows.from(0, 0, 0)[..3], [0.0, 1.0, 2.0]);
            assert_eq!(rows.from(1, 2, 0)[..3], [13.0, 12.0, 10.0]);
            assert_eq!(rows.from(1, 1, 1)[..2], [10.0, 11.0]);
            // Keys after the longest text's: what a last vector reads.
            assert_eq!(rows.from(1, 0, 2)[1..][..PADDING], [0.0; PADDING]);
            Ok(())
        })
        .unwrap();
        assert_eq!(
            bias.of_length(2).unwrap().to_vec2::<f32>().unwrap(),
            [[2.0, 0.0, 1.0], [12.0, 10.0, 11.0]]
        );
    }

    #[test]
    fn slopes_fall_to_both_sides() {
        let bias = DistanceBias::from_slopes(&[0.5, 0.25], 3, &Device::Cpu).unwrap();
        let expected = [[-1.0, -0.5, -0.0, -0.5, -1.0], [-0.5, -0.25, -0.0, -0.25, -0.5]];
        assert_eq!(bias.of_length(3).unwrap().to_vec2::<f32>().unwrap(), expected);
    }

    #[test]
    fn rows_that_do_not_fit_are_named() {
        let table = Tensor::zeros((4, 2), DType::F32, &Device::Cpu).unwrap();
        let error = |rows: &[u32]| DistanceBias::from_table(&table, rows).unwrap_err().to_string();
        assert_eq!(error(&[0, 1]), "distance_bias: rows must have shape [2 * longest - 1], got [2]");
        assert_eq!(error(&[0, 4, 1]), "distance_bias: rows must be in the table of 4 rows, got row 4");
    }
}
