//! Gated linear layers: activation(x G^T + g) * (x W^T + b).

use candle_core::{Device, Tensor};

use super::{
    Activation, Encoding, InstructionSet, Linear, LinearParameters, ROWS, WIDTHS, encoded, linear_reference,
    random, targets, team, tensor,
};
use crate::Placement;
use crate::testing::{Target, targets as all_targets};

const GATES: [Activation; 3] = [Activation::Silu, Activation::Gelu, Activation::Sigmoid];

/// Weights and biases of gates and of what they multiply.
struct Case {
    gate: LinearParameters,
    up: LinearParameters,
}

impl Case {
    fn new(in_dim: usize, out_dim: usize) -> Self {
        let parameters = |seed: u64| LinearParameters {
            weight: random(seed, out_dim * in_dim),
            bias: random(seed + 1, out_dim),
            in_dim,
        };
        Self { gate: parameters(1), up: parameters(3) }
    }

    fn tensors(parameters: &LinearParameters) -> (Tensor, Tensor) {
        let weight = tensor(&parameters.weight, parameters.bias.len(), parameters.in_dim);
        (weight, Tensor::new(&*parameters.bias, &Device::Cpu).unwrap())
    }

    fn packed(&self, target: (InstructionSet, Encoding)) -> Linear {
        let [gate, up] = [&self.gate, &self.up].map(Self::tensors);
        let parameters = LinearParameters::gated((&gate.0, Some(&gate.1)), (&up.0, Some(&up.1))).unwrap();
        Linear::packed_for(target, &parameters, true)
    }

    fn placed(&self, placement: &Placement) -> Linear {
        let [gate, up] = [&self.gate, &self.up].map(Self::tensors);
        Linear::gated((&gate.0, Some(&gate.1)), (&up.0, Some(&up.1)), placement).unwrap()
    }

    /// The formula, and how far a result may be off: the factors' errors times each other's sizes, and the
    /// rounding of their product. `limit` is the error of a sum of a row and parameters.
    fn reference(
        &self,
        rounded: impl Fn(&[f32], &[f32]) -> [Vec<f32>; 2],
        limit: impl Fn(&[f32], &[f32], f32) -> f64,
        hidden: &[f32],
        activation: Activation,
    ) -> Vec<(f64, f64)> {
        let factor = |parameters: &LinearParameters, activation: Activation| {
            let [hidden, weight] = rounded(hidden, &parameters.weight);
            let values = linear_reference(&hidden, &weight, &parameters.bias, activation);
            let rows = hidden.chunks_exact(parameters.in_dim);
            let weights = || weight.chunks_exact(parameters.in_dim).zip(&parameters.bias);
            let limits = rows.flat_map(|row| weights().map(move |(weights, &bias)| (row, weights, bias)));
            let limits: Vec<f64> = limits.map(|(row, weights, bias)| limit(row, weights, bias)).collect();
            values.into_iter().zip(limits).collect::<Vec<_>>()
        };
        let (gates, ups) = (factor(&self.gate, activation), factor(&self.up, Activation::Identity));
        let product = |((gate, gate_limit), (up, up_limit)): ((f64, f64), (f64, f64))| {
            let off = gate_limit * up.abs() + up_limit * gate.abs() + gate_limit * up_limit;
            (gate * up, off + f32::EPSILON as f64 * (gate * up).abs())
        };
        gates.into_iter().zip(ups).map(product).collect()
    }
}

fn assert_within(what: &str, output: &[f32], expected: &[(f64, f64)], rounding: f64) {
    assert_eq!(output.len(), expected.len(), "{what}");
    for (i, (&got, &(expected, off))) in output.iter().zip(expected).enumerate() {
        let off = off + rounding * expected.abs();
        assert!((got as f64 - expected).abs() <= off, "{what} at {i}: {got}, {expected}, bound {off:e}");
    }
}

#[test]
fn agrees_with_the_reference_at_tile_edges() {
    for target in targets() {
        for (in_dim, out_dim) in WIDTHS {
            let case = Case::new(in_dim, out_dim);
            let linear = case.packed(target);
            for (rows, activation) in ROWS.into_iter().zip(GATES.into_iter().cycle()) {
                let hidden = random(9, rows * in_dim);
                let output = linear.forward_activated(&tensor(&hidden, rows, in_dim), activation).unwrap();
                assert_eq!(output.dims(), [rows, out_dim]);
                let output = output.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                let rounded = |hidden: &[f32], weight: &[f32]| encoded(target.1, hidden, weight, in_dim);
                let limit = |row: &[f32], weights: &[f32], bias| super::bound(target.1, row, weights, bias);
                let expected = case.reference(rounded, limit, &hidden, activation);
                let what = format!("{target:?} {rows} x {in_dim} x {out_dim} {activation:?}");
                assert_within(&what, &output, &expected, 0.0);
            }
        }
    }
}

/// Sums are rounded to the element type on CUDA and by candle's products.
#[test]
fn agrees_with_the_reference_on_devices() {
    for target in all_targets().into_iter().filter(|target| !matches!(target, Target::Cpu(_))) {
        for (in_dim, out_dim) in WIDTHS {
            let case = Case::new(in_dim, out_dim);
            let case = Case {
                gate: LinearParameters {
                    weight: target.held(&case.gate.weight),
                    bias: target.held(&case.gate.bias),
                    in_dim,
                },
                up: LinearParameters {
                    weight: target.held(&case.up.weight),
                    bias: target.held(&case.up.bias),
                    in_dim,
                },
            };
            let linear = case.placed(&target.placement());
            for (rows, activation) in [0, 1, 7, 25].into_iter().zip(GATES.into_iter().cycle()) {
                let hidden = target.held(&random(9, rows * in_dim));
                let input = target.tensor(&hidden, (rows, in_dim));
                let output = linear.forward_activated(&input, activation).unwrap();
                assert_eq!(output.dims(), [rows, out_dim]);
                let rounded = |hidden: &[f32], weight: &[f32]| [hidden.to_vec(), weight.to_vec()];
                let limit = |row: &[f32], weights: &[f32], bias: f32| {
                    let products = row.iter().zip(weights).map(|(&x, &w)| (x as f64 * w as f64).abs());
                    let size = products.sum::<f64>() + bias.abs() as f64;
                    let chain = 2.0 * (in_dim + 2) as f64 * f32::EPSILON as f64 * size;
                    1.13 * (chain + target.rounding() * size) + 4e-7 * (1.0 + size)
                };
                let expected = case.reference(rounded, limit, &hidden, activation);
                let what = format!("{target:?} {rows} x {in_dim} x {out_dim} {activation:?}");
                assert_within(&what, &target.values(&output), &expected, target.rounding());
            }
        }
    }
}

#[test]
fn a_row_has_the_same_bits_alone_in_a_batch_and_in_a_team() {
    let (in_dim, out_dim, rows) = (72, 75, 290);
    let team = team(3);
    let hidden = random(1, rows * in_dim);
    for target in targets() {
        let linear = Case::new(in_dim, out_dim).packed(target);
        let values = |hidden: &[f32]| {
            let hidden = tensor(hidden, hidden.len() / in_dim, in_dim);
            let output = linear.forward_activated(&hidden, Activation::Silu).unwrap();
            output.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let together = values(&hidden);
        assert_eq!(team.share(|| values(&hidden)).unwrap(), together, "{target:?}");
        for row in [0, 1, 17, 289] {
            let (input, expected) =
                (&hidden[row * in_dim..][..in_dim], &together[row * out_dim..][..out_dim]);
            assert_eq!(values(input), expected, "{target:?} row {row}");
            // One row divides the columns among threads.
            assert_eq!(team.share(|| values(input)).unwrap(), expected, "{target:?} row {row}");
        }
    }
}

#[test]
fn halves_that_differ_are_named() {
    let (gate, up) = (tensor(&random(1, 12), 3, 4), tensor(&random(1, 8), 2, 4));
    let error = Linear::gated((&gate, None), (&up, None), &Placement::CPU).unwrap_err().to_string();
    assert_eq!(error, "linear: weight of up must have shape [3, 4], got [2, 4]");
}
