//! The rows of a block that count, as f32.

use std::ops::Range;

use half::{bf16, f16};

use crate::cpu::product::{Int8, LINE_WORDS, Line, padded};
use crate::cpu::simd::Simd;

/// A block's rows, [num_rows, dim], where they are.
#[derive(Clone, Copy)]
pub(in crate::ops::top_k) struct BlockRows<'a> {
    pub(in crate::ops::top_k) values: Values<'a>,
    pub(in crate::ops::top_k) num_rows: usize,
    pub(in crate::ops::top_k) dim: usize,
    /// The number of the first of them in the corpus.
    pub(in crate::ops::top_k) first_row: u32,
    /// Bit i of word i / 64: whether row i counts. All do without it.
    pub(in crate::ops::top_k) included: Option<&'a [u64]>,
    /// Added to each row's scores.
    pub(in crate::ops::top_k) biases: Option<&'a [f32]>,
}

/// A matrix of one of the types that are searched.
#[derive(Clone, Copy)]
pub(in crate::ops::top_k) enum Values<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    Bf16(&'a [bf16]),
    /// Bytes of [`ByteRanges`](crate::ByteRanges), stored as i8 or u8.
    Bytes {
        bytes: &'a [u8],
        signed: bool,
    },
}

impl<'a> Values<'a> {
    fn bytes(self, values: Range<usize>) -> &'a [u8] {
        match self {
            Self::F32(all) => bytemuck::cast_slice(&all[values]),
            Self::F16(all) => bytemuck::cast_slice(&all[values]),
            Self::Bf16(all) => bytemuck::cast_slice(&all[values]),
            Self::Bytes { bytes, .. } => &bytes[values],
        }
    }
}

impl<'a> BlockRows<'a> {
    /// The memory from the first to the last of `numbers`, to be prefetched; none if most of it is of other
    /// rows.
    pub(super) fn span_of(&self, numbers: &[u32]) -> &'a [u8] {
        let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else { return &[] };
        let rows = first as usize..last as usize + 1;
        if rows.len() > 2 * numbers.len() {
            return &[];
        }
        self.values.bytes(rows.start * self.dim..rows.end * self.dim)
    }
}

/// Goes through the numbers of the rows that count.
pub(super) struct Selected<'a> {
    included: Option<&'a [u64]>,
    rows: Range<usize>,
}

impl<'a> Selected<'a> {
    pub(super) fn new(included: Option<&'a [u64]>, rows: Range<usize>) -> Self {
        Self { included, rows }
    }

    /// Replaces `numbers` by the next ones, at most `most`.
    pub(super) fn take(&mut self, most: usize, numbers: &mut Vec<u32>) {
        numbers.clear();
        let Range { start, end } = &mut self.rows;
        let Some(included) = self.included else {
            let next = (*start + most).min(*end);
            numbers.extend(*start as u32..next as u32);
            *start = next;
            return;
        };
        while numbers.len() < most && *start < *end {
            let word = included[*start / 64] >> (*start % 64);
            *start = match word {
                0 => (*start / 64 + 1) * 64,
                _ => *start + word.trailing_zeros() as usize,
            };
            if word != 0 && *start < *end {
                numbers.push(*start as u32);
                *start += 1;
            }
        }
    }
}

/// The words of a batch of rows: f32 where they are, values of 16 bits widened, bytes padded to whole words.
pub(super) struct Batch<'a> {
    pub(super) rows: BlockRows<'a>,
    /// Words per row.
    words: usize,
    /// [batch, stride], unless rows are f32.
    copied: Vec<Line>,
    /// Words from one copied row to the next: whole lines.
    stride: usize,
    /// Of the batch's rows, and zeros up to its size.
    pub(super) biases: Vec<f32>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(rows: BlockRows<'a>) -> Self {
        let words = match rows.values {
            Values::Bytes { .. } => rows.dim.div_ceil(Int8::GROUP),
            _ => rows.dim,
        };
        let stride = padded(words.next_multiple_of(LINE_WORDS));
        Self { rows, words, copied: Vec::new(), stride, biases: Vec::new() }
    }

    /// Makes it the batch of the rows `numbers`, with room for `size`.
    #[inline(always)]
    pub(super) fn fill<S: Simd>(&mut self, simd: S, numbers: &[u32], size: usize) {
        self.biases.resize(size, 0.0);
        if let Some(biases) = self.rows.biases {
            for (target, &number) in self.biases.iter_mut().zip(numbers) {
                *target = biases[number as usize];
            }
        }
        match self.rows.values {
            Values::F32(_) => {}
            Values::F16(values) => self.widen(simd, values, numbers, size),
            Values::Bf16(values) => self.widen(simd, values, numbers, size),
            Values::Bytes { bytes, .. } => self.copy(bytes, numbers, size),
        }
    }

    /// Bytes of a row need not start at a word's address, nor end with a whole word.
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8], numbers: &[u32], size: usize) {
        let (dim, stride) = (self.rows.dim, self.stride * size_of::<u32>());
        let copied: &mut [u8] = bytemuck::cast_slice_mut(self.room(size));
        for (target, &number) in copied.chunks_exact_mut(stride).zip(numbers) {
            target[..dim].copy_from_slice(&bytes[number as usize * dim..][..dim]);
        }
    }

    #[inline(always)]
    fn widen<S: Simd, T: Narrow>(&mut self, simd: S, values: &[T], numbers: &[u32], size: usize) {
        let (dim, stride) = (self.rows.dim, self.stride);
        let widened: &mut [f32] = bytemuck::cast_slice_mut(self.room(size));
        for (target, &number) in widened.chunks_exact_mut(stride).zip(numbers) {
            let row = &values[number as usize * dim..][..dim];
            let (vectors, rest) = (row.chunks_exact(S::LANES), dim / S::LANES * S::LANES);
            for (target, values) in target[..dim].chunks_exact_mut(S::LANES).zip(vectors) {
                // SAFETY: the chunk has LANES values.
                simd.store(unsafe { T::load(simd, values.as_ptr()) }, target);
            }
            for (target, value) in target[rest..dim].iter_mut().zip(&row[rest..]) {
                *target = value.to_f32();
            }
        }
    }

    /// Room for the copies of `size` rows; what no row writes is zero.
    fn room(&mut self, size: usize) -> &mut [Line] {
        self.copied.resize(size * self.stride / LINE_WORDS, Line::ZERO);
        &mut self.copied
    }

    /// The words of the batch's row `index`, which is row `numbers[index]` of the block.
    #[inline(always)]
    pub(super) fn row(&self, index: usize, numbers: &[u32]) -> &[u32] {
        let dim = self.rows.dim;
        match self.rows.values {
            Values::F32(values) => bytemuck::cast_slice(&values[numbers[index] as usize * dim..][..dim]),
            _ => &bytemuck::cast_slice(&self.copied)[index * self.stride..][..self.words],
        }
    }
}

/// Values of 16 bits.
trait Narrow: Copy {
    /// # Safety
    /// A vector of values must be readable at `source`.
    unsafe fn load<S: Simd>(simd: S, source: *const Self) -> S::Vector;
    fn to_f32(self) -> f32;
}

impl Narrow for f16 {
    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, source: *const Self) -> S::Vector {
        // SAFETY: as the caller promises.
        unsafe { simd.load_f16_unchecked(source) }
    }
    fn to_f32(self) -> f32 {
        self.to_f32()
    }
}

impl Narrow for bf16 {
    #[inline(always)]
    unsafe fn load<S: Simd>(simd: S, source: *const Self) -> S::Vector {
        // SAFETY: as the caller promises.
        unsafe { simd.load_bf16_unchecked(source) }
    }
    fn to_f32(self) -> f32 {
        self.to_f32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_count_are_taken_in_order_and_once() {
        let mut bits = vec![0u64; 5];
        let rows = [0, 1, 5, 63, 64, 127, 190, 256, 299, 310];
        rows.iter().for_each(|&row| bits[row / 64] |= 1 << (row % 64));
        for (range, most) in
            [(0..300, 1), (0..300, 3), (1..256, 2), (5..64, 100), (300..300, 4), (0..311, 20)]
        {
            let mut selected = Selected::new(Some(&bits), range.clone());
            let (mut all, mut some) = (Vec::new(), Vec::new());
            loop {
                selected.take(most, &mut some);
                assert!(some.len() <= most);
                if some.is_empty() {
                    break;
                }
                all.extend(some.iter().map(|&row| row as usize));
            }
            let expected: Vec<usize> = rows.into_iter().filter(|row| range.contains(row)).collect();
            assert_eq!(all, expected, "{range:?}");
        }
        let mut some = Vec::new();
        let mut selected = Selected::new(None, 3..8);
        selected.take(4, &mut some);
        assert_eq!(some, [3, 4, 5, 6]);
        selected.take(4, &mut some);
        assert_eq!(some, [7]);
    }
}
