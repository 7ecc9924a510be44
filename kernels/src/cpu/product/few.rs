//! A few rows times columns that are not packed: the search for a few queries.
//!
//! A corpus is far larger than its queries, so with few of them packing it would take longer than multiplying
//! it: a packed panel goes to the L2 and comes back. Here the columns are transposed some words at a time
//! into a buffer that stays in the L1, and multiplied from there. Each element is the same chain as in
//! [`multiply`](super::multiply).

use super::ahead::Ahead;
use super::{Epilogue, Rows, WordFormat};
use crate::cpu::simd::{MAX_LANES, Simd};

/// Words of a column that are transposed together.
const DEPTH: usize = 64;

/// Columns of a product: two vectors.
const COLUMNS: usize = 2 * MAX_LANES;

/// Transposed columns: 8 KiB, a sixth of a small L1.
#[repr(C, align(64))]
pub(crate) struct Transposed([u32; DEPTH * COLUMNS]);

impl Transposed {
    pub(crate) fn new() -> Box<Self> {
        Box::new(Self([0; DEPTH * COLUMNS]))
    }
}

/// The number of rows that [`multiply_few`] multiplies in place of `rows`; `None` if there are too many.
pub(crate) fn few_height<S: Simd>(_: S, rows: usize) -> Option<usize> {
    [1, 2, 4, 6, 8, 12].into_iter().find(|&height| rows <= height && height <= S::TILE_ROWS)
}

/// Multiplies `rows`, as many as [`few_height`] says, by up to two vectors of columns, each a slice as long
/// as a row, and passes the result to `epilogue` as columns from 0 on. Missing columns are copies of the
/// last. `upcoming` is memory that is needed afterwards: it is prefetched.
#[inline(always)]
pub(crate) fn multiply_few<'a, S: Simd, F: WordFormat<S>, E: Epilogue<S, F>>(
    simd: S,
    _: F,
    rows: Rows<'_>,
    columns: (usize, impl Fn(usize) -> &'a [u32]),
    upcoming: (&[u8], &mut Transposed),
    epilogue: &mut E,
) {
    let (count, column_words) = columns;
    let (upcoming, transposed) = upcoming;
    assert!((1..=2 * S::LANES).contains(&count), "{count} columns");
    let mut lanes: [&[u32]; COLUMNS] = [&[]; COLUMNS];
    for (column, words) in lanes[..2 * S::LANES].iter_mut().enumerate() {
        *words = column_words(column.min(count - 1));
        assert_eq!(words.len(), rows.words, "rows and columns of different depth");
    }
    let ahead = Ahead::new(upcoming, 2 * (rows.words / S::LANES));
    let few = Few { rows, lanes: &lanes, transposed, ahead };
    match rows.count {
        12 => few.tile::<S, F, E, 12>(simd, epilogue),
        8 => few.tile::<S, F, E, 8>(simd, epilogue),
        6 => few.tile::<S, F, E, 6>(simd, epilogue),
        4 => few.tile::<S, F, E, 4>(simd, epilogue),
        2 => few.tile::<S, F, E, 2>(simd, epilogue),
        1 => few.tile::<S, F, E, 1>(simd, epilogue),
        height => unreachable!("no tile of {height} rows"),
    }
}

/// The factors of one tile.
struct Few<'a> {
    rows: Rows<'a>,
    /// `2 * LANES` columns.
    lanes: &'a [&'a [u32]; COLUMNS],
    transposed: &'a mut Transposed,
    ahead: Ahead<'a>,
}

impl Few<'_> {
    /// The whole product of `HEIGHT` rows, its sums in registers while words are multiplied.
    #[inline(always)]
    fn tile<S: Simd, F: WordFormat<S>, E: Epilogue<S, F>, const HEIGHT: usize>(
        mut self,
        simd: S,
        epilogue: &mut E,
    ) {
        let Rows { values, stride, words, .. } = self.rows;
        let mut sums = [[F::zero(simd); 2]; HEIGHT];
        for first in (0..words).step_by(DEPTH) {
            let depth = DEPTH.min(words - first);
            self.transpose(simd, first, depth);
            let columns = self.transposed.0.as_ptr();
            for k in 0..depth {
                // SAFETY: `Rows::new` checked the `count` rows, of which the caller chose the tile that has
                // HEIGHT; the buffer has DEPTH rows of two vectors.
                unsafe {
                    let left = simd.load_words_unchecked(columns.add(k * 2 * S::LANES));
                    let right = simd.load_words_unchecked(columns.add(k * 2 * S::LANES + S::LANES));
                    for (offset, [sum_left, sum_right]) in sums.iter_mut().enumerate() {
                        let word = simd.splat_word(*values.as_ptr().add(offset * stride + first + k));
                        *sum_left = F::multiply_add(simd, word, left, *sum_left);
                        *sum_right = F::multiply_add(simd, word, right, *sum_right);
                    }
                }
            }
        }
        epilogue.finish::<HEIGHT>(simd, 0, 0, sums);
    }

    /// Writes words `first..first + depth` of all columns to the buffer, [depth, 2 * LANES].
    #[inline(always)]
    fn transpose<S: Simd>(&mut self, simd: S, first: usize, depth: usize) {
        let whole = depth / S::LANES * S::LANES;
        for half in [0, S::LANES] {
            let mut rows = [std::ptr::null(); MAX_LANES];
            for (row, lane) in rows[..S::LANES].iter_mut().zip(&self.lanes[half..]) {
                *row = lane.as_ptr();
            }
            for k in (0..whole).step_by(S::LANES) {
                self.ahead.fetch(simd);
                // SAFETY: every column has the words up to `first + whole`; the buffer has DEPTH rows of two
                // vectors, of which `k + LANES <= depth` are written.
                unsafe {
                    let target = self.transposed.0.as_mut_ptr().add(k * 2 * S::LANES + half);
                    simd.transpose(&rows, first + k, target, 2 * S::LANES);
                }
            }
        }
        for k in whole..depth {
            for (lane, column) in self.lanes[..2 * S::LANES].iter().enumerate() {
                self.transposed.0[k * 2 * S::LANES + lane] = column[first + k];
            }
        }
    }
}
