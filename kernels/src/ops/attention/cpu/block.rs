//! Some queries of a group, and the two products with the keys and values that they attend to.

use std::ops::Range;

use super::PackedHead;
use super::group::Group;
use super::softmax::{BiasTerm, ScoreRows};
use crate::cpu::matrix_mut::MatrixMut;
use crate::cpu::product::{Epilogue, F32, Rows, multiply};
use crate::cpu::simd::{Kernel, Simd};
use crate::ops::attention::distances::BiasRows;

/// Tokens are counted from the sequence's first.
pub(super) struct Block<'a> {
    pub(super) group: &'a Group<'a>,
    pub(super) queries: Range<usize>,
    /// The keys whose scores are computed, from the first of a panel on.
    pub(super) keys: Range<usize>,
}

impl<'a> Block<'a> {
    pub(super) fn new<S: Simd>(_: S, group: &'a Group<'a>, queries: Range<usize>) -> Self {
        let keys = group.task.options.keys(queries.clone(), group.num_keys);
        let first = keys.start / (2 * S::LANES) * (2 * S::LANES);
        Self { group, queries, keys: first..keys.end }
    }

    /// The panels of the keys.
    pub(super) fn key_panels<S: Simd>(&self, _: S) -> Range<usize> {
        self.keys.start / (2 * S::LANES)..self.keys.end.div_ceil(2 * S::LANES)
    }

    /// What the softmax adds to the scores.
    pub(super) fn bias_term(&self, bias: BiasRows<'a>) -> BiasTerm<'a> {
        BiasTerm {
            bias,
            scale: self.group.task.options.scale(self.group.task.heads.head_dim) as f32,
            first: [self.group.heads.start, self.queries.start],
            queries: self.queries.len(),
            first_key: self.keys.start,
        }
    }
}

/// The first product of each head: queries by keys, not yet scaled.
pub(super) struct AttentionScores<'a> {
    pub(super) block: &'a Block<'a>,
    pub(super) packed: &'a [PackedHead],
    /// Rows of one head after the other.
    pub(super) scores: ScoreRows<'a>,
}

impl Kernel for AttentionScores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Block { group, queries, keys } = self.block;
        let (count, head_dim) = (queries.len(), group.task.heads.head_dim);
        let ScoreRows { values, stride } = self.scores;
        let panels = self.block.key_panels(simd);
        let scores = values.chunks_exact_mut(count * stride);
        for (head, values) in group.heads.clone().zip(scores) {
            let packed = &self.packed[group.place(head)];
            let queries = Rows::of_f32(group.part(head, queries.start, 0), group.stride(), count, head_dim);
            let mut scores = Products { rows: ScoreRows { values, stride }, first_column: keys.start };
            multiply(simd, F32, queries, packed.keys.range(panels.clone()), &mut scores);
        }
    }
}

/// Stores the columns of a product from `first_column` on.
pub(super) struct Products<'a> {
    pub(super) rows: ScoreRows<'a>,
    pub(super) first_column: usize,
}

impl<S: Simd> Epilogue<S, F32> for Products<'_> {
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        sums: [[S::Vector; 2]; ROWS],
    ) {
        let ScoreRows { values, stride } = &mut self.rows;
        for (i, sums) in sums.iter().enumerate() {
            let target = &mut values[(row + i) * *stride + column - self.first_column..][..2 * S::LANES];
            let (left, right) = target.split_at_mut(S::LANES);
            simd.store(sums[0], left);
            simd.store(sums[1], right);
        }
    }
}

/// The softmax's results: rows of `stride` values, one head after the other.
pub(super) struct AttentionWeights<'a> {
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
    pub(super) inverse_sums: &'a [f32],
}

/// The second product of each head: weights by values, divided by the weights' sums.
pub(super) struct Contexts<'a, 'b> {
    pub(super) block: &'a Block<'a>,
    pub(super) packed: &'a [PackedHead],
    pub(super) weights: AttentionWeights<'a>,
    pub(super) output: &'a mut MatrixMut<'b>,
}

impl Kernel for Contexts<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Block { group, queries, keys } = self.block;
        let (count, head_dim) = (queries.len(), group.task.heads.head_dim);
        for (index, head) in group.heads.clone().enumerate() {
            let PackedHead { values, .. } = &self.packed[group.place(head)];
            let rows = &self.weights.values[index * count * self.weights.stride..];
            let rows = Rows::of_f32(rows, self.weights.stride, count, keys.len());
            let mut context = AttentionContext {
                inverse_sums: &self.weights.inverse_sums[index * count..],
                head_dim,
                output: self.output,
                first: [group.tokens.start + queries.start, group.first_column + index * head_dim],
            };
            let values = values.range(values.all()).of_inner(keys.clone());
            multiply(simd, F32, rows, values, &mut context);
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
