//! The linear layer against its reference, at and around tile edges, for every instruction set.

use candle_core::{Device, Tensor};

use super::encoding::Encoding;
use super::{Linear, LinearParameters, linear_reference};
use crate::cpu::simd::{InstructionSet, NativeBf16};
use crate::testing::{available_sets, random, team};
use crate::{Activation, Placement};

const ROWS: [usize; 10] = [0, 1, 2, 5, 6, 7, 11, 12, 25, 97];
const WIDTHS: [(usize, usize); 8] =
    [(1, 1), (3, 5), (31, 33), (32, 32), (64, 16), (65, 17), (384, 31), (130, 96)];

fn tensor(values: &[f32], rows: usize, columns: usize) -> Tensor {
    Tensor::from_slice(values, (rows, columns), &Device::Cpu).unwrap()
}

fn layer(target: (InstructionSet, Encoding), weight: &[f32], bias: &[f32], in_dim: usize) -> Linear {
    let weight = tensor(weight, bias.len(), in_dim);
    let bias = Tensor::from_slice(bias, bias.len(), &Device::Cpu).unwrap();
    let parameters = LinearParameters::stacked(&[(&weight, Some(&bias))]).unwrap();
    Linear::packed_for(target, &parameters, false)
}

/// All combinations of instruction set and encoding that this CPU has.
fn targets() -> Vec<(InstructionSet, Encoding)> {
    let portable = [Encoding::F32, Encoding::RoundedF32, Encoding::Int8];
    let sets = available_sets().flat_map(|set| portable.map(|encoding| (set, encoding)));
    sets.chain(NativeBf16::new().map(|native| (InstructionSet::Avx512Bf16, Encoding::Bf16(native)))).collect()
}

/// The inputs of an exact product in this encoding: `hidden` and `weight` rounded to values that the encoding
/// can represent.
fn encoded(encoding: Encoding, hidden: &[f32], weight: &[f32], in_dim: usize) -> [Vec<f32>; 2] {
    match encoding {
        Encoding::F32 => [hidden.to_vec(), weight.to_vec()],
        Encoding::RoundedF32 | Encoding::Bf16(_) => {
            [hidden, weight].map(|values| values.iter().map(|&x| half::bf16::from_f32(x).to_f32()).collect())
        }
        Encoding::Int8 => [
            hidden.chunks(in_dim).flat_map(in_unsigned_bytes).collect(),
            weight.chunks(in_dim).flat_map(in_signed_bytes).collect(),
        ],
    }
}

/// The row's values rounded to 256 steps of its range.
fn in_unsigned_bytes(row: &[f32]) -> Vec<f32> {
    let extreme = |better: fn(f32, f32) -> f32| row.iter().fold(0.0, |best, &x| better(best, x));
    let (lowest, highest) = (extreme(f32::min), extreme(f32::max));
    let scale = (highest - lowest) / 255.0;
    let zero = if scale > 0.0 { (-lowest / scale).round_ties_even() } else { 0.0 };
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let byte = |x: f32| x.mul_add(inverse, zero).round_ties_even().clamp(0.0, 255.0);
    row.iter().map(|&x| scale * (byte(x) - zero)).collect()
}

/// The row's values rounded to 127 steps on either side of 0.
fn in_signed_bytes(row: &[f32]) -> Vec<f32> {
    let scale = row.iter().fold(0.0f32, |largest, x| largest.max(x.abs())) / 127.0;
    let step = |x: f32| if scale > 0.0 { (x / scale).round_ties_even() } else { 0.0 };
    row.iter().map(|&x| scale * step(x)).collect()
}

/// A chain of n multiply-adds is off by at most n eps times the sum of the products' sizes (Higham, Accuracy
/// and Stability of Numerical Algorithms, 3.1; twice that if product and sum round separately); no activation
/// here has a slope above 1.13. Bytes sum exactly, yet their scales round, and `encoded` rounds the products
/// with them once more; an input between two steps may go either way if a CPU rounds `x / scale + zero`
/// twice, which is one step of the input times a weight.
fn bound(encoding: Encoding, row: &[f32], weights: &[f32], bias: f32) -> f64 {
    let size: f64 = row.iter().zip(weights).map(|(&x, &w)| (x as f64 * w as f64).abs()).sum();
    let chain = 2.0 * (row.len() + 2) as f64 * f32::EPSILON as f64 * (size + bias.abs() as f64);
    let ties = match encoding {
        Encoding::Int8 => {
            weights.iter().fold(0.0f32, |largest, w| largest.max(w.abs())) as f64 / 127.0 * 1.01
        }
        _ => 0.0,
    };
    1.13 * (chain + ties) + 4e-7 * (1.0 + size + bias.abs() as f64)
}

fn check(
    target: (InstructionSet, Encoding),
    [total_tokens, in_dim, out_dim]: [usize; 3],
    activation: Activation,
) {
    let weight = random(7, out_dim * in_dim);
    let bias = random(8, out_dim);
    let hidden = random(9, total_tokens * in_dim);
    let linear = layer(target, &weight, &bias, in_dim);
    let output = linear.forward_activated(&tensor(&hidden, total_tokens, in_dim), activation).unwrap();
    assert_eq!(output.dims(), [total_tokens, out_dim]);
    let output = output.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let [hidden, weight] = encoded(target.1, &hidden, &weight, in_dim);
    let expected = linear_reference(&hidden, &weight, &bias, activation);
    assert_eq!(output.len(), expected.len());
    for (i, (got, expected)) in output.iter().zip(expected).enumerate() {
        let (row, column) = (i / out_dim, i % out_dim);
        let (inputs, weights) = (&hidden[row * in_dim..][..in_dim], &weight[column * in_dim..][..in_dim]);
        let limit = bound(target.1, inputs, weights, bias[column]);
        let difference = (*got as f64 - expected).abs();
        assert!(
            difference <= limit,
            "{target:?} {total_tokens} x {in_dim} x {out_dim} {activation:?} at {row}, {column}: {got} against {expected}, \
             bound {limit:e}"
        );
    }
}

#[test]
fn agrees_with_the_reference_at_tile_edges() {
    for target in targets() {
        for (in_dim, out_dim) in WIDTHS {
            for total_tokens in ROWS {
                for activation in [Activation::Identity, Activation::Gelu, Activation::Relu] {
                    check(target, [total_tokens, in_dim, out_dim], activation);
                }
            }
        }
    }
}

#[test]
fn more_rows_than_a_block_agree_too() {
    for target in targets() {
        check(target, [205, 384, 40], Activation::Gelu);
    }
}

#[test]
fn a_row_has_the_same_bits_alone_and_in_any_company() {
    let (in_dim, out_dim, total_tokens) = (72, 40, 31);
    let hidden = random(1, total_tokens * in_dim);
    for target in targets() {
        let linear = layer(target, &random(2, out_dim * in_dim), &random(3, out_dim), in_dim);
        let together =
            linear.forward_activated(&tensor(&hidden, total_tokens, in_dim), Activation::Gelu).unwrap();
        let together = together.to_vec2::<f32>().unwrap();
        for (row, expected) in together.iter().enumerate() {
            let alone = tensor(&hidden[row * in_dim..][..in_dim], 1, in_dim);
            let alone = linear.forward_activated(&alone, Activation::Gelu).unwrap().to_vec2::<f32>().unwrap();
            assert_eq!(&alone[0], expected, "{target:?} row {row}");
        }
    }
}

#[test]
fn threads_of_a_team_give_the_same_bits() {
    let (in_dim, out_dim) = (72, 130);
    let team = team(3);
    for target in targets() {
        let linear = layer(target, &random(2, out_dim * in_dim), &random(3, out_dim), in_dim);
        // Few rows divide the columns among threads, many divide the rows.
        for total_tokens in [0, 1, 2, 31, 290] {
            let hidden = tensor(&random(1, total_tokens * in_dim), total_tokens, in_dim);
            let forward = || linear.forward_activated(&hidden, Activation::Gelu).unwrap();
            let values = |output: Tensor| output.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let (alone, together) = (values(forward()), values(team.share(forward).unwrap()));
            assert_eq!(alone, together, "{target:?} {total_tokens} rows");
        }
    }
}

#[test]
fn a_value_that_is_not_finite_reaches_every_output_of_its_row_and_no_other() {
    for target in targets() {
        let linear = layer(target, &random(2, 40 * 33), &random(3, 40), 33);
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, 20, 32] {
                let mut hidden = random(4, 3 * 33);
                hidden[33 + place] = value;
                let output = linear.forward(&tensor(&hidden, 3, 33)).unwrap().to_vec2::<f32>().unwrap();
                assert!(output[1].iter().all(|y| !y.is_finite()), "{target:?} {value} at {place}");
                assert!(output[0].iter().chain(&output[2]).all(|y| y.is_finite()), "{target:?} {value}");
            }
        }
    }
}

#[test]
fn rows_of_zeros_give_the_bias() {
    for target in targets() {
        let bias = random(3, 5);
        let linear = layer(target, &random(2, 5 * 8), &bias, 8);
        let output = linear.forward(&tensor(&[0.0; 16], 2, 8)).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(output, [bias.clone(), bias], "{target:?}");
    }
}

#[test]
fn stacked_layers_are_the_layers_side_by_side() {
    let (a, b) = (tensor(&random(1, 6 * 9), 6, 9), tensor(&random(2, 4 * 9), 4, 9));
    let hidden = tensor(&random(3, 5 * 9), 5, 9);
    let stacked =
        Linear::stacked(&[(&a, None), (&b, None)], &Placement::CPU).unwrap().forward(&hidden).unwrap();
    let apart =
        [&a, &b].map(|weight| Linear::new(weight, None, &Placement::CPU).unwrap().forward(&hidden).unwrap());
    let apart = Tensor::cat(&apart, 1).unwrap();
    assert_eq!(stacked.to_vec2::<f32>().unwrap(), apart.to_vec2::<f32>().unwrap());
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let weight = tensor(&random(1, 12), 3, 4);
    let bias = Tensor::zeros(2, candle_core::DType::F32, &Device::Cpu).unwrap();
    let error = Linear::new(&weight, Some(&bias), &Placement::CPU).unwrap_err().to_string();
    assert_eq!(error, "linear: bias must have shape [3], got [2]");
    let linear = Linear::new(&weight, None, &Placement::CPU).unwrap();
    let error = linear.forward(&tensor(&random(1, 10), 2, 5)).unwrap_err().to_string();
    assert_eq!(error, "linear: hidden must have shape [2, 4], got [2, 5]");
    let error = Linear::new(&tensor(&[], 3, 0), None, &Placement::CPU).unwrap_err().to_string();
    assert_eq!(error, "linear: weight must have an in_dim of 1 or more, got 0");
}

mod columns;
mod gated;
mod on_devices;
