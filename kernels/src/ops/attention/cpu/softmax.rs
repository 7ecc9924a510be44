//! The softmax of attention's scores on the CPU, without the division: the product with the values does that.

use crate::cpu::simd::{Arithmetic, Interleaved, Kernel, Simd, math};
use crate::ops::attention::distances::BiasRows;

/// Rows that are processed together. A row's maximum must be known before its powers, and their sum before
/// the next product: one row at a time, the CPU waits (measured on an Emerald Rapids: 16 cycles per vector,
/// against half of that).
pub(super) const ROWS: usize = 4;

/// Scores of some queries with every key, one row per query.
pub(super) struct ScoreRows<'a> {
    pub(super) values: &'a mut [f32],
    /// Keys, padded to whole panels.
    pub(super) stride: usize,
}

/// Replaces each score s of the first `num_keys` of a row by e^(scale (s - largest)) and the scores after
/// them by 0, and stores 1 / their sum. s is a score after `term`.
///
/// The power is one of 2: `scale` includes log2 e.
pub(super) struct Softmax<'a, T> {
    /// A multiple of [`ROWS`] rows; unused rows may have any content.
    pub(super) scores: ScoreRows<'a>,
    pub(super) num_keys: usize,
    pub(super) scale: f32,
    /// One per row, padded to whole vectors.
    pub(super) inverse_sums: &'a mut [f32],
    pub(super) term: T,
}

/// What happens to the scores of [`ROWS`] rows before the softmax.
pub(super) trait Term: Copy {
    /// What the rows from `row` on need.
    type OfRows;

    fn of_rows(self, row: usize) -> Self::OfRows;

    /// The vectors of scores at `column`, finished, and stored unless they are unchanged.
    fn finish<S: Simd>(
        self,
        simd: S,
        group: &mut Group<'_>,
        of_rows: &Self::OfRows,
        column: usize,
    ) -> [S::Vector; ROWS];
}

/// Scores are left as they are.
#[derive(Clone, Copy)]
pub(super) struct NoTerm;

impl Term for NoTerm {
    type OfRows = ();

    fn of_rows(self, _: usize) {}

    #[inline(always)]
    fn finish<S: Simd>(self, simd: S, group: &mut Group<'_>, (): &(), column: usize) -> [S::Vector; ROWS] {
        group.load(simd, column)
    }
}

/// Scores are scaled and a bias by distance is added, in one multiply-add.
#[derive(Clone, Copy)]
pub(super) struct BiasTerm<'a> {
    pub(super) bias: BiasRows<'a>,
    pub(super) scale: f32,
    /// The head and query of the first row.
    pub(super) first: [usize; 2],
    /// Rows of each head.
    pub(super) queries: usize,
    /// The key of the first column.
    pub(super) first_key: usize,
}

impl<'a> Term for BiasTerm<'a> {
    /// The biases of each row, for the keys from the first column on.
    type OfRows = [&'a [f32]; ROWS];

    #[inline(always)]
    fn of_rows(self, row: usize) -> [&'a [f32]; ROWS] {
        let [first_head, first_query] = self.first;
        let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
        for (i, biases) in rows.iter_mut().enumerate() {
            let (head, query) = ((row + i) / self.queries, (row + i) % self.queries);
            // Rows after the last head are unused.
            let head = (first_head + head).min(self.bias.num_heads() - 1);
            *biases = self.bias.from(head, first_query + query, self.first_key);
        }
        rows
    }

    #[inline(always)]
    fn finish<S: Simd>(
        self,
        simd: S,
        group: &mut Group<'_>,
        biases: &[&[f32]; ROWS],
        column: usize,
    ) -> [S::Vector; ROWS] {
        let rows = Interleaved::<S, ROWS>(simd);
        let mut terms = rows.splat(0.0);
        for (term, biases) in terms.iter_mut().zip(biases) {
            *term = simd.load(&biases[column..]);
        }
        let scores = rows.mul_add(group.load(simd, column), rows.splat(self.scale), terms);
        group.store(simd, scores, column);
        scores
    }
}

impl<T: Term> Kernel for Softmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let ScoreRows { values, stride } = self.scores;
        let groups = values.chunks_exact_mut(ROWS * stride).zip(self.inverse_sums.chunks_exact_mut(ROWS));
        for (index, (rows, sums)) in groups.enumerate() {
            let term = (self.term, self.term.of_rows(index * ROWS));
            weigh(simd, Group { rows, stride }, self.num_keys, self.scale, term, sums);
        }
        for sums in self.inverse_sums.chunks_exact_mut(S::LANES) {
            simd.store(simd.div(simd.splat(1.0), simd.load(sums)), sums);
        }
    }
}

/// [`ROWS`] rows.
pub(super) struct Group<'a> {
    rows: &'a mut [f32],
    stride: usize,
}

impl Group<'_> {
    /// One vector per row.
    #[inline(always)]
    fn load<S: Simd>(&self, simd: S, column: usize) -> [S::Vector; ROWS] {
        let mut vectors = [simd.splat(0.0); ROWS];
        for (i, vector) in vectors.iter_mut().enumerate() {
            *vector = simd.load(&self.rows[i * self.stride + column..]);
        }
        vectors
    }

    #[inline(always)]
    fn store<S: Simd>(&mut self, simd: S, vectors: [S::Vector; ROWS], column: usize) {
        for (i, vector) in vectors.into_iter().enumerate() {
            simd.store(vector, &mut self.rows[i * self.stride + column..]);
        }
    }

    /// Sets all scores after the first `num_keys` to minus infinity.
    #[inline(always)]
    fn mask<S: Simd>(&mut self, simd: S, num_keys: usize) {
        let last = num_keys / S::LANES * S::LANES;
        for i in 0..ROWS {
            let row = &mut self.rows[i * self.stride..][..self.stride];
            let mut valid = num_keys - last;
            for lanes in row[last..].chunks_exact_mut(S::LANES) {
                simd.store(simd.load_or(&lanes[..valid], f32::NEG_INFINITY), lanes);
                valid = 0;
            }
        }
    }
}

/// The weights of some rows, in place, and their sums.
#[inline(always)]
fn weigh<S: Simd, T: Term>(
    simd: S,
    mut group: Group<'_>,
    num_keys: usize,
    scale: f32,
    (term, of_rows): (T, T::OfRows),
    sums: &mut [f32],
) {
    let rows = Interleaved::<S, ROWS>(simd);
    group.mask(simd, num_keys);
    let mut largest = rows.splat(f32::NEG_INFINITY);
    for column in (0..group.stride).step_by(S::LANES) {
        largest = rows.max(largest, term.finish(simd, &mut group, &of_rows, column));
    }
    for largest in &mut largest {
        *largest = simd.splat(simd.largest(*largest));
    }
    let scale = rows.splat(scale);
    let mut totals = rows.splat(0.0);
    for column in (0..group.stride).step_by(S::LANES) {
        // Not one multiply-add: the rounding error of `scale * largest` would become the largest score's
        // exponent, which must be 0.
        let exponents = rows.mul(rows.sub(group.load(simd, column), largest), scale);
        let weights = math::exp2_nonpositive(rows, exponents);
        group.store(simd, weights, column);
        totals = rows.add(totals, weights);
    }
    for i in 0..ROWS {
        sums[i] = simd.sum(totals[i]);
    }
}
