//! Plain Rust: runs on every CPU, and the compiler may vectorise it with the target's guaranteed features.

use half::{bf16, f16};

use super::{Arithmetic, Kernel, MAX_LANES, Simd};

/// Four lanes in an array. It needs no CPU feature, so anyone may create one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

const LANES: usize = 4;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], operation: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|i| operation(a[i], b[i]))
}

impl Arithmetic for Portable {
    type Vector = [f32; LANES];

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [value; LANES]
    }
    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a / b)
    }
    /// Rounded twice: `f32::mul_add` without the instruction is a library call, some fifty times slower.
    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn zero_where_less(self, value: Self::Vector, x: Self::Vector, limit: f32) -> Self::Vector {
        zip(value, x, |value, x| if x < limit { 0.0 } else { value })
    }
    #[inline(always)]
    fn round(self, a: Self::Vector) -> Self::Vector {
        a.map(f32::round_ties_even)
    }
    #[inline(always)]
    fn scale_exponent(self, a: Self::Vector, n: Self::Vector) -> Self::Vector {
        zip(a, n, |a, n| a * f32::from_bits(((n as i32 + 127) as u32) << 23))
    }
    #[inline(always)]
    fn reciprocal(self, a: Self::Vector) -> Self::Vector {
        a.map(|a| 1.0 / a)
    }
}

impl Simd for Portable {
    type Words = [u32; LANES];
    const LANES: usize = LANES;
    const TILE_ROWS: usize = 4;

    #[inline(always)]
    unsafe fn load_unchecked(self, source: *const f32) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values; an array of f32 may be read unaligned.
        unsafe { source.cast::<Self::Vector>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_unchecked(self, vector: Self::Vector, target: *mut f32) {
        // SAFETY: the caller promises LANES writable values.
        unsafe { target.cast::<Self::Vector>().write_unaligned(vector) }
    }
    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
    #[inline(always)]
    fn prefetch(self, _: *const u8) {}
    #[inline(always)]
    fn splat_word(self, word: u32) -> Self::Words {
        [word; LANES]
    }
    #[inline(always)]
    unsafe fn load_words_unchecked(self, source: *const u32) -> Self::Words {
        // SAFETY: the caller promises LANES readable words; an array of u32 may be read unaligned.
        unsafe { source.cast::<Self::Words>().read_unaligned() }
    }
    #[inline(always)]
    fn as_f32(self, words: Self::Words) -> Self::Vector {
        words.map(f32::from_bits)
    }
    #[inline(always)]
    unsafe fn load_f16_unchecked(self, source: *const f16) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values; an array of f16 may be read unaligned.
        unsafe { source.cast::<[f16; LANES]>().read_unaligned() }.map(f16::to_f32)
    }
    #[inline(always)]
    unsafe fn load_bf16_unchecked(self, source: *const bf16) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values; an array of bf16 may be read unaligned.
        unsafe { source.cast::<[bf16; LANES]>().read_unaligned() }.map(bf16::to_f32)
    }
    #[inline(always)]
    fn dot_bytes(self, mut sums: Self::Words, a: Self::Words, b: Self::Words) -> Self::Words {
        // Shifts and loops rather than arrays of bytes and closures: those are some hundred times slower.
        for lane in 0..LANES {
            let (a, b) = (a[lane], b[lane] as i32);
            let mut sum = sums[lane] as i32;
            for byte in 0..4 {
                let unsigned = (a >> (8 * byte) & 0xff) as i32;
                let signed = b << (24 - 8 * byte) >> 24;
                sum = sum.wrapping_add(unsigned * signed);
            }
            sums[lane] = sum as u32;
        }
        sums
    }
    #[inline(always)]
    fn flip_signs(self, words: Self::Words) -> Self::Words {
        words.map(|word| word ^ 0x8080_8080)
    }
    #[inline(always)]
    fn sub_mul_words(self, a: Self::Words, b: Self::Words, c: Self::Words) -> Self::Words {
        std::array::from_fn(|i| a[i].wrapping_sub(b[i].wrapping_mul(c[i])))
    }
    #[inline(always)]
    fn to_f32(self, words: Self::Words) -> Self::Vector {
        words.map(|word| word as i32 as f32)
    }
    #[inline(always)]
    fn round_bf16(self, vector: Self::Vector) -> Self::Vector {
        vector.map(|value| bf16::from_f32(value).to_f32())
    }
    #[inline(always)]
    fn store_bytes(self, vector: Self::Vector, target: &mut [u8]) {
        for (target, value) in target[..LANES].iter_mut().zip(vector) {
            *target = value.round_ties_even() as u8;
        }
    }
    #[inline(always)]
    fn load_or(self, source: &[f32], fill: f32) -> Self::Vector {
        let mut lanes = [fill; LANES];
        let count = source.len().min(LANES);
        lanes[..count].copy_from_slice(&source[..count]);
        lanes
    }
    #[inline(always)]
    fn store_front(self, vector: Self::Vector, target: &mut [f32]) {
        let count = target.len().min(LANES);
        target[..count].copy_from_slice(&vector[..count]);
    }
    #[inline(always)]
    fn sum(self, [a, b, c, d]: Self::Vector) -> f32 {
        (a + c) + (b + d)
    }
    #[inline(always)]
    fn largest(self, vector: Self::Vector) -> f32 {
        vector.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
    #[inline(always)]
    fn smallest(self, vector: Self::Vector) -> f32 {
        vector.into_iter().fold(f32::INFINITY, f32::min)
    }
    #[inline(always)]
    fn not_at_most(self, a: Self::Vector, b: Self::Vector) -> u32 {
        let mut lanes = 0;
        for lane in 0..LANES {
            let at_most = a[lane] <= b[lane];
            lanes |= u32::from(!at_most) << lane;
        }
        lanes
    }
    #[inline(always)]
    unsafe fn transpose(
        self,
        rows: &[*const u32; MAX_LANES],
        column: usize,
        target: *mut u32,
        target_stride: usize,
    ) {
        for (i, row) in rows[..LANES].iter().enumerate() {
            for j in 0..LANES {
                // SAFETY: the caller promises both blocks.
                unsafe { *target.add(j * target_stride + i) = row.add(column + j).read_unaligned() };
            }
        }
    }
}
