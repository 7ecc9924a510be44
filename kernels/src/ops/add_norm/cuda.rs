//! [`super::add_norm`] on CUDA: `add_norm.cu`.

use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Result};

use super::NAME;
use crate::LayerNorm;
use crate::cuda::{self, Argument, Element, Module, PushKernelArg, WrapErr, for_element};

const KERNELS: Module = cuda::module!("add_norm");

pub(super) fn add_norm(
    hidden: Argument<'_>,
    residual: Argument<'_>,
    norm: &LayerNorm,
) -> Result<CudaStorage> {
    for_element!(NAME, hidden.0.dtype(), T => launch::<T>(hidden, residual, norm))
}

fn launch<T: Element>(hidden: Argument<'_>, residual: Argument<'_>, norm: &LayerNorm) -> Result<CudaStorage> {
    let device = &hidden.0.device;
    let hidden = cuda::contiguous::<T>(NAME, hidden)?;
    let residual = cuda::contiguous::<T>(NAME, residual)?;
    let hidden_dim = norm.hidden_dim();
    let total_tokens = hidden.len() / hidden_dim;
    let mut output = cuda::output::<T>(device, hidden.len())?;
    if total_tokens > 0 {
        let norm = norm.on_cuda();
        let (weight, bias) = (norm.weight(NAME)?, norm.bias(NAME)?);
        let sizes = [total_tokens as u32, hidden_dim as u32];
        let kernel = KERNELS.rows_kernel::<T>(device, NAME, hidden_dim)?;
        let mut launch = kernel.builder();
        launch.arg(&hidden).arg(&residual).arg(&weight).arg(&bias).arg(&mut output);
        launch.arg(&sizes[0]).arg(&sizes[1]).arg(&norm.epsilon);
        // SAFETY: these are the arguments of add_norm.cu; `super::add_norm` has checked the shapes.
        unsafe { launch.launch(cuda::rows_launch(total_tokens)) }.w()?;
    }
    Ok(CudaStorage::wrap_cuda_slice(output, device.clone()))
}
