//! [`super::pool`] on CUDA: `pool.cu`.

use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Result};

use super::{NAME, PoolOptions, Pooling};
use crate::CuSeqlens;
use crate::cuda::{self, Argument, Element, Module, PushKernelArg, WrapErr, for_element};

const KERNELS: Module = cuda::module!("pool");
const THREADS: u32 = 512;

pub(super) fn pool(
    hidden: Argument<'_>,
    cu_seqlens: &CuSeqlens,
    options: &PoolOptions,
) -> Result<CudaStorage> {
    for_element!(NAME, hidden.0.dtype(), T => launch::<T>(hidden, cu_seqlens, options))
}

fn launch<T: Element>(
    hidden: Argument<'_>,
    cu_seqlens: &CuSeqlens,
    options: &PoolOptions,
) -> Result<CudaStorage> {
    let device = &hidden.0.device;
    let hidden_dim = hidden.1.dims()[1];
    let hidden = cuda::contiguous::<T>(NAME, hidden)?;
    let num_sequences = cu_seqlens.num_sequences();
    let mut output = cuda::output::<f32>(device, num_sequences * options.modes.len() * hidden_dim)?;
    if num_sequences > 0 && hidden_dim > 0 {
        let cu_seqlens = device.clone_htod(cu_seqlens.offsets())?;
        let modes: Vec<u32> = options.modes.iter().map(|&mode| number(mode)).collect();
        let modes = device.clone_htod(&modes)?;
        let sizes = [options.modes.len(), hidden_dim, options.skip_tokens].map(|size| size as u32);
        let normalize = u32::from(options.normalize);
        let kernel = KERNELS.kernel::<T>(device, NAME)?;
        let mut launch = kernel.builder();
        launch.arg(&hidden).arg(&cu_seqlens).arg(&modes).arg(&mut output);
        launch.arg(&sizes[0]).arg(&sizes[1]).arg(&sizes[2]).arg(&normalize);
        // SAFETY: these are the arguments of pool.cu; `super::pool` has checked that `cu_seqlens` covers
        // `hidden`.
        unsafe { launch.launch(cuda::blocks(num_sequences, THREADS)) }.w()?;
    }
    Ok(CudaStorage::wrap_cuda_slice(output, device.clone()))
}

/// The mode's number in pool.cu.
fn number(mode: Pooling) -> u32 {
    match mode {
        Pooling::Cls => 0,
        Pooling::Max => 1,
        Pooling::Mean => 2,
        Pooling::MeanSqrtLength => 3,
        Pooling::WeightedMean => 4,
        Pooling::LastToken => 5,
    }
}
