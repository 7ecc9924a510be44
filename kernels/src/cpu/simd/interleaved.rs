//! Several vectors processed together.
//!
//! A function such as `exp` is one long chain of dependent instructions. One vector after the other, the
//! chains fill the CPU's scheduler and wait for each other (measured on an Emerald Rapids: 45 cycles per
//! vector of GELU); with several in step, each instruction finds its operands ready.

use super::{Arithmetic, Simd};

/// The arithmetic of `S` on `N` vectors at a time. Every lane gets the same bits as alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interleaved<S, const N: usize>(pub(crate) S);

impl<S: Simd, const N: usize> Interleaved<S, N> {
    /// Values of `N` vectors.
    pub(crate) const LANES: usize = N * S::LANES;

    /// Loads up to `N` vectors from `source` and fills the rest with `fill`. Whole vectors avoid a loop over
    /// a slice, which would put them into memory.
    #[inline(always)]
    pub(crate) fn load_or(self, source: &[f32], fill: f32) -> [S::Vector; N] {
        let mut vectors = [self.0.splat(fill); N];
        if let Some(whole) = source.get(..N * S::LANES) {
            for i in 0..N {
                vectors[i] = self.0.load(&whole[i * S::LANES..]);
            }
            return vectors;
        }
        for (vector, lanes) in vectors.iter_mut().zip(source.chunks(S::LANES)) {
            *vector = self.0.load_or(lanes, fill);
        }
        vectors
    }

    /// Stores as many values as fit into `target`.
    #[inline(always)]
    pub(crate) fn store_front(self, vectors: [S::Vector; N], target: &mut [f32]) {
        if let Some(whole) = target.get_mut(..N * S::LANES) {
            for i in 0..N {
                self.0.store(vectors[i], &mut whole[i * S::LANES..]);
            }
            return;
        }
        for (vector, lanes) in vectors.into_iter().zip(target.chunks_mut(S::LANES)) {
            self.0.store_front(vector, lanes);
        }
    }

    /// The sum of all lanes: the vectors from first to last, then the lanes by halves.
    #[inline(always)]
    pub(crate) fn sum(self, vectors: [S::Vector; N]) -> f32 {
        let mut sum = vectors[0];
        for &vector in &vectors[1..] {
            sum = self.0.add(sum, vector);
        }
        self.0.sum(sum)
    }
}

/// The most vectors that are processed together.
const MOST: usize = 8;

/// Runs a statement for each of `N` vectors, written out: the compiler folds the conditions at once. As
/// loops, some tens of them for a function such as GELU, they took most of the time that this crate took to
/// compile. And not `array::from_fn`: a closure is a separate function, which the compiler may compile
/// without the caller's instruction set.
macro_rules! each {
    ($n:ident, $i:ident => $statement:expr) => {
        const { assert!($n <= MOST) }
        each!(@ $n, $i => $statement; 0 1 2 3 4 5 6 7);
    };
    (@ $n:ident, $i:ident => $statement:expr; $($k:literal)*) => {
        $(if $n > $k {
            let $i = $k;
            $statement;
        })*
    };
}

macro_rules! lane_by_lane {
    ($(fn $name:ident($first:ident $(, $other:ident)*);)*) => {
        $(#[inline(always)]
        fn $name(self, mut $first: Self::Vector $(, $other: Self::Vector)*) -> Self::Vector {
            each!(N, i => $first[i] = self.0.$name($first[i] $(, $other[i])*));
            $first
        })*
    };
}

impl<S: Arithmetic, const N: usize> Arithmetic for Interleaved<S, N> {
    type Vector = [S::Vector; N];

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [self.0.splat(value); N]
    }
    #[inline(always)]
    fn zero_where_less(self, mut value: Self::Vector, x: Self::Vector, limit: f32) -> Self::Vector {
        each!(N, i => value[i] = self.0.zero_where_less(value[i], x[i], limit));
        value
    }
    lane_by_lane! {
        fn add(a, b);
        fn sub(a, b);
        fn mul(a, b);
        fn div(a, b);
        fn mul_add(a, b, c);
        fn max(a, b);
        fn min(a, b);
        fn round(a);
        fn scale_exponent(a, n);
        fn reciprocal(a);
    }
}
