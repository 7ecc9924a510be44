//! The inputs of a product, converted from rows of f32 one block at a time into the product's format, with a
//! stride that suits the cache.

use crate::cpu::product::{Bf16, Int8, Rows, padded};
use crate::cpu::simd::{
    Arithmetic, Bf16Simd, InstructionSet, Interleaved, Kernel, MAX_LANES, Simd, dispatch_to,
};

/// A block of rows as words, and for bytes the scales and zeros that map them to numbers.
#[derive(Debug, Default)]
pub(super) struct Operand {
    words: Vec<u32>,
    /// Words from one row to the next.
    stride: usize,
    /// Words of a row.
    row_words: usize,
    /// Step of each row of bytes.
    pub(super) scales: Vec<f32>,
    /// The byte that stands for 0 in each row of bytes.
    pub(super) zeros: Vec<u32>,
}

impl Operand {
    /// Makes room for `rows` of `values` values, `group` per word. Values that pad a row's last word are
    /// zero.
    #[inline(always)]
    fn reset(&mut self, rows: usize, values: usize, group: usize) {
        self.row_words = values.div_ceil(group);
        self.stride = padded(self.row_words);
        self.words.resize(rows * self.stride, 0);
    }

    #[inline(always)]
    fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u32]> {
        self.words.chunks_exact_mut(self.stride).map(|row| &mut row[..self.row_words])
    }

    /// The rows that were set.
    #[inline(always)]
    pub(super) fn rows(&self) -> Rows<'_> {
        Rows::new(&self.words, self.stride, self.words.len() / self.stride.max(1), self.row_words)
    }

    /// Stores rows of `in_dim` values unchanged.
    #[inline(always)]
    pub(super) fn set_f32(&mut self, rows: &[f32], in_dim: usize) {
        self.reset(rows.len() / in_dim, in_dim, 1);
        for (row, target) in rows.chunks_exact(in_dim).zip(self.rows_mut()) {
            target.copy_from_slice(bytemuck::cast_slice(row));
        }
    }

    /// Stores rows of `in_dim` values rounded to bf16, one per word.
    #[inline(always)]
    pub(super) fn set_rounded<S: Simd>(&mut self, simd: S, rows: &[f32], in_dim: usize) {
        self.reset(rows.len() / in_dim, in_dim, 1);
        for (row, target) in rows.chunks_exact(in_dim).zip(self.rows_mut()) {
            let target: &mut [f32] = bytemuck::cast_slice_mut(target);
            for (values, target) in row.chunks(S::LANES).zip(target.chunks_mut(S::LANES)) {
                simd.store_front(simd.round_bf16(simd.load_or(values, 0.0)), target);
            }
        }
    }

    /// Stores rows of `in_dim` values as bf16, two per word.
    #[inline(always)]
    pub(super) fn set_bf16<S: Bf16Simd>(&mut self, simd: S, rows: &[f32], in_dim: usize) {
        self.reset(rows.len() / in_dim, in_dim, Bf16::GROUP);
        for (row, target) in rows.chunks_exact(in_dim).zip(self.rows_mut()) {
            let target: &mut [u16] = bytemuck::cast_slice_mut(target);
            for (values, target) in row.chunks(S::LANES).zip(target.chunks_mut(S::LANES)) {
                let mut lanes = [0; MAX_LANES];
                simd.store_bf16(simd.load_or(values, 0.0), &mut lanes);
                target.copy_from_slice(&lanes[..target.len()]);
            }
        }
    }

    /// Stores rows of `in_dim` values as bytes, four per word: each row's range, 0 included, is cut into 255
    /// steps.
    #[inline(always)]
    pub(super) fn set_bytes<S: Simd>(&mut self, simd: S, rows: &[f32], in_dim: usize) {
        self.reset(rows.len() / in_dim, in_dim, Int8::GROUP);
        self.scales.resize(rows.len() / in_dim, 0.0);
        self.zeros.resize(rows.len() / in_dim, 0);
        simd.call(SetBytes { operand: self, rows, in_dim });
    }
}

/// Rows to bytes, each while it is in the L1.
struct SetBytes<'a> {
    operand: &'a mut Operand,
    rows: &'a [f32],
    in_dim: usize,
}

impl Kernel for SetBytes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Operand { words, stride, row_words, scales, zeros } = self.operand;
        let targets = words.chunks_exact_mut(*stride).zip(scales.iter_mut().zip(zeros));
        for (row, (target, (scale, zero))) in self.rows.chunks_exact(self.in_dim).zip(targets) {
            let (step, zero_byte) = byte_scale(simd, row);
            (*scale, *zero) = (step, zero_byte as u32);
            store_bytes(simd, row, bytemuck::cast_slice_mut(&mut target[..*row_words]), [step, zero_byte]);
        }
    }
}

/// The bytes of a row: `value / step + zero`, rounded. Padding in the last word stands for 0; the weights'
/// bytes there are 0.
#[inline(always)]
fn store_bytes<S: Simd>(simd: S, row: &[f32], target: &mut [u8], [step, zero]: [f32; 2]) {
    let inverse = simd.splat(if step > 0.0 { 1.0 / step } else { 0.0 });
    let zero = simd.splat(zero);
    let whole = row.len() / S::LANES * S::LANES;
    let (front, rest) = target.split_at_mut(whole);
    for (values, bytes) in row.chunks_exact(S::LANES).zip(front.chunks_exact_mut(S::LANES)) {
        simd.store_bytes(simd.mul_add(simd.load(values), inverse, zero), bytes);
    }
    if !rest.is_empty() {
        let mut lanes = [0; MAX_LANES];
        simd.store_bytes(simd.mul_add(simd.load_or(&row[whole..], 0.0), inverse, zero), &mut lanes);
        rest.copy_from_slice(&lanes[..rest.len()]);
    }
}

/// The step of a row, and the byte that stands for 0 in it. The step is not finite if a value is not.
#[inline(always)]
fn byte_scale<S: Simd>(simd: S, row: &[f32]) -> (f32, f32) {
    let together = Interleaved::<S, 4>(simd);
    let zero = together.splat(0.0);
    let (mut lowest, mut highest, mut poison) = (zero, zero, zero);
    for values in row.chunks(Interleaved::<S, 4>::LANES) {
        let values = together.load_or(values, 0.0);
        lowest = together.min(lowest, values);
        highest = together.max(highest, values);
        // Minima and maxima lose a NaN; 0 times NaN or infinity does not.
        poison = together.mul_add(values, zero, poison);
    }
    for i in 1..4 {
        lowest[0] = simd.min(lowest[0], lowest[i]);
        highest[0] = simd.max(highest[0], highest[i]);
    }
    let (lowest, highest) = (simd.smallest(lowest[0]), simd.largest(highest[0]));
    let scale = (highest - lowest) / 255.0 + together.sum(poison);
    let zero = if scale > 0.0 { (-lowest / scale).round_ties_even() } else { 0.0 };
    (scale, zero)
}

/// `values` rounded to bf16, one per word (weights, once at load).
pub(super) fn rounded_words(values: &[f32]) -> Vec<u32> {
    values.iter().map(|&value| half::bf16::from_f32(value).to_f32().to_bits()).collect()
}

/// `values` as bf16, two per word, rows of `in_dim` values (weights, once at load).
pub(super) fn bf16_words(values: &[f32], in_dim: usize) -> Vec<u32> {
    let word = |pair: &[f32]| {
        let halves = pair.iter().map(|&value| u32::from(half::bf16::from_f32(value).to_bits()));
        halves.rev().fold(0, |word, half| word << 16 | half)
    };
    values.chunks_exact(in_dim).flat_map(|row| row.chunks(Bf16::GROUP).map(word)).collect()
}

/// Rows of weights as bytes, with a step per row.
pub(super) struct ByteRows {
    /// Four bytes per word.
    pub(super) words: Vec<u32>,
    /// Step of each row.
    pub(super) scales: Vec<f32>,
    /// Sum of each row's bytes (i32).
    pub(super) sums: Vec<u32>,
}

/// Turns rows of `in_dim` weights into bytes in -127..=127: the largest of each row becomes 127.
pub(super) fn byte_rows(set: InstructionSet, values: &[f32], in_dim: usize) -> ByteRows {
    let mut rows = ByteRows { words: Vec::new(), scales: Vec::new(), sums: Vec::new() };
    let mut bytes = vec![0; in_dim.next_multiple_of(Int8::GROUP)];
    for row in values.chunks_exact(in_dim) {
        let scale = dispatch_to(set, ByteRow { row, bytes: &mut bytes });
        rows.scales.push(scale);
        rows.sums.push(bytes.iter().map(|&byte| i32::from(byte)).sum::<i32>() as u32);
        let word = |group: &[i8; Int8::GROUP]| u32::from_le_bytes(group.map(|byte| byte as u8));
        rows.words.extend(bytes.as_chunks().0.iter().map(word));
    }
    rows
}

/// Turns a row of weights into bytes and returns their step. Plain loops: with the instruction set enabled,
/// rounding is an instruction and not a call.
struct ByteRow<'a> {
    row: &'a [f32],
    bytes: &'a mut [i8],
}

impl Kernel for ByteRow<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f32 {
        let mut largest = 0.0f32;
        for value in self.row {
            largest = largest.max(value.abs());
        }
        let scale = largest / 127.0;
        for (byte, value) in self.bytes.iter_mut().zip(self.row) {
            *byte = if scale > 0.0 { (value / scale).round_ties_even() as i8 } else { 0 };
        }
        scale
    }
}
