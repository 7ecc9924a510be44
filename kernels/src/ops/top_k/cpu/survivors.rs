//! The best hits of every query, and the epilogue that finds them.

use super::super::hit::{Best, PackedHit};
use super::rows::Batch;
use crate::cpu::product::{Epilogue, F32, RowBytes, SumScale, WordFormat};
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
    /// The rows of the block that are the product's columns.
    pub(super) numbers: &'a [u32],
    /// The same rows.
    pub(super) batch: &'a Batch<'a>,
    /// What each query's sums become, if they are of bytes.
    pub(super) scales: &'a [SumScale],
    pub(super) survivors: &'a mut Survivors,
}

impl<S: Simd> Epilogue<S, F32> for Scores<'_> {
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        query: usize,
        column: usize,
        sums: [[S::Vector; 2]; ROWS],
    ) {
        let biases = self.biases(simd, column);
        for (query, sums) in (query..).zip(&sums) {
            let scores = [simd.add(sums[0], biases[0]), simd.add(sums[1], biases[1])];
            self.compare(simd, query, column, scores);
        }
    }
}

impl<S: Simd, const SIGNED: bool> Epilogue<S, RowBytes<SIGNED>> for Scores<'_> {
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        query: usize,
        column: usize,
        sums: [[S::Words; 2]; ROWS],
    ) {
        let biases = self.biases(simd, column);
        for (query, sums) in (query..).zip(&sums) {
            let Some(&scale) = self.scales.get(query) else { break };
            let score = |half: usize| {
                RowBytes::<SIGNED>::add_to(simd, biases[half], sums[half], scale, [query, column])
            };
            self.compare(simd, query, column, [score(0), score(1)]);
        }
    }
}

impl Scores<'_> {
    #[inline(always)]
    fn biases<S: Simd>(&self, simd: S, column: usize) -> [S::Vector; 2] {
        let biases = &self.batch.biases[column..];
        [simd.load(biases), simd.load(&biases[S::LANES..])]
    }

    /// Adds the rows from `column` on whose scores exceed the threshold of `query`. Skips copies of the last
    /// query, and columns after the last row.
    #[inline(always)]
    fn compare<S: Simd>(&mut self, simd: S, query: usize, column: usize, scores: [S::Vector; 2]) {
        let rows = &self.numbers[column..];
        let present = u32::MAX >> (32 - rows.len().min(2 * S::LANES));
        let Some(&threshold) = self.survivors.thresholds.get(query) else { return };
        let threshold = simd.splat(threshold);
        let [left, right] = scores;
        let survivors = simd.not_at_most(left, threshold) | simd.not_at_most(right, threshold) << S::LANES;
        if survivors & present != 0 {
            let mut scores = [0.0; 2 * MAX_LANES];
            simd.store(left, &mut scores);
            simd.store(right, &mut scores[S::LANES..]);
            let numbers = Numbers { first_row: self.batch.rows.first_row, rows };
            self.survivors.take(query, numbers, &scores, survivors & present);
        }
    }
}
