//! Reads a kernel's arguments, and allocates its result.

use candle_core::cuda_backend::CudaDType;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, DeviceRepr};
use candle_core::{CudaDevice, CudaStorage, Layout, Result, Storage, Tensor};
use parking_lot::RwLockReadGuard;

/// A storage, and the layout of a tensor's values in it.
pub(crate) type Argument<'a> = (&'a CudaStorage, &'a Layout);

/// The values of a contiguous argument.
pub(crate) fn contiguous<'a, T: CudaDType>(
    operation: &'static str,
    (storage, layout): Argument<'a>,
) -> Result<CudaView<'a, T>> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(storage.as_cuda_slice::<T>()?.slice(start..end)),
        None => Err(candle_core::Error::RequiresContiguous { op: operation }.bt()),
    }
}

/// A tensor that an operation owns besides its arguments, readable while this lives.
pub(crate) struct Parameter<'a> {
    storage: RwLockReadGuard<'a, Storage>,
    layout: &'a Layout,
}

impl<'a> Parameter<'a> {
    pub(crate) fn of(tensor: &'a Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Self { storage, layout }
    }

    pub(crate) fn values<T: CudaDType>(&self, operation: &'static str) -> Result<CudaView<'_, T>> {
        match &*self.storage {
            Storage::Cuda(storage) => contiguous(operation, (storage, self.layout)),
            _ => candle_core::bail!("{operation}: a parameter is not on the same CUDA device as the input"),
        }
    }
}

/// Room for `count` values of any content, to be overwritten.
pub(crate) fn output<T: DeviceRepr>(device: &CudaDevice, count: usize) -> Result<CudaSlice<T>> {
    // SAFETY: callers launch a kernel that writes all of it before anything reads it; none of the types has
    // invalid bit patterns. The driver refuses an empty allocation.
    unsafe { device.alloc::<T>(count.max(1)) }
}
