//! CPUs for which there is no kernel on bf16.

use super::Bf16Kernel;

/// Proof that the CPU multiplies bf16; here there is none.
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
