//! [`super::token_match`] composed of candle's operations, in f32, one pair after another. All cosines of a
//! pair are in memory at once.

use candle_core::{DType, Device, Result, Tensor};

use super::TokenPair;

/// The maxima of every pair, one after another.
pub(super) fn token_match(pairs: &[TokenPair<'_>], device: &Device) -> Result<Tensor> {
    let mut maxima = Vec::with_capacity(2 * pairs.len());
    for pair in pairs {
        let found = match_pair(pair.candidate, pair.reference)?;
        maxima.extend(found.into_iter().filter(|values| values.elem_count() > 0));
    }
    if maxima.is_empty() {
        return Tensor::zeros(0, DType::F32, device);
    }
    Tensor::cat(&maxima, 0)
}

/// Row maxima and column maxima of `candidate` [m, dim] times the transpose of `reference` [n, dim]: `[m]`
/// and `[n]`.
fn match_pair(candidate: &Tensor, reference: &Tensor) -> Result<[Tensor; 2]> {
    let sides = [candidate, reference];
    if sides.iter().any(|side| side.elem_count() == 0) {
        // A matrix with an empty partner has maxima of minus infinity.
        let [rows, columns] =
            sides.map(|side| Tensor::full(f32::NEG_INFINITY, side.dims()[0], side.device()));
        return Ok([rows?, columns?]);
    }
    let [candidate, reference] = sides.map(|side| side.to_dtype(DType::F32)?.contiguous());
    let cosines = candidate?.matmul(&reference?.t()?)?;
    Ok([cosines.max(1)?, cosines.max(0)?])
}
