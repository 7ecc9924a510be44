//! Shared code of the benchmarks of single kernels.

use anyhow::ensure;
use candle_core::{Device, Tensor};
use criterion::Criterion;

/// Runs `benches` with Criterion's command line, on one thread.
///
/// # Errors
/// If candle would use more threads than the kernels' one, or a benchmark cannot be set up.
pub fn main_of(benches: impl FnOnce(&mut Criterion) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let threads = candle_core::utils::get_num_threads();
    ensure!(threads == 1, "candle would use {threads} threads, the kernels use one: set RAYON_NUM_THREADS=1");
    let mut criterion = Criterion::default().configure_from_args();
    benches(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// A tensor of normally distributed values on the CPU.
///
/// # Errors
/// If there is no memory for it.
pub fn random(shape: &[usize]) -> candle_core::Result<Tensor> {
    Tensor::randn(0f32, 1.0, shape, &Device::Cpu)
}
