//! The match: for pairs of token matrices A [m, dim] and B [n, dim], the maxima of A B^T over its rows and over its columns,
//! in one pass, without writing A B^T. With rows of length 1 these are BERTScore's greedy matches (Zhang et al., "BERTScore",
//! 2020) and MaxSim's terms (Khattab and Zaharia, "ColBERT", 2020).
//!
//! candidates: [total_candidate_tokens, dim] f32, references: [total_reference_tokens, dim] f32, both contiguous; `cu_seqlens`
//! for each; pairs of sequence indices. Output: f32, for each pair its m row maxima, then its n column maxima.
//!
//! Order of the reductions: a cosine sums over dim, first to last (see `product`); the product of two numbers does not
//! depend on their order, so exchanging A and B exchanges the results, bit for bit. A maximum is exact in any order.
//! Rows must be finite (a maximum may lose a NaN): whoever makes them checks that. A matrix with an empty partner has maxima of minus infinity.
//! Metal and CUDA: no kernel yet; candle says so when it is asked.

mod cpu;
mod reference;

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Tensor};

pub use reference::token_match as token_match_reference;

use crate::args::{expect_shape, f32_slice, matrix};
use crate::{CuSeqlens, Error, Result};

const NAME: &str = "token_match";

/// The token matrices of several texts, packed.
#[derive(Debug, Clone, Copy)]
pub struct PackedTokens<'a> {
    /// [total_tokens, dim] f32, rows of length 1 if cosines are wanted.
    pub values: &'a Tensor,
    /// Where each text begins.
    pub cu_seqlens: &'a CuSeqlens,
}

/// A candidate and a reference, by their places in the two packed tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Sequence among the candidates.
    pub candidate: usize,
    /// Sequence among the references.
    pub reference: usize,
}

/// What [`token_match`] finds.
#[derive(Debug, Clone)]
pub struct MatchMaxima {
    /// For each pair the row maxima, then the column maxima: [sum of m + n] f32.
    pub values: Tensor,
    /// Where each pair's values lie.
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

/// Row and column maxima of A B^T for every pair.
///
/// # Errors
/// If the widths differ or are 0, `cu_seqlens` covers another number of tokens, or a pair names a sequence that is not there.
pub fn token_match(
    candidates: PackedTokens<'_>,
    references: PackedTokens<'_>,
    pairs: &[Pair],
) -> Result<MatchMaxima> {
    let (_, dim) = matrix(NAME, "candidates", candidates.values)?;
    if dim == 0 {
        let rule = "candidates must have a width of 1 or more, got 0".to_owned();
        return Err(Error::Argument { operation: NAME, rule });
    }
    expect_shape(NAME, "candidates", candidates.values, &[candidates.cu_seqlens.total_tokens(), dim])?;
    expect_shape(NAME, "references", references.values, &[references.cu_seqlens.total_tokens(), dim])?;
    let operation =
        TokenMatch { candidates: candidates.cu_seqlens, references: references.cu_seqlens, pairs };
    let places = operation.places()?;
    let values = candidates.values.apply_op2_no_bwd(references.values, &operation)?;
    Ok(MatchMaxima { values, places })
}

struct TokenMatch<'a> {
    candidates: &'a CuSeqlens,
    references: &'a CuSeqlens,
    pairs: &'a [Pair],
}

impl TokenMatch<'_> {
    fn places(&self) -> Result<Vec<PairPlace>> {
        let mut end = 0;
        let mut next = |length: usize| {
            end += length;
            end - length..end
        };
        let mut places = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs {
            let candidate_tokens = next(length(self.candidates, "candidate", pair.candidate)?);
            let reference_tokens = next(length(self.references, "reference", pair.reference)?);
            places.push(PairPlace { candidate_tokens, reference_tokens });
        }
        Ok(places)
    }
}

fn length(cu_seqlens: &CuSeqlens, side: &str, index: usize) -> Result<usize> {
    let count = cu_seqlens.num_sequences();
    if index < count {
        return Ok(cu_seqlens.range(index).len());
    }
    let rule = format!("a pair's {side} must be one of {count} sequences, got {index}");
    Err(Error::Argument { operation: NAME, rule })
}

impl CustomOp2 for TokenMatch<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        candidates: &CpuStorage,
        candidates_layout: &Layout,
        references: &CpuStorage,
        references_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let candidates = f32_slice(NAME, candidates, candidates_layout)?;
        let references = f32_slice(NAME, references, references_layout)?;
        let dim = candidates_layout.dims()[1];
        let pairs = self.pairs.iter().map(|pair| {
            let candidate = self.candidates.range(pair.candidate);
            let reference = self.references.range(pair.reference);
            [
                &candidates[candidate.start * dim..candidate.end * dim],
                &references[reference.start * dim..reference.end * dim],
            ]
        });
        let maxima = cpu::token_match(pairs.collect(), dim);
        let count = maxima.len();
        Ok((CpuStorage::F32(maxima), Shape::from(count)))
    }
}

#[cfg(test)]
mod tests;
