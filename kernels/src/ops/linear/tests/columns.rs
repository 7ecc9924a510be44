//! Outputs combined over the rows of each sequence.

use candle_core::{Device, Tensor};

use super::super::{ColumnReduction, Saturation};
use super::{Linear, WIDTHS, bound, encoded, layer, linear_reference, random, targets, team, tensor};
use crate::testing::{Target, targets as all_targets};
use crate::{Activation, CuSeqlens};

const REDUCTIONS: [ColumnReduction; 3] =
    [ColumnReduction::Max, ColumnReduction::Sum(Saturation::Log), ColumnReduction::Sum(Saturation::LogLog)];

/// Lengths whose sequences start and end inside tiles of rows, and one of more rows than a block.
const LENGTHS: [&[usize]; 6] = [&[], &[0], &[1], &[3, 0, 1, 12, 7, 2, 1], &[25, 26], &[2, 1100, 3]];

/// The definition, in f64, from the outputs of every row; and the sum of the saturated values' sizes.
fn reference(outputs: &[f64], out_dim: usize, lengths: &[usize], reduction: ColumnReduction) -> Vec<f64> {
    let mut rows = outputs.chunks_exact(out_dim);
    let mut combined = Vec::new();
    for &length in lengths {
        let rows: Vec<&[f64]> = rows.by_ref().take(length).collect();
        for column in 0..out_dim {
            let values = rows.iter().map(|row| row[column]);
            combined.push(match reduction {
                ColumnReduction::Max => values.fold(f64::NEG_INFINITY, f64::max),
                ColumnReduction::Sum(saturation) => values.map(|x| saturation.reference(x)).sum(),
            });
        }
    }
    combined
}

/// A maximum is off by at most the most that one of its values is. A sum of n values is off by n times that (a
/// saturation has no slope above 1), by the rounding of each saturated value, and by n roundings of the sum.
/// candle's saturation rounds 1 + x, which is off by eps of it, and f32's logarithm within 2 ULP, twice.
fn sum_bound(reduction: ColumnReduction, rows: usize, off: f64, expected: f64) -> f64 {
    let (n, eps) = (rows as f64, f64::from(f32::EPSILON));
    match reduction {
        ColumnReduction::Max => off,
        ColumnReduction::Sum(_) => n * off + (n + 1.0) * eps * expected + n * 8.0 * eps,
    }
}

fn assert_within(what: &str, got: &[f32], expected: &[f64], limit: impl Fn(usize) -> f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let is_close = f64::from(got) == expected || (f64::from(got) - expected).abs() <= limit(i);
        assert!(is_close, "{what} at {i}: {got} against {expected}, bound {:e}", limit(i));
    }
}

#[test]
fn agrees_with_the_reference_at_tile_edges() {
    for target in targets() {
        for (in_dim, out_dim) in WIDTHS {
            let (weight, bias) = (random(7, out_dim * in_dim), random(8, out_dim));
            let linear = layer(target, &weight, &bias, in_dim);
            for lengths in LENGTHS {
                let cu_seqlens = CuSeqlens::from_lengths(lengths.iter().copied()).unwrap();
                let total_tokens = cu_seqlens.total_tokens();
                if total_tokens > 1000 && in_dim * out_dim > 2000 {
                    continue;
                }
                let hidden = random(9, total_tokens * in_dim);
                let [held, weights] = encoded(target.1, &hidden, &weight, in_dim);
                let outputs = linear_reference(&held, &weights, &bias, Activation::Identity);
                let off = |row: usize, column: usize| {
                    let weights = &weights[column * in_dim..][..in_dim];
                    bound(target.1, &held[row * in_dim..][..in_dim], weights, bias[column])
                };
                for reduction in REDUCTIONS {
                    let hidden = tensor(&hidden, total_tokens, in_dim);
                    let got = linear.forward_columns(&hidden, &cu_seqlens, reduction).unwrap();
                    assert_eq!(got.dims(), [lengths.len(), out_dim]);
                    let expected = reference(&outputs, out_dim, lengths, reduction);
                    let limit = |i: usize| {
                        let rows = cu_seqlens.ranges().nth(i / out_dim).unwrap();
                        let worst = rows.clone().map(|row| off(row, i % out_dim)).fold(0.0, f64::max);
                        sum_bound(reduction, rows.len(), worst, expected[i])
                    };
                    let got = got.flatten_all().unwrap().to_vec1().unwrap();
                    let what = format!("{target:?} {in_dim} x {out_dim} {lengths:?} {reduction:?}");
                    assert_within(&what, &got, &expected, limit);
                }
            }
        }
    }
}

fn placed(target: Target, [in_dim, out_dim]: [usize; 2]) -> (Linear, Vec<f32>, Vec<f32>) {
    let (weight, bias) = (target.held(&random(7, out_dim * in_dim)), target.held(&random(8, out_dim)));
    let vector = Tensor::new(&*bias, &Device::Cpu).unwrap();
    let linear = Linear::new(&tensor(&weight, out_dim, in_dim), Some(&vector), &target.placement()).unwrap();
    (linear, weight, bias)
}

/// As on the CPU, with outputs that are rounded to the element type.
#[test]
fn agrees_on_every_device() {
    let [in_dim, out_dim] = [33, 21];
    for target in all_targets() {
        let (linear, weight, bias) = placed(target, [in_dim, out_dim]);
        for lengths in LENGTHS {
            let cu_seqlens = CuSeqlens::from_lengths(lengths.iter().copied()).unwrap();
            let total_tokens = cu_seqlens.total_tokens();
            let hidden = target.held(&random(9, total_tokens * in_dim));
            let outputs = linear_reference(&hidden, &weight, &bias, Activation::Identity);
            for reduction in REDUCTIONS {
                let hidden = target.tensor(&hidden, (total_tokens, in_dim));
                let got = target.values(&linear.forward_columns(&hidden, &cu_seqlens, reduction).unwrap());
                let expected = reference(&outputs, out_dim, lengths, reduction);
                // No output is larger than the sum of its 34 terms.
                let size = (in_dim + 1) as f64;
                let off = 2.0 * size * f64::from(f32::EPSILON) * size + 2.0 * target.rounding() * size;
                let limit = |i: usize| sum_bound(reduction, lengths[i / out_dim], off, expected[i]);
                assert_within(&format!("{target:?} {lengths:?} {reduction:?}"), &got, &expected, limit);
            }
        }
    }
}

#[test]
fn a_sequence_has_the_same_bits_alone_and_in_any_company() {
    let (in_dim, out_dim, lengths) = (72, 40, [5, 1, 600, 17, 8]);
    let cu_seqlens = CuSeqlens::from_lengths(lengths).unwrap();
    for target in all_targets().into_iter().filter(|target| target.is_of_our_kernels()) {
        let (linear, ..) = placed(target, [in_dim, out_dim]);
        let hidden = target.tensor(&random(1, cu_seqlens.total_tokens() * in_dim), (631, in_dim));
        for reduction in REDUCTIONS {
            let together = target.values(&linear.forward_columns(&hidden, &cu_seqlens, reduction).unwrap());
            for (rows, together) in cu_seqlens.ranges().zip(together.chunks(out_dim)) {
                let alone = hidden.narrow(0, rows.start, rows.len()).unwrap();
                let of_one = CuSeqlens::from_lengths([rows.len()]).unwrap();
                let alone = target.values(&linear.forward_columns(&alone, &of_one, reduction).unwrap());
                assert_eq!(alone, together, "{target:?} {reduction:?} {rows:?}");
            }
        }
    }
}

#[test]
fn threads_of_a_team_give_the_same_bits() {
    let (in_dim, out_dim, team) = (72, 130, team(3));
    for target in targets() {
        let linear = layer(target, &random(2, out_dim * in_dim), &random(3, out_dim), in_dim);
        for lengths in LENGTHS {
            let cu_seqlens = CuSeqlens::from_lengths(lengths.iter().copied()).unwrap();
            let total_tokens = cu_seqlens.total_tokens();
            let hidden = tensor(&random(1, total_tokens * in_dim), total_tokens, in_dim);
            for reduction in REDUCTIONS {
                let forward = || linear.forward_columns(&hidden, &cu_seqlens, reduction).unwrap();
                let values = |output: Tensor| output.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                assert_eq!(values(forward()), values(team.share(forward).unwrap()), "{target:?} {lengths:?}");
            }
        }
    }
}

#[test]
fn saturations_are_their_formulas() {
    for (x, log, log_log) in [(0.0, 0.0, 0.0), (-3.0, 0.0, 0.0), (3.0, 1.386_294_4, 0.869_741_7)] {
        assert_eq!((Saturation::Log.of(x), Saturation::LogLog.of(x)), (log, log_log));
    }
    // 1 + 1e-8 is 1 in f32.
    assert_eq!(Saturation::Log.of(1e-8), 1e-8);
    assert!(Saturation::Log.of(f32::NAN).is_nan());
}

#[test]
fn what_does_not_fit_is_named() {
    let (linear, cu_seqlens) = (placed(all_targets()[0], [4, 3]).0, CuSeqlens::from_lengths([2]).unwrap());
    let hidden = tensor(&random(1, 12), 3, 4);
    let error = linear.forward_columns(&hidden, &cu_seqlens, ColumnReduction::Max).unwrap_err().to_string();
    assert_eq!(error, "linear: hidden must have shape [2, 4], got [3, 4]");
    let weight = tensor(&random(1, 12), 3, 4);
    let gated = Linear::gated((&weight, None), (&weight, None), &crate::Placement::CPU).unwrap();
    let hidden = hidden.narrow(0, 0, 2).unwrap();
    let error = gated.forward_columns(&hidden, &cu_seqlens, ColumnReduction::Max).unwrap_err().to_string();
    assert_eq!(error, "linear: columns must be those of a layer without gates, got a gated one");
}
