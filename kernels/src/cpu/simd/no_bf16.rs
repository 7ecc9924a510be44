//! CPUs without a bf16 kernel.

use super::Bf16Kernel;

/// Proof that the CPU multiplies bf16; here it cannot exist.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NativeBf16 {}

impl NativeBf16 {
    pub(crate) fn new() -> Option<Self> {
        None
    }

    pub(crate) fn run<K: Bf16Kernel>(self, _: K) -> K::Output {
        match self {}
    }
}
