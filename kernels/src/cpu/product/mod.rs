//! Row-major rows times a matrix packed in panels: the inner loop of linear layers, attention and the match;
//! and, with columns that are not packed, of the search (`in_place`).
//!
//! C [rows, columns] = A [rows, inner] x B [inner, columns], in one of the formats of [`WordFormat`]. B is
//! packed once into panels of `2 * LANES` columns, each panel holding its words of the inner dimension back
//! to back, so that the register tile reads it with unit stride (Goto and van de Geijn, "Anatomy of
//! High-Performance Matrix Multiplication", 2008, without blocking over the inner dimension). A is read row
//! by row, one broadcast per word; see [`padded`] for the best stride of its rows.
//!
//! Order of the reduction: every element is one chain over the words of the inner dimension, first to last,
//! in any tile. So a row's result does not depend on the rows around it.

mod ahead;
mod format;
mod in_place;
mod panels;
mod tile;

pub(crate) use format::{Bf16, ByteScales, F32, Int8, RowBytes, SumScale, WordFormat};
pub(crate) use in_place::{Columns, InPlace, RowTiles};
pub(crate) use panels::{Line, PanelRange, Panels};

use std::ops::Range;

use crate::cpu::simd::Simd;
use ahead::Ahead;
use tile::PanelPiece;

/// Bytes of the rows that share a pass over all panels: half of a small L2, which leaves room for a panel and
/// the output.
const BLOCK_BYTES: usize = 768 << 10;

/// A multiple of every tile's rows; a block has at least this many.
const BLOCK_UNIT: usize = 24;

/// Words per cache line.
pub(crate) const LINE_WORDS: usize = 16;

/// Rows of `words` words that share a pass over all panels.
pub(crate) fn block_rows(words: usize) -> usize {
    (BLOCK_BYTES / (4 * words.max(1)) / BLOCK_UNIT).clamp(4, 24) * BLOCK_UNIT
}

/// The best stride for rows of `words` words: back to back, but a line more if that is a multiple of 4 KiB,
/// so that the same column of a tile's rows does not fall into one set of the L1.
pub(crate) fn padded(words: usize) -> usize {
    if words.is_multiple_of(1024) { words + LINE_WORDS } else { words }
}

/// The left factor: `count` rows of `words` words, `stride` apart.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    values: &'a [u32],
    stride: usize,
    count: usize,
    words: usize,
}

impl<'a> Rows<'a> {
    /// # Panics
    /// If `values` is too short for the last row.
    pub(crate) fn new(values: &'a [u32], stride: usize, count: usize, words: usize) -> Self {
        let needed = match count.checked_sub(1) {
            None => Some(0),
            Some(last) => last.checked_mul(stride).and_then(|begin| begin.checked_add(words)),
        };
        let fits = needed.is_some_and(|needed| values.len() >= needed);
        assert!(fits, "{count} rows of {words} words, {stride} apart, are not in {}", values.len());
        Self { values, stride, count, words }
    }

    /// Rows of f32, one value per word.
    pub(crate) fn of_f32(values: &'a [f32], stride: usize, count: usize, inner: usize) -> Self {
        Self::new(bytemuck::cast_slice(values), stride, count, inner)
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The words from the first of `rows` to the last.
    fn words_of(&self, rows: Range<usize>) -> &'a [u32] {
        match rows.len().checked_sub(1) {
            None => &[],
            Some(others) => &self.values[rows.start * self.stride..][..others * self.stride + self.words],
        }
    }
}

/// Consumes a finished piece of C: two vectors of each of `ROWS` rows from `row` on, columns
/// `column..column + 2 * LANES`.
///
/// Columns at or beyond the matrix's own are padding, of any content. A row's result must not depend on the
/// number of rows in a piece: it only lets their arithmetic be interleaved.
pub(crate) trait Epilogue<S: Simd, F: WordFormat<S>> {
    fn finish<const ROWS: usize>(&mut self, simd: S, row: usize, column: usize, sums: [[F::Sums; 2]; ROWS]);
}

/// Multiplies `rows` by the panels of `columns` and passes every piece of the result to `epilogue`, each
/// exactly once; for one row, columns are in ascending order.
#[inline(always)]
pub(crate) fn multiply<S: Simd, F: WordFormat<S>, E: Epilogue<S, F>>(
    simd: S,
    _: F,
    rows: Rows<'_>,
    columns: PanelRange<'_>,
    epilogue: &mut E,
) {
    let PanelRange { panels, range, inner } = &columns;
    assert_eq!(panels.width(), 2 * S::LANES, "panels packed for another instruction set");
    assert_eq!(rows.words, inner.len(), "rows and panels of different depth");
    let step = block_rows(rows.words);
    for block in (0..rows.count).step_by(step) {
        let block = block..(block + step).min(rows.count);
        for panel in range.clone() {
            let next = match panel + 1 < range.end {
                true => columns.panel(panel + 1),
                false => rows.words_of(block.end..(block.end + step).min(rows.count)),
            };
            let mut ahead = Ahead::during::<S>(bytemuck::cast_slice(next), rows.words, block.len());
            let first_column = panel * panels.width();
            let mut piece =
                PanelPiece::<S, F, E>::new(simd, rows, columns.panel(panel), first_column, epilogue);
            piece.multiply(block.clone(), &mut ahead);
        }
    }
}
