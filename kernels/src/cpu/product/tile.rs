//! The register tile: a few rows by two vectors of columns, summed over the whole inner dimension without
//! leaving registers.

use std::marker::PhantomData;
use std::ops::Range;

use super::ahead::{Ahead, STEPS};
use super::{Epilogue, Rows, WordFormat};
use crate::cpu::simd::Simd;

/// One panel's part of the product.
pub(super) struct PanelPiece<'a, S, F, E> {
    simd: S,
    rows: Rows<'a>,
    panel: &'a [u32],
    column: usize,
    epilogue: &'a mut E,
    format: PhantomData<F>,
}

impl<'a, S: Simd, F: WordFormat<S>, E: Epilogue<S, F>> PanelPiece<'a, S, F, E> {
    /// `panel` holds two vectors for each word of a row; its first column is `column` of the product.
    #[inline(always)]
    pub(super) fn new(simd: S, rows: Rows<'a>, panel: &'a [u32], column: usize, epilogue: &'a mut E) -> Self {
        assert_eq!(panel.len(), rows.words * 2 * S::LANES);
        Self { simd, rows, panel, column, epilogue, format: PhantomData }
    }

    /// Multiplies the rows `block`.
    #[inline(always)]
    pub(super) fn multiply(&mut self, block: Range<usize>, ahead: &mut Ahead<'_>) {
        let mut row = block.start;
        while row < block.end {
            row += self.multiply_tile(row, block.end - row, ahead);
        }
    }

    /// Multiplies the tallest tile that fits into `remaining` rows from `row`; returns its height.
    #[inline(always)]
    fn multiply_tile(&mut self, row: usize, remaining: usize, ahead: &mut Ahead<'_>) -> usize {
        match remaining.min(S::TILE_ROWS) {
            12.. => self.tile::<12>(row, ahead),
            8.. => self.tile::<8>(row, ahead),
            6.. => self.tile::<6>(row, ahead),
            4.. => self.tile::<4>(row, ahead),
            2.. => self.tile::<2>(row, ahead),
            _ => self.tile::<1>(row, ahead),
        }
    }

    #[inline(always)]
    fn tile<const HEIGHT: usize>(&mut self, row: usize, ahead: &mut Ahead<'_>) -> usize {
        assert!(row + HEIGHT <= self.rows.count);
        // SAFETY: `Rows::new` checked that `count` rows of `words` words are `stride` apart, `new` that the
        // panel holds as many pairs of vectors, and the assertion that the tile's rows are among them.
        let sums = unsafe {
            let first = self.rows.values.as_ptr().add(row * self.rows.stride);
            let operands = Operands {
                rows: first,
                stride: self.rows.stride,
                panel: self.panel.as_ptr(),
                words: self.rows.words,
            };
            tile_sums::<S, F, HEIGHT>(self.simd, operands, ahead)
        };
        if HEIGHT.is_multiple_of(4) {
            self.finish::<4>(row, &sums);
        } else if HEIGHT.is_multiple_of(2) {
            self.finish::<2>(row, &sums);
        } else {
            self.finish::<1>(row, &sums);
        }
        HEIGHT
    }

    #[inline(always)]
    fn finish<const ROWS: usize>(&mut self, row: usize, sums: &[[F::Sums; 2]]) {
        for (group, &sums) in sums.as_chunks::<ROWS>().0.iter().enumerate() {
            self.epilogue.finish(self.simd, row + group * ROWS, self.column, sums);
        }
    }
}

/// The addresses of a tile's factors: rows of `words` words, `stride` apart, and `words` pairs of vectors.
#[derive(Clone, Copy)]
struct Operands {
    rows: *const u32,
    stride: usize,
    panel: *const u32,
    words: usize,
}

/// The sums of `HEIGHT` rows by one panel, in registers from first to last.
///
/// # Safety
/// `HEIGHT` rows and the panel must be readable, as described in [`Operands`].
#[inline(always)]
unsafe fn tile_sums<S: Simd, F: WordFormat<S>, const HEIGHT: usize>(
    simd: S,
    operands: Operands,
    ahead: &mut Ahead<'_>,
) -> [[F::Sums; 2]; HEIGHT] {
    let Operands { rows, stride, panel, words } = operands;
    let mut sums = [[F::zero(simd); 2]; HEIGHT];
    for first in (0..words).step_by(STEPS) {
        ahead.fetch(simd);
        for k in first..words.min(first + STEPS) {
            // SAFETY: the caller promises `words` pairs of vectors in the panel and `words` words in each of
            // HEIGHT rows.
            unsafe {
                let left = simd.load_words_unchecked(panel.add(k * 2 * S::LANES));
                let right = simd.load_words_unchecked(panel.add(k * 2 * S::LANES + S::LANES));
                for (offset, [sum_left, sum_right]) in sums.iter_mut().enumerate() {
                    let word = simd.splat_word(*rows.add(offset * stride + k));
                    *sum_left = F::multiply_add(simd, word, left, *sum_left);
                    *sum_right = F::multiply_add(simd, word, right, *sum_right);
                }
            }
        }
    }
    sums
}
