//! [`super::norm_heads`] on the CPU, row by row.

use std::ops::Range;

use crate::cpu::simd::{InstructionSet, Kernel, Simd, dispatch_to};
use crate::ops::layer_norm::NormSlices;

/// Normalises the heads in the columns `heads` of rows of `width` values.
pub(super) fn norm_heads(qkv: &mut [f32], width: usize, heads: Range<usize>, norm: NormSlices<'_>) {
    norm_heads_for(InstructionSet::current(), qkv, width, heads, norm);
}

pub(super) fn norm_heads_for(
    set: InstructionSet,
    qkv: &mut [f32],
    width: usize,
    heads: Range<usize>,
    norm: NormSlices<'_>,
) {
    if !heads.is_empty() {
        dispatch_to(set, NormRows { qkv, width, heads, norm });
    }
}

struct NormRows<'a> {
    qkv: &'a mut [f32],
    width: usize,
    heads: Range<usize>,
    norm: NormSlices<'a>,
}

impl Kernel for NormRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for row in self.qkv.chunks_exact_mut(self.width) {
            for head in row[self.heads.clone()].chunks_exact_mut(self.norm.weight.len()) {
                self.norm.apply(simd, head);
            }
        }
    }
}
