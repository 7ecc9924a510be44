//! Convolutions against their formula, at vector edges and the ends of texts.

use candle_core::{DType, Device};

use super::*;
use crate::testing::{Target, assert_close, random, targets};

/// Heads (0: a filter per column), width, taps.
const SHAPES: [(usize, usize, usize); 7] =
    [(0, 1, 1), (0, 17, 3), (0, 64, 9), (1, 5, 3), (2, 34, 9), (3, 48, 5), (2, 128, 17)];
const LENGTHS: [usize; 4] = [1, 0, 3, 40];

struct Case {
    num_heads: usize,
    width: usize,
    taps: usize,
    cu_seqlens: CuSeqlens,
}

impl Case {
    fn new((num_heads, width, taps): (usize, usize, usize), lengths: &[usize]) -> Self {
        let cu_seqlens = CuSeqlens::from_lengths(lengths.iter().copied()).unwrap();
        Self { num_heads, width, taps, cu_seqlens }
    }

    fn filter_shape(&self) -> (usize, usize) {
        match self.num_heads {
            0 => (self.taps, self.width),
            heads => (self.cu_seqlens.total_tokens(), heads * self.taps),
        }
    }

    /// States and filters.
    fn values(&self, target: Target) -> [Vec<f32>; 2] {
        let (rows, columns) = self.filter_shape();
        let counts = [self.cu_seqlens.total_tokens() * self.width, rows * columns];
        [1, 2].map(|seed| target.held(&random(seed, counts[seed as usize - 1])))
    }

    fn run(&self, target: Target, hidden: &[f32], filters: &[f32]) -> Vec<f32> {
        let Self { num_heads, width, taps, ref cu_seqlens } = *self;
        let heads = (num_heads > 0).then_some(num_heads);
        if let Target::Cpu(set) = target {
            let task = cpu::Task { hidden, width, filters, taps, num_heads: heads, cu_seqlens };
            return cpu::convolve_for(set, task);
        }
        let hidden = target.tensor(hidden, (cu_seqlens.total_tokens(), width));
        let filters = target.tensor(filters, self.filter_shape());
        let filters = match heads {
            None => Filters::Columns(&filters),
            Some(num_heads) => Filters::Heads { logits: &filters, num_heads },
        };
        target.values(&convolve(&hidden, filters, cu_seqlens, target.form()).unwrap())
    }

    /// The weight of a tap for a token and a column, in f64.
    fn weight(&self, filters: &[f32], token: usize, tap: usize, column: usize) -> f64 {
        let Self { num_heads, width, taps, .. } = *self;
        if num_heads == 0 {
            return f64::from(filters[tap * width + column]);
        }
        let head = column / (width / num_heads);
        let logits = &filters[(token * num_heads + head) * taps..][..taps];
        let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
        f64::from(logits[tap]).exp() / sum
    }

    fn reference(&self, hidden: &[f32], filters: &[f32]) -> Vec<f64> {
        let mut output = vec![0.0; hidden.len()];
        for text in self.cu_seqlens.ranges() {
            for token in text.clone() {
                for tap in 0..self.taps {
                    let place = (token + tap).wrapping_sub(self.taps / 2);
                    for column in (0..self.width).filter(|_| text.contains(&place)) {
                        let value = f64::from(hidden[place * self.width + column]);
                        output[token * self.width + column] +=
                            self.weight(filters, token, tap, column) * value;
                    }
                }
            }
        }
        output
    }
}

/// `taps` products of values up to 1, added one after the other; the softmax's weights err by some 8 units and their
/// sum is 1. The result, at most `taps`, is rounded to the target's type.
#[test]
fn agrees_with_the_formula() {
    for target in targets() {
        for shape in SHAPES {
            let case = Case::new(shape, &LENGTHS);
            let [hidden, filters] = case.values(target);
            let taps = case.taps as f64;
            let bound = taps * ((taps + 8.0) * f64::from(f32::EPSILON) + target.rounding());
            let output = case.run(target, &hidden, &filters);
            let expected = case.reference(&hidden, &filters);
            assert_close(&format!("{target:?} {shape:?}"), &output, &expected, bound);
        }
    }
}

#[test]
fn a_text_has_the_same_bits_alone_and_in_any_company() {
    for target in targets() {
        for shape in [(0, 17, 3), (2, 34, 9)] {
            let together = Case::new(shape, &LENGTHS);
            let [hidden, filters] = together.values(target);
            let output = together.run(target, &hidden, &filters);
            for (text, length) in together.cu_seqlens.ranges().zip(LENGTHS) {
                let alone = Case::new(shape, &[length]);
                let part =
                    |values: &[f32], width: usize| values[text.start * width..text.end * width].to_vec();
                let own = match shape.0 {
                    0 => filters.clone(),
                    heads => part(&filters, heads * shape.2),
                };
                let got = alone.run(target, &part(&hidden, shape.1), &own);
                assert_eq!(got, part(&output, shape.1), "{target:?} {shape:?} {length}");
            }
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let zeros = |shape: (usize, usize)| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let cu_seqlens = CuSeqlens::from_lengths([3]).unwrap();
    let error = |filters: Filters<'_>| {
        convolve(&zeros((3, 8)), filters, &cu_seqlens, Form::Kernels).unwrap_err().to_string()
    };
    assert_eq!(
        error(Filters::Columns(&zeros((3, 7)))),
        "convolve: weights must have shape [3, 8], got [3, 7]"
    );
    assert_eq!(
        error(Filters::Columns(&zeros((2, 8)))),
        "convolve: filters must have an odd number of taps, got 2"
    );
    assert_eq!(
        error(Filters::Heads { logits: &zeros((3, 9)), num_heads: 2 }),
        "convolve: logits must have shape [3, 2 * taps], got [3, 9]"
    );
    assert_eq!(
        error(Filters::Heads { logits: &zeros((2, 6)), num_heads: 2 }),
        "convolve: logits must have shape [3, 6], got [2, 6]"
    );
}
