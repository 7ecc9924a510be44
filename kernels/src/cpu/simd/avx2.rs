//! AVX2 with FMA, and AVX-VNNI: 8 lanes, 16 registers. The tile of 6 x 16 uses 12 of them for sums, 2 for
//! weights, 1 for an activation.

use std::arch::x86_64::*;

use half::{bf16, f16};

use super::{Arithmetic, Kernel, MAX_LANES, Simd};

/// Proof that the CPU has AVX2, FMA and F16C; with `VNNI` also AVX-VNNI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2<const VNNI: bool> {
    _private: (),
}

impl<const VNNI: bool> Avx2<VNNI> {
    pub(crate) fn new() -> Option<Self> {
        let base = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        (base && (!VNNI || is_x86_feature_detected!("avxvnni"))).then_some(Self { _private: () })
    }

    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: `self` exists only if the CPU has the features.
        unsafe { if VNNI { self.run_with_vnni(kernel) } else { self.run_with_avx2(kernel) } }
    }

    #[inline(never)]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn run_with_avx2<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(never)]
    #[target_feature(enable = "avx2,fma,f16c,avxvnni")]
    fn run_with_vnni<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}

impl<const VNNI: bool> Arithmetic for Avx2<VNNI> {
    type Vector = __m256;

    intrinsics! {
        fn splat(value: f32) -> Self::Vector = _mm256_set1_ps(value);
        fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm256_add_ps(a, b);
        fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm256_sub_ps(a, b);
        fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm256_mul_ps(a, b);
        fn div(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm256_div_ps(a, b);
        fn max(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm256_max_ps(a, b);
        fn min(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm256_min_ps(a, b);
        fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector =
            _mm256_fmadd_ps(a, b, c);
        fn zero_where_less(value: Self::Vector, x: Self::Vector, limit: f32) -> Self::Vector = {
            let keep = _mm256_cmp_ps::<_CMP_NLT_UQ>(x, _mm256_set1_ps(limit));
            _mm256_and_ps(value, keep)
        };
        fn round(a: Self::Vector) -> Self::Vector =
            _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        fn scale_exponent(a: Self::Vector, n: Self::Vector) -> Self::Vector = {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
        };
        fn reciprocal(a: Self::Vector) -> Self::Vector = _mm256_div_ps(_mm256_set1_ps(1.0), a);
    }
}

impl<const VNNI: bool> Simd for Avx2<VNNI> {
    type Words = __m256i;
    const LANES: usize = 8;
    const TILE_ROWS: usize = 6;

    intrinsics! {
        fn splat_word(word: u32) -> Self::Words = _mm256_set1_epi32(word as i32);
        fn as_f32(words: Self::Words) -> Self::Vector = _mm256_castsi256_ps(words);
        fn flip_signs(words: Self::Words) -> Self::Words =
            _mm256_xor_si256(words, _mm256_set1_epi32(0x8080_8080_u32 as i32));
        fn sub_mul_words(a: Self::Words, b: Self::Words, c: Self::Words) -> Self::Words =
            _mm256_sub_epi32(a, _mm256_mullo_epi32(b, c));
        fn to_f32(words: Self::Words) -> Self::Vector = _mm256_cvtepi32_ps(words);
        fn round_bf16(vector: Self::Vector) -> Self::Vector = {
            let bits = _mm256_castps_si256(vector);
            let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
            let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
            _mm256_castsi256_ps(_mm256_and_si256(rounded, _mm256_set1_epi32(0xffff_0000_u32 as i32)))
        };
        fn sum(vector: Self::Vector) -> f32 = {
            let four = _mm_add_ps(_mm256_castps256_ps128(vector), _mm256_extractf128_ps::<1>(vector));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        };
        fn largest(vector: Self::Vector) -> f32 = {
            let four = _mm_max_ps(_mm256_castps256_ps128(vector), _mm256_extractf128_ps::<1>(vector));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps::<1>(two, two)))
        };
        fn smallest(vector: Self::Vector) -> f32 = {
            let four = _mm_min_ps(_mm256_castps256_ps128(vector), _mm256_extractf128_ps::<1>(vector));
            let two = _mm_min_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_min_ss(two, _mm_shuffle_ps::<1>(two, two)))
        };
        fn not_at_most(a: Self::Vector, b: Self::Vector) -> u32 =
            _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(a, b)) as u32;
    }

    #[inline(always)]
    unsafe fn load_unchecked(self, source: *const f32) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values.
        unsafe { _mm256_loadu_ps(source) }
    }
    #[inline(always)]
    unsafe fn store_unchecked(self, vector: Self::Vector, target: *mut f32) {
        // SAFETY: the caller promises LANES writable values.
        unsafe { _mm256_storeu_ps(target, vector) }
    }
    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        self.run(kernel)
    }
    #[inline(always)]
    fn prefetch(self, address: *const u8) {
        // SAFETY: a prefetch of any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
    }
    #[inline(always)]
    unsafe fn load_words_unchecked(self, source: *const u32) -> Self::Words {
        // SAFETY: the caller promises LANES readable words.
        unsafe { _mm256_loadu_si256(source.cast()) }
    }
    #[inline(always)]
    unsafe fn load_f16_unchecked(self, source: *const f16) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(source.cast())) }
    }
    #[inline(always)]
    unsafe fn load_bf16_unchecked(self, source: *const bf16) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values.
        unsafe {
            let words = _mm256_cvtepu16_epi32(_mm_loadu_si128(source.cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(words))
        }
    }
    #[inline(always)]
    fn dot_bytes(self, sums: Self::Words, a: Self::Words, b: Self::Words) -> Self::Words {
        // SAFETY: `self` proves the features; AVX-VNNI only if `VNNI` is true.
        unsafe {
            if VNNI {
                return _mm256_dpbusd_avx_epi32(sums, a, b);
            }
            // `vpmaddubsw` would saturate, so bytes are widened to 16 bits, the odd and the even ones
            // separately.
            let even = _mm256_set1_epi16(0xff);
            let (a_even, a_odd) = (_mm256_and_si256(a, even), _mm256_srli_epi16::<8>(a));
            let b_even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(b));
            let b_odd = _mm256_srai_epi16::<8>(b);
            let products =
                _mm256_add_epi32(_mm256_madd_epi16(a_even, b_even), _mm256_madd_epi16(a_odd, b_odd));
            _mm256_add_epi32(sums, products)
        }
    }
    #[inline(always)]
    fn store_bytes(self, vector: Self::Vector, target: &mut [u8]) {
        assert!(target.len() >= Self::LANES);
        // SAFETY: `self` proves the features; the slice holds LANES values.
        unsafe {
            let integers = _mm256_cvtps_epi32(vector);
            // Both packings work within halves of 128 bits: each half's four bytes end up in its lowest word.
            let packed = _mm256_packs_epi32(integers, integers);
            let packed = _mm256_packus_epi16(packed, packed);
            let words = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 0, 0, 0, 0, 0, 0));
            _mm_storel_epi64(target.as_mut_ptr().cast(), _mm256_castsi256_si128(words));
        }
    }
    #[inline(always)]
    fn load_or(self, source: &[f32], fill: f32) -> Self::Vector {
        if source.len() >= Self::LANES {
            return self.load(source);
        }
        // SAFETY: `self` proves the features; the mask keeps to the slice.
        unsafe {
            let mask = front_mask(source.len());
            let values = _mm256_maskload_ps(source.as_ptr(), mask);
            _mm256_blendv_ps(_mm256_set1_ps(fill), values, _mm256_castsi256_ps(mask))
        }
    }
    #[inline(always)]
    fn store_front(self, vector: Self::Vector, target: &mut [f32]) {
        if target.len() >= Self::LANES {
            return self.store(vector, target);
        }
        // SAFETY: `self` proves the features; the mask keeps to the slice.
        unsafe { _mm256_maskstore_ps(target.as_mut_ptr(), front_mask(target.len()), vector) }
    }
    /// Pairs, then pairs of pairs within halves of 128 bits, then the halves.
    #[inline(always)]
    unsafe fn transpose(
        self,
        rows: &[*const u32; MAX_LANES],
        column: usize,
        target: *mut u32,
        target_stride: usize,
    ) {
        // SAFETY: `self` proves the features; the caller promises both blocks.
        unsafe {
            let addresses = rows;
            let mut rows = [_mm256_setzero_ps(); 8];
            for (row, address) in rows.iter_mut().zip(addresses) {
                *row = _mm256_loadu_ps(address.add(column).cast());
            }
            let mut pairs = rows;
            for i in 0..4 {
                pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            let mut fours = pairs;
            for i in [0, 4] {
                fours[i] = _mm256_shuffle_ps::<0x44>(pairs[i], pairs[i + 2]);
                fours[i + 1] = _mm256_shuffle_ps::<0xee>(pairs[i], pairs[i + 2]);
                fours[i + 2] = _mm256_shuffle_ps::<0x44>(pairs[i + 1], pairs[i + 3]);
                fours[i + 3] = _mm256_shuffle_ps::<0xee>(pairs[i + 1], pairs[i + 3]);
            }
            for i in 0..4 {
                let lower = _mm256_permute2f128_ps::<0x20>(fours[i], fours[i + 4]);
                let upper = _mm256_permute2f128_ps::<0x31>(fours[i], fours[i + 4]);
                _mm256_storeu_ps(target.add(i * target_stride).cast(), lower);
                _mm256_storeu_ps(target.add((i + 4) * target_stride).cast(), upper);
            }
        }
    }
}

/// Ones in the first `count` lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn front_mask(count: usize) -> __m256i {
    _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
}
