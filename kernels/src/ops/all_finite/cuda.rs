//! [`super::all_finite`] on CUDA: `all_finite.cu`.

use candle_core::Result;
use candle_core::backend::BackendStorage;

use super::NAME;
use crate::CuSeqlens;
use crate::cuda::{self, Argument, Element, Module, PushKernelArg, WrapErr, for_element};

const KERNELS: Module = cuda::module!("all_finite");

/// Threads per block, and pieces of 16 bytes per thread (all_finite.cu).
const THREADS: u32 = 256;
const PIECES: usize = 4;

/// Waits for the result.
pub(super) fn all_finite(hidden: Argument<'_>, cu_seqlens: &CuSeqlens) -> Result<Vec<bool>> {
    for_element!(NAME, hidden.0.dtype(), T => launch::<T>(hidden, cu_seqlens))
}

fn launch<T: Element>(hidden: Argument<'_>, cu_seqlens: &CuSeqlens) -> Result<Vec<bool>> {
    let (device, dim) = (&hidden.0.device, hidden.1.dims()[1] as u32);
    let hidden = cuda::contiguous::<T>(NAME, hidden)?;
    let (count, num_sequences) = (hidden.len() as u64, cu_seqlens.num_sequences());
    if count == 0 {
        return Ok(vec![true; num_sequences]);
    }
    let offsets = device.clone_htod(cu_seqlens.offsets())?;
    let mut broken = device.alloc_zeros::<u32>(num_sequences)?;
    let kernel = KERNELS.kernel::<T>(device, NAME)?;
    let num_sequences = num_sequences as u32;
    let mut launch = kernel.builder();
    launch.arg(&hidden).arg(&offsets).arg(&mut broken).arg(&count).arg(&dim).arg(&num_sequences);
    let values_of_a_block = THREADS as usize * PIECES * (16 / size_of::<T>());
    // SAFETY: these are the arguments of all_finite.cu; `super::all_finite` has checked that `cu_seqlens`
    // covers `hidden`, so that every token is in a sequence.
    unsafe { launch.launch(cuda::blocks(hidden.len().div_ceil(values_of_a_block), THREADS)) }.w()?;
    Ok(device.clone_dtoh(&broken)?.into_iter().map(|broken| broken == 0).collect())
}
