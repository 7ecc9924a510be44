//! Queries for rows of bytes whose meaning differs by dimension.

use super::NAME;
use crate::cpu::product::{Int8, SumScale};
use crate::{Error, Result};

/// The widest rows of bytes: 255 * 127 * 65,536 < 2^31.
const MOST_DIM: usize = 1 << 16;

/// What the bytes of each dimension mean: `start + step * byte` for a byte of 0..=255. A signed byte is 128
/// less than that byte. The ranges of sentence-transformers' `int8` and `uint8` are such: start is the least
/// value, step is (max - min) / 255.
#[derive(Debug, Clone, Copy)]
pub struct ByteRanges<'a> {
    /// The value of byte 0 in each dimension.
    pub starts: &'a [f32],
    /// The distance between bytes in each dimension.
    pub steps: &'a [f32],
}

/// Queries multiplied by the steps, then rounded to bytes.
///
/// q . x = sum of q start + sum of (q step) byte. The factors q step are rounded to multiples of one step per
/// query, |code| <= 127; the rounding errors times the middle byte, 127.5, are part of the offset, so that
/// scores are right on average. A dimension with a large range gets more of the query's precision, which is
/// what a product of two codes lacks.
pub(super) struct ByteQueries {
    /// [num_queries, words]: four codes each, padded with zeros.
    pub(super) words: Vec<u32>,
    pub(super) scales: Vec<SumScale>,
}

impl ByteQueries {
    /// Of `queries` [num_queries, dim].
    pub(super) fn new(queries: &[f32], dim: usize, ranges: &ByteRanges<'_>) -> Result<Self> {
        let broken = |rule| Err(Error::Argument { operation: NAME, rule });
        let ByteRanges { starts, steps } = ranges;
        if dim > MOST_DIM {
            return broken(format!("bytes must have a width of at most {MOST_DIM}, got {dim}"));
        }
        if [starts.len(), steps.len()] != [dim; 2] {
            let [starts, steps] = [starts.len(), steps.len()];
            return broken(format!(
                "ranges must be of {dim} dimensions, got {starts} starts and {steps} steps"
            ));
        }
        if queries.iter().chain(*starts).chain(*steps).any(|value| !value.is_finite()) {
            return broken("queries and ranges of bytes must be finite".to_owned());
        }
        let mut all = Self { words: Vec::new(), scales: Vec::new() };
        for query in queries.chunks_exact(dim) {
            let factor = |(&q, &step): (&f32, &f32)| f64::from(q) * f64::from(step);
            let largest = query.iter().zip(*steps).map(factor).fold(0.0, |most: f64, x| most.max(x.abs()));
            let step = if largest > 0.0 { largest / 127.0 } else { 1.0 };
            let mut codes = vec![0i8; dim.next_multiple_of(Int8::GROUP)];
            let mut offset = 0.0;
            for (i, code) in codes[..dim].iter_mut().enumerate() {
                let factor = factor((&query[i], &steps[i]));
                *code = (factor / step).round_ties_even() as i8;
                offset += f64::from(query[i]) * f64::from(starts[i]);
                offset += (factor - step * f64::from(*code)) * 127.5;
            }
            let groups = codes.as_chunks::<{ Int8::GROUP }>().0;
            all.words.extend(groups.iter().map(|group| u32::from_le_bytes(group.map(|code| code as u8))));
            all.scales.push(SumScale { step: step as f32, offset: offset as f32 });
        }
        Ok(all)
    }
}
