//! Number formats of a product: how 32-bit words hold them, and how two words multiply.
//!
//! A word is a group of adjacent values along the inner dimension: one f32, two bf16 or four bytes. Both
//! factors are kept as words, so one register tile serves all formats.

use crate::cpu::simd::{Bf16Simd, Simd};

/// A number format, on CPUs that support it.
pub(crate) trait WordFormat<S: Simd>: Copy {
    /// A tile's accumulators, one vector wide.
    type Sums: Copy;
    /// The scales that turn sums into f32.
    type Scales<'a>: Copy;

    fn zero(simd: S) -> Self::Sums;

    /// `sums` plus the product of a word of the left factor with a vector of words of the right one.
    fn multiply_add(simd: S, left: S::Words, right: S::Words, sums: Self::Sums) -> Self::Sums;

    /// `bias` plus the product's values at `place`: a row, and columns from the second number on.
    fn add_to(
        simd: S,
        bias: S::Vector,
        sums: Self::Sums,
        scales: Self::Scales<'_>,
        place: [usize; 2],
    ) -> S::Vector;
}

/// f32, summed in f32: each element is one chain of multiply-adds, first to last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct F32;

impl<S: Simd> WordFormat<S> for F32 {
    type Sums = S::Vector;
    type Scales<'a> = ();

    #[inline(always)]
    fn zero(simd: S) -> S::Vector {
        simd.splat(0.0)
    }

    #[inline(always)]
    fn multiply_add(simd: S, left: S::Words, right: S::Words, sums: S::Vector) -> S::Vector {
        simd.mul_add(simd.as_f32(left), simd.as_f32(right), sums)
    }

    #[inline(always)]
    fn add_to(simd: S, bias: S::Vector, sums: S::Vector, (): (), _: [usize; 2]) -> S::Vector {
        simd.add(sums, bias)
    }
}

/// bf16, summed in f32: each element is one chain over pairs, first to last.
///
/// The instruction adds the products of a pair with rounding to nearest even and subnormal numbers as zero
/// (Intel's Software Developer's Manual, VDPBF16PS). A product of two bf16 is exact in f32, so a pair errs by
/// at most two roundings of the sum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bf16;

impl Bf16 {
    /// Values per word.
    pub(crate) const GROUP: usize = 2;
}

impl<S: Bf16Simd> WordFormat<S> for Bf16 {
    type Sums = S::Vector;
    type Scales<'a> = ();

    #[inline(always)]
    fn zero(simd: S) -> S::Vector {
        simd.splat(0.0)
    }

    #[inline(always)]
    fn multiply_add(simd: S, left: S::Words, right: S::Words, sums: S::Vector) -> S::Vector {
        simd.dot_bf16(sums, left, right)
    }

    #[inline(always)]
    fn add_to(simd: S, bias: S::Vector, sums: S::Vector, (): (), _: [usize; 2]) -> S::Vector {
        simd.add(sums, bias)
    }
}

/// Bytes, unsigned in the left factor and signed in the right one, summed exactly in i32.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Int8;

impl Int8 {
    /// Values per word.
    pub(crate) const GROUP: usize = 4;
}

/// How bytes represent numbers: a row's are `row_scales[row] * (byte - row_zeros[row])`, a column's
/// `column_scales[column] * byte`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByteScales<'a> {
    /// Step of each row of the left factor.
    pub(crate) row_scales: &'a [f32],
    /// The byte that stands for 0 in each row of the left factor.
    pub(crate) row_zeros: &'a [u32],
    /// Step of each column of the right factor, padded to whole panels.
    pub(crate) column_scales: &'a [f32],
    /// Sum of each column's bytes (i32), padded to whole panels.
    pub(crate) column_sums: &'a [u32],
}

impl<S: Simd> WordFormat<S> for Int8 {
    type Sums = S::Words;
    type Scales<'a> = ByteScales<'a>;

    #[inline(always)]
    fn zero(simd: S) -> S::Words {
        simd.splat_word(0)
    }

    #[inline(always)]
    fn multiply_add(simd: S, left: S::Words, right: S::Words, sums: S::Words) -> S::Words {
        simd.dot_bytes(sums, left, right)
    }

    /// Σ (a - zero) b = Σ a b - zero Σ b, exact in i32.
    #[inline(always)]
    fn add_to(
        simd: S,
        bias: S::Vector,
        sums: S::Words,
        scales: ByteScales<'_>,
        [row, column]: [usize; 2],
    ) -> S::Vector {
        let zero = simd.splat_word(scales.row_zeros[row]);
        let centred = simd.sub_mul_words(sums, zero, simd.load_words(&scales.column_sums[column..]));
        let in_row_steps = simd.mul(simd.to_f32(centred), simd.splat(scales.row_scales[row]));
        simd.mul_add(in_row_steps, simd.load(&scales.column_scales[column..]), bias)
    }
}

/// Bytes, signed in the left factor (queries), and signed or unsigned in the right one (a corpus), summed
/// exactly in i32. A signed byte of the right factor counts as 128 more than it is, so that both kinds are
/// 0..=255.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowBytes<const SIGNED: bool>;

/// What a sum of [`RowBytes`] becomes: `step * sum + offset`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SumScale {
    pub(crate) step: f32,
    pub(crate) offset: f32,
}

impl<S: Simd, const SIGNED: bool> WordFormat<S> for RowBytes<SIGNED> {
    type Sums = S::Words;
    type Scales<'a> = SumScale;

    #[inline(always)]
    fn zero(simd: S) -> S::Words {
        simd.splat_word(0)
    }

    #[inline(always)]
    fn multiply_add(simd: S, left: S::Words, right: S::Words, sums: S::Words) -> S::Words {
        simd.dot_bytes(sums, if SIGNED { simd.flip_signs(right) } else { right }, left)
    }

    #[inline(always)]
    fn add_to(simd: S, bias: S::Vector, sums: S::Words, scale: SumScale, _: [usize; 2]) -> S::Vector {
        let score = simd.mul_add(simd.to_f32(sums), simd.splat(scale.step), simd.splat(scale.offset));
        simd.add(score, bias)
    }
}
