//! Helpers that the kernels' tests share.

use candle_core::{DType, Device, Shape, Tensor};

use crate::cpu::simd::InstructionSet;
use crate::{Form, Placement, Precision};

/// The instruction sets that this CPU has; always at least the portable one.
pub(crate) fn available_sets() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::ALL.into_iter().filter(|set| set.is_available())
}

/// `count` values in -1..1 from `seed` (splitmix64, Steele, Lea and Flood 2014).
pub(crate) fn random(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..count).map(|_| (next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0).collect()
}

/// Asserts that `got` has the length of `expected` and each value is within its bound.
pub(crate) fn assert_close(what: &str, got: &[f32], expected: &[f64], bound: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: number of values");
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let difference = (got as f64 - expected).abs();
        assert!(
            difference <= bound,
            "{what} at {i}: {got} against {expected}, off {difference:e}, bound {bound:e}"
        );
    }
}

/// How far a LayerNorm with |weight|, |bias| <= 1 of `a + b` may be off in f32.
///
/// Centring errs by about n eps max|x| and the division by the standard deviation s magnifies it; the
/// statistics' own sums err by n eps relative, on values of size max|x| / s.
pub(crate) fn norm_bound(a: &[f32], b: &[f32], hidden_dim: usize) -> f64 {
    let mut worst: f64 = 0.0;
    for (a, b) in a.chunks_exact(hidden_dim).zip(b.chunks_exact(hidden_dim)) {
        let row: Vec<f64> = a.iter().zip(b).map(|(&a, &b)| a as f64 + b as f64).collect();
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / row.len() as f64;
        let largest = row.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
        worst = worst.max(largest / variance.sqrt());
    }
    (hidden_dim + 8) as f64 * f32::EPSILON as f64 * (worst + 1.0)
}

/// Where an operation is tested: on one of the CPU's instruction sets, composed of candle's operations (as on
/// Metal), or on CUDA in one element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Values are f32.
    Cpu(InstructionSet),
    /// Values are of this type; the device is the CPU.
    Composed(DType),
    /// Values are of this type; the device is the first one. Builds with feature `cuda` need a device for
    /// their tests, real or emulated (scripts/test-cuda): without one the tests fail.
    #[cfg(feature = "cuda")]
    Cuda(DType),
}

/// Every instruction set of this CPU first; candle's operations in f32 and f16; and, in builds with feature
/// `cuda`, every element type on CUDA.
pub(crate) fn targets() -> Vec<Target> {
    let sets = available_sets().map(Target::Cpu);
    let sets = sets.chain([DType::F32, DType::F16].map(Target::Composed));
    #[cfg(feature = "cuda")]
    let sets = sets.chain([DType::F32, DType::F16, DType::BF16].map(Target::Cuda));
    sets.collect()
}

impl Target {
    /// The form in which it runs operations.
    pub(crate) fn form(self) -> Form {
        if matches!(self, Self::Composed(_)) { Form::Composed } else { Form::Kernels }
    }

    /// Whether it runs our kernels, with their sums in f64 and the same bits for a row in any batch.
    pub(crate) fn is_of_our_kernels(self) -> bool {
        !matches!(self, Self::Composed(_))
    }

    /// `values` rounded to this target's element type.
    pub(crate) fn held(self, values: &[f32]) -> Vec<f32> {
        let tensor = Tensor::new(values, &Device::Cpu).unwrap().to_dtype(self.dtype()).unwrap();
        tensor.to_dtype(DType::F32).unwrap().to_vec1().unwrap()
    }

    /// The largest relative error of rounding to this target's element type.
    pub(crate) fn rounding(self) -> f64 {
        match self.dtype() {
            DType::F16 => 2f64.powi(-11),
            DType::BF16 => 2f64.powi(-8),
            _ => 2f64.powi(-24),
        }
    }

    /// A tensor of this target's type, on its device.
    pub(crate) fn tensor(self, values: &[f32], shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        // GPUs allocate no memory of zero bytes.
        let placed = if values.is_empty() { &[0.0] } else { values };
        let tensor = Tensor::new(placed, &Device::Cpu).unwrap().to_dtype(self.dtype()).unwrap();
        let tensor = tensor.to_device(&self.device()).unwrap();
        tensor.narrow(0, 0, values.len()).unwrap().reshape(shape).unwrap()
    }

    /// The same as a view that starts one value into its memory.
    pub(crate) fn shifted_tensor(self, values: &[f32], shape: impl Into<Shape>) -> Tensor {
        let placed = [&[0.0], values].concat();
        let tensor = self.tensor(&placed, placed.len());
        tensor.narrow(0, 1, values.len()).unwrap().reshape(shape).unwrap()
    }

    /// All values of a tensor, as f32.
    pub(crate) fn values(self, tensor: &Tensor) -> Vec<f32> {
        let tensor = tensor.to_device(&Device::Cpu).unwrap().to_dtype(DType::F32).unwrap();
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::Cpu(_) => DType::F32,
            Self::Composed(dtype) => dtype,
            #[cfg(feature = "cuda")]
            Self::Cuda(dtype) => dtype,
        }
    }

    /// A placement whose hidden states have this target's type.
    pub(crate) fn placement(self) -> Placement {
        let precision = match self.dtype() {
            DType::F16 => Precision::F16,
            DType::BF16 => Precision::Bf16,
            _ => Precision::F32,
        };
        match self.form() {
            Form::Kernels => Placement::new(self.device(), precision).unwrap(),
            Form::Composed => Placement::composed(self.device(), precision).unwrap(),
        }
    }

    pub(crate) fn device(self) -> Device {
        match self {
            Self::Cpu(_) | Self::Composed(_) => Device::Cpu,
            #[cfg(feature = "cuda")]
            Self::Cuda(_) => cuda_device(),
        }
    }
}

/// The first CUDA device.
#[cfg(feature = "cuda")]
fn cuda_device() -> Device {
    static DEVICE: std::sync::OnceLock<Device> = std::sync::OnceLock::new();
    DEVICE
        .get_or_init(|| {
            crate::device::open_cuda(0).expect("a CUDA device, real or emulated: see scripts/test-cuda")
        })
        .clone()
}

/// A team in which every thread takes part.
pub(crate) fn team(threads: usize) -> crate::Team {
    let threads = std::num::NonZero::new(threads).unwrap();
    crate::Team::new(threads, threads).unwrap()
}
