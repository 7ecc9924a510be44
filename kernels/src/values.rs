//! The values of a tensor as a slice.

use candle_core::{CpuStorage, DType, Device, Storage, Tensor};

use crate::args::f32_slice;
use crate::{Error, Result};

const NAME: &str = "read_f32";

/// Calls `read` with all values of `tensor` in f32, row after row. A contiguous f32 tensor on the CPU is not
/// copied.
///
/// # Errors
/// If the tensor is not of numbers, or its device fails.
pub fn read_f32<R>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let here = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.contiguous()?;
    let (storage, layout) = here.storage_and_layout();
    let values = match &*storage {
        Storage::Cpu(storage @ CpuStorage::F32(_)) => f32_slice(NAME, storage, layout)?,
        _ => return Err(Error::Argument { operation: NAME, rule: "reads tensors of numbers".to_owned() }),
    };
    Ok(read(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_where_they_lie_if_they_can_be() {
        let tensor = Tensor::new(&[[1.0f32, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
        let address = |tensor: &Tensor| read_f32(tensor, <[f32]>::as_ptr).unwrap();
        assert_eq!(address(&tensor), address(&tensor));
        let read = |tensor: &Tensor| read_f32(tensor, <[f32]>::to_vec).unwrap();
        assert_eq!(read(&tensor), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(read(&tensor.narrow(0, 1, 1).unwrap()), [3.0, 4.0]);
        assert_eq!(read(&tensor.t().unwrap()), [1.0, 3.0, 2.0, 4.0]);
        assert_eq!(read(&tensor.to_dtype(DType::F16).unwrap()), [1.0, 2.0, 3.0, 4.0]);
    }
}
