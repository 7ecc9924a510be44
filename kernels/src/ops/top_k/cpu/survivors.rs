//! The best hits of every query, and the epilogue that finds them.

use super::super::hit::{Best, PackedHit};
use crate::cpu::product::{Epilogue, F32};
use crate::cpu::simd::{MAX_LANES, Simd};

/// The best hits of every query so far.
pub(super) struct Survivors {
    /// [`Best::threshold`] of each query: rows arrive in ascending order.
    thresholds: Vec<f32>,
    pub(super) best: Vec<Best>,
}

impl Survivors {
    pub(super) fn new(num_queries: usize, k: usize) -> Self {
        Self { thresholds: vec![f32::NAN; num_queries], best: vec![Best::new(k); num_queries] }
    }

    /// An empty list for rows that come after all rows of `self`: scores that do not exceed its thresholds
    /// can be dropped.
    pub(super) fn following(&self) -> Self {
        let best = self.best.iter().map(Best::following).collect();
        Self { thresholds: self.thresholds.clone(), best }
    }

    /// Adds the hits of rows that come after all rows of `self`, or of rows among them that another thread
    /// has searched.
    pub(super) fn merge(&mut self, other: Self) {
        for ((best, threshold), other) in self.best.iter_mut().zip(&mut self.thresholds).zip(other.best) {
            best.merge(other);
            *threshold = best.threshold();
        }
    }

    /// Adds the row of each set bit of `survivors` to the hits of `query`.
    #[cold]
    #[inline(never)]
    fn take(&mut self, query: usize, numbers: Numbers<'_>, scores: &PieceScores, mut survivors: u32) {
        let best = &mut self.best[query];
        while survivors != 0 {
            let lane = survivors.trailing_zeros() as usize;
            survivors &= survivors - 1;
            best.take(PackedHit::new(scores[lane], numbers.first_row + numbers.rows[lane]));
        }
        self.thresholds[query] = best.threshold();
    }
}

/// Scores of a query and two vectors of rows.
type PieceScores = [f32; 2 * MAX_LANES];

/// Rows of a block, and the block's first row in the corpus.
struct Numbers<'a> {
    first_row: u32,
    rows: &'a [u32],
}

/// Adds the scores of a batch of rows to the survivors.
pub(super) struct Scores<'a> {
    /// The first row of the block, in the corpus.
    pub(super) first_row: u32,
    /// The rows of the product's columns, in the block.
    pub(super) numbers: &'a [u32],
    /// Of these rows, padded to whole panels.
    pub(super) biases: &'a [f32],
    pub(super) survivors: &'a mut Survivors,
}

impl<S: Simd> Epilogue<S, F32> for Scores<'_> {
    /// Skips rows that are copies of the last query, and columns after the last row.
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        query: usize,
        column: usize,
        sums: [[S::Vector; 2]; ROWS],
    ) {
        let biases = [0, S::LANES].map(|half| simd.load(&self.biases[column + half..]));
        let rows = &self.numbers[column..];
        let present = u32::MAX >> (32 - rows.len().min(2 * S::LANES));
        for (i, sums) in sums.iter().enumerate() {
            let Some(&threshold) = self.survivors.thresholds.get(query + i) else { break };
            let threshold = simd.splat(threshold);
            let left = simd.add(sums[0], biases[0]);
            let right = simd.add(sums[1], biases[1]);
            let survivors =
                simd.not_at_most(left, threshold) | simd.not_at_most(right, threshold) << S::LANES;
            if survivors & present != 0 {
                let mut scores = [0.0; 2 * MAX_LANES];
                simd.store(left, &mut scores);
                simd.store(right, &mut scores[S::LANES..]);
                let numbers = Numbers { first_row: self.first_row, rows };
                self.survivors.take(query + i, numbers, &scores, survivors & present);
            }
        }
    }
}
