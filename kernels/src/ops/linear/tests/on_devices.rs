//! The linear layer on CUDA and composed of candle's operations, in each element type.

use candle_core::Device;

use super::super::LinearParameters;
use super::{Linear, ROWS, WIDTHS, linear_reference, random, tensor};
use crate::Activation;
use crate::testing::{Target, targets};

fn device_targets() -> impl Iterator<Item = Target> {
    targets().into_iter().filter(|target| !matches!(target, Target::Cpu(_)))
}

struct Layer {
    parameters: LinearParameters,
    linear: Linear,
}

impl Layer {
    fn new(target: Target, in_dim: usize, out_dim: usize) -> Self {
        let weight = target.held(&random(7, out_dim * in_dim));
        let bias = target.held(&random(8, out_dim));
        let matrix = tensor(&weight, out_dim, in_dim);
        let vector = candle_core::Tensor::new(&*bias, &Device::Cpu).unwrap();
        let linear = Linear::new(&matrix, Some(&vector), &target.placement()).unwrap();
        Self { parameters: LinearParameters { weight, bias, in_dim }, linear }
    }

    fn run(&self, target: Target, hidden: &[f32], activation: Activation) -> Vec<f32> {
        let rows = hidden.len() / self.parameters.in_dim;
        let hidden = target.tensor(hidden, (rows, self.parameters.in_dim));
        target.values(&self.linear.forward_activated(&hidden, activation).unwrap())
    }

    /// How far one output may be off. Sums as on the CPU; the finished sum is rounded to the element type,
    /// and so is the activation's result.
    fn bound(&self, target: Target, hidden: &[f32], [row, column]: [usize; 2]) -> f64 {
        let in_dim = self.parameters.in_dim;
        let (inputs, weights) =
            (&hidden[row * in_dim..][..in_dim], &self.parameters.weight[column * in_dim..][..in_dim]);
        let products = inputs.iter().zip(weights).map(|(&x, &w)| (x as f64 * w as f64).abs());
        let size = products.sum::<f64>() + self.parameters.bias[column].abs() as f64;
        let chain = 2.0 * (in_dim + 2) as f64 * f32::EPSILON as f64 * size;
        let roundings = if target.rounding() > 1e-6 { 2.0 * target.rounding() * size } else { 0.0 };
        // Subnormal f16 have a step of 2^-24.
        1.13 * (chain + roundings) + 4e-7 * (1.0 + size)
    }
}

#[test]
fn agrees_with_the_reference() {
    for target in device_targets() {
        for (in_dim, out_dim) in WIDTHS {
            let layer = Layer::new(target, in_dim, out_dim);
            for total_tokens in ROWS {
                let hidden = target.held(&random(9, total_tokens * in_dim));
                for activation in [Activation::Identity, Activation::Gelu, Activation::Relu] {
                    let output = layer.run(target, &hidden, activation);
                    let LinearParameters { weight, bias, .. } = &layer.parameters;
                    let expected = linear_reference(&hidden, weight, bias, activation);
                    assert_eq!(output.len(), expected.len());
                    for (i, (&got, expected)) in output.iter().zip(expected).enumerate() {
                        let bound = layer.bound(target, &hidden, [i / out_dim, i % out_dim]);
                        assert!(
                            (got as f64 - expected).abs() <= bound,
                            "{target:?} {total_tokens} x {in_dim} x {out_dim} {activation:?} at {i}: {got} against \
                             {expected}, bound {bound:e}"
                        );
                    }
                }
            }
        }
    }
}

/// Widths of models, and row counts beyond a tile's: the algorithm of a product depends on both.
#[test]
fn a_row_has_the_same_bits_alone_and_in_any_company() {
    let total_tokens = 300;
    for target in device_targets().filter(|target| target.is_of_our_kernels()) {
        for (in_dim, out_dim) in [(384, 96), (768, 128), (3072, 40)] {
            let layer = Layer::new(target, in_dim, out_dim);
            let hidden = target.held(&random(1, total_tokens * in_dim));
            let together = layer.run(target, &hidden, Activation::Gelu);
            for (rows, first) in [(1, 0), (1, 299), (2, 1), (7, 200), (64, 236), (100, 1), (299, 1)] {
                let part = layer.run(target, &hidden[first * in_dim..][..rows * in_dim], Activation::Gelu);
                assert_eq!(
                    part,
                    together[first * out_dim..][..rows * out_dim],
                    "{target:?} {in_dim} by {out_dim}: {rows} from {first}"
                );
            }
        }
    }
}

/// One input, a weight of 1 and no bias: the activation alone, in f32 and rounded to the element type.
#[test]
fn activations_agree_with_their_formulas() {
    let one = tensor(&[1.0], 1, 1);
    let steps = (-2000..=2000).map(|i| i as f32 * 0.005);
    let far = [-6e4, -88.0, -30.0, 30.0, 88.0, 6e4, 0.0, -0.0, 1e-4, f32::NAN];
    let inputs: Vec<f32> = steps.chain(far).collect();
    for target in device_targets() {
        let linear = Linear::new(&one, None, &target.placement()).unwrap();
        let inputs = target.held(&inputs);
        let hidden = target.tensor(&inputs, (inputs.len(), 1));
        for activation in Activation::ALL {
            let output = target.values(&linear.forward_activated(&hidden, activation).unwrap());
            for (&x, y) in inputs.iter().zip(output) {
                let expected = activation.reference(x as f64);
                let rounding =
                    if target.rounding() > 1e-6 { target.rounding() * expected.abs() } else { 0.0 };
                let bound = 4e-7 * (1.0 + x.abs() as f64) + rounding;
                let close = (y as f64 - expected).abs() <= bound || (x.is_nan() && y.is_nan());
                assert!(close, "{target:?} {activation:?}({x}) = {y}, expected {expected}");
            }
        }
    }
}
