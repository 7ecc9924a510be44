//! [`super::normalize`] on CUDA: `normalize.cu`.

use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Result};

use super::NAME;
use crate::cuda::{self, Argument, Element, Module, PushKernelArg, WrapErr, for_element};

const KERNELS: Module = cuda::module!("normalize");

pub(super) fn normalize(rows: Argument<'_>, epsilon: f64) -> Result<CudaStorage> {
    for_element!(NAME, rows.0.dtype(), T => launch::<T>(rows, epsilon))
}

fn launch<T: Element>(rows: Argument<'_>, epsilon: f64) -> Result<CudaStorage> {
    let device = &rows.0.device;
    let (count, dim) = (rows.1.dims()[0], rows.1.dims()[1]);
    let rows = cuda::contiguous::<T>(NAME, rows)?;
    let mut output = cuda::output::<T>(device, rows.len())?;
    if !rows.is_empty() {
        let sizes = [count as u32, dim as u32];
        let kernel = KERNELS.kernel::<T>(device, NAME)?;
        let mut launch = kernel.builder();
        launch.arg(&rows).arg(&mut output).arg(&sizes[0]).arg(&sizes[1]).arg(&epsilon);
        // SAFETY: these are the arguments of normalize.cu, for `count` rows.
        unsafe { launch.launch(cuda::rows_launch(count)) }.w()?;
    }
    Ok(CudaStorage::wrap_cuda_slice(output, device.clone()))
}
