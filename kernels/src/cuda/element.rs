//! The number formats of the kernels.

use candle_core::WithDType;
use candle_core::cuda_backend::CudaDType;
use candle_core::cuda_backend::cudarc::driver::{DeviceRepr, ValidAsZeroBits};

/// An element type of the kernels; an operation's kernels differ by this suffix of their names.
pub(crate) trait Element: CudaDType + DeviceRepr + ValidAsZeroBits + WithDType {
    const SUFFIX: &'static str;
}

impl Element for f32 {
    const SUFFIX: &'static str = "f32";
}

impl Element for half::f16 {
    const SUFFIX: &'static str = "f16";
}

impl Element for half::bf16 {
    const SUFFIX: &'static str = "bf16";
}

/// Runs `body` with `$element` as the type of the `DType` `$dtype`; any other type is an error that names the
/// operation.
macro_rules! for_element {
    ($operation:expr, $dtype:expr, $element:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F32 => {
                type $element = f32;
                $body
            }
            candle_core::DType::F16 => {
                type $element = half::f16;
                $body
            }
            candle_core::DType::BF16 => {
                type $element = half::bf16;
                $body
            }
            dtype => Err(candle_core::Error::UnsupportedDTypeForOp(dtype, $operation).bt()),
        }
    };
}

pub(crate) use for_element;
