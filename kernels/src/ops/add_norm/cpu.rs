//! [`super::add_norm`] on the CPU, row by row.

use candle_core::Result;

use crate::LayerNorm;
use crate::cpu::buffers;
use crate::cpu::simd::{Kernel, Simd, dispatch};
use crate::ops::layer_norm::NormSlices;

/// The results of all rows.
pub(super) struct Rows {
    pub(super) norm: Vec<f32>,
    pub(super) sum: Option<Vec<f32>>,
}

pub(super) fn add_norm(
    hidden: &[f32],
    residual: Option<&[f32]>,
    norm: &LayerNorm,
    has_sum: bool,
) -> Result<Rows> {
    let mut rows =
        Rows { norm: buffers::take(hidden.len()), sum: has_sum.then(|| buffers::take(hidden.len())) };
    norm.with_slices(|norm| {
        let (output, sum) = (&mut *rows.norm, rows.sum.as_deref_mut());
        dispatch(AddNormRows { hidden, residual, norm, output, sum });
        Ok(())
    })?;
    Ok(rows)
}

pub(super) struct AddNormRows<'a> {
    pub(super) hidden: &'a [f32],
    pub(super) residual: Option<&'a [f32]>,
    pub(super) norm: NormSlices<'a>,
    pub(super) output: &'a mut [f32],
    pub(super) sum: Option<&'a mut [f32]>,
}

impl Kernel for AddNormRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let hidden_dim = self.norm.weight.len();
        for first in (0..self.hidden.len()).step_by(hidden_dim) {
            let place = first..first + hidden_dim;
            let (hidden, row) = (&self.hidden[place.clone()], &mut self.output[place.clone()]);
            match self.residual {
                Some(residual) => add(simd, hidden, &residual[place.clone()], row),
                None => row.copy_from_slice(hidden),
            }
            if let Some(sum) = &mut self.sum {
                sum[place].copy_from_slice(row);
            }
            self.norm.apply(simd, row);
        }
    }
}

#[inline(always)]
fn add<S: Simd>(simd: S, hidden: &[f32], residual: &[f32], row: &mut [f32]) {
    let sources = hidden.chunks(S::LANES).zip(residual.chunks(S::LANES));
    for (values, (hidden, residual)) in row.chunks_mut(S::LANES).zip(sources) {
        let sum = simd.add(simd.load_or(hidden, 0.0), simd.load_or(residual, 0.0));
        simd.store_front(sum, values);
    }
}
