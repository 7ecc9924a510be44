//! Reads an operation's arguments: checks shapes, returns CPU storage as slices.

use candle_core::{CpuStorage, Layout, Storage, Tensor};

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

/// Calls `search` with the values of queries [num_queries, dim] and their width. They must be finite f32 on the CPU, of a
/// width from 1 to `most_dim`, for a search of `k` rows, 1 or more.
pub(crate) fn with_queries<R>(
    operation: &'static str,
    queries: &Tensor,
    (k, most_dim): (usize, usize),
    search: impl FnOnce(&[f32], usize) -> Result<R>,
) -> Result<R> {
    let broken = |rule: String| Err(Error::Argument { operation, rule });
    let (_, dim) = matrix(operation, "queries", queries)?;
    if !(1..=most_dim).contains(&dim) {
        return broken(format!("queries must have a width from 1 to {most_dim}, got {dim}"));
    }
    if k == 0 {
        return broken("k must be 1 or more, got 0".to_owned());
    }
    let (storage, layout) = queries.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        return broken(format!("queries must be on the CPU, got {:?}", queries.device().location()));
    };
    let values = f32_slice(operation, storage, layout)?;
    if let Some(place) = values.iter().position(|value| !value.is_finite()) {
        return broken(format!("queries must be finite, got {} in row {}", values[place], place / dim));
    }
    search(values, dim)
}

/// The number of the row after a block of a search, whose rows must come after all before `next_row` and have numbers of 32
/// bits.
pub(crate) fn end_of_block(
    operation: &'static str,
    first_row: u32,
    num_rows: usize,
    next_row: u64,
) -> Result<u64> {
    let broken = |rule: String| Err(Error::Argument { operation, rule });
    let end = u64::from(first_row) + num_rows as u64;
    if u64::from(first_row) < next_row {
        return broken(format!("a block must start at row {next_row} or later, got row {first_row}"));
    }
    if end > u64::from(u32::MAX) {
        return broken(format!("rows must have indices of at most {}, got {}", u32::MAX - 1, end - 1));
    }
    Ok(end)
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
        Storage::Cpu(storage) => body(f32_slice("parameter", storage, layout)?),
        _ => candle_core::bail!("a parameter is on {:?}, the input on the CPU", tensor.device()),
    }
}
