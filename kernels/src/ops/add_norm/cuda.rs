//! [`super::add_norm`] on CUDA: `add_norm.cu`.

use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Result};

use super::NAME;
use crate::LayerNorm;
use crate::cuda::{self, Argument, Element, Module, PushKernelArg, WrapErr, for_element};

const KERNELS: Module = cuda::module!("add_norm");

/// The results of all rows.
pub(super) struct Rows {
    pub(super) norm: CudaStorage,
    pub(super) sum: Option<CudaStorage>,
}

pub(super) fn add_norm(
    hidden: Argument<'_>,
    residual: Option<Argument<'_>>,
    norm: &LayerNorm,
    has_sum: bool,
) -> Result<Rows> {
    for_element!(NAME, hidden.0.dtype(), T => launch::<T>(hidden, residual, norm, has_sum))
}

fn launch<T: Element>(
    hidden: Argument<'_>,
    residual: Option<Argument<'_>>,
    norm: &LayerNorm,
    has_sum: bool,
) -> Result<Rows> {
    let device = &hidden.0.device;
    let hidden = cuda::contiguous::<T>(NAME, hidden)?;
    let residual = residual.map(|residual| cuda::contiguous::<T>(NAME, residual)).transpose()?;
    let hidden_dim = norm.hidden_dim();
    let total_tokens = hidden.len() / hidden_dim;
    let mut output = cuda::output::<T>(device, hidden.len())?;
    let mut sum = if has_sum { Some(cuda::output::<T>(device, hidden.len())?) } else { None };
    if total_tokens > 0 {
        let norm = norm.on_cuda();
        let (weight, bias) = (norm.weight(NAME)?, norm.bias(NAME)?);
        let sizes = [total_tokens as u32, hidden_dim as u32];
        let kernel = KERNELS.rows_kernel::<T>(device, NAME, hidden_dim)?;
        let nothing = 0u64;
        let mut launch = kernel.builder();
        launch.arg(&hidden);
        match &residual {
            Some(residual) => launch.arg(residual),
            None => launch.arg(&nothing),
        };
        launch.arg(&weight).arg(&bias).arg(&mut output);
        match &mut sum {
            Some(sum) => launch.arg(sum),
            None => launch.arg(&nothing),
        };
        launch.arg(&sizes[0]).arg(&sizes[1]).arg(&norm.epsilon).arg(&norm.is_centred);
        // SAFETY: these are the arguments of add_norm.cu, with null for those that are missing; `super` has
        // checked the shapes.
        unsafe { launch.launch(cuda::rows_launch(total_tokens)) }.w()?;
    }
    let storage = |values| CudaStorage::wrap_cuda_slice(values, device.clone());
    Ok(Rows { norm: storage(output), sum: sum.map(storage) })
}
