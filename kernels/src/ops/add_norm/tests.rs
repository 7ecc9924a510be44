//! Every kind of norm after a sum, with the sum, and alone.

use candle_core::{DType, Device};

use super::cpu::AddNormRows;
use super::*;
use crate::Placement;
use crate::cpu::simd::dispatch_to;
use crate::ops::layer_norm::NormSlices;
use crate::testing::{Target, assert_close, norm_bound, random, targets};

const ROWS: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Layer,
    WithoutBias,
    Rms,
}

const KINDS: [Kind; 3] = [Kind::Layer, Kind::WithoutBias, Kind::Rms];

struct Case {
    kind: Kind,
    hidden: Vec<f32>,
    residual: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn new(target: Target, kind: Kind, hidden_dim: usize) -> Self {
        let [hidden, residual] = [1, 2].map(|seed| target.held(&random(seed, ROWS * hidden_dim)));
        let bias = if kind == Kind::Layer { random(4, hidden_dim) } else { vec![0.0; hidden_dim] };
        Self { kind, hidden, residual, weight: random(3, hidden_dim), bias }
    }

    fn hidden_dim(&self) -> usize {
        self.weight.len()
    }

    fn slices(&self) -> NormSlices<'_> {
        let is_centred = self.kind != Kind::Rms;
        NormSlices { weight: &self.weight, bias: &self.bias, epsilon: 1e-12, is_centred }
    }

    fn tensors(&self, target: Target) -> [Tensor; 2] {
        [&self.hidden, &self.residual].map(|values| target.tensor(values, (ROWS, self.hidden_dim())))
    }

    fn run(&self, target: Target) -> Vec<f32> {
        if let Target::Cpu(set) = target {
            let mut output = vec![0.0; self.hidden.len()];
            let rows = AddNormRows {
                hidden: &self.hidden,
                residual: Some(&self.residual),
                norm: self.slices(),
                output: &mut output,
                sum: None,
            };
            dispatch_to(set, rows);
            return output;
        }
        let [hidden, residual] = self.tensors(target);
        target.values(&add_norm(&hidden, &residual, &self.norm(target)).unwrap())
    }

    fn norm(&self, target: Target) -> LayerNorm {
        let [weight, bias] =
            [&self.weight, &self.bias].map(|values| Tensor::new(&**values, &Device::Cpu).unwrap());
        let placement = target.placement();
        let norm = match self.kind {
            Kind::Layer => LayerNorm::new(&weight, &bias, 1e-12, &placement),
            Kind::WithoutBias => LayerNorm::without_bias(&weight, 1e-12, &placement),
            Kind::Rms => LayerNorm::rms(&weight, 1e-12, &placement),
        };
        norm.unwrap()
    }

    /// The formula, with sums in f64.
    fn reference(&self) -> Vec<f64> {
        let sums: Vec<f64> =
            self.hidden.iter().zip(&self.residual).map(|(&x, &r)| x as f64 + r as f64).collect();
        sums.chunks_exact(self.hidden_dim()).flat_map(|row| self.slices().reference(row)).collect()
    }

    /// Without a mean nothing is centred: the sum of squares errs by hidden_dim eps, on values of size max|x| /
    /// rms <= sqrt(hidden_dim).
    fn bound(&self) -> f64 {
        let hidden_dim = self.hidden_dim();
        match self.kind {
            Kind::Rms => (hidden_dim + 8) as f64 * f32::EPSILON as f64 * ((hidden_dim as f64).sqrt() + 1.0),
            _ => norm_bound(&self.hidden, &self.residual, hidden_dim),
        }
    }
}

#[test]
fn agrees_with_the_reference_beside_vector_edges() {
    for target in targets() {
        for kind in KINDS {
            for hidden_dim in [1, 3, 4, 7, 8, 15, 16, 17, 33, 255, 256, 257, 384, 520, 1024] {
                let case = Case::new(target, kind, hidden_dim);
                let output = case.run(target);
                if hidden_dim == 1 && kind != Kind::Rms {
                    // One value is its own mean: only the shift is left.
                    let expected = case.bias[0] as f64;
                    let bound = 1e-6 + target.rounding() * expected.abs();
                    let is_right = |&y: &f32| (y as f64 - expected).abs() < bound;
                    assert!(output.iter().all(is_right), "{target:?} {kind:?} {output:?}");
                    continue;
                }
                let expected = case.reference();
                let largest = expected.iter().fold(0.0f64, |largest, y| largest.max(y.abs()));
                let bound = case.bound() + target.rounding() * largest;
                assert_close(&format!("{target:?} {kind:?} {hidden_dim}"), &output, &expected, bound);
            }
        }
    }
}

#[test]
fn a_row_has_the_same_bits_alone_and_in_any_company() {
    for target in targets() {
        for kind in KINDS {
            for hidden_dim in [24, 384] {
                let case = Case::new(target, kind, hidden_dim);
                let together = case.run(target);
                for row in 0..ROWS {
                    // Every row becomes a copy of this one.
                    let repeated = |values: &[f32]| values[row * hidden_dim..][..hidden_dim].repeat(ROWS);
                    let (hidden, residual) = (repeated(&case.hidden), repeated(&case.residual));
                    let (weight, bias) = (case.weight.clone(), case.bias.clone());
                    let alone = Case { kind, hidden, residual, weight, bias }.run(target);
                    let together = &together[row * hidden_dim..][..hidden_dim];
                    assert_eq!(&alone[..hidden_dim], together, "{target:?} {kind:?} {row}");
                }
            }
        }
    }
}

#[test]
fn with_the_sum_the_norm_has_the_same_bits() {
    for target in targets() {
        for hidden_dim in [1, 17, 384] {
            let case = Case::new(target, Kind::Rms, hidden_dim);
            let ([hidden, residual], norm) = (case.tensors(target), case.norm(target));
            let both = add_norm_with_sum(&hidden, &residual, &norm).unwrap();
            let alone = add_norm(&hidden, &residual, &norm).unwrap();
            assert_eq!(target.values(&both.norm), target.values(&alone), "{target:?} {hidden_dim}");
            let sums: Vec<f32> = case.hidden.iter().zip(&case.residual).map(|(x, r)| x + r).collect();
            assert_eq!(target.values(&both.sum), target.held(&sums), "{target:?} {hidden_dim}");
            assert_eq!(both.sum.dims(), [ROWS, hidden_dim]);
        }
    }
}

#[test]
fn a_norm_alone_is_that_of_a_sum_with_nothing() {
    for target in targets() {
        for kind in KINDS {
            let mut case = Case::new(target, kind, 40);
            case.residual = vec![0.0; ROWS * 40];
            let ([hidden, residual], norm) = (case.tensors(target), case.norm(target));
            let alone = norm.forward(&hidden).unwrap();
            let with_nothing = add_norm(&hidden, &residual, &norm).unwrap();
            assert_eq!(target.values(&alone), target.values(&with_nothing), "{target:?} {kind:?}");
        }
    }
}

#[test]
fn a_tensor_may_begin_anywhere() {
    for target in targets().into_iter().filter(|target| !matches!(target, Target::Cpu(_))) {
        let case = Case::new(target, Kind::Layer, 24);
        let norm = case.norm(target);
        let [hidden, residual] =
            [&case.hidden, &case.residual].map(|values| target.shifted_tensor(values, (ROWS, 24)));
        let output = add_norm(&hidden, &residual, &norm).unwrap();
        assert_eq!(target.values(&output), case.run(target), "{target:?}");
    }
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let zeros =
        |rows: usize, columns: usize| Tensor::zeros((rows, columns), DType::F32, &Device::Cpu).unwrap();
    let vector = Tensor::zeros(4, DType::F32, &Device::Cpu).unwrap();
    let norm = LayerNorm::new(&vector, &vector, 1e-5, &Placement::CPU).unwrap();
    let error = add_norm(&zeros(2, 5), &zeros(2, 5), &norm).unwrap_err().to_string();
    assert_eq!(error, "add_norm: hidden must have shape [2, 4], got [2, 5]");
    let error = add_norm_with_sum(&zeros(2, 4), &zeros(3, 4), &norm).unwrap_err().to_string();
    assert_eq!(error, "add_norm: residual must have shape [2, 4], got [3, 4]");
    let error = norm.forward(&zeros(2, 5)).unwrap_err().to_string();
    assert_eq!(error, "add_norm: hidden must have shape [2, 4], got [2, 5]");
}
