//! The match on the CPU: a product whose epilogue keeps maxima.
//!
//! Row maxima and column maxima both stay in vectors: a piece of the product is one row by two vectors of
//! columns, so the columns' maxima are lane-wise and the row's is kept as a vector until its last piece.

use crate::cpu::product::{Epilogue, F32, Panels, Rows, multiply};
use crate::cpu::simd::{InstructionSet, Kernel, Simd, dispatch_to};

pub(super) fn token_match(pairs: Vec<[&[f32]; 2]>, dim: usize) -> Vec<f32> {
    token_match_for(InstructionSet::current(), pairs, dim)
}

pub(super) fn token_match_for(set: InstructionSet, pairs: Vec<[&[f32]; 2]>, dim: usize) -> Vec<f32> {
    dispatch_to(set, Matches { pairs, dim })
}

struct Matches<'a> {
    pairs: Vec<[&'a [f32]; 2]>,
    dim: usize,
}

impl Kernel for Matches<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f32> {
        let tokens: usize = self.pairs.iter().flatten().map(|side| side.len()).sum();
        let mut output = Vec::with_capacity(tokens / self.dim.max(1));
        let mut panels = Panels::default();
        let mut maxima = Maxima::default();
        let mut packed: Option<&[f32]> = None;
        for [candidate, reference] in self.pairs {
            let (rows, columns) = (candidate.len() / self.dim, reference.len() / self.dim);
            // Pairs that follow each other may share the reference.
            if !packed.replace(reference).is_some_and(|before| std::ptr::eq(before, reference)) {
                panels.pack_transposed(simd, bytemuck::cast_slice(reference), self.dim, [columns, self.dim]);
            }
            maxima.reset::<S>(rows, columns);
            let rows = Rows::of_f32(candidate, self.dim, rows, self.dim);
            multiply(simd, F32, rows, panels.range(panels.all()), &mut maxima);
            maxima.append_to(simd, &mut output);
        }
        output
    }
}

/// The maxima of one pair so far: a vector of lanes per row, a value per column.
#[derive(Default)]
struct Maxima {
    rows: Vec<f32>,
    columns: Vec<f32>,
    num_columns: usize,
}

impl Maxima {
    fn reset<S: Simd>(&mut self, rows: usize, columns: usize) {
        self.num_columns = columns;
        self.rows.clear();
        self.rows.resize(rows * S::LANES, f32::NEG_INFINITY);
        self.columns.clear();
        self.columns.resize(columns.next_multiple_of(2 * S::LANES), f32::NEG_INFINITY);
    }

    #[inline(always)]
    fn append_to<S: Simd>(&self, simd: S, output: &mut Vec<f32>) {
        for lanes in self.rows.chunks_exact(S::LANES) {
            output.push(simd.largest(simd.load(lanes)));
        }
        output.extend_from_slice(&self.columns[..self.num_columns]);
    }
}

impl<S: Simd> Epilogue<S, F32> for Maxima {
    /// Skips a vector that starts after the last column. If it starts before, its lanes after the last column
    /// are copies of that column: they never beat it for a row, and their own maxima are not read.
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
            if first >= self.num_columns {
                break;
            }
            let columns = &mut self.columns[first..first + S::LANES];
            let mut largest = simd.load(columns);
            for (i, sums) in sums.iter().enumerate() {
                largest = simd.max(largest, sums[half]);
                let rows = &mut self.rows[(row + i) * S::LANES..][..S::LANES];
                simd.store(simd.max(simd.load(rows), sums[half]), rows);
            }
            simd.store(largest, columns);
        }
    }
}
