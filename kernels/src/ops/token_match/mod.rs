//! The match: for pairs of token matrices A [m, dim] and B [n, dim], the maxima of A B^T over its rows and
//! over its columns, in one pass, without writing A B^T. With rows of length 1 these are BERTScore's greedy
//! matches (Zhang et al., "BERTScore", 2020) and MaxSim's terms (Khattab and Zaharia, "ColBERT", 2020).
//!
//! candidates and references: matrices of one width, [tokens, dim], each contiguous, usually views of packed
//! tensors; a matrix may be in any number of pairs. On the CPU f32; on CUDA all f32, all f16 or all bf16.
//! Output: f32, for each pair its m row maxima, then its n column maxima. On Metal (composed of candle's
//! operations, one pair at a time) f32 or f16.
//!
//! Order of the reductions: a cosine sums over dim, first to last, in f32. On the CPU see `product`. On CUDA
//! f32 goes value by value, without TF32; f16 and bf16 go by blocks of 16, whose products the tensor cores
//! add to the sum in their own order. The order depends only on dim and the device, so a pair has the same
//! bits in any batch. The product of two numbers does not depend on their order, so exchanging A and B
//! exchanges the results: bit for bit in f32, and in f16 and bf16 as far as the tensor cores treat rows and
//! columns alike, which NVIDIA does not promise. A maximum is exact in any order.
//!
//! Rows must be finite (a maximum may lose a NaN): callers check that ([`crate::all_finite`]). A matrix with
//! an empty partner has maxima of minus infinity.
//!
//! The floor: 2 m n dim operations for (m + n) dim values. With values of 2 bytes and a device that does 184
//! operations in the time of a byte (H200: 790 TFLOP/s, 4.3 TB/s) pairs shorter than about 370 tokens are
//! bound by reading every embedding once: 2 (m + n) dim bytes over the memory's bandwidth, 29 ns for 30 by 30
//! tokens of 1,024 values.

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
#[cfg(test)]
mod reference;

use std::ops::{Deref, Range};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Shape, Storage, Tensor};

#[cfg(test)]
pub(crate) use reference::token_match as token_match_reference;

use crate::args::{expect_shape, f32_slice, matrix};
use crate::{Error, Form, Result};

const NAME: &str = "token_match";

/// The token matrices of a candidate and a reference. Rows have length 1 if cosines are wanted.
#[derive(Debug, Clone, Copy)]
pub struct TokenPair<'a> {
    /// A: [m, dim].
    pub candidate: &'a Tensor,
    /// B: [n, dim].
    pub reference: &'a Tensor,
}

impl<'a> TokenPair<'a> {
    fn sides(self) -> [(&'static str, &'a Tensor); 2] {
        [("candidate", self.candidate), ("reference", self.reference)]
    }
}

/// The results of [`token_match`].
#[derive(Debug, Clone)]
pub struct MatchMaxima {
    /// For each pair the row maxima, then the column maxima: [sum of m + n] f32.
    pub values: Tensor,
    /// The position of each pair's values.
    places: Vec<PairPlace>,
}

#[derive(Debug, Clone)]
struct PairPlace {
    candidate_tokens: Range<usize>,
    reference_tokens: Range<usize>,
}

impl MatchMaxima {
    /// The largest cosine of each candidate token of pair `index`: a range of `values`.
    pub fn candidate_tokens(&self, index: usize) -> Range<usize> {
        self.places[index].candidate_tokens.clone()
    }

    /// The largest cosine of each reference token of pair `index`: a range of `values`.
    pub fn reference_tokens(&self, index: usize) -> Range<usize> {
        self.places[index].reference_tokens.clone()
    }
}

/// Row and column maxima of A B^T for every pair. For no pairs the values are on the CPU.
///
/// # Errors
/// If the widths differ or are 0, or not all matrices have one element type and one device.
pub fn token_match(pairs: &[TokenPair<'_>], form: Form) -> Result<MatchMaxima> {
    let Some(first) = pairs.first() else {
        return Ok(MatchMaxima { values: Tensor::new(&[0f32; 0], &Device::Cpu)?, places: Vec::new() });
    };
    let dim = checked_dim(first.candidate, pairs)?;
    let places = places(pairs)?;
    if form == Form::Composed {
        let values = composed::token_match(pairs, first.candidate.device())?;
        return Ok(MatchMaxima { values, places });
    }
    // The first candidate represents all matrices: its device selects the kernel. A custom operation of
    // candle's can have at most three arguments.
    let values = first.candidate.apply_op1_no_bwd(&TokenMatch { pairs, places: &places, dim })?;
    Ok(MatchMaxima { values, places })
}

/// The width of all matrices. Their type and device must also match the first.
fn checked_dim(first: &Tensor, pairs: &[TokenPair<'_>]) -> Result<usize> {
    let broken = |rule| Err(Error::Argument { operation: NAME, rule });
    let (_, dim) = matrix(NAME, "candidate", first)?;
    if dim == 0 {
        return broken("candidate must have a width of 1 or more, got 0".to_owned());
    }
    for (argument, tensor) in pairs.iter().flat_map(|pair| pair.sides()) {
        let (tokens, _) = matrix(NAME, argument, tensor)?;
        expect_shape(NAME, argument, tensor, &[tokens, dim])?;
        if tensor.dtype() != first.dtype() {
            let [expected, actual] = [first, tensor].map(Tensor::dtype);
            return broken(format!(
                "{argument} must be of the first candidate's type {expected:?}, got {actual:?}"
            ));
        }
        if !tensor.device().same_device(first.device()) {
            let [expected, actual] = [first, tensor].map(|tensor| tensor.device().location());
            return broken(format!(
                "{argument} must be on the first candidate's device {expected:?}, got {actual:?}"
            ));
        }
    }
    Ok(dim)
}

fn places(pairs: &[TokenPair<'_>]) -> Result<Vec<PairPlace>> {
    let mut end = 0;
    let mut next = |matrix: &Tensor| -> Result<Range<usize>> {
        let start = end;
        end += matrix.dim(0)?;
        Ok(start..end)
    };
    let place = |pair: &TokenPair<'_>| {
        Ok(PairPlace { candidate_tokens: next(pair.candidate)?, reference_tokens: next(pair.reference)? })
    };
    pairs.iter().map(place).collect()
}

struct TokenMatch<'a> {
    pairs: &'a [TokenPair<'a>],
    places: &'a [PairPlace],
    dim: usize,
}

impl TokenMatch<'_> {
    fn count(&self) -> usize {
        self.places.last().map_or(0, |place| place.reference_tokens.end)
    }
}

impl CustomOp1 for TokenMatch<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let held = self.pairs.iter().map(|pair| pair.sides().map(|(_, side)| side.storage_and_layout()));
        let held: Vec<_> = held.collect();
        let slices = held.iter().map(|[candidate, reference]| Ok([values(candidate)?, values(reference)?]));
        let maxima = cpu::token_match(slices.collect::<candle_core::Result<_>>()?, self.dim);
        Ok((CpuStorage::F32(maxima), Shape::from(self.count())))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, first: &CudaStorage, _: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        Ok((cuda::token_match(self, first)?, Shape::from(self.count())))
    }
}

fn values<'a>(
    (storage, layout): &'a (impl Deref<Target = Storage>, &Layout),
) -> candle_core::Result<&'a [f32]> {
    match &**storage {
        Storage::Cpu(storage) => f32_slice(NAME, storage, layout),
        _ => candle_core::bail!("{NAME}: a matrix is not on the CPU, where the first is"),
    }
}

#[cfg(test)]
mod tests;
