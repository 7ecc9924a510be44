//! What happens to the finished sums of a linear layer on the CPU.

use crate::Activation;
use crate::cpu::matrix_mut::MatrixMut;
use crate::cpu::product::{Epilogue, WordFormat};
use crate::cpu::simd::{Interleaved, Simd};

/// Bias and activation.
pub(super) struct BiasActivation<'a, S: Simd, F: WordFormat<S>> {
    pub(super) bias: &'a [f32],
    pub(super) activation: Activation,
    pub(super) scales: F::Scales<'a>,
    /// The column of the product that is the output's first.
    pub(super) first_column: usize,
    pub(super) output: MatrixMut<'a>,
}

impl<S: Simd, F: WordFormat<S>> BiasActivation<'_, S, F> {
    /// The sums with their bias: two vectors per row.
    #[inline(always)]
    pub(super) fn with_bias<const ROWS: usize>(
        &self,
        simd: S,
        row: usize,
        column: usize,
        sums: [[F::Sums; 2]; ROWS],
    ) -> [[S::Vector; 2]; ROWS] {
        let mut values = [[simd.splat(0.0); 2]; ROWS];
        for half in [0, 1] {
            let column = column + half * S::LANES;
            let bias = simd.load(&self.bias[column..]);
            for i in 0..ROWS {
                values[i][half] = F::add_to(simd, bias, sums[i][half], self.scales, [row + i, column]);
            }
        }
        values
    }
}

impl<S: Simd, F: WordFormat<S>> Epilogue<S, F> for BiasActivation<'_, S, F> {
    #[inline(always)]
    fn finish<const ROWS: usize>(&mut self, simd: S, row: usize, column: usize, sums: [[F::Sums; 2]; ROWS]) {
        let values = self.with_bias(simd, row, column, sums);
        let values = self.activation.apply(Interleaved::<_, ROWS>(Interleaved::<_, 2>(simd)), values);
        for (i, values) in values.iter().enumerate() {
            let output = self.output.part(row + i, column - self.first_column, 2 * S::LANES);
            let (left, right) = output.split_at_mut(output.len().min(S::LANES));
            simd.store_front(values[0], left);
            simd.store_front(values[1], right);
        }
    }
}

/// Bias, activation and gate: of every panel, the first vector is the gate and the second what it multiplies.
pub(super) struct GatedActivation<'a, S: Simd, F: WordFormat<S>>(pub(super) BiasActivation<'a, S, F>);

impl<S: Simd, F: WordFormat<S>> Epilogue<S, F> for GatedActivation<'_, S, F> {
    #[inline(always)]
    fn finish<const ROWS: usize>(&mut self, simd: S, row: usize, column: usize, sums: [[F::Sums; 2]; ROWS]) {
        let values = self.0.with_bias(simd, row, column, sums);
        let mut gates = [simd.splat(0.0); ROWS];
        for (gate, values) in gates.iter_mut().zip(&values) {
            *gate = values[0];
        }
        let gates = self.0.activation.apply(Interleaved::<_, ROWS>(simd), gates);
        for (i, (&gate, values)) in gates.iter().zip(&values).enumerate() {
            let output = self.0.output.part(row + i, (column - self.0.first_column) / 2, S::LANES);
            simd.store_front(simd.mul(gate, values[1]), output);
        }
    }
}
