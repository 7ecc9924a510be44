//! Attention on the CPU: keys and values of one head packed into panels, then two products with a softmax between them.
//!
//! Scores are kept for [`BLOCK_QUERIES`] queries at a time. The weights are not divided by their sum before the second
//! product but its result after it: head_dim divisions a query instead of one a key. Scores are scaled by log2 e, so that a power of
//! 2 takes the exponential's place.

use std::ops::Range;

use super::Heads;
use crate::CuSeqlens;
use crate::product::{Epilogue, F32, Panels, Rows, multiply};
use crate::simd::{InstructionSet, Kernel, Simd, dispatch_to, math};

/// Queries whose scores are held together: 512 keys take 96 KiB.
const BLOCK_QUERIES: usize = 48;

pub(super) fn attention(qkv: &[f32], cu_seqlens: &CuSeqlens, heads: Heads) -> Vec<f32> {
    attention_for(InstructionSet::current(), qkv, cu_seqlens, heads)
}

pub(super) fn attention_for(
    set: InstructionSet,
    qkv: &[f32],
    cu_seqlens: &CuSeqlens,
    heads: Heads,
) -> Vec<f32> {
    let mut output = crate::buffers::take(cu_seqlens.total_tokens() * heads.hidden_dim());
    dispatch_to(set, Packed { qkv, cu_seqlens, heads, output: &mut output });
    output
}

struct Packed<'a> {
    qkv: &'a [f32],
    cu_seqlens: &'a CuSeqlens,
    heads: Heads,
    output: &'a mut [f32],
}

impl Kernel for Packed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut scratch = Scratch::default();
        let mut output = Output { values: self.output, stride: self.heads.hidden_dim() };
        for tokens in self.cu_seqlens.ranges() {
            for head in 0..self.heads.num_heads {
                let sequence = Head { qkv: self.qkv, tokens: tokens.clone(), heads: self.heads, head };
                sequence.attend(simd, &mut scratch, &mut output);
            }
        }
    }
}

/// Buffers that every head reuses.
#[derive(Default)]
struct Scratch {
    keys: Panels,
    values: Panels,
    scores: Vec<f32>,
    inverse_sums: Vec<f32>,
}

struct Output<'a> {
    values: &'a mut [f32],
    stride: usize,
}

/// One head of one sequence.
struct Head<'a> {
    qkv: &'a [f32],
    tokens: Range<usize>,
    heads: Heads,
    head: usize,
}

impl Head<'_> {
    /// Query (0), key (1) or value (2) of this head, from `token` on; rows lie `3 * hidden_dim` apart.
    fn part(&self, token: usize, part: usize) -> &[f32] {
        let hidden_dim = self.heads.hidden_dim();
        &self.qkv[(3 * token + part) * hidden_dim + self.head * self.heads.head_dim..]
    }

    #[inline(always)]
    fn attend<S: Simd>(&self, simd: S, scratch: &mut Scratch, output: &mut Output<'_>) {
        if self.tokens.is_empty() {
            return;
        }
        let (start, num_keys) = (self.tokens.start, self.tokens.len());
        let (head_dim, stride) = (self.heads.head_dim, 3 * self.heads.hidden_dim());
        scratch.keys.pack_transposed(
            simd,
            bytemuck::cast_slice(self.part(start, 1)),
            stride,
            [num_keys, head_dim],
        );
        scratch.values.pack(simd, self.part(start, 2), stride, [num_keys, head_dim]);
        for first in (0..num_keys).step_by(BLOCK_QUERIES) {
            let queries = start + first..start + (first + BLOCK_QUERIES).min(num_keys);
            self.attend_block(simd, queries, scratch, output);
        }
    }

    #[inline(always)]
    fn attend_block<S: Simd>(
        &self,
        simd: S,
        queries: Range<usize>,
        scratch: &mut Scratch,
        output: &mut Output<'_>,
    ) {
        let Scratch { keys, values, scores, inverse_sums } = scratch;
        let (num_keys, head_dim) = (self.tokens.len(), self.heads.head_dim);
        let padded_keys = keys.count() * keys.width();
        scores.resize(queries.len() * padded_keys, 0.0);
        let rows =
            Rows::of_f32(self.part(queries.start, 0), 3 * self.heads.hidden_dim(), queries.len(), head_dim);
        let scale = std::f32::consts::LOG2_E / (head_dim as f32).sqrt();
        multiply(simd, F32, rows, keys, &mut Scores { scores, stride: padded_keys, scale });
        inverse_sums.clear();
        for row in scores.chunks_exact_mut(padded_keys) {
            inverse_sums.push(1.0 / exponentials(simd, &mut row[..num_keys]));
        }
        let first = queries.start * output.stride + self.head * head_dim;
        let mut context =
            Context { output: &mut output.values[first..], stride: output.stride, head_dim, inverse_sums };
        multiply(simd, F32, Rows::of_f32(scores, padded_keys, queries.len(), num_keys), values, &mut context);
    }
}

/// Replaces scores by 2^(score - largest); returns their sum.
#[inline(always)]
fn exponentials<S: Simd>(simd: S, scores: &mut [f32]) -> f32 {
    let mut largest = simd.splat(f32::NEG_INFINITY);
    for scores in scores.chunks(S::LANES) {
        largest = simd.max(largest, simd.load_or(scores, f32::NEG_INFINITY));
    }
    let largest = simd.splat(simd.largest(largest));
    let mut sum = simd.splat(0.0);
    for scores in scores.chunks_mut(S::LANES) {
        let distance = simd.sub(simd.load_or(scores, f32::NEG_INFINITY), largest);
        let weight = math::exp2_nonpositive(simd, distance);
        simd.store_front(weight, scores);
        sum = simd.add(sum, weight);
    }
    simd.sum(sum)
}

/// Scales and stores scores.
struct Scores<'a> {
    scores: &'a mut [f32],
    stride: usize,
    scale: f32,
}

impl<S: Simd> Epilogue<S, F32> for Scores<'_> {
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        sums: [[S::Vector; 2]; ROWS],
    ) {
        for (row, sums) in (row..).zip(sums) {
            let target = &mut self.scores[row * self.stride + column..][..2 * S::LANES];
            for (sum, target) in sums.into_iter().zip(target.chunks_exact_mut(S::LANES)) {
                simd.store(simd.mul(sum, simd.splat(self.scale)), target);
            }
        }
    }
}

/// Divides by the softmax's sum and stores a head's part of the output rows.
struct Context<'a> {
    output: &'a mut [f32],
    stride: usize,
    head_dim: usize,
    inverse_sums: &'a [f32],
}

impl<S: Simd> Epilogue<S, F32> for Context<'_> {
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        sums: [[S::Vector; 2]; ROWS],
    ) {
        let width = (self.head_dim - column).min(2 * S::LANES);
        for (row, sums) in (row..).zip(sums) {
            let target = &mut self.output[row * self.stride + column..][..width];
            let scale = simd.splat(self.inverse_sums[row]);
            for (sum, target) in sums.into_iter().zip(target.chunks_mut(S::LANES)) {
                simd.store_front(simd.mul(sum, scale), target);
            }
        }
    }
}
