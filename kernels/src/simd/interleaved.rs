//! Several vectors worked on together.
//!
//! A function such as `exp` is one long chain of dependent instructions. Run for one vector after the other, the chains fill the
//! CPU's scheduler and wait for each other (measured on an Emerald Rapids: 45 cycles a vector of GELU); run for several in step,
//! each instruction finds its operands ready.

use super::Arithmetic;

/// The arithmetic of `S` on `N` vectors at a time. Every lane gets the bits that it gets alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interleaved<S, const N: usize>(pub(crate) S);

/// Loops rather than `array::from_fn`: a closure is a function of its own, which the compiler may leave without the caller's
/// instruction set.
macro_rules! lane_by_lane {
    ($(fn $name:ident($first:ident $(, $other:ident)*);)*) => {
        $(#[inline(always)]
        fn $name(self, mut $first: Self::Vector $(, $other: Self::Vector)*) -> Self::Vector {
            for i in 0..N {
                $first[i] = self.0.$name($first[i] $(, $other[i])*);
            }
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
        for i in 0..N {
            value[i] = self.0.zero_where_less(value[i], x[i], limit);
        }
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
