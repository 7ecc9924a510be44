//! Reads an operation's arguments: checks shapes, returns CPU storage as slices.

use candle_core::{CpuStorage, Layout, Tensor};

use crate::{Error, Result};

/// The values of a contiguous f32 argument on the CPU.
pub(crate) fn f32_slice<'a>(
    operation: &'static str,
    storage: &'a CpuStorage,
    layout: &Layout,
) -> candle_core::Result<&'a [f32]> {
    contiguous(operation, storage.as_slice::<f32>()?, layout)
}

/// The values of a contiguous u32 argument on the CPU.
pub(crate) fn u32_slice<'a>(
    operation: &'static str,
    storage: &'a CpuStorage,
    layout: &Layout,
) -> candle_core::Result<&'a [u32]> {
    contiguous(operation, storage.as_slice::<u32>()?, layout)
}

/// The part of a storage's `values` that a contiguous argument has.
pub(crate) fn contiguous<'a, T>(
    operation: &'static str,
    values: &'a [T],
    layout: &Layout,
) -> candle_core::Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => Err(candle_core::Error::RequiresContiguous { op: operation }),
    }
}

/// The two sizes of a matrix. Any other rank is an error that names the columns.
pub(crate) fn matrix(
    operation: &'static str,
    argument: &'static str,
    tensor: &Tensor,
) -> Result<(usize, usize)> {
    match *tensor.dims() {
        [rows, columns] => Ok((rows, columns)),
        ref dims => Err(shape(operation, argument, "[rows, columns]", dims)),
    }
}

/// Checks that a tensor has the shape `expected`.
pub(crate) fn expect_shape(
    operation: &'static str,
    argument: &'static str,
    tensor: &Tensor,
    expected: &[usize],
) -> Result<()> {
    if tensor.dims() == expected {
        Ok(())
    } else {
        Err(shape(operation, argument, &format!("{expected:?}"), tensor.dims()))
    }
}

/// The error for a wrong shape.
pub(crate) fn shape(
    operation: &'static str,
    argument: &'static str,
    expected: &str,
    actual: &[usize],
) -> Error {
    Error::Shape { operation, argument, expected: expected.to_owned(), actual: actual.to_vec() }
}

/// Calls `body` with the values of a contiguous f32 tensor on the CPU (one of an operation's parameters).
pub(crate) fn with_f32<T>(
    tensor: &Tensor,
    body: impl FnOnce(&[f32]) -> candle_core::Result<T>,
) -> candle_core::Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cpu(storage) => body(f32_slice("parameter", storage, layout)?),
        _ => candle_core::bail!("a parameter is on {:?}, the input on the CPU", tensor.device()),
    }
}
