//! Pooling: turns the hidden states of each sequence into one vector, with length 1 if requested, in one
//! pass.
//!
//! hidden: [total_tokens, hidden_dim] f32, contiguous. Output: [num_sequences, modes * hidden_dim] f32;
//! several modes are side by side. Definitions are those of sentence-transformers' Pooling module. Order of
//! the sums: over a sequence's tokens first to last, in f64, so the result is rounded once. On CUDA hidden
//! may be f16 or bf16; the output is f32. On Metal (composed of candle's operations) hidden may be f16, and
//! sums are f32.

mod composed;
#[cfg(feature = "cuda")]
mod cuda;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use crate::args::{expect_shape, f32_slice, matrix};
use crate::ops::normalize::normalize_row;
use crate::{CuSeqlens, Error, Form, Result};

const NAME: &str = "pool";

/// A way to combine a sequence's tokens into a vector. The variants have the order in which
/// sentence-transformers concatenates several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pooling {
    /// The first token after those that are skipped, or the first if all are.
    Cls,
    /// The largest value in each dimension.
    Max,
    /// The mean.
    Mean,
    /// The sum over the square root of the number of tokens.
    MeanSqrtLength,
    /// The mean weighted by position, counted from 1.
    WeightedMean,
    /// The last token.
    LastToken,
}

impl Pooling {
    /// All modes.
    pub const ALL: [Self; 6] =
        [Self::Cls, Self::Max, Self::Mean, Self::MeanSqrtLength, Self::WeightedMean, Self::LastToken];

    /// The name: `cls`, `max`, `mean`, `mean_sqrt_length`, `weighted_mean` or `last`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::MeanSqrtLength => "mean_sqrt_length",
            Self::WeightedMean => "weighted_mean",
            Self::LastToken => "last",
        }
    }

    /// The mode with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// The options of [`pool`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOptions {
    /// Modes, side by side in the output; at least one.
    pub modes: Vec<Pooling>,
    /// Tokens at the start of each sequence that every mode but the last token leaves out (a prompt's).
    /// Positions are counted from the start of the sequence, as in sentence-transformers.
    pub skip_tokens: usize,
    /// Whether each output row is divided by its length (by 1e-12 if it is shorter than that).
    pub normalize: bool,
}

/// One vector for each sequence of `hidden` [total_tokens, hidden_dim]. A sequence without tokens becomes
/// zeros.
///
/// # Errors
/// If there is no mode or `cu_seqlens` covers a different number of tokens.
pub fn pool(hidden: &Tensor, cu_seqlens: &CuSeqlens, options: &PoolOptions, form: Form) -> Result<Tensor> {
    let (_, hidden_dim) = matrix(NAME, "hidden", hidden)?;
    expect_shape(NAME, "hidden", hidden, &[cu_seqlens.total_tokens(), hidden_dim])?;
    if options.modes.is_empty() {
        return Err(Error::Argument {
            operation: NAME,
            rule: "needs at least one mode, got none".to_owned(),
        });
    }
    if form == Form::Composed {
        return Ok(composed::pool(hidden, cu_seqlens, options)?);
    }
    Ok(hidden.apply_op1_no_bwd(&Pool { cu_seqlens, options })?)
}

struct Pool<'a> {
    cu_seqlens: &'a CuSeqlens,
    options: &'a PoolOptions,
}

impl CustomOp1 for Pool<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let hidden = f32_slice(NAME, storage, layout)?;
        let hidden_dim = layout.dims()[1];
        let mut output = Vec::with_capacity(self.cu_seqlens.num_sequences() * hidden_dim);
        for tokens in self.cu_seqlens.ranges() {
            let sequence = &hidden[tokens.start * hidden_dim..tokens.end * hidden_dim];
            let first = output.len();
            for &mode in &self.options.modes {
                output.extend(pool_sequence(mode, sequence, hidden_dim, self.options.skip_tokens));
            }
            if self.options.normalize {
                normalize_row(&mut output[first..], 1e-12);
            }
        }
        let width = self.options.modes.len() * hidden_dim;
        Ok((CpuStorage::F32(output), Shape::from((self.cu_seqlens.num_sequences(), width))))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let output = cuda::pool((storage, layout), self.cu_seqlens, self.options)?;
        let width = self.options.modes.len() * layout.dims()[1];
        Ok((output, Shape::from((self.cu_seqlens.num_sequences(), width))))
    }
}

/// One mode of one sequence. With f64 sums over a few rows this is a thousandth of the encoder's time, so the
/// plain form is the kernel and needs no separate reference.
fn pool_sequence(mode: Pooling, sequence: &[f32], hidden_dim: usize, skip_tokens: usize) -> Vec<f32> {
    let rows = sequence.chunks_exact(hidden_dim);
    let count = rows.len().saturating_sub(skip_tokens);
    match mode {
        Pooling::Cls => {
            let first = if count > 0 { skip_tokens } else { 0 };
            row_or_zeros(rows.clone().nth(first), hidden_dim)
        }
        Pooling::LastToken => row_or_zeros(rows.clone().next_back(), hidden_dim),
        Pooling::Max => maxima(rows.skip(skip_tokens), hidden_dim),
        Pooling::Mean => weighted_sum(rows.enumerate().skip(skip_tokens), hidden_dim, |_| 1.0, count as f64),
        Pooling::MeanSqrtLength => {
            weighted_sum(rows.enumerate().skip(skip_tokens), hidden_dim, |_| 1.0, (count as f64).sqrt())
        }
        Pooling::WeightedMean => {
            let total: usize = (skip_tokens + 1..=rows.len()).sum();
            weighted_sum(rows.enumerate().skip(skip_tokens), hidden_dim, |i| (i + 1) as f64, total as f64)
        }
    }
}

fn row_or_zeros(row: Option<&[f32]>, hidden_dim: usize) -> Vec<f32> {
    row.map_or_else(|| vec![0.0; hidden_dim], <[f32]>::to_vec)
}

fn maxima<'a>(rows: impl Iterator<Item = &'a [f32]>, hidden_dim: usize) -> Vec<f32> {
    let larger = |mut largest: Vec<f32>, row: &[f32]| {
        for (largest, &value) in largest.iter_mut().zip(row) {
            // Not f32::max, which would lose a NaN.
            if value > *largest || value.is_nan() {
                *largest = value;
            }
        }
        largest
    };
    rows.fold(None, |largest: Option<Vec<f32>>, row| match largest {
        None => Some(row.to_vec()),
        Some(largest) => Some(larger(largest, row)),
    })
    .unwrap_or_else(|| vec![0.0; hidden_dim])
}

fn weighted_sum<'a>(
    rows: impl Iterator<Item = (usize, &'a [f32])>,
    hidden_dim: usize,
    weight: impl Fn(usize) -> f64,
    divisor: f64,
) -> Vec<f32> {
    let mut sums = vec![0.0f64; hidden_dim];
    for (position, row) in rows {
        let weight = weight(position);
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += weight * value as f64;
        }
    }
    // No tokens left: the sums are 0, and so is the vector.
    let divisor = if divisor > 0.0 { divisor } else { 1.0 };
    sums.into_iter().map(|sum| (sum / divisor) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Target, random, targets};
    use candle_core::{DType, Device};

    const MODES: [Pooling; 5] =
        [Pooling::Cls, Pooling::Max, Pooling::Mean, Pooling::WeightedMean, Pooling::LastToken];

    /// The same for every target.
    fn pooled(modes: &[Pooling], skip_tokens: usize, normalize: bool) -> Vec<Vec<f32>> {
        // Three sequences: of three tokens, of none, of one.
        let hidden = [1.0, -2.0, 3.0, 4.0, 5.0, -8.0, 7.0, 24.0];
        let cu_seqlens = CuSeqlens::from_lengths([3, 0, 1]).unwrap();
        let options = PoolOptions { modes: modes.to_vec(), skip_tokens, normalize };
        let run = |target: Target| -> Vec<Vec<f32>> {
            let hidden = target.tensor(&hidden, (4, 2));
            pool(&hidden, &cu_seqlens, &options, target.form()).unwrap().to_vec2().unwrap()
        };
        let [first, rest @ ..] = &targets()[..] else { unreachable!() };
        let expected = run(*first);
        for &target in rest {
            let got = run(target);
            if target.is_of_our_kernels() {
                assert_eq!(got, expected, "{target:?}");
            } else {
                // Sums of such values are exact in f32 too; divisor, quotient, root and length round.
                for (got, expected) in got.concat().into_iter().zip(expected.concat()) {
                    assert!((got - expected).abs() <= 3.0 * f32::EPSILON * expected.abs(), "{target:?}");
                }
            }
        }
        expected
    }

    /// Sums over many tokens are f64 everywhere, in the same order: the same bits on CUDA as on the CPU for
    /// the same values. Normalized vectors are divided by a length that is summed in a different order, so
    /// the last bit may differ.
    #[test]
    fn long_sequences_and_wide_rows_agree_with_the_cpu() {
        let cu_seqlens = CuSeqlens::from_lengths([1, 130, 0, 7, 64]).unwrap();
        for target in targets().into_iter().filter(|target| target.is_of_our_kernels()) {
            for hidden_dim in [1, 24, 384, 1030] {
                let values = target.held(&random(8, cu_seqlens.total_tokens() * hidden_dim));
                let shape = (cu_seqlens.total_tokens(), hidden_dim);
                for normalize in [false, true] {
                    let options = PoolOptions { modes: MODES.to_vec(), skip_tokens: 1, normalize };
                    let run = |hidden: Tensor| -> Vec<f32> {
                        pool(&hidden, &cu_seqlens, &options, target.form())
                            .unwrap()
                            .flatten_all()
                            .unwrap()
                            .to_vec1()
                            .unwrap()
                    };
                    let expected = run(Tensor::from_slice(&values, shape, &Device::Cpu).unwrap());
                    for (got, expected) in run(target.tensor(&values, shape)).into_iter().zip(expected) {
                        let bound = if normalize { f32::EPSILON * expected.abs() } else { 0.0 };
                        assert!((got - expected).abs() <= bound, "{target:?} {hidden_dim}: {got} {expected}");
                    }
                }
            }
        }
    }

    /// A sum of up to 130 values in -1..1, weighted by positions, and its quotient round at most 132 times,
    /// each time by 2^-24 of a mean size of at most 1; the CPU's rounds once. A normalized vector has the
    /// errors of all values in its own length, and of the sum of their squares (see `normalize`).
    #[test]
    fn composed_sums_err_by_as_much_as_f32_must() {
        let pooled_error = 133.0 * 2f32.powi(-24);
        let cu_seqlens = CuSeqlens::from_lengths([1, 130, 0, 7, 64]).unwrap();
        for target in targets().into_iter().filter(|target| !target.is_of_our_kernels()) {
            for hidden_dim in [1, 24, 384, 1030] {
                let total_tokens = cu_seqlens.total_tokens();
                let hidden = target.tensor(&random(8, total_tokens * hidden_dim), (total_tokens, hidden_dim));
                let run = |hidden: &Tensor, normalize, form| -> Vec<Vec<f32>> {
                    let options = PoolOptions { modes: MODES.to_vec(), skip_tokens: 1, normalize };
                    pool(hidden, &cu_seqlens, &options, form).unwrap().to_vec2().unwrap()
                };
                let on_cpu = |normalize| run(&hidden.to_dtype(DType::F32).unwrap(), normalize, Form::Kernels);
                let width = MODES.len() * hidden_dim;
                let squares = (width as f32 / 2.0 + 3.0) * 2f32.powi(-24);
                let plain = on_cpu(false);
                for normalize in [false, true] {
                    let output = run(&hidden, normalize, target.form());
                    for ((got, expected), plain) in output.iter().zip(on_cpu(normalize)).zip(&plain) {
                        let length = plain.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
                        let shift = pooled_error / length;
                        for (got, expected) in got.iter().zip(expected) {
                            let scaled = shift + expected.abs() * ((width as f32).sqrt() * shift + squares);
                            let bound = if normalize { scaled } else { pooled_error };
                            let difference = (got - expected).abs();
                            assert!(difference <= bound, "{target:?} {hidden_dim}: {got} {expected}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn each_mode_is_what_its_name_says() {
        assert_eq!(pooled(&[Pooling::Cls], 0, false), [[1.0, -2.0], [0.0, 0.0], [7.0, 24.0]]);
        assert_eq!(pooled(&[Pooling::LastToken], 0, false), [[5.0, -8.0], [0.0, 0.0], [7.0, 24.0]]);
        assert_eq!(pooled(&[Pooling::Max], 0, false), [[5.0, 4.0], [0.0, 0.0], [7.0, 24.0]]);
        assert_eq!(pooled(&[Pooling::Mean], 0, false), [[3.0, -2.0], [0.0, 0.0], [7.0, 24.0]]);
        let root = 3.0f64.sqrt();
        let expected = [(9.0 / root) as f32, (-6.0 / root) as f32];
        assert_eq!(pooled(&[Pooling::MeanSqrtLength], 0, false)[0], expected);
        let expected = [(22.0f64 / 6.0) as f32, (-18.0f64 / 6.0) as f32];
        assert_eq!(pooled(&[Pooling::WeightedMean], 0, false)[0], expected);
    }

    #[test]
    fn modes_stand_side_by_side_and_are_normalised_together() {
        assert_eq!(pooled(&[Pooling::Cls, Pooling::Mean], 0, false)[0], [1.0, -2.0, 3.0, -2.0]);
        assert_eq!(
            pooled(&[Pooling::Mean], 0, true),
            [[0.832_050_3, -0.554_700_2], [0.0, 0.0], [0.28, 0.96]]
        );
        let length: f32 = pooled(&[Pooling::Cls, Pooling::Max], 0, true)[0].iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-6);
    }

    #[test]
    fn skipped_tokens_count_for_positions_but_not_for_sums() {
        assert_eq!(pooled(&[Pooling::Mean], 1, false), [[4.0, -2.0], [0.0, 0.0], [0.0, 0.0]]);
        assert_eq!(pooled(&[Pooling::WeightedMean], 1, false)[0], [21.0 / 5.0, -16.0 / 5.0]);
        // The sequence of one token has no other first token.
        assert_eq!(pooled(&[Pooling::Cls], 1, false), [[3.0, 4.0], [0.0, 0.0], [7.0, 24.0]]);
        assert_eq!(pooled(&[Pooling::Cls], 3, false)[0], [1.0, -2.0]);
        assert_eq!(pooled(&[Pooling::LastToken], 1, false)[0], [5.0, -8.0]);
    }

    #[test]
    fn no_mode_is_an_error() {
        let hidden = Tensor::zeros((0, 2), DType::F32, &Device::Cpu).unwrap();
        let options = PoolOptions { modes: vec![], skip_tokens: 0, normalize: false };
        let error =
            pool(&hidden, &CuSeqlens::from_lengths([]).unwrap(), &options, Form::Kernels).unwrap_err();
        assert_eq!(error.to_string(), "pool: needs at least one mode, got none");
    }
}
