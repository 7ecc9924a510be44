//! Vectors for the CPU kernels: one algorithm, written once over [`Simd`], compiled for every instruction
//! set.
//!
//! A type that implements [`Simd`] is a proof that the CPU has its instructions: only a constructor that
//! checks can create it. [`dispatch`] picks the best one, once, and runs a [`Kernel`] inside a function
//! compiled for it (the scheme of memchr's `Vector` and rten-simd's `Isa`). `NEARSAY_ISA` forces a lower one,
//! for tests and bug reports; see [`InstructionSet`].
//!
//! A vector holds f32; [`Simd::Words`] holds the same number of 32-bit words: integers, or groups of narrower
//! values (two bf16, four bytes) that products process a word at a time.
//!
//! All operations on f32 are IEEE single operations without reassociation, so a kernel returns the same bits
//! for a value in a full vector or in a remainder. Instruction sets differ from one another in the last bits
//! (lanes per sum; how a product of bf16 rounds).

/// Methods that are an expression of intrinsics on vectors and numbers, one line each: `fn name(arguments) ->
/// output = expression;`. Only for a type that proves that the CPU has the instructions, and for expressions
/// that touch no memory.
#[cfg(target_arch = "x86_64")]
macro_rules! intrinsics {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty = $expression:expr;)*) => {
        $($(#[$doc])*
        #[inline(always)]
        fn $name(self, $($argument: $type),*) -> $output {
            // SAFETY: `self` exists only if the CPU has the features, and no memory is touched.
            unsafe { $expression }
        })*
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_bf16;
mod instruction_set;
mod interleaved;
pub(crate) mod math;
#[cfg(not(target_arch = "x86_64"))]
mod no_bf16;
mod portable;
#[cfg(test)]
mod tests;

use half::{bf16, f16};

#[cfg(target_arch = "x86_64")]
pub(crate) use avx512_bf16::Avx512Bf16 as NativeBf16;
pub use instruction_set::{InstructionSet, requested_instruction_set};
pub(crate) use interleaved::Interleaved;
#[cfg(not(target_arch = "x86_64"))]
pub(crate) use no_bf16::NativeBf16;
pub(crate) use portable::Portable;

/// Arithmetic on vectors of f32, lane by lane.
pub(crate) trait Arithmetic: Copy {
    /// A vector, or several that are processed together.
    type Vector: Copy;

    fn splat(self, value: f32) -> Self::Vector;
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once if the CPU can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The larger, lane by lane; `b` if either is NaN, as on x86. So `max(bound, x)` lets NaN through.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The smaller, lane by lane; `b` if either is NaN.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `value`, or 0 where `x < limit`.
    fn zero_where_less(self, value: Self::Vector, x: Self::Vector, limit: f32) -> Self::Vector;
    /// The nearest integer, ties to even.
    fn round(self, a: Self::Vector) -> Self::Vector;
    /// `a` times 2 to the power of `n`, an integral value in -126..=127.
    fn scale_exponent(self, a: Self::Vector, n: Self::Vector) -> Self::Vector;
    /// 1 / a, within 2 ULP.
    fn reciprocal(self, a: Self::Vector) -> Self::Vector;
}

/// A CPU's vector instructions.
///
/// Pointers passed to `load` and `store` need no alignment.
pub(crate) trait Simd: Arithmetic {
    /// `LANES` words of 32 bits.
    type Words: Copy;
    /// Values per vector.
    const LANES: usize;
    /// Rows of the product's register tile; see `product`.
    const TILE_ROWS: usize;

    /// # Safety
    /// `LANES` values must be readable at `source`.
    unsafe fn load_unchecked(self, source: *const f32) -> Self::Vector;
    /// # Safety
    /// `LANES` values must be writable at `target`.
    unsafe fn store_unchecked(self, vector: Self::Vector, target: *mut f32);
    /// Loads up to a vector from `source` and fills the rest with `fill`.
    fn load_or(self, source: &[f32], fill: f32) -> Self::Vector;
    /// Stores as many values as fit into `target`, at most a vector.
    fn store_front(self, vector: Self::Vector, target: &mut [f32]);
    /// The sum of all lanes, upper half onto lower half until one is left.
    fn sum(self, vector: Self::Vector) -> f32;
    /// The largest lane; any value if a lane is NaN.
    fn largest(self, vector: Self::Vector) -> f32;
    /// The smallest lane; any value if a lane is NaN.
    fn smallest(self, vector: Self::Vector) -> f32;
    /// One bit per lane, the first lane's lowest: set unless `a <= b`, so if `a` is larger or either is NaN.
    fn not_at_most(self, a: Self::Vector, b: Self::Vector) -> u32;
    /// Transposes a block of `LANES` x `LANES` words, which need no alignment:
    /// `target[j * target_stride + i] = rows[i][column + j]`.
    ///
    /// # Safety
    /// `LANES` words must be readable from `column` on in each of the first `LANES` rows, and `LANES` words
    /// writable at each of `LANES` rows of `target`, `target_stride` apart.
    unsafe fn transpose(
        self,
        rows: &[*const u32; MAX_LANES],
        column: usize,
        target: *mut u32,
        target_stride: usize,
    );
    /// Loads `LANES` f16, widened exactly.
    ///
    /// # Safety
    /// `LANES` values must be readable at `source`.
    unsafe fn load_f16_unchecked(self, source: *const f16) -> Self::Vector;
    /// Loads `LANES` bf16, widened exactly.
    ///
    /// # Safety
    /// `LANES` values must be readable at `source`.
    unsafe fn load_bf16_unchecked(self, source: *const bf16) -> Self::Vector;
    /// Prefetches the cache line at `address` into the L2; it need not be readable.
    fn prefetch(self, address: *const u8);
    fn splat_word(self, word: u32) -> Self::Words;
    /// # Safety
    /// `LANES` words must be readable at `source`.
    unsafe fn load_words_unchecked(self, source: *const u32) -> Self::Words;
    /// The f32 whose bits are `words`.
    fn as_f32(self, words: Self::Words) -> Self::Vector;
    /// `sums` (i32) plus the products of the four bytes of each word, unsigned in `a`, signed in `b`; exact,
    /// wrapping.
    fn dot_bytes(self, sums: Self::Words, a: Self::Words, b: Self::Words) -> Self::Words;
    /// 128 more of every byte: a signed one becomes unsigned.
    fn flip_signs(self, words: Self::Words) -> Self::Words;
    /// `a - b * c` on i32, wrapping.
    fn sub_mul_words(self, a: Self::Words, b: Self::Words, c: Self::Words) -> Self::Words;
    /// i32 to the nearest f32.
    fn to_f32(self, words: Self::Words) -> Self::Vector;
    /// The nearest bf16, ties to even. A NaN may change only if its payload is not the one that arithmetic
    /// produces.
    fn round_bf16(self, vector: Self::Vector) -> Self::Vector;
    /// Stores the nearest integers (ties to even), cut to 0..=255, at the front of `target`. Values must be
    /// within i32.
    fn store_bytes(self, vector: Self::Vector, target: &mut [u8]);

    /// Runs a part of a kernel as a separate function, so that the compiler allocates registers afresh: a
    /// loop in the middle of a large kernel may find none left and keep its sums in memory (measured on a
    /// softmax: half its time).
    fn call<K: Kernel>(self, kernel: K) -> K::Output;

    /// Loads a whole vector from the front of `source`.
    #[inline(always)]
    fn load(self, source: &[f32]) -> Self::Vector {
        assert!(source.len() >= Self::LANES);
        // SAFETY: the slice holds at least LANES values.
        unsafe { self.load_unchecked(source.as_ptr()) }
    }

    /// Stores a whole vector at the front of `target`.
    #[inline(always)]
    fn store(self, vector: Self::Vector, target: &mut [f32]) {
        assert!(target.len() >= Self::LANES);
        // SAFETY: the slice holds at least LANES values.
        unsafe { self.store_unchecked(vector, target.as_mut_ptr()) }
    }

    /// Loads words from the front of `source`.
    #[inline(always)]
    fn load_words(self, source: &[u32]) -> Self::Words {
        assert!(source.len() >= Self::LANES);
        // SAFETY: the slice holds at least LANES words.
        unsafe { self.load_words_unchecked(source.as_ptr()) }
    }
}

/// A CPU with an instruction for products of bf16.
pub(crate) trait Bf16Simd: Simd {
    /// `sums` plus the products of both bf16 of each word; see `product::Bf16` for how it rounds.
    fn dot_bf16(self, sums: Self::Vector, a: Self::Words, b: Self::Words) -> Self::Vector;
    /// Stores the values rounded to bf16 (ties to even, subnormal numbers as 0) at the front of `target`.
    fn store_bf16(self, vector: Self::Vector, target: &mut [u16]);
}

/// Lanes of the widest vector.
pub(crate) const MAX_LANES: usize = 16;

/// An algorithm written over [`Simd`]. `run` must be `#[inline(always)]`, so that it is compiled for the
/// instruction set.
pub(crate) trait Kernel {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// An algorithm written over [`Bf16Simd`]. `run` must be `#[inline(always)]`.
pub(crate) trait Bf16Kernel {
    type Output;
    fn run<S: Bf16Simd>(self, simd: S) -> Self::Output;
}

/// Runs a kernel on f32 with the CPU's best instructions.
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    dispatch_to(InstructionSet::current(), kernel)
}

/// Runs a kernel on f32 with the instructions of `set`, or plain ones if the CPU lacks them. The instructions
/// of `set` for narrower formats do not affect it, so it is not compiled for them.
pub(crate) fn dispatch_to<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if let (16, Some(simd)) = (set.lanes(), avx512::Avx512::<false>::new()) {
            return simd.run(kernel);
        }
        if let (8, Some(simd)) = (set.lanes(), avx2::Avx2::<false>::new()) {
            return simd.run(kernel);
        }
    }
    let _ = set;
    kernel.run(Portable)
}

/// Runs a kernel on bytes with the instructions of `set`, or plain ones if the CPU lacks them.
pub(crate) fn dispatch_bytes_to<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if let (InstructionSet::Avx512Vnni | InstructionSet::Avx512Bf16, Some(simd)) =
            (set, avx512::Avx512::<true>::new())
        {
            return simd.run(kernel);
        }
        if let (InstructionSet::Avx2Vnni, Some(simd)) = (set, avx2::Avx2::<true>::new()) {
            return simd.run(kernel);
        }
    }
    dispatch_to(set, kernel)
}
