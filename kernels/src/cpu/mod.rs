//! The basis of the CPU's kernels: vector instructions, the product that most of them are an epilogue of,
//! threads, and reused memory.

pub(crate) mod buffers;
pub(crate) mod chunks;
pub(crate) mod matrix_mut;
pub(crate) mod peaks;
pub(crate) mod product;
pub(crate) mod simd;
pub(crate) mod team;
