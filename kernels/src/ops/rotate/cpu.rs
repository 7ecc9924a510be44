//! [`super::rotate`] on the CPU, row by row.

use super::RotaryHeads;
use crate::CuSeqlens;
use crate::cpu::simd::{InstructionSet, Kernel, Simd, dispatch_to};

/// [positions, pairs] each.
#[derive(Clone, Copy)]
pub(super) struct Angles<'a> {
    pub(super) cos: &'a [f32],
    pub(super) sin: &'a [f32],
    pub(super) pairs: usize,
}

pub(super) fn rotate(
    qkv: &mut [f32],
    width: usize,
    cu_seqlens: &CuSeqlens,
    heads: RotaryHeads,
    angles: Angles<'_>,
) {
    rotate_for(InstructionSet::current(), qkv, width, cu_seqlens, heads, angles);
}

pub(super) fn rotate_for(
    set: InstructionSet,
    qkv: &mut [f32],
    width: usize,
    cu_seqlens: &CuSeqlens,
    heads: RotaryHeads,
    angles: Angles<'_>,
) {
    dispatch_to(set, RotateRows { qkv, width, cu_seqlens, heads, angles });
}

struct RotateRows<'a> {
    qkv: &'a mut [f32],
    width: usize,
    cu_seqlens: &'a CuSeqlens,
    heads: RotaryHeads,
    angles: Angles<'a>,
}

impl Kernel for RotateRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { qkv, width, cu_seqlens, heads: RotaryHeads { num_heads, head_dim }, angles } = self;
        let pairs = angles.pairs;
        for tokens in cu_seqlens.ranges() {
            let rows = &mut qkv[tokens.start * width..tokens.end * width];
            for (position, row) in rows.chunks_exact_mut(width).enumerate() {
                let place = position * pairs..(position + 1) * pairs;
                let (cos, sin) = (&angles.cos[place.clone()], &angles.sin[place]);
                for head in row[..num_heads * head_dim].chunks_exact_mut(head_dim) {
                    let (first, second) = head[..2 * pairs].split_at_mut(pairs);
                    rotate_head(simd, [first, second], cos, sin);
                }
            }
        }
    }
}

#[inline(always)]
fn rotate_head<S: Simd>(simd: S, [first, second]: [&mut [f32]; 2], cos: &[f32], sin: &[f32]) {
    let angles = cos.chunks(S::LANES).zip(sin.chunks(S::LANES));
    let values = first.chunks_mut(S::LANES).zip(second.chunks_mut(S::LANES));
    for ((first, second), (cos, sin)) in values.zip(angles) {
        let (cos, sin) = (simd.load_or(cos, 0.0), simd.load_or(sin, 0.0));
        let (x, y) = (simd.load_or(first, 0.0), simd.load_or(second, 0.0));
        simd.store_front(simd.sub(simd.mul(x, cos), simd.mul(y, sin)), first);
        simd.store_front(simd.add(simd.mul(y, cos), simd.mul(x, sin)), second);
    }
}
