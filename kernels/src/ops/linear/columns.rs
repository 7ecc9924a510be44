//! A linear layer whose outputs are combined over each sequence's rows, column by column, while they are still in
//! registers: the maximum, or the sum of saturated values. Used for products with a vocabulary, whose outputs
//! [total_tokens, out_dim] are never stored. Source: Formal, Piwowarski and Clinchant, "SPLADE", 2021, and its
//! version 2, which takes the maximum.
//!
//! hidden: [total_tokens, in_dim], and the layer, as in `linear`. Output: [num_sequences, out_dim] f32.
//!
//! Order of the reductions: an output's sum is the layer's own, a maximum is exact in any order, and a sum adds the
//! rows of a sequence from first to last, in f32. So all depends on the sequence alone. Threads divide the columns.
//! Rows must be finite (a maximum may lose a NaN): callers check that ([`crate::all_finite`]).
//!
//! On CUDA and composed, the layer's outputs are computed for up to [`BLOCK_ROWS`] rows at a time, and combined by
//! candle's operations: a sequence's first [`BLOCK_ROWS`] rows, then the next ones. Sums have its order in each.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Shape, Tensor};

use super::epilogue::BiasActivation;
use super::{Linear, LinearWeights, NAME};
use crate::args::{expect_shape, f32_slice, matrix};
use crate::cpu::product::{Epilogue, WordFormat};
use crate::cpu::simd::{MAX_LANES, Simd};
use crate::{CuSeqlens, Error, Result};

/// Rows whose outputs are in memory at a time on CUDA and composed: 512 MB for 250,000 columns of f32.
const BLOCK_ROWS: usize = 512;

/// How the values of a column are combined over a sequence's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnReduction {
    /// The largest; minus infinity without rows.
    Max,
    /// The sum of the saturated values; 0 without rows.
    Sum(Saturation),
}

/// A function that lets large values grow slowly, and negative ones become 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saturation {
    /// log(1 + max(x, 0))
    Log,
    /// log(1 + log(1 + max(x, 0)))
    LogLog,
}

impl Saturation {
    /// Its value at `x`, rounded once.
    pub fn of(self, x: f32) -> f32 {
        self.reference(f64::from(x)) as f32
    }

    pub(super) fn reference(self, x: f64) -> f64 {
        // Lets NaN through.
        let x = if x < 0.0 { 0.0 } else { x };
        match self {
            Self::Log => x.ln_1p(),
            Self::LogLog => x.ln_1p().ln_1p(),
        }
    }

    fn composed(self, values: &Tensor) -> candle_core::Result<Tensor> {
        let once = (values.relu()? + 1.0)?.log()?;
        match self {
            Self::Log => Ok(once),
            Self::LogLog => (once + 1.0)?.log(),
        }
    }
}

impl ColumnReduction {
    /// The result for no rows.
    fn of_nothing(self) -> f32 {
        match self {
            Self::Max => f32::NEG_INFINITY,
            Self::Sum(_) => 0.0,
        }
    }
}

impl Linear {
    /// The outputs x W^T + b of `hidden` [total_tokens, in_dim], combined over the rows of each sequence:
    /// [num_sequences, out_dim], in f32.
    ///
    /// # Errors
    /// If the layer is gated, `hidden` has another width or type, or `cu_seqlens` covers another number of tokens.
    pub fn forward_columns(
        &self,
        hidden: &Tensor,
        cu_seqlens: &CuSeqlens,
        reduction: ColumnReduction,
    ) -> Result<Tensor> {
        matrix(NAME, "hidden", hidden)?;
        expect_shape(NAME, "hidden", hidden, &[cu_seqlens.total_tokens(), self.in_dim])?;
        if self.is_gated {
            let rule = "columns must be those of a layer without gates, got a gated one".to_owned();
            return Err(Error::Argument { operation: NAME, rule });
        }
        if let LinearWeights::Cpu(_) = &self.weights {
            return Ok(hidden.apply_op1_no_bwd(&ColumnsOp { linear: self, cu_seqlens, reduction })?);
        }
        self.columns_by_blocks(hidden, cu_seqlens, reduction)
    }

    /// The same, composed of candle's operations.
    fn columns_by_blocks(
        &self,
        hidden: &Tensor,
        cu_seqlens: &CuSeqlens,
        reduction: ColumnReduction,
    ) -> Result<Tensor> {
        let empty = Tensor::full(reduction.of_nothing(), (1, self.out_dim), hidden.device())?;
        let mut columns = vec![empty; cu_seqlens.num_sequences()];
        if columns.is_empty() || self.out_dim == 0 {
            return Ok(Tensor::zeros((columns.len(), self.out_dim), DType::F32, hidden.device())?);
        }
        for pieces in blocks(cu_seqlens) {
            let (Some((_, first)), Some((_, last))) = (pieces.first(), pieces.last()) else { continue };
            let block = first.start..last.end;
            let outputs = self.forward(&hidden.narrow(0, block.start, block.len())?)?.to_dtype(DType::F32)?;
            for (sequence, rows) in pieces {
                let rows = outputs.narrow(0, rows.start - block.start, rows.len())?;
                columns[sequence] = reduction.combined(&columns[sequence], &rows)?;
            }
        }
        Ok(Tensor::cat(&columns, 0)?.contiguous()?)
    }
}

impl ColumnReduction {
    /// `columns` [1, out_dim] and more `rows` [count, out_dim].
    fn combined(self, columns: &Tensor, rows: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Max => columns.maximum(&rows.max_keepdim(0)?),
            Self::Sum(saturation) => columns + saturation.composed(rows)?.sum_keepdim(0)?,
        }
    }
}

/// The rows of the batch in blocks of at most [`BLOCK_ROWS`]: pieces of sequences, each with its sequence's number.
/// Pieces are counted from their sequence's first row, so that a sum does not depend on the rows before it.
fn blocks(cu_seqlens: &CuSeqlens) -> Vec<Vec<(usize, Range<usize>)>> {
    let mut blocks: Vec<Vec<(usize, Range<usize>)>> = Vec::new();
    let mut free = 0;
    for (sequence, rows) in cu_seqlens.ranges().enumerate() {
        for start in rows.clone().step_by(BLOCK_ROWS) {
            let piece = start..(start + BLOCK_ROWS).min(rows.end);
            match blocks.last_mut().filter(|_| piece.len() <= free) {
                Some(block) => {
                    free -= piece.len();
                    block.push((sequence, piece));
                }
                None => {
                    free = BLOCK_ROWS - piece.len();
                    blocks.push(vec![(sequence, piece)]);
                }
            }
        }
    }
    blocks
}

struct ColumnsOp<'a> {
    linear: &'a Linear,
    cu_seqlens: &'a CuSeqlens,
    reduction: ColumnReduction,
}

impl CustomOp1 for ColumnsOp<'_> {
    fn name(&self) -> &'static str {
        "linear, by columns"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let Self { linear, cu_seqlens, reduction } = *self;
        let LinearWeights::Cpu(weights) = &linear.weights else {
            candle_core::bail!("{NAME}: the input is on the CPU, the weights are not")
        };
        let hidden = f32_slice(NAME, storage, layout)?;
        let num_sequences = cu_seqlens.num_sequences();
        let rows = |(number, rows): (usize, Range<usize>)| std::iter::repeat_n(number, rows.len());
        let sequences: Vec<usize> = cu_seqlens.ranges().enumerate().flat_map(rows).collect();
        let mut output = crate::cpu::buffers::take(num_sequences * linear.out_dim);
        output.fill(reduction.of_nothing());
        weights.forward_columns(hidden, RowColumns { reduction, sequences: &sequences }, &mut output);
        Ok((CpuStorage::F32(output), Shape::from((num_sequences, linear.out_dim))))
    }
}

/// How outputs are combined, and the number of each row's sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowColumns<'a> {
    pub(super) reduction: ColumnReduction,
    pub(super) sequences: &'a [usize],
}

impl<'a> RowColumns<'a> {
    /// Those of the rows after the first `row`.
    pub(super) fn after(self, row: usize) -> Self {
        Self { sequences: &self.sequences[row..], ..self }
    }
}

/// Bias, then the row of its sequence in the output.
pub(super) struct CombineRows<'a, S: Simd, F: WordFormat<S>> {
    /// Without an activation; its output has a row per sequence.
    pub(super) outputs: BiasActivation<'a, S, F>,
    pub(super) columns: RowColumns<'a>,
}

impl<S: Simd, F: WordFormat<S>> CombineRows<'_, S, F> {
    /// Up to two vectors of a sequence's output.
    #[inline(always)]
    fn part(&mut self, sequence: usize, column: usize) -> &mut [f32] {
        let outputs = &mut self.outputs;
        outputs.output.part(sequence, column - outputs.first_column, 2 * S::LANES)
    }

    #[inline(always)]
    fn keep_largest(&mut self, simd: S, sequence: usize, column: usize, values: [S::Vector; 2]) {
        let output = self.part(sequence, column);
        let (left, right) = output.split_at_mut(output.len().min(S::LANES));
        for (part, values) in [left, right].into_iter().zip(values) {
            let held = simd.load_or(part, f32::NEG_INFINITY);
            simd.store_front(simd.max(held, values), part);
        }
    }

    #[inline(always)]
    fn add(&mut self, simd: S, place: (usize, usize), values: [S::Vector; 2], saturation: Saturation) {
        let mut lanes = [0.0; 2 * MAX_LANES];
        simd.store(values[0], &mut lanes);
        simd.store(values[1], &mut lanes[S::LANES..]);
        for (sum, &value) in self.part(place.0, place.1).iter_mut().zip(&lanes) {
            // Most are negative, and add nothing.
            if value > 0.0 {
                *sum += saturation.of(value);
            }
        }
    }
}

impl<S: Simd, F: WordFormat<S>> Epilogue<S, F> for CombineRows<'_, S, F> {
    #[inline(always)]
    fn finish<const ROWS: usize>(&mut self, simd: S, row: usize, column: usize, sums: [[F::Sums; 2]; ROWS]) {
        let values = self.outputs.with_bias(simd, row, column, sums);
        let RowColumns { reduction, sequences } = self.columns;
        let sequences = &sequences[row..row + ROWS];
        let ColumnReduction::Sum(saturation) = reduction else {
            let mut largest = values[0];
            for i in 0..ROWS {
                if i > 0 {
                    let is_same = sequences[i] == sequences[i - 1];
                    for half in [0, 1] {
                        let held = if is_same { largest[half] } else { values[i][half] };
                        largest[half] = simd.max(held, values[i][half]);
                    }
                }
                if i + 1 == ROWS || sequences[i + 1] != sequences[i] {
                    self.keep_largest(simd, sequences[i], column, largest);
                }
            }
            return;
        };
        for i in 0..ROWS {
            self.add(simd, (sequences[i], column), values[i], saturation);
        }
    }
}
