//! The two ways to run an operation.

use candle_core::Device;

/// How operations are run.
///
/// Composed operations have the same arguments and results as the kernels and run on any device that candle
/// supports. They keep batches packed, and statistics, softmax and sums are f32 for every element type. They
/// do not sum in f64 (Metal has none), do not give a row the same bits in any batch (candle chooses the tiles
/// of a product by its shape), and are slow: every step reads and writes memory, and attention goes sequence
/// by sequence. See docs/metal.md.
///
/// Each operation's `composed.rs` is tested on the CPU, in f32 and f16, by the tests of its kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Form {
    /// This crate's kernels.
    #[default]
    Kernels,
    /// Composed from candle's own operations: the only form on Metal.
    Composed,
}

impl Form {
    /// The form that `device` has kernels for, or the composed one if it has none.
    pub fn of(device: &Device) -> Self {
        if device.is_metal() { Self::Composed } else { Self::Kernels }
    }
}
