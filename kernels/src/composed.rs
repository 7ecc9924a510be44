//! Operations composed of candle's own: what runs where there are no kernels of ours, on Metal.
//!
//! Each operation's `composed.rs` has the same arguments and results as its kernels and runs on any device that candle has. That is
//! how these forms are tested: the operations' tests run over them on the CPU, in f32 and f16. What they keep: batches stay packed,
//! statistics, softmax and sums are f32 whatever the element type. What they do not: sums in f64 (Metal has none), the promise that
//! a row has the same bits in any company (candle chooses the tiles of a product by its shape), and speed (every step reads and
//! writes memory, and attention goes sequence by sequence). See docs/metal.md.

use candle_core::Device;

/// Whether operations on `device` are composed: on Metal always; on the CPU where `NEARSAY_COMPOSED` is `1`, for tests of the whole
/// way and for bug reports of Metal.
pub(crate) fn is_for(device: &Device) -> bool {
    match device {
        Device::Metal(_) => true,
        Device::Cpu => is_asked_for(),
        Device::Cuda(_) => false,
    }
}

#[cfg(not(test))]
fn is_asked_for() -> bool {
    static ASKED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ASKED.get_or_init(|| std::env::var_os("NEARSAY_COMPOSED").is_some_and(|value| value == "1"))
}

#[cfg(test)]
pub(crate) use asked::{ask, is_asked_for};

/// In tests each thread asks for itself.
#[cfg(test)]
mod asked {
    use std::cell::Cell;

    thread_local! {
        static ASKED: Cell<bool> = const { Cell::new(false) };
    }

    pub(crate) fn is_asked_for() -> bool {
        ASKED.get()
    }

    /// Composed operations on the CPU while `body` runs.
    pub(crate) fn ask<T>(body: impl FnOnce() -> T) -> T {
        let before = ASKED.replace(true);
        let result = body();
        ASKED.set(before);
        result
    }
}
