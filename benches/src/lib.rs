//! What the benchmarks share.

pub mod kernels;
pub mod stock;
