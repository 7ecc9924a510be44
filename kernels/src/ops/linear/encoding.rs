//! How a precision is carried out on a CPU.

use crate::Precision;
use crate::cpu::simd::{InstructionSet, NativeBf16};

/// What weights and inputs become, and with which instructions they are multiplied.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Encoding {
    F32,
    /// f32 that were rounded to bf16, as inputs are: for CPUs without a fast instruction for bf16.
    RoundedF32,
    Bf16(NativeBf16),
    Int8,
}

impl Encoding {
    /// How `set` multiplies in `precision`; none for the precisions of GPUs.
    pub(super) fn of(set: InstructionSet, precision: Precision) -> Option<Self> {
        let native = NativeBf16::new().filter(|_| set.multiplies_bf16_fast());
        match precision {
            Precision::F32 => Some(Self::F32),
            Precision::F16 => None,
            Precision::Bf16 => Some(native.map_or(Self::RoundedF32, Self::Bf16)),
            Precision::Int8 => Some(Self::Int8),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::RoundedF32 => "f32 rounded to bf16",
            Self::Bf16(_) => "bf16",
            Self::Int8 => "int8",
        }
    }
}
