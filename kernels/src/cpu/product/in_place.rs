//! Rows times columns that are used once: the queries and the corpus of a search.
//!
//! A corpus is far larger than its queries, so packing it would cost as much as multiplying it by a few: a
//! packed panel goes to the L2 and comes back for every tile. Here two vectors of columns, each a row of the
//! corpus, are transposed some words at a time into a buffer that stays in the L1 while all rows are
//! multiplied by it; sums wait in memory meanwhile. Each element is the same chain as in
//! [`multiply`](super::multiply).

use std::ops::Range;

use super::ahead::Ahead;
use super::{Epilogue, WordFormat};
use crate::cpu::simd::{MAX_LANES, Simd};

/// Words of a column that are transposed together.
const DEPTH: usize = 128;

/// Steps of the inner loop between requests of upcoming memory.
const STEPS: usize = 16;

/// Columns that are multiplied together: two vectors.
const COLUMNS: usize = 2 * MAX_LANES;

/// Transposed columns: 16 KiB, half of a small L1.
#[repr(C, align(64))]
struct Transposed([u32; DEPTH * COLUMNS]);

/// The memory of such products.
pub(crate) struct InPlace<S: Simd, F: WordFormat<S>> {
    simd: S,
    transposed: Box<Transposed>,
    /// Two vectors per row.
    sums: Vec<[F::Sums; 2]>,
}

/// Rows in tiles, for [`InPlace`]: of each tile the first word of every row, then the second, so that a tile is
/// read from first to last.
pub(crate) struct RowTiles {
    words: Vec<u32>,
    count: usize,
    /// Words per row.
    inner: usize,
}

impl RowTiles {
    /// Packs `rows` of `inner` words each, for `S`. There may be copies of the last row up to whole tiles.
    pub(crate) fn new<S: Simd>(_: S, rows: &[u32], inner: usize) -> Self {
        let given = rows.len() / inner;
        let count = whole_tiles::<S>(given);
        let mut words = Vec::with_capacity(count * inner);
        let mut first = 0;
        while first < count {
            let height = tile_height::<S>(count - first);
            for k in 0..inner {
                words.extend((first..first + height).map(|row| rows[row.min(given - 1) * inner + k]));
            }
            first += height;
        }
        Self { words, count, inner }
    }

    /// Words per row.
    pub(crate) fn inner(&self) -> usize {
        self.inner
    }

    /// The number of rows, copies included.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

/// The height of the first tile of `rows` rows, at least 1.
fn tile_height<S: Simd>(rows: usize) -> usize {
    let heights = [12, 8, 6, 4, 2, 1];
    heights.into_iter().find(|&height| height <= rows.min(S::TILE_ROWS)).unwrap_or(1)
}

/// The number of rows, at least `rows`, that are multiplied as fast.
fn whole_tiles<S: Simd>(rows: usize) -> usize {
    match [0, 1, 2, 4, 6, 8, 12].into_iter().find(|&height| rows <= height && height <= S::TILE_ROWS) {
        Some(height) => height,
        // A tile of 12 and one of 4 keep both multipliers busy, one of 1 or 2 does not.
        None => rows.next_multiple_of(if S::TILE_ROWS == 12 { 4 } else { 2 }),
    }
}

/// The columns of a product, in memory.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// As many words each as a row has; up to two vectors of columns.
    pub(crate) words: &'a [&'a [u32]],
    /// The place of the first among all columns.
    pub(crate) first: usize,
    /// Memory that is needed afterwards, to be prefetched.
    pub(crate) upcoming: &'a [u8],
}

impl<S: Simd, F: WordFormat<S>> InPlace<S, F> {
    pub(crate) fn new(simd: S, _: F) -> Self {
        Self { simd, transposed: Box::new(Transposed([0; DEPTH * COLUMNS])), sums: Vec::new() }
    }

    /// Multiplies the rows `range`, whole tiles, by `columns` and passes the result to `epilogue`, each row
    /// once, by its number among all. Missing columns are copies of the last.
    ///
    /// # Panics
    /// If there are no columns or more than two vectors, or they are not as long as the rows.
    #[inline(always)]
    pub(crate) fn multiply<E: Epilogue<S, F>>(
        &mut self,
        rows: &RowTiles,
        range: Range<usize>,
        columns: Columns<'_>,
        epilogue: &mut E,
    ) {
        let last = *columns.words.last().expect("columns");
        let mut lanes = [last; COLUMNS];
        lanes[..columns.words.len()].copy_from_slice(columns.words);
        assert!(columns.words.len() <= 2 * S::LANES);
        assert!(lanes.iter().all(|lane| lane.len() == rows.inner), "rows and columns of different depth");
        self.sums.clear();
        self.sums.resize(range.len(), [F::zero(self.simd); 2]);
        let tiles = range.len().div_ceil(S::TILE_ROWS);
        let requests = 2 * (rows.inner / S::LANES) + tiles * rows.inner.div_ceil(STEPS);
        let mut ahead = Ahead::new(columns.upcoming, requests);
        for first in (0..rows.inner).step_by(DEPTH) {
            let depth = DEPTH.min(rows.inner - first);
            self.transpose(&lanes, first, depth, &mut ahead);
            let mut row = range.start;
            while row < range.end {
                let height = tile_height::<S>(range.end - row);
                let tile = &rows.words[row * rows.inner..][first * height..(first + depth) * height];
                let sum = row - range.start;
                match height {
                    12 => self.tile::<12>(tile.as_chunks().0, sum, &mut ahead),
                    8 => self.tile::<8>(tile.as_chunks().0, sum, &mut ahead),
                    6 => self.tile::<6>(tile.as_chunks().0, sum, &mut ahead),
                    4 => self.tile::<4>(tile.as_chunks().0, sum, &mut ahead),
                    2 => self.tile::<2>(tile.as_chunks().0, sum, &mut ahead),
                    _ => self.tile::<1>(tile.as_chunks().0, sum, &mut ahead),
                }
                row += height;
            }
        }
        let (some, rest) = self.sums.as_chunks::<4>();
        for (group, &sums) in some.iter().enumerate() {
            epilogue.finish(self.simd, range.start + 4 * group, columns.first, sums);
        }
        for (row, &sums) in rest.iter().enumerate() {
            epilogue.finish(self.simd, range.start + 4 * some.len() + row, columns.first, [sums]);
        }
    }

    /// Writes words `first..first + depth` of all columns to the buffer, [depth, 2 * LANES].
    #[inline(always)]
    fn transpose(&mut self, lanes: &[&[u32]; COLUMNS], first: usize, depth: usize, ahead: &mut Ahead<'_>) {
        let whole = depth / S::LANES * S::LANES;
        for half in [0, S::LANES] {
            let mut rows = [std::ptr::null(); MAX_LANES];
            for (row, lane) in rows[..S::LANES].iter_mut().zip(&lanes[half..]) {
                *row = lane.as_ptr();
            }
            for k in (0..whole).step_by(S::LANES) {
                ahead.fetch(self.simd);
                // SAFETY: `multiply` checked that every column has `first + depth` words; the buffer has
                // DEPTH rows of two vectors, of which `k + LANES <= depth` are written.
                unsafe {
                    let target = self.transposed.0.as_mut_ptr().add(k * 2 * S::LANES + half);
                    self.simd.transpose(&rows, first + k, target, 2 * S::LANES);
                }
            }
        }
        for k in whole..depth {
            for (lane, column) in lanes[..2 * S::LANES].iter().enumerate() {
                self.transposed.0[k * 2 * S::LANES + lane] = column[first + k];
            }
        }
    }

    /// Adds the products of a tile's words, [depth, HEIGHT], to its sums from `row` on.
    #[inline(always)]
    fn tile<const HEIGHT: usize>(&mut self, words: &[[u32; HEIGHT]], row: usize, ahead: &mut Ahead<'_>) {
        let target = self.sums[row..].first_chunk_mut::<HEIGHT>().expect("sums of every row");
        let mut sums = *target;
        assert!(words.len() <= DEPTH);
        let mut column = self.transposed.0.as_ptr();
        for words in words.chunks(STEPS) {
            ahead.fetch(self.simd);
            for words in words {
                // SAFETY: the buffer has DEPTH rows of two vectors, at least as many as there are words.
                unsafe {
                    let left = self.simd.load_words_unchecked(column);
                    let right = self.simd.load_words_unchecked(column.add(S::LANES));
                    column = column.add(2 * S::LANES);
                    for ([sum_left, sum_right], &word) in sums.iter_mut().zip(words) {
                        let word = self.simd.splat_word(word);
                        *sum_left = F::multiply_add(self.simd, word, left, *sum_left);
                        *sum_right = F::multiply_add(self.simd, word, right, *sum_right);
                    }
                }
            }
        }
        *target = sums;
    }
}
