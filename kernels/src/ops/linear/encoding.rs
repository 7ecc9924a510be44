//! How a CPU implements a precision.

use crate::Precision;
use crate::cpu::simd::{InstructionSet, NativeBf16};

/// The format of weights and inputs, and the instructions that multiply them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Encoding {
    F32,
    /// f32 values rounded to bf16, as inputs are: for CPUs without a fast bf16 instruction.
    RoundedF32,
    Bf16(NativeBf16),
    Int8,
}

impl Encoding {
    /// How `set` multiplies in `precision`; `None` for the GPUs' precisions.
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
