//! Some heads of one sequence.

use std::ops::Range;

use super::block::{AttentionScores, AttentionWeights, Block, Contexts};
use super::by_vectors::VectorScores;
use super::softmax::{self, NoTerm, ScoreRows, Softmax};
use super::{BLOCK_QUERIES, BLOCK_QUERIES_BY_VECTORS, PackedHead, Scratch, Task, masks};
use crate::cpu::matrix_mut::MatrixMut;
use crate::cpu::simd::{Kernel, MAX_LANES, Simd};
use crate::ops::attention::options::Terms;

pub(super) struct Group<'a> {
    pub(super) qkv: &'a [f32],
    pub(super) task: Task<'a>,
    pub(super) heads: Range<usize>,
    pub(super) tokens: Range<usize>,
    /// The first of the tokens, which are keys.
    pub(super) num_keys: usize,
    /// The group's first column in the output.
    pub(super) first_column: usize,
}

impl<'a> Group<'a> {
    /// Query (0), key (1) or value (2) of `head`, from the sequence's `token` on; rows are `stride` apart.
    pub(super) fn part(&self, head: usize, token: usize, part: usize) -> &'a [f32] {
        &self.qkv[(self.tokens.start + token) * self.stride() + self.task.heads.column(head, part)..]
    }

    pub(super) fn stride(&self) -> usize {
        self.task.heads.width()
    }

    /// Where the packed keys and values of `head` are: heads of one key head share them.
    pub(super) fn place(&self, head: usize) -> usize {
        self.task.heads.key_head(head) - self.task.heads.key_head(self.heads.start)
    }

    #[inline(always)]
    pub(super) fn attend<S: Simd>(&self, simd: S, scratch: &mut Scratch, output: &mut MatrixMut<'_>) {
        let Scratch { packed, scores, inverse_sums, positions, strip } = scratch;
        packed.resize_with(packed.len().max(self.heads.len()), PackedHead::default);
        simd.call(PackHeads { group: self, packed });
        let has_vectors = matches!(self.task.terms, Terms::Vectors(_));
        let step = if has_vectors { BLOCK_QUERIES_BY_VECTORS } else { BLOCK_QUERIES };
        for first in (0..self.tokens.len()).step_by(step) {
            let block = Block::new(simd, self, first..(first + step).min(self.tokens.len()));
            let stride = block.keys.len().next_multiple_of(2 * S::LANES);
            let rows = (self.heads.len() * block.queries.len()).next_multiple_of(softmax::ROWS);
            scores.resize(rows * stride, 0.0);
            inverse_sums.resize(rows.next_multiple_of(MAX_LANES), 0.0);
            let products = ScoreRows { values: scores, stride };
            if has_vectors {
                let packed = &packed[0];
                simd.call(VectorScores { block: &block, packed, positions, strip, scores: products });
            } else {
                simd.call(AttentionScores { block: &block, packed, scores: products });
            }
            block.weigh(simd, ScoreRows { values: scores, stride }, inverse_sums);
            let weights = AttentionWeights { values: scores, stride, inverse_sums };
            simd.call(Contexts { block: &block, packed, weights, output });
        }
    }
}

impl Block<'_> {
    /// Turns scores into weights.
    #[inline(always)]
    fn weigh<S: Simd>(&self, simd: S, mut scores: ScoreRows<'_>, inverse_sums: &mut [f32]) {
        let Task { heads, options, terms } = self.group.task;
        if options.has_mask() {
            masks::hide(self, &mut scores);
        }
        let num_keys = self.keys.len();
        match terms {
            Terms::Plain | Terms::Vectors(_) => {
                let scale = options.log2_scale(heads.head_dim);
                simd.call(Softmax { scores, num_keys, scale, inverse_sums, term: NoTerm });
            }
            Terms::Bias(bias) => {
                let term = self.bias_term(bias);
                simd.call(Softmax { scores, num_keys, scale: std::f32::consts::LOG2_E, inverse_sums, term });
            }
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
        let Group { task, heads, num_keys, .. } = self.group;
        let (shape, stride) = ([*num_keys, task.heads.head_dim], self.group.stride());
        let mut packed = self.packed.iter_mut();
        for head in heads.clone() {
            // The first head of those that share a key head.
            if head > heads.start && self.group.place(head) == self.group.place(head - 1) {
                continue;
            }
            let Some(packed) = packed.next() else { return };
            let [keys, values] = [1, 2].map(|part| self.group.part(head, 0, part));
            packed.keys.pack_transposed(simd, bytemuck::cast_slice(keys), stride, shape);
            packed.values.pack(simd, values, stride, shape);
        }
    }
}
