//! The search on the CPU: a product whose epilogue keeps survivors.
//!
//! Queries are the product's columns, packed once; rows are its left factor in place, so that the corpus, far
//! larger than the queries, is read once and never copied. A block of rows stays in the L2 while it is
//! multiplied by all queries. A piece of the product is compared with its queries' thresholds a vector at a
//! time; of a million rows some hundred pass per query.
//!
//! One query takes as long as a panel of them, 32 with AVX-512. The 10 best of a million rows of 384, on two
//! cores of an Emerald Rapids: 98 ms for 1 to 32 queries (16 GB/s), 279 ms for 100, 1.87 s for 1,000 (410
//! GFLOP/s).

use std::ops::Range;

use super::hit::{Best, PackedHit};
use crate::cpu::product::{Epilogue, F32, Panels, Rows, multiply};
use crate::cpu::simd::{InstructionSet, Kernel, MAX_LANES, Simd, dispatch_to};
use crate::cpu::team;

/// Multiply-adds from which the rows are divided among threads: fewer take no longer than waking a thread.
const WORK_OF_A_TEAM: usize = 1 << 20;

/// Queries, packed once, and their best rows so far.
pub(super) struct Accumulator {
    set: InstructionSet,
    panels: Panels,
    dim: usize,
    survivors: Survivors,
    k: usize,
}

impl Accumulator {
    /// `queries` [num_queries, dim], `dim` and `k` 1 or more.
    pub(super) fn new(set: InstructionSet, queries: &[f32], dim: usize, k: usize) -> Self {
        let panels = dispatch_to(set, PackQueries { queries, dim });
        let survivors = Survivors::new(panels.columns(), k);
        Self { set, panels, dim, survivors, k }
    }

    /// Adds `rows` [num_rows, dim], the first of which is row `first_row`: after all earlier rows.
    pub(super) fn feed(&mut self, rows: &[f32], first_row: u32) {
        let Self { set, panels, dim, survivors, k } = self;
        let num_rows = rows.len() / *dim;
        let work = rows.len().saturating_mul(panels.columns());
        let threads = if work < WORK_OF_A_TEAM { 1 } else { team::threads() };
        let part = |range: Range<usize>, survivors| CorpusPart {
            rows: &rows[range.start * *dim..range.end * *dim],
            first_row: first_row as usize + range.start,
            dim: *dim,
            panels,
            survivors,
        };
        if threads == 1 {
            return dispatch_to(*set, part(0..num_rows, survivors));
        }
        let mut parts: Vec<(Range<usize>, Survivors)> =
            team::divide(num_rows, threads).map(|range| (range, survivors.behind(*k))).collect();
        team::for_each(&mut parts, |(range, survivors)| dispatch_to(*set, part(range.clone(), survivors)));
        parts.into_iter().for_each(|(_, part)| survivors.merge(part));
    }

    /// The hits of every query, best first.
    pub(super) fn finish(self) -> Vec<Vec<PackedHit>> {
        self.survivors.best.into_iter().map(Best::into_sorted).collect()
    }
}

struct PackQueries<'a> {
    /// [num_queries, dim]
    queries: &'a [f32],
    dim: usize,
}

impl Kernel for PackQueries<'_> {
    type Output = Panels;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Panels {
        let Self { queries, dim } = self;
        let mut panels = Panels::default();
        panels.pack_transposed(simd, bytemuck::cast_slice(queries), dim, [queries.len() / dim, dim]);
        panels
    }
}

/// Some of the rows, for all queries.
struct CorpusPart<'a> {
    /// [num_rows, dim]
    rows: &'a [f32],
    /// The first of them, in the corpus.
    first_row: usize,
    dim: usize,
    /// The queries.
    panels: &'a Panels,
    survivors: &'a mut Survivors,
}

impl Kernel for CorpusPart<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { rows, first_row, dim, panels, survivors } = self;
        survivors.first_row = first_row;
        // Copies of the last query never exceed this.
        survivors.thresholds.resize(panels.columns().next_multiple_of(2 * S::LANES), f32::INFINITY);
        let rows = Rows::of_f32(rows, dim, rows.len() / dim, dim);
        multiply(simd, F32, rows, panels.range(panels.all()), survivors);
    }
}

/// The best hits of every query so far.
struct Survivors {
    /// The first row of the current part, in the corpus.
    first_row: usize,
    /// [`Best::threshold`] of each query: rows arrive in ascending order within a part.
    thresholds: Vec<f32>,
    best: Vec<Best>,
}

impl Survivors {
    fn new(num_queries: usize, k: usize) -> Self {
        Self { first_row: 0, thresholds: vec![f32::NAN; num_queries], best: vec![Best::new(k); num_queries] }
    }

    /// An empty list for rows that come after all rows of `self`: scores that do not exceed its thresholds
    /// can be dropped.
    fn behind(&self, k: usize) -> Self {
        Self { thresholds: self.thresholds.clone(), ..Self::new(self.best.len(), k) }
    }

    /// Adds the hits of rows that come after all rows of `self`.
    fn merge(&mut self, later: Self) {
        for ((best, threshold), later) in self.best.iter_mut().zip(&mut self.thresholds).zip(later.best) {
            best.extend(later.into_sorted());
            *threshold = best.threshold();
        }
    }
}

impl<S: Simd> Epilogue<S, F32> for Survivors {
    /// Skips a vector that starts after the last query.
    #[inline(always)]
    fn finish<const ROWS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        sums: [[S::Vector; 2]; ROWS],
    ) {
        for half in [0, 1] {
            let first = column + half * S::LANES;
            if first >= self.best.len() {
                break;
            }
            let thresholds = simd.load(&self.thresholds[first..]);
            for (i, sums) in sums.iter().enumerate() {
                let survivors = simd.not_at_most(sums[half], thresholds);
                if survivors != 0 {
                    let mut scores = [0.0; MAX_LANES];
                    simd.store(sums[half], &mut scores);
                    self.take(row + i, first, &scores, survivors);
                }
            }
        }
    }
}

impl Survivors {
    /// Adds row `row` of the part to the queries from `first` on whose bits are set.
    #[cold]
    #[inline(never)]
    fn take(&mut self, row: usize, first: usize, scores: &[f32; MAX_LANES], mut survivors: u32) {
        while survivors != 0 {
            let lane = survivors.trailing_zeros() as usize;
            survivors &= survivors - 1;
            // A product that overflowed to NaN survives among the copies of the last query, too.
            let Some(best) = self.best.get_mut(first + lane) else { return };
            best.take(PackedHit::new(scores[lane], (self.first_row + row) as u32));
            self.thresholds[first + lane] = best.threshold();
        }
    }
}
