//! AVX-512, AVX512-VNNI and AVX512-BF16: 16 lanes, 32 registers. The tile of 12 x 32 uses 24 of them for
//! sums, 2 for weights; activations are broadcast from memory.

use std::arch::x86_64::*;

use half::{bf16, f16};

use super::{Arithmetic, Kernel, MAX_LANES, Simd};

/// Proof that the CPU has AVX-512 F, BW, DQ and VL; with `VNNI` also AVX512-VNNI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512<const VNNI: bool> {
    _private: (),
}

impl<const VNNI: bool> Avx512<VNNI> {
    pub(crate) fn new() -> Option<Self> {
        let base = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        (base && (!VNNI || is_x86_feature_detected!("avx512vnni"))).then_some(Self { _private: () })
    }

    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: `self` exists only if the CPU has the features.
        unsafe { if VNNI { self.run_with_vnni(kernel) } else { self.run_with_avx512(kernel) } }
    }

    #[inline(never)]
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    fn run_with_avx512<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(never)]
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn run_with_vnni<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}

impl<const VNNI: bool> Arithmetic for Avx512<VNNI> {
    type Vector = __m512;

    intrinsics! {
        fn splat(value: f32) -> Self::Vector = _mm512_set1_ps(value);
        fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm512_add_ps(a, b);
        fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm512_sub_ps(a, b);
        fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm512_mul_ps(a, b);
        fn div(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm512_div_ps(a, b);
        fn max(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm512_max_ps(a, b);
        fn min(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm512_min_ps(a, b);
        fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector =
            _mm512_fmadd_ps(a, b, c);
        fn zero_where_less(value: Self::Vector, x: Self::Vector, limit: f32) -> Self::Vector = {
            let keep = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(x, _mm512_set1_ps(limit));
            _mm512_maskz_mov_ps(keep, value)
        };
        fn round(a: Self::Vector) -> Self::Vector =
            _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        fn scale_exponent(a: Self::Vector, n: Self::Vector) -> Self::Vector = _mm512_scalef_ps(a, n);
        /// 14 bits and a Newton step; a division takes four times as long.
        fn reciprocal(a: Self::Vector) -> Self::Vector = {
            let rough = _mm512_rcp14_ps(a);
            let error = _mm512_fnmadd_ps(a, rough, _mm512_set1_ps(1.0));
            _mm512_fmadd_ps(rough, error, rough)
        };
    }
}

impl<const VNNI: bool> Simd for Avx512<VNNI> {
    type Words = __m512i;
    const LANES: usize = 16;
    const TILE_ROWS: usize = 12;

    intrinsics! {
        fn splat_word(word: u32) -> Self::Words = _mm512_set1_epi32(word as i32);
        fn as_f32(words: Self::Words) -> Self::Vector = _mm512_castsi512_ps(words);
        fn flip_signs(words: Self::Words) -> Self::Words =
            _mm512_xor_si512(words, _mm512_set1_epi32(0x8080_8080_u32 as i32));
        fn sub_mul_words(a: Self::Words, b: Self::Words, c: Self::Words) -> Self::Words =
            _mm512_sub_epi32(a, _mm512_mullo_epi32(b, c));
        fn to_f32(words: Self::Words) -> Self::Vector = _mm512_cvtepi32_ps(words);
        fn round_bf16(vector: Self::Vector) -> Self::Vector = {
            let bits = _mm512_castps_si512(vector);
            let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
            let rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
            _mm512_castsi512_ps(_mm512_and_si512(rounded, _mm512_set1_epi32(0xffff_0000_u32 as i32)))
        };
        fn sum(vector: Self::Vector) -> f32 = {
            let eight = _mm256_add_ps(_mm512_castps512_ps256(vector), _mm512_extractf32x8_ps::<1>(vector));
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        };
        fn largest(vector: Self::Vector) -> f32 = _mm512_reduce_max_ps(vector);
        fn smallest(vector: Self::Vector) -> f32 = _mm512_reduce_min_ps(vector);
        fn not_at_most(a: Self::Vector, b: Self::Vector) -> u32 =
            _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(a, b).into();
    }

    #[inline(always)]
    unsafe fn load_unchecked(self, source: *const f32) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values.
        unsafe { _mm512_loadu_ps(source) }
    }
    #[inline(always)]
    unsafe fn store_unchecked(self, vector: Self::Vector, target: *mut f32) {
        // SAFETY: the caller promises LANES writable values.
        unsafe { _mm512_storeu_ps(target, vector) }
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
        unsafe { _mm512_loadu_si512(source.cast()) }
    }
    #[inline(always)]
    unsafe fn load_f16_unchecked(self, source: *const f16) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(source.cast())) }
    }
    #[inline(always)]
    unsafe fn load_bf16_unchecked(self, source: *const bf16) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values.
        unsafe {
            let words = _mm512_cvtepu16_epi32(_mm256_loadu_si256(source.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(words))
        }
    }
    #[inline(always)]
    fn dot_bytes(self, sums: Self::Words, a: Self::Words, b: Self::Words) -> Self::Words {
        // SAFETY: `self` proves the features; AVX512-VNNI only if `VNNI` is true.
        unsafe {
            if VNNI {
                return _mm512_dpbusd_epi32(sums, a, b);
            }
            // `vpmaddubsw` would saturate, so bytes are widened to 16 bits, the odd and the even ones
            // separately.
            let even = _mm512_set1_epi16(0xff);
            let (a_even, a_odd) = (_mm512_and_si512(a, even), _mm512_srli_epi16::<8>(a));
            let b_even = _mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(b));
            let b_odd = _mm512_srai_epi16::<8>(b);
            let products =
                _mm512_add_epi32(_mm512_madd_epi16(a_even, b_even), _mm512_madd_epi16(a_odd, b_odd));
            _mm512_add_epi32(sums, products)
        }
    }
    #[inline(always)]
    fn store_bytes(self, vector: Self::Vector, target: &mut [u8]) {
        assert!(target.len() >= Self::LANES);
        // SAFETY: `self` proves the features; the slice holds LANES values.
        unsafe {
            let integers = _mm512_max_epi32(_mm512_cvtps_epi32(vector), _mm512_setzero_si512());
            _mm_storeu_si128(target.as_mut_ptr().cast(), _mm512_cvtusepi32_epi8(integers));
        }
    }
    #[inline(always)]
    fn load_or(self, source: &[f32], fill: f32) -> Self::Vector {
        if source.len() >= Self::LANES {
            return self.load(source);
        }
        // SAFETY: `self` proves the features; the mask keeps to the slice.
        unsafe { _mm512_mask_loadu_ps(_mm512_set1_ps(fill), front_mask(source.len()), source.as_ptr()) }
    }
    /// Whole vectors without a mask: a masked store is not forwarded to a load that follows it.
    #[inline(always)]
    fn store_front(self, vector: Self::Vector, target: &mut [f32]) {
        if target.len() >= Self::LANES {
            return self.store(vector, target);
        }
        // SAFETY: `self` proves the features; the mask keeps to the slice.
        unsafe { _mm512_mask_storeu_ps(target.as_mut_ptr(), front_mask(target.len()), vector) }
    }
    /// Pairs, then pairs of pairs within quarters of 128 bits, then the quarters by two rounds of exchanges.
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
            let mut rows = [_mm512_setzero_ps(); 16];
            for (row, address) in rows.iter_mut().zip(addresses) {
                *row = _mm512_loadu_ps(address.add(column).cast());
            }
            let mut pairs = rows;
            for i in 0..8 {
                pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            let mut fours = pairs;
            for i in [0, 4, 8, 12] {
                fours[i] = _mm512_shuffle_ps::<0x44>(pairs[i], pairs[i + 2]);
                fours[i + 1] = _mm512_shuffle_ps::<0xee>(pairs[i], pairs[i + 2]);
                fours[i + 2] = _mm512_shuffle_ps::<0x44>(pairs[i + 1], pairs[i + 3]);
                fours[i + 3] = _mm512_shuffle_ps::<0xee>(pairs[i + 1], pairs[i + 3]);
            }
            for i in 0..4 {
                let [a, b, c, d] = [fours[i], fours[i + 4], fours[i + 8], fours[i + 12]];
                let even_ab = _mm512_shuffle_f32x4::<0x88>(a, b);
                let odd_ab = _mm512_shuffle_f32x4::<0xdd>(a, b);
                let even_cd = _mm512_shuffle_f32x4::<0x88>(c, d);
                let odd_cd = _mm512_shuffle_f32x4::<0xdd>(c, d);
                let columns = [
                    _mm512_shuffle_f32x4::<0x88>(even_ab, even_cd),
                    _mm512_shuffle_f32x4::<0x88>(odd_ab, odd_cd),
                    _mm512_shuffle_f32x4::<0xdd>(even_ab, even_cd),
                    _mm512_shuffle_f32x4::<0xdd>(odd_ab, odd_cd),
                ];
                for (quarter, column) in columns.into_iter().enumerate() {
                    _mm512_storeu_ps(target.add((i + 4 * quarter) * target_stride).cast(), column);
                }
            }
        }
    }
}

/// Ones for the first `count` lanes, of 16.
#[inline(always)]
fn front_mask(count: usize) -> __mmask16 {
    (1 << count) - 1
}
