//! Attention on the CPU: keys and values of one head packed into panels, then two products with a softmax
//! between them.
//!
//! Scores are kept for [`BLOCK_QUERIES`] queries at a time. The sum of the weights divides the second
//! product's result, not the weights: head_dim divisions per query instead of one per key.

use std::cell::RefCell;
use std::ops::Range;

use super::Heads;
use super::softmax::{self, ScoreRows, Softmax};
use crate::CuSeqlens;
use crate::cpu::matrix_mut::MatrixMut;
use crate::cpu::product::{Epilogue, F32, Panels, Rows, multiply};
use crate::cpu::simd::{InstructionSet, Kernel, MAX_LANES, Simd, dispatch_to};
use crate::cpu::{buffers, team};

/// Queries whose scores are kept together: 512 keys need 96 KiB.
const BLOCK_QUERIES: usize = 48;

/// Queries of all heads that are processed together: short sequences process several heads at once, so that
/// the work per head does not outweigh the work per query.
const ROWS_TOGETHER: usize = 96;

/// The number of tokens from which the heads are divided among threads: below it, a head needs less time than
/// waking a thread.
const TOKENS_OF_A_TEAM: usize = 64;

pub(super) fn attention(qkv: &[f32], cu_seqlens: &CuSeqlens, heads: Heads) -> Vec<f32> {
    attention_for(InstructionSet::current(), qkv, cu_seqlens, heads)
}

pub(super) fn attention_for(
    set: InstructionSet,
    qkv: &[f32],
    cu_seqlens: &CuSeqlens,
    heads: Heads,
) -> Vec<f32> {
    let mut output = buffers::take(cu_seqlens.total_tokens() * heads.hidden_dim());
    let threads = if cu_seqlens.total_tokens() < TOKENS_OF_A_TEAM { 1 } else { team::threads() };
    let mut parts = Vec::with_capacity(threads);
    let mut rest = MatrixMut::new(&mut output, heads.hidden_dim());
    for some in team::divide(heads.num_heads, threads) {
        let [output, others] = rest.split_at_column(some.len() * heads.head_dim);
        parts.push(Packed { qkv, cu_seqlens, heads, some, output });
        rest = others;
    }
    team::for_each(parts, |part| dispatch_to(set, part));
    output
}

/// Some heads of every sequence.
struct Packed<'a> {
    qkv: &'a [f32],
    cu_seqlens: &'a CuSeqlens,
    heads: Heads,
    some: Range<usize>,
    /// [total_tokens, head_dim of each of `some`]
    output: MatrixMut<'a>,
}

impl Kernel for Packed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let mut scratch = SCRATCH.take();
        for tokens in self.cu_seqlens.ranges() {
            if tokens.is_empty() {
                continue;
            }
            let together = (ROWS_TOGETHER / tokens.len()).max(1);
            for first in self.some.clone().step_by(together) {
                let group = first..(first + together).min(self.some.end);
                let first_column = (first - self.some.start) * self.heads.head_dim;
                let group =
                    Group { qkv: self.qkv, heads: self.heads, group, tokens: tokens.clone(), first_column };
                group.attend(simd, &mut scratch, &mut self.output);
            }
        }
        SCRATCH.set(scratch);
    }
}

/// Buffers that all groups reuse.
#[derive(Default)]
struct Scratch {
    /// One per head.
    packed: Vec<PackedHead>,
    scores: Vec<f32>,
    inverse_sums: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

/// Keys as the right factor of the first product, values as that of the second.
#[derive(Default)]
struct PackedHead {
    keys: Panels,
    values: Panels,
}

/// Some heads of one sequence.
struct Group<'a> {
    qkv: &'a [f32],
    heads: Heads,
    group: Range<usize>,
    tokens: Range<usize>,
    /// The group's first column in the output.
    first_column: usize,
}

impl<'a> Group<'a> {
    /// Query (0), key (1) or value (2) of `head`, from `token` on; rows are `stride` apart.
    fn part(&self, head: usize, token: usize, part: usize) -> &'a [f32] {
        &self.qkv[(3 * token + part) * self.heads.hidden_dim() + head * self.heads.head_dim..]
    }

    fn stride(&self) -> usize {
        3 * self.heads.hidden_dim()
    }

    #[inline(always)]
    fn attend<S: Simd>(&self, simd: S, scratch: &mut Scratch, output: &mut MatrixMut<'_>) {
        let Scratch { packed, scores, inverse_sums } = scratch;
        packed.resize_with(packed.len().max(self.group.len()), PackedHead::default);
        simd.call(PackHeads { group: self, packed });
        let (num_keys, head_dim) = (self.tokens.len(), self.heads.head_dim);
        let stride = num_keys.next_multiple_of(2 * S::LANES);
        for first in (0..num_keys).step_by(BLOCK_QUERIES) {
            let queries =
                self.tokens.start + first..self.tokens.start + (first + BLOCK_QUERIES).min(num_keys);
            let rows = (self.group.len() * queries.len()).next_multiple_of(softmax::ROWS);
            scores.resize(rows * stride, 0.0);
            inverse_sums.resize(rows.next_multiple_of(MAX_LANES), 0.0);
            simd.call(AttentionScores { group: self, queries: queries.clone(), packed, scores, stride });
            simd.call(Softmax {
                scores: ScoreRows { values: scores, stride },
                num_keys,
                scale: std::f32::consts::LOG2_E / (head_dim as f32).sqrt(),
                inverse_sums,
            });
            let weights = AttentionWeights { values: scores, stride, inverse_sums };
            simd.call(Contexts { group: self, queries, packed, weights, output });
        }
    }
}

struct PackHeads<'a> {
    group: &'a Group<'a>,
    packed: &'a mut [PackedHead],
}

impl Kernel for PackHeads<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Group { heads, group, tokens, .. } = self.group;
        let (shape, stride) = ([tokens.len(), heads.head_dim], self.group.stride());
        for (head, packed) in group.clone().zip(self.packed) {
            let [keys, values] = [1, 2].map(|part| self.group.part(head, tokens.start, part));
            packed.keys.pack_transposed(simd, bytemuck::cast_slice(keys), stride, shape);
            packed.values.pack(simd, values, stride, shape);
        }
    }
}

/// The first product of each head: queries by keys, not yet scaled.
struct AttentionScores<'a> {
    group: &'a Group<'a>,
    queries: Range<usize>,
    packed: &'a [PackedHead],
    /// Rows of `stride` values, one head after the other.
    scores: &'a mut [f32],
    stride: usize,
}

impl Kernel for AttentionScores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (count, head_dim) = (self.queries.len(), self.group.heads.head_dim);
        let scores = self.scores.chunks_exact_mut(count * self.stride);
        for ((head, PackedHead { keys, .. }), values) in self.group.group.clone().zip(self.packed).zip(scores)
        {
            let queries = self.group.part(head, self.queries.start, 0);
            let queries = Rows::of_f32(queries, self.group.stride(), count, head_dim);
            let mut scores = ScoreRows { values, stride: self.stride };
            multiply(simd, F32, queries, keys.range(keys.all()), &mut scores);
        }
    }
}

impl<S: Simd> Epilogue<S, F32> for ScoreRows<'_> {
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        sums: [[S::Vector; 2]; ROWS],
    ) {
        for (i, sums) in sums.iter().enumerate() {
            let target = &mut self.values[(row + i) * self.stride + column..][..2 * S::LANES];
            let (left, right) = target.split_at_mut(S::LANES);
            simd.store(sums[0], left);
            simd.store(sums[1], right);
        }
    }
}

/// The softmax's results: rows of `stride` values, one head after the other.
struct AttentionWeights<'a> {
    values: &'a [f32],
    stride: usize,
    inverse_sums: &'a [f32],
}

/// The second product of each head: weights by values, divided by the weights' sums.
struct Contexts<'a, 'b> {
    group: &'a Group<'a>,
    queries: Range<usize>,
    packed: &'a [PackedHead],
    weights: AttentionWeights<'a>,
    output: &'a mut MatrixMut<'b>,
}

impl Kernel for Contexts<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Group { heads: Heads { head_dim, .. }, tokens, first_column, .. } = self.group;
        let count = self.queries.len();
        for (index, PackedHead { values, .. }) in self.packed[..self.group.group.len()].iter().enumerate() {
            let rows = &self.weights.values[index * count * self.weights.stride..];
            let rows = Rows::of_f32(rows, self.weights.stride, count, tokens.len());
            let mut context = AttentionContext {
                inverse_sums: &self.weights.inverse_sums[index * count..],
                head_dim: *head_dim,
                output: self.output,
                first: [self.queries.start, first_column + index * head_dim],
            };
            multiply(simd, F32, rows, values.range(values.all()), &mut context);
        }
    }
}

/// One head's part of the output.
struct AttentionContext<'a, 'b> {
    inverse_sums: &'a [f32],
    head_dim: usize,
    output: &'a mut MatrixMut<'b>,
    first: [usize; 2],
}

impl<S: Simd> Epilogue<S, F32> for AttentionContext<'_, '_> {
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        sums: [[S::Vector; 2]; ROWS],
    ) {
        let [first_row, first_column] = self.first;
        let width = (self.head_dim - column).min(2 * S::LANES);
        for (i, sums) in sums.iter().enumerate() {
            let target = self.output.part(first_row + row + i, first_column + column, width);
            let scale = simd.splat(self.inverse_sums[row + i]);
            let (left, right) = target.split_at_mut(width.min(S::LANES));
            simd.store_front(simd.mul(sums[0], scale), left);
            simd.store_front(simd.mul(sums[1], scale), right);
        }
    }
}
