//! Norms of heads against their formula, at vector edges, with and without values after them.

use candle_core::{DType, Device};

use super::*;
use crate::ops::layer_norm::NormSlices;
use crate::testing::{Target, assert_close, random, targets};

const EPSILON: f64 = 1e-6;
const ROWS: usize = 5;
/// The heads of the first and of the second part, and the values of each.
const SHAPES: [(usize, usize, usize); 6] =
    [(1, 1, 1), (3, 1, 10), (2, 2, 16), (1, 2, 63), (2, 1, 128), (2, 0, 33)];
/// Values after the heads.
const OTHERS: [usize; 2] = [0, 7];

struct Case {
    shape: (usize, usize, usize),
    width: usize,
    weights: [Vec<f32>; 2],
}

impl Case {
    fn new(shape: (usize, usize, usize), others: usize) -> Self {
        let (queries, keys, head_dim) = shape;
        let width = (queries + keys) * head_dim + others;
        Self { shape, width, weights: [2, 3].map(|seed| random(seed, head_dim)) }
    }

    fn qkv(&self, target: Target) -> Vec<f32> {
        target.held(&random(1, ROWS * self.width))
    }

    fn counts(&self) -> [usize; 2] {
        [self.shape.0, self.shape.1]
    }

    fn run(&self, target: Target, qkv: &[f32]) -> Vec<f32> {
        if let Target::Cpu(set) = target {
            let (mut output, mut first) = (qkv.to_vec(), 0);
            for (count, weight) in self.counts().into_iter().zip(&self.weights) {
                let heads = first..first + count * self.shape.2;
                first = heads.end;
                let bias = vec![0.0; weight.len()];
                cpu::norm_heads_for(set, &mut output, self.width, heads, slices(weight, &bias));
            }
            return output;
        }
        let norms = self.norms(target);
        let parts = self.parts(&norms);
        let qkv = target.tensor(qkv, (qkv.len() / self.width, self.width));
        target.values(&norm_heads(qkv, &parts, target.form()).unwrap())
    }

    fn norms(&self, target: Target) -> [LayerNorm; 2] {
        self.weights.each_ref().map(|weight| {
            let weight = Tensor::new(&**weight, &Device::Cpu).unwrap();
            LayerNorm::rms(&weight, EPSILON, &target.placement()).unwrap()
        })
    }

    fn parts<'a>(&self, norms: &'a [LayerNorm; 2]) -> Vec<NormedHeads<'a>> {
        let parts = self.counts().into_iter().zip(norms);
        parts.map(|(num_heads, norm)| NormedHeads { num_heads, norm }).collect()
    }

    /// The formula, with sums in f64.
    fn reference(&self, qkv: &[f32]) -> Vec<f64> {
        let mut output: Vec<f64> = qkv.iter().map(|&value| f64::from(value)).collect();
        for row in output.chunks_exact_mut(self.width) {
            let mut first = 0;
            for (count, weight) in self.counts().into_iter().zip(&self.weights) {
                for _ in 0..count {
                    let head = &mut row[first..first + weight.len()];
                    let normed = slices(weight, &vec![0.0; weight.len()]).reference(head);
                    head.copy_from_slice(&normed);
                    first += weight.len();
                }
            }
        }
        output
    }
}

fn slices<'a>(weight: &'a [f32], bias: &'a [f32]) -> NormSlices<'a> {
    NormSlices { weight, bias, epsilon: EPSILON as f32, is_centred: false }
}

/// A mean square of n values errs by n units, its root and the two products by a few more; a normed value is at most
/// sqrt(n), and is rounded to the target's type.
#[test]
fn agrees_with_the_formula() {
    for target in targets() {
        for shape in SHAPES {
            for others in OTHERS {
                let case = Case::new(shape, others);
                let qkv = case.qkv(target);
                let head_dim = shape.2 as f64;
                let units = (head_dim + 8.0) * f64::from(f32::EPSILON) + target.rounding();
                let bound = head_dim.sqrt() * units;
                let output = case.run(target, &qkv);
                assert_close(&format!("{target:?} {shape:?}"), &output, &case.reference(&qkv), bound);
            }
        }
    }
}

#[test]
fn values_after_the_heads_stay_and_a_row_has_the_same_bits_alone() {
    for target in targets() {
        let case = Case::new((2, 1, 33), 7);
        let qkv = case.qkv(target);
        let output = case.run(target, &qkv);
        for (before, after) in qkv.chunks_exact(case.width).zip(output.chunks_exact(case.width)) {
            assert_eq!(before[99..], after[99..], "{target:?}");
            assert_ne!(before[..99], after[..99], "{target:?}");
            assert_eq!(case.run(target, before), after, "{target:?}");
        }
    }
}

#[test]
fn the_kernel_changes_a_view_in_its_place() {
    let target = Target::Cpu(crate::InstructionSet::current());
    let case = Case::new((2, 1, 10), 3);
    let (qkv, norms) = (case.qkv(target), case.norms(target));
    let view = target.shifted_tensor(&qkv, (ROWS, case.width));
    let output = norm_heads(view, &case.parts(&norms), Form::Kernels).unwrap();
    assert_eq!(target.values(&output), case.run(target, &qkv));
}

#[test]
fn heads_that_do_not_fit_are_named() {
    let target = Target::Cpu(crate::InstructionSet::current());
    let norms = Case::new((1, 1, 10), 0).norms(target);
    let parts = [NormedHeads { num_heads: 3, norm: &norms[0] }];
    let qkv = Tensor::zeros((2, 29), DType::F32, &Device::Cpu).unwrap();
    let error = norm_heads(qkv, &parts, Form::Kernels).unwrap_err().to_string();
    assert_eq!(error, "norm_heads: qkv must have shape [rows, 30 or more], got [2, 29]");
}
