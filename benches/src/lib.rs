//! Shared code of the benchmarks.

pub mod kernels;
pub mod stock;
