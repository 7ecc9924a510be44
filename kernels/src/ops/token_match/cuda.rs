//! [`super::token_match`] on CUDA: `token_match.cu`.

use std::ops::Range;

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaStream, DeviceRepr, SyncOnDrop};
use candle_core::{CudaDevice, CudaStorage, Result};

use super::{NAME, PairPlace, TokenMatch};
use crate::Error;
use crate::cuda::{self, Element, Module, Parameter, PushKernelArg, WrapErr, for_element};

const KERNELS: Module = cuda::module!("token_match");

/// Tokens per side of a tile (`SIDE` of token_match.cu).
const SIDE: usize = 64;
/// Threads per tile's block (`MATCH_THREADS` of token_match.cu).
const THREADS: u32 = 128;
/// Columns are counted in 31 bits, with some margin.
const MOST_COLUMNS: usize = 1 << 30;
/// Blocks per launch (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").
const MOST_BLOCKS: usize = i32::MAX as usize;

/// `MatchTile` of token_match.cu: the addresses of a tile's tokens and the places of their maxima.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct Tile {
    candidate: u64,
    reference: u64,
    candidate_tokens: u32,
    reference_tokens: u32,
    candidate_maxima: u32,
    reference_maxima: u32,
}

// SAFETY: plain numbers in C's layout, without gaps.
unsafe impl DeviceRepr for Tile {}

/// `first`: the storage of the first candidate.
pub(super) fn token_match(operation: &TokenMatch<'_>, first: &CudaStorage) -> Result<CudaStorage> {
    for_element!(NAME, first.dtype(), T => launch::<T>(operation, &first.device))
}

fn launch<T: Element>(operation: &TokenMatch<'_>, device: &CudaDevice) -> Result<CudaStorage> {
    let dim = counted(operation.dim, MOST_COLUMNS, "columns")?;
    let mut maxima = begin(operation.count(), device)?;
    let stream = device.cuda_stream();
    let held = operation.pairs.iter().map(|pair| pair.sides().map(|(_, side)| Parameter::of(side)));
    let held: Vec<_> = held.collect();
    let located =
        held.iter().map(|sides| Ok([locate::<T>(&sides[0], &stream)?, locate::<T>(&sides[1], &stream)?]));
    // The guards are dropped after the launch: other streams may wait for that.
    let located = located.collect::<Result<Vec<_>>>()?;
    let mut tiles = Vec::with_capacity(located.len());
    for ([(candidate, _), (reference, _)], place) in located.iter().zip(operation.places) {
        append_tiles([*candidate, *reference], place, operation.dim * size_of::<T>(), &mut tiles);
    }
    if !tiles.is_empty() {
        let count = counted(tiles.len(), MOST_BLOCKS, "tiles of 64 by 64 tokens")?;
        let tiles = device.clone_htod(&tiles)?;
        let kernel = KERNELS.kernel::<T>(device, NAME)?;
        let mut launch = kernel.builder();
        launch.arg(&tiles).arg(&mut maxima).arg(&dim);
        // SAFETY: these are the arguments of token_match.cu. A tile's pointers lead to its number of rows of
        // `dim` values of type T: `super::token_match` has checked every matrix' width and type, and
        // `append_tiles` stays within its rows. The matrices outlive the launch, and memory freed after it is
        // freed in the stream's order. `maxima` has room for all `places`.
        unsafe { launch.launch(cuda::blocks(count as usize, THREADS)) }.w()?;
    }
    Ok(CudaStorage::wrap_cuda_slice(maxima, device.clone()))
}

/// `count` maxima of minus infinity.
fn begin(count: usize, device: &CudaDevice) -> Result<CudaSlice<f32>> {
    let mut maxima = cuda::output::<f32>(device, count)?;
    let count = counted(count, u32::MAX as usize, "tokens")?;
    if count > 0 {
        let kernel = KERNELS.function(device, "token_match_begin")?;
        let mut launch = kernel.builder();
        launch.arg(&mut maxima).arg(&count);
        // SAFETY: these are the arguments of token_match.cu; `maxima` has room for `count`.
        unsafe { launch.launch(cuda::blocks(count.div_ceil(THREADS) as usize, THREADS)) }.w()?;
    }
    Ok(maxima)
}

/// The address of a matrix' values on the device, and a guard that, once dropped, signals to other streams
/// that `stream` has read them.
fn locate<'a, T: Element>(
    matrix: &'a Parameter<'_>,
    stream: &'a CudaStream,
) -> Result<(u64, SyncOnDrop<'a>)> {
    Ok(matrix.values::<T>(NAME)?.view_ptr(stream))
}

/// Appends the tiles of a pair whose matrices, candidate and reference, start at `addresses` and have rows of
/// `row_bytes` bytes.
fn append_tiles(addresses: [u64; 2], place: &PairPlace, row_bytes: usize, tiles: &mut Vec<Tile>) {
    for candidate in parts(addresses[0], &place.candidate_tokens, row_bytes) {
        for reference in parts(addresses[1], &place.reference_tokens, row_bytes) {
            tiles.push(Tile {
                candidate: candidate.address,
                reference: reference.address,
                candidate_tokens: candidate.tokens,
                reference_tokens: reference.tokens,
                candidate_maxima: candidate.maxima,
                reference_maxima: reference.maxima,
            });
        }
    }
}

/// A tile's share of a matrix.
struct MatchPart {
    address: u64,
    tokens: u32,
    maxima: u32,
}

/// Splits a matrix that starts at `address`, with its maxima in `tokens`, into tiles.
fn parts(address: u64, tokens: &Range<usize>, row_bytes: usize) -> impl Iterator<Item = MatchPart> {
    let (start, end) = (tokens.start, tokens.end);
    (start..end).step_by(SIDE).map(move |first| MatchPart {
        address: address + ((first - start) * row_bytes) as u64,
        tokens: SIDE.min(end - first) as u32,
        maxima: first as u32,
    })
}

/// `count` in 32 bits.
fn counted(count: usize, most: usize, of_what: &str) -> Result<u32> {
    if count <= most {
        return Ok(count as u32);
    }
    let rule = format!("at most {most} {of_what} on CUDA, got {count}");
    Err(candle_core::Error::wrap(Error::Argument { operation: NAME, rule }))
}
