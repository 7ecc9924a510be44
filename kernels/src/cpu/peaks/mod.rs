//! This machine's limits: operations per second in every precision, bytes per second from memory.
//!
//! | figure | loop | instructions |
//! |---|---|---|
//! | f32 | `x = x a + b` | FMA, in the widest and in every narrower vector that the CPU has; the fastest counts |
//! | bf16 | `sum += a b`, in pairs | AVX512-BF16's `vdpbf16ps`, if the CPU has it |
//! | int8 | `sum += a b`, in fours | `vpdpbusd` of AVX512-VNNI or AVX-VNNI, else the kernels' substitute |
//! | memory | sums of a buffer | vector loads of consecutive values |
//!
//! Arithmetic runs in independent chains, whose operands stay in registers: nothing that reads or writes
//! memory can be faster. A multiply-add is two operations. Memory is only read, [`BUFFER_BYTES`] divided
//! among the threads; if all last-level caches together come near that size, the figure partly measures them.
//!
//! Every figure is the best of several short runs of all threads together (`rate`). `NEARSAY_ISA` has no
//! effect: this measures the CPU, not the part of it that the kernels may use.

mod rate;

use std::hint::black_box;
use std::io;
use std::num::NonZero;

use crate::Precision;
use crate::cpu::simd::{
    Bf16Kernel, Bf16Simd, InstructionSet, Kernel, NativeBf16, Simd, dispatch, dispatch_bytes_to, dispatch_to,
};
use rate::rate;

/// Chains of dependent instructions. An FMA takes four cycles and two start in each, so eight would suffice;
/// more than twelve, with their operands, would not fit into AVX2's sixteen registers.
const CHAINS: usize = 12;

/// The same for bf16, whose instruction takes up to twelve cycles; AVX-512 has 32 registers.
const BF16_CHAINS: usize = 24;

/// Links of every chain between two reads of the clock: some 100,000 cycles.
const LINKS: usize = 1 << 14;

/// Memory that all threads read together: several times the last-level cache of a machine's cores.
const BUFFER_BYTES: usize = 480 << 20;

/// Bytes that a thread reads between two looks at the clock: a millisecond's worth, so that threads end a run
/// together.
const PIECE_BYTES: usize = 4 << 20;

/// Rates of a number of threads working at the same time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peaks {
    /// Operations per second in f32.
    pub f32: f64,
    /// Operations per second by the CPU's own instruction for products of bf16, if it has one.
    pub bf16_instruction: Option<f64>,
    /// Operations per second on bytes.
    pub int8: f64,
    /// Bytes per second read from memory, in 480 MiB divided among the threads.
    pub memory: f64,
}

impl Peaks {
    /// Measures them with `threads` threads; needs about two seconds.
    ///
    /// # Errors
    /// If the system cannot start that many threads.
    pub fn measure(threads: NonZero<usize>) -> io::Result<Self> {
        let threads = threads.get();
        let sets = || InstructionSet::ALL.into_iter().filter(|set| set.is_available());
        // Sets of the same width have the same instructions for f32.
        let widest = |lanes| sets().find(|set| set.lanes() == lanes);
        let of_f32 = [4, 8, 16].into_iter().filter_map(widest);
        let bf16 = NativeBf16::new().map(|native| arithmetic_rate(threads, || native.run(DotsOfBf16)));
        let values = BUFFER_BYTES / size_of::<f32>() / threads;
        Ok(Self {
            f32: best(of_f32.map(|set| arithmetic_rate(threads, || dispatch_to(set, MultiplyAdds))))?,
            bf16_instruction: bf16.transpose()?,
            int8: best(sets().map(|set| arithmetic_rate(threads, || dispatch_bytes_to(set, DotsOfBytes))))?,
            // Ones: untouched zeros would all be the same page.
            memory: rate(threads, || vec![1.0; values], |values, step| dispatch(Read(piece(values, step))))?,
        })
    }

    /// Operations per second in bf16: by the CPU's own instruction, or by widening to f32, whichever is
    /// faster.
    ///
    /// Intel's instruction is half as fast as its f32 multiply-adds (Sapphire and Emerald Rapids: 88 against
    /// 183 GFLOP/s on a core), so the kernels widen there, and the rate of f32 is the limit.
    pub fn bf16(&self) -> f64 {
        self.bf16_instruction.map_or(self.f32, |instruction| instruction.max(self.f32))
    }

    /// Operations per second in `precision`; `None` for f16, in which CPUs do not multiply.
    pub fn of(&self, precision: Precision) -> Option<f64> {
        match precision {
            Precision::F32 => Some(self.f32),
            Precision::F16 => None,
            Precision::Bf16 => Some(self.bf16()),
            Precision::Int8 => Some(self.int8),
        }
    }
}

/// The part of `values` that is read in a step, one after the other and again from the start.
fn piece(values: &[f32], step: usize) -> &[f32] {
    let length = PIECE_BYTES / size_of::<f32>();
    let count = values.len().div_ceil(length).max(1);
    let start = step % count * length;
    &values[start.min(values.len())..values.len().min(start + length)]
}

fn best(rates: impl Iterator<Item = io::Result<f64>>) -> io::Result<f64> {
    rates.reduce(|best, rate| Ok(best?.max(rate?))).unwrap_or(Ok(0.0))
}

fn arithmetic_rate(threads: usize, work: impl Fn() -> usize + Sync) -> io::Result<f64> {
    rate(threads, || (), |(), _| work())
}

/// Each value is its own factor, so no part of a step can be computed once for all values.
struct MultiplyAdds;

impl Kernel for MultiplyAdds {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> usize {
        let (factor, addend) = (simd.splat(black_box(0.5)), simd.splat(black_box(0.5)));
        let mut values = black_box([addend; CHAINS]);
        for _ in 0..LINKS {
            for value in &mut values {
                *value = simd.mul_add(*value, factor, addend);
            }
        }
        black_box(values);
        2 * S::LANES * CHAINS * LINKS
    }
}

struct DotsOfBf16;

impl Bf16Kernel for DotsOfBf16 {
    type Output = usize;

    #[inline(always)]
    fn run<S: Bf16Simd>(self, simd: S) -> usize {
        let factor = simd.splat_word(black_box(0x3f80_3f80));
        let mut sums = black_box([simd.splat(0.0); BF16_CHAINS]);
        for _ in 0..LINKS {
            for sum in &mut sums {
                *sum = simd.dot_bf16(*sum, factor, factor);
            }
        }
        black_box(sums);
        2 * 2 * S::LANES * BF16_CHAINS * LINKS
    }
}

/// As in [`MultiplyAdds`], the sums' own bytes are a factor.
struct DotsOfBytes;

impl Kernel for DotsOfBytes {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> usize {
        let factor = simd.splat_word(black_box(0x0102_0304));
        let mut sums = black_box([factor; CHAINS]);
        for _ in 0..LINKS {
            for sum in &mut sums {
                *sum = simd.dot_bytes(*sum, *sum, factor);
            }
        }
        black_box(sums);
        2 * 4 * S::LANES * CHAINS * LINKS
    }
}

struct Read<'a>(&'a [f32]);

impl Kernel for Read<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> usize {
        const TOGETHER: usize = 8;
        let mut sums = [simd.splat(0.0); TOGETHER];
        for values in self.0.chunks_exact(TOGETHER * S::LANES) {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = simd.add(*sum, simd.load(&values[i * S::LANES..]));
            }
        }
        black_box(sums);
        size_of_val(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::available_sets;

    #[test]
    fn a_machine_has_peaks() {
        let peaks = Peaks::measure(NonZero::<usize>::MIN).unwrap();
        for rate in [peaks.f32, peaks.int8, peaks.memory] {
            assert!(rate.is_finite() && rate > 1e6, "{peaks:?}");
        }
        assert!(peaks.bf16() >= peaks.f32);
        assert_eq!(peaks.of(Precision::Bf16), Some(peaks.bf16()));
        assert_eq!(peaks.of(Precision::F16), None);
    }

    #[test]
    fn memory_is_read_piece_by_piece() {
        let values = vec![1.0; 3 * PIECE_BYTES / 8];
        let lengths = [0, 1, 2, 3].map(|step| piece(&values, step).len());
        assert_eq!(lengths, [PIECE_BYTES / 4, PIECE_BYTES / 8, PIECE_BYTES / 4, PIECE_BYTES / 8]);
        assert!(piece(&[], 5).is_empty());
    }

    #[test]
    fn work_is_counted_for_every_instruction_set() {
        for set in available_sets() {
            let links = set.lanes() * CHAINS * LINKS;
            assert_eq!(dispatch_to(set, MultiplyAdds), 2 * links, "{set:?}");
            assert_eq!(dispatch_bytes_to(set, DotsOfBytes), 8 * links, "{set:?}");
            assert_eq!(dispatch_to(set, Read(&[1.0; 1000])), 4000, "{set:?}");
        }
    }
}
