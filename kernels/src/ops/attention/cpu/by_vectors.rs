//! Scores with vectors by distance: q_i k_j + q_i PK[δ] + k_j PQ[δ], in this order.
//!
//! The products of a block's queries with the position keys that they reach are a strip, [queries, distances],
//! of which the score's row i reads a piece that starts one column earlier than that of row i - 1. A strip of
//! some keys with position queries is [keys, distances]: pieces of consecutive keys are transposed on their way
//! into the scores. Per element all products are one chain over head_dim, wherever blocks and panels begin.

use std::ops::Range;

use super::PackedHead;
use super::block::{Block, Products};
use super::positions::Positions;
use super::softmax::ScoreRows;
use crate::cpu::product::{Epilogue, F32, Panels, Rows, multiply};
use crate::cpu::simd::{Kernel, MAX_LANES, Simd};

/// Words after a strip that a last vector may read.
const PADDING: usize = 4 * MAX_LANES;

/// The scores of one head, not yet scaled.
pub(super) struct VectorScores<'a> {
    pub(super) block: &'a Block<'a>,
    pub(super) packed: &'a PackedHead,
    pub(super) positions: &'a Positions,
    pub(super) strip: &'a mut Vec<f32>,
    pub(super) scores: ScoreRows<'a>,
}

impl Kernel for VectorScores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        self.multiply_keys(simd);
        if self.positions.queries.columns() > 0 {
            for first in self.block.keys.clone().step_by(2 * S::LANES) {
                let keys = first..(first + 2 * S::LANES).min(self.block.keys.end);
                self.add_position_queries(simd, keys);
            }
        }
    }
}

impl VectorScores<'_> {
    /// q_i k_j, plus q_i PK[δ] if there are position keys.
    #[inline(always)]
    fn multiply_keys<S: Simd>(&mut self, simd: S) {
        let Block { queries, keys, .. } = self.block;
        let rows = self.block.rows(queries.clone(), 0);
        let panels = self.packed.keys.range(self.block.key_panels(simd));
        let stride = self.scores.stride;
        if self.positions.keys.columns() == 0 {
            let scores = ScoreRows { values: self.scores.values, stride };
            return multiply(
                simd,
                F32,
                rows,
                panels,
                &mut Products { rows: scores, first_column: keys.start },
            );
        }
        // From the last query and the first key to the first query and the last key.
        let zero = self.positions.zero;
        let columns = keys.start + zero - (queries.end - 1)..keys.end + zero - queries.start;
        let strip = Strip::multiply(simd, rows, &self.positions.keys, columns, self.strip);
        let first = keys.start + zero - queries.start - strip.first_column;
        let mut sums = SkewedSums { scores: self.scores.values, stride, strip, first, first_key: keys.start };
        multiply(simd, F32, rows, panels, &mut sums);
    }

    /// Adds k_j PQ[δ] for some keys, at most a panel.
    #[inline(always)]
    fn add_position_queries<S: Simd>(&mut self, simd: S, keys: Range<usize>) {
        let (queries, zero) = (self.block.queries.clone(), self.positions.zero);
        let columns = queries.start + zero - (keys.end - 1)..queries.end + zero - keys.start;
        let rows = self.block.rows(keys.clone(), 1);
        let strip = Strip::multiply(simd, rows, &self.positions.queries, columns, self.strip);
        let mut block = [0.0; MAX_LANES * MAX_LANES];
        for first_key in keys.clone().step_by(S::LANES) {
            for first in (0..queries.len()).step_by(S::LANES) {
                let mut pieces: [&[f32]; MAX_LANES] = [&[]; MAX_LANES];
                for (lane, piece) in pieces[..S::LANES].iter_mut().enumerate() {
                    // Lanes after the last key are padding of the scores.
                    let key = (first_key + lane).min(keys.end - 1);
                    let column = queries.start + first + zero - key - strip.first_column;
                    *piece = &strip.row(key - keys.start)[column..];
                }
                transpose(simd, &pieces, &mut block);
                let columns = block.chunks_exact(S::LANES);
                for (query, values) in (first..queries.len()).zip(columns).take(S::LANES) {
                    let place = query * self.scores.stride + first_key - self.block.keys.start;
                    let scores = &mut self.scores.values[place..];
                    simd.store(simd.add(simd.load(scores), simd.load(values)), scores);
                }
            }
        }
    }
}

impl<'a> Block<'a> {
    /// The first head's queries (0) or keys (1) of some tokens.
    fn rows(&self, tokens: Range<usize>, part: usize) -> Rows<'a> {
        let group = self.group;
        let values = group.part(group.heads.start, tokens.start, part);
        Rows::of_f32(values, group.stride(), tokens.len(), group.task.heads.head_dim)
    }
}

/// Products of rows with the vectors of a range of distances.
struct Strip<'a> {
    /// With [`PADDING`] after the last row.
    values: &'a [f32],
    stride: usize,
    /// The column of the panels that is the first here.
    first_column: usize,
}

impl<'a> Strip<'a> {
    #[inline(always)]
    fn multiply<S: Simd>(
        simd: S,
        rows: Rows<'_>,
        panels: &Panels,
        columns: Range<usize>,
        values: &'a mut Vec<f32>,
    ) -> Self {
        let width = 2 * S::LANES;
        let range = columns.start / width..columns.end.div_ceil(width);
        let (first_column, stride) = (range.start * width, range.len() * width);
        // Never less: what is cut off would be filled again for the next strip.
        let needed = rows.count() * stride + PADDING;
        values.resize(values.len().max(needed), 0.0);
        let products = ScoreRows { values, stride };
        multiply(simd, F32, rows, panels.range(range), &mut Products { rows: products, first_column });
        Self { values, stride, first_column }
    }

    /// A row and what follows it.
    #[inline(always)]
    fn row(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.stride..]
    }
}

/// Products of queries and keys, plus the strip's values of their distances.
struct SkewedSums<'a> {
    scores: &'a mut [f32],
    stride: usize,
    strip: Strip<'a>,
    /// The strip's column of the first query and the first key.
    first: usize,
    first_key: usize,
}

impl<S: Simd> Epilogue<S, F32> for SkewedSums<'_> {
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        sums: [[S::Vector; 2]; ROWS],
    ) {
        let column = column - self.first_key;
        for (i, sums) in sums.iter().enumerate() {
            let row = row + i;
            let terms = &self.strip.row(row)[self.first + column - row..][..2 * S::LANES];
            let target = &mut self.scores[row * self.stride + column..][..2 * S::LANES];
            let (left, right) = target.split_at_mut(S::LANES);
            simd.store(simd.add(sums[0], simd.load(terms)), left);
            simd.store(simd.add(sums[1], simd.load(&terms[S::LANES..])), right);
        }
    }
}

/// Transposes the first `LANES` values of `LANES` pieces.
#[inline(always)]
fn transpose<S: Simd>(simd: S, pieces: &[&[f32]; MAX_LANES], target: &mut [f32; MAX_LANES * MAX_LANES]) {
    let mut rows = [std::ptr::null(); MAX_LANES];
    for (row, piece) in rows[..S::LANES].iter_mut().zip(pieces) {
        assert!(piece.len() >= S::LANES);
        *row = piece.as_ptr().cast();
    }
    // SAFETY: each of the first LANES pieces has LANES values, as asserted, and `target` has LANES rows of as many.
    unsafe { simd.transpose(&rows, 0, target.as_mut_ptr().cast(), S::LANES) };
}
