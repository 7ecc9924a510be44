//! The softmax of attention's scores on the CPU, without the division: the product with the values does that.

use crate::cpu::simd::{Arithmetic, Interleaved, Kernel, Simd, math};

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
/// them by 0, and stores 1 / their sum.
///
/// The power is one of 2: `scale` includes log2 e.
pub(super) struct Softmax<'a> {
    /// A multiple of [`ROWS`] rows; unused rows may have any content.
    pub(super) scores: ScoreRows<'a>,
    pub(super) num_keys: usize,
    pub(super) scale: f32,
    /// One per row, padded to whole vectors.
    pub(super) inverse_sums: &'a mut [f32],
}

impl Kernel for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let ScoreRows { values, stride } = self.scores;
        let groups = values.chunks_exact_mut(ROWS * stride).zip(self.inverse_sums.chunks_exact_mut(ROWS));
        for (rows, sums) in groups {
            weigh(simd, Group { rows, stride }, self.num_keys, self.scale, sums);
        }
        for sums in self.inverse_sums.chunks_exact_mut(S::LANES) {
            simd.store(simd.div(simd.splat(1.0), simd.load(sums)), sums);
        }
    }
}

/// [`ROWS`] rows.
struct Group<'a> {
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
fn weigh<S: Simd>(simd: S, mut group: Group<'_>, num_keys: usize, scale: f32, sums: &mut [f32]) {
    let rows = Interleaved::<S, ROWS>(simd);
    group.mask(simd, num_keys);
    let mut largest = rows.splat(f32::NEG_INFINITY);
    for column in (0..group.stride).step_by(S::LANES) {
        largest = rows.max(largest, group.load(simd, column));
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
