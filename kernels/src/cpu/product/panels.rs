//! The right factor of a product, packed.

use std::ops::Range;

use super::LINE_WORDS;
use crate::cpu::simd::{MAX_LANES, Simd};

/// A cache line: a vector of words that straddled two lines would be loaded twice.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line([u32; LINE_WORDS]);

impl Line {
    pub(crate) const ZERO: Self = Self([0; LINE_WORDS]);
}

// SAFETY: an array of u32 whose size is its alignment: all zeros are a valid value.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: the same, and it has no padding and any bits are a valid value.
unsafe impl bytemuck::Pod for Line {}

/// A matrix of words [inner, columns] in panels of two vectors of columns. The last panel may hold anything
/// after the last column, except as [`Panels::pack_transposed`] says; an epilogue skips it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Panels {
    lines: Vec<Line>,
    inner: usize,
    columns: usize,
    width: usize,
}

/// Some of a matrix's panels.
#[derive(Debug, Clone)]
pub(crate) struct PanelRange<'a> {
    pub(super) panels: &'a Panels,
    pub(super) range: Range<usize>,
    /// The rows of the matrix that take part.
    pub(super) inner: Range<usize>,
}

impl<'a> PanelRange<'a> {
    /// Only some rows of the matrix.
    pub(crate) fn of_inner(self, inner: Range<usize>) -> Self {
        Self { inner, ..self }
    }

    /// The rows `inner` of a panel.
    #[inline(always)]
    pub(super) fn panel(&self, index: usize) -> &'a [u32] {
        let width = self.panels.width;
        &self.panels.panel(index)[self.inner.start * width..self.inner.end * width]
    }
}

impl Panels {
    pub(crate) fn inner(&self) -> usize {
        self.inner
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// All panels.
    pub(crate) fn all(&self) -> Range<usize> {
        0..self.count()
    }

    /// Some of the panels, as a factor.
    pub(crate) fn range(&self, range: Range<usize>) -> PanelRange<'_> {
        PanelRange { panels: self, range, inner: 0..self.inner }
    }

    pub(crate) fn count(&self) -> usize {
        self.columns.div_ceil(self.width.max(1))
    }

    /// `inner` rows of `width` words.
    #[inline(always)]
    pub(crate) fn panel(&self, index: usize) -> &[u32] {
        let size = self.inner * self.width;
        &bytemuck::cast_slice(&self.lines)[index * size..(index + 1) * size]
    }

    /// Packs the transpose of a row-major matrix [columns, inner] whose rows are `stride` apart (weights,
    /// keys, references). The last vector of columns is padded with copies of the last column.
    ///
    /// # Panics
    /// If `source` is too short for the last row.
    #[inline(always)]
    pub(crate) fn pack_transposed<S: Simd>(
        &mut self,
        simd: S,
        source: &[u32],
        stride: usize,
        [columns, inner]: [usize; 2],
    ) {
        assert!(columns == 0 || source.len() >= (columns - 1) * stride + inner);
        self.reset(2 * S::LANES, inner, columns);
        let whole = inner / S::LANES * S::LANES;
        let words: &mut [u32] = bytemuck::cast_slice_mut(&mut self.lines);
        for column in (0..columns).step_by(S::LANES) {
            let mut lanes: [&[u32]; MAX_LANES] = [&[]; MAX_LANES];
            let mut rows = [std::ptr::null(); MAX_LANES];
            for (lane, (words, row)) in lanes[..S::LANES].iter_mut().zip(&mut rows).enumerate() {
                *words = &source[(column + lane).min(columns - 1) * stride..][..inner];
                *row = words.as_ptr();
            }
            let first = (column / self.width) * inner * self.width + column % self.width;
            for k in (0..whole).step_by(S::LANES) {
                // SAFETY: each lane has `inner >= k + LANES` words; `reset` made room for `inner` rows of
                // `width` words in this panel, of which `column % width + LANES` is at most one.
                unsafe {
                    let to = words.as_mut_ptr().add(first + k * self.width);
                    simd.transpose(&rows, k, to, self.width);
                }
            }
            for (lane, column) in lanes[..S::LANES].iter().enumerate() {
                for (k, &word) in column.iter().enumerate().skip(whole) {
                    words[first + k * self.width + lane] = word;
                }
            }
        }
    }

    /// Packs a row-major matrix of f32 [inner, columns] whose rows are `stride` apart (values of attention).
    #[inline(always)]
    pub(crate) fn pack<S: Simd>(
        &mut self,
        simd: S,
        source: &[f32],
        stride: usize,
        [inner, columns]: [usize; 2],
    ) {
        self.reset(2 * S::LANES, inner, columns);
        let size = inner * self.width;
        let words: &mut [f32] = bytemuck::cast_slice_mut(&mut self.lines);
        for k in 0..inner {
            let row = &source[k * stride..k * stride + columns];
            for (i, lanes) in row.chunks(S::LANES).enumerate() {
                let first = i / 2 * size + k * self.width + i % 2 * S::LANES;
                simd.store(simd.load_or(lanes, 0.0), &mut words[first..]);
            }
        }
    }

    /// Makes room, reusing the allocation.
    #[inline(always)]
    fn reset(&mut self, width: usize, inner: usize, columns: usize) {
        (self.width, self.inner, self.columns) = (width, inner, columns);
        let lines = (self.count() * inner * width).div_ceil(LINE_WORDS);
        if self.lines.len() < lines {
            self.lines.resize(lines, Line::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::{Kernel, dispatch_to};
    use crate::testing::available_sets;

    struct Pack<'a> {
        matrix: &'a [u32],
        transposed: &'a [u32],
        shape: [usize; 2],
    }

    impl Kernel for Pack<'_> {
        type Output = [Panels; 2];
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> [Panels; 2] {
            let [inner, columns] = self.shape;
            let (mut a, mut b) = (Panels::default(), Panels::default());
            // Junk from an earlier, larger use must not show through.
            a.pack(simd, &[9.0; 10_000], 100, [100, 100]);
            a.pack(simd, bytemuck::cast_slice(self.matrix), columns, self.shape);
            b.pack_transposed(simd, self.transposed, inner, [columns, inner]);
            [a, b]
        }
    }

    #[test]
    fn both_packings_agree_and_hold_every_value_at_its_place() {
        for set in available_sets() {
            for shape in [[1, 1], [3, 5], [4, 8], [16, 16], [17, 33], [31, 7], [32, 64], [70, 41]] {
                let [inner, columns] = shape;
                let value = |k: usize, column: usize| (k * columns + column + 1) as u32;
                let matrix: Vec<u32> = (1..=(inner * columns) as u32).collect();
                let transposed: Vec<u32> =
                    (0..columns).flat_map(|c| (0..inner).map(move |k| value(k, c))).collect();
                let packed = dispatch_to(set, Pack { matrix: &matrix, transposed: &transposed, shape });
                for panels in packed {
                    let width = panels.width();
                    assert_eq!((panels.inner(), panels.columns()), (inner, columns));
                    assert_eq!(panels.count(), columns.div_ceil(width));
                    for column in 0..columns {
                        for k in 0..inner {
                            let got = panels.panel(column / width)[k * width + column % width];
                            assert_eq!(got, value(k, column), "{set:?} {shape:?} at {k}, {column}");
                        }
                    }
                }
            }
        }
    }
}
