//! AVX512-BF16 on top of AVX-512: dot products of pairs of bf16.

use std::arch::x86_64::*;

use half::{bf16, f16};

use super::avx512::Avx512;
use super::{Arithmetic, Bf16Kernel, Bf16Simd, Kernel, MAX_LANES, Simd};

/// Proof that the CPU has AVX512-BF16 and the features of [`Avx512`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512Bf16 {
    base: Avx512<false>,
}

impl Avx512Bf16 {
    pub(crate) fn new() -> Option<Self> {
        let base = Avx512::new()?;
        is_x86_feature_detected!("avx512bf16").then_some(Self { base })
    }

    #[inline]
    pub(crate) fn run<K: Bf16Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: `self` exists only if the CPU has the features.
        unsafe { self.run_with_bf16(kernel) }
    }

    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    fn run_with_bf16<K: Bf16Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}

impl Bf16Simd for Avx512Bf16 {
    #[inline(always)]
    fn dot_bf16(self, sums: Self::Vector, a: Self::Words, b: Self::Words) -> Self::Vector {
        // SAFETY: `self` proves the feature; __m512i and __m512bh are both 64 bytes of any content.
        unsafe {
            let [a, b] = [a, b].map(|words| std::mem::transmute::<__m512i, __m512bh>(words));
            _mm512_dpbf16_ps(sums, a, b)
        }
    }

    #[inline(always)]
    fn store_bf16(self, vector: Self::Vector, target: &mut [u16]) {
        assert!(target.len() >= Self::LANES);
        // SAFETY: `self` proves the feature; the slice holds LANES values; both types are 32 bytes of any
        // content.
        unsafe {
            let halves = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(vector));
            _mm256_storeu_si256(target.as_mut_ptr().cast(), halves);
        }
    }
}

/// All f32 operations are those of [`Avx512`].
macro_rules! delegate {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $output:ty)?;)*) => {
        $(#[inline(always)]
        fn $name(self, $($argument: $type),*) $(-> $output)? {
            self.base.$name($($argument),*)
        })*
    };
}

impl Arithmetic for Avx512Bf16 {
    type Vector = __m512;

    delegate! {
        fn splat(value: f32) -> __m512;
        fn add(a: __m512, b: __m512) -> __m512;
        fn sub(a: __m512, b: __m512) -> __m512;
        fn mul(a: __m512, b: __m512) -> __m512;
        fn div(a: __m512, b: __m512) -> __m512;
        fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512;
        fn max(a: __m512, b: __m512) -> __m512;
        fn min(a: __m512, b: __m512) -> __m512;
        fn zero_where_less(value: __m512, x: __m512, limit: f32) -> __m512;
        fn round(a: __m512) -> __m512;
        fn scale_exponent(a: __m512, n: __m512) -> __m512;
        fn reciprocal(a: __m512) -> __m512;
    }
}

impl Simd for Avx512Bf16 {
    type Words = __m512i;
    const LANES: usize = 16;
    const TILE_ROWS: usize = 12;

    #[inline(always)]
    unsafe fn load_unchecked(self, source: *const f32) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values.
        unsafe { self.base.load_unchecked(source) }
    }
    #[inline(always)]
    unsafe fn store_unchecked(self, vector: Self::Vector, target: *mut f32) {
        // SAFETY: the caller promises LANES writable values.
        unsafe { self.base.store_unchecked(vector, target) }
    }
    #[inline(always)]
    unsafe fn load_words_unchecked(self, source: *const u32) -> Self::Words {
        // SAFETY: the caller promises LANES readable words.
        unsafe { self.base.load_words_unchecked(source) }
    }
    #[inline(always)]
    unsafe fn transpose(
        self,
        rows: &[*const u32; MAX_LANES],
        column: usize,
        target: *mut u32,
        target_stride: usize,
    ) {
        // SAFETY: the caller promises both blocks.
        unsafe { self.base.transpose(rows, column, target, target_stride) }
    }
    #[inline(always)]
    unsafe fn load_f16_unchecked(self, source: *const f16) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values.
        unsafe { self.base.load_f16_unchecked(source) }
    }
    #[inline(always)]
    unsafe fn load_bf16_unchecked(self, source: *const bf16) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values.
        unsafe { self.base.load_bf16_unchecked(source) }
    }
    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        self.base.run(kernel)
    }
    delegate! {
        fn load_or(source: &[f32], fill: f32) -> __m512;
        fn store_front(vector: __m512, target: &mut [f32]);
        fn sum(vector: __m512) -> f32;
        fn largest(vector: __m512) -> f32;
        fn smallest(vector: __m512) -> f32;
        fn not_at_most(a: __m512, b: __m512) -> u32;
        fn prefetch(address: *const u8);
        fn splat_word(word: u32) -> __m512i;
        fn as_f32(words: __m512i) -> __m512;
        fn dot_bytes(sums: __m512i, a: __m512i, b: __m512i) -> __m512i;
        fn flip_signs(words: __m512i) -> __m512i;
        fn sub_mul_words(a: __m512i, b: __m512i, c: __m512i) -> __m512i;
        fn to_f32(words: __m512i) -> __m512;
        fn round_bf16(vector: __m512) -> __m512;
        fn store_bytes(vector: __m512, target: &mut [u8]);
    }
}
