//! Rotation against its formula, at vector edges, whole and partial.

use candle_core::Device;

use super::*;
use crate::Placement;
use crate::testing::{Target, assert_close, random, targets};

/// Heads, values of each, and the pairs of them that are rotated.
const SHAPES: [(usize, usize, usize); 7] =
    [(1, 2, 1), (2, 8, 4), (3, 12, 5), (4, 32, 16), (2, 64, 32), (1, 65, 17), (2, 80, 20)];

/// Values after the rotated heads.
const OTHERS: usize = 7;

struct Case {
    heads: RotaryHeads,
    frequencies: Vec<f32>,
    cu_seqlens: CuSeqlens,
}

impl Case {
    fn new((num_heads, head_dim, pairs): (usize, usize, usize), lengths: &[usize]) -> Self {
        Self {
            heads: RotaryHeads { num_heads, head_dim },
            frequencies: RotaryTable::inverse_frequencies(10_000.0, 2 * pairs),
            cu_seqlens: CuSeqlens::from_lengths(lengths.iter().copied()).unwrap(),
        }
    }

    fn width(&self) -> usize {
        self.heads.num_heads * self.heads.head_dim + OTHERS
    }

    fn qkv(&self, target: Target) -> Vec<f32> {
        target.held(&random(3, self.cu_seqlens.total_tokens() * self.width()))
    }

    fn run(&self, target: Target, qkv: &[f32]) -> Vec<f32> {
        let Self { heads, frequencies, cu_seqlens } = self;
        let positions = cu_seqlens.longest().max(1);
        let table = RotaryTable::new(frequencies, 1.0, positions, &target.placement()).unwrap();
        if let Target::Cpu(set) = target {
            let mut output = qkv.to_vec();
            let angles = |table: &Tensor| table.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let (cos, sin) = (angles(&table.cos), angles(&table.sin));
            let angles = cpu::Angles { cos: &cos, sin: &sin, pairs: table.pairs() };
            cpu::rotate_for(set, &mut output, self.width(), cu_seqlens, *heads, angles);
            return output;
        }
        let qkv = target.tensor(qkv, (cu_seqlens.total_tokens(), self.width()));
        target.values(&rotate(qkv, cu_seqlens, *heads, &table, target.form()).unwrap())
    }

    /// The formula in f64, with the f32 angles.
    fn reference(&self, qkv: &[f32]) -> Vec<f64> {
        let RotaryHeads { num_heads, head_dim } = self.heads;
        let pairs = self.frequencies.len();
        let mut output: Vec<f64> = qkv.iter().map(|&value| value as f64).collect();
        for tokens in self.cu_seqlens.ranges() {
            for (position, token) in tokens.enumerate() {
                for head in 0..num_heads {
                    for (pair, frequency) in self.frequencies.iter().enumerate() {
                        let angle = (position as f32 * frequency) as f64;
                        let first = token * self.width() + head * head_dim + pair;
                        let (x, y) = (qkv[first] as f64, qkv[first + pairs] as f64);
                        output[first] = x * angle.cos() - y * angle.sin();
                        output[first + pairs] = y * angle.cos() + x * angle.sin();
                    }
                }
            }
        }
        output
    }
}

/// cos, sin, two products and their sum round by half a unit each, of values up to 1 (the sum: up to 2).
#[test]
fn agrees_with_the_formula() {
    for target in targets() {
        for shape in SHAPES {
            let case = Case::new(shape, &[1, 0, 5, 70]);
            let qkv = case.qkv(target);
            let bound = 3.0 * f32::EPSILON as f64 + 2.0 * target.rounding();
            let output = case.run(target, &qkv);
            assert_close(&format!("{target:?} {shape:?}"), &output, &case.reference(&qkv), bound);
        }
    }
}

#[test]
fn first_tokens_and_other_values_stay() {
    for target in targets() {
        let case = Case::new((2, 80, 20), &[1, 1, 3]);
        let qkv = case.qkv(target);
        let output = case.run(target, &qkv);
        let rows = qkv.chunks_exact(case.width()).zip(output.chunks_exact(case.width()));
        for (token, (before, after)) in rows.enumerate() {
            for (i, (before, after)) in before.iter().zip(after).enumerate() {
                let stays = token < 3 || i >= 160 || i % 80 >= 40;
                assert!(!stays || before == after, "{target:?} token {token}, value {i}");
            }
        }
    }
}

#[test]
fn a_sequence_has_the_same_bits_alone_and_in_any_company() {
    for target in targets() {
        let together = Case::new((3, 12, 5), &[4, 33, 1]);
        let qkv = together.qkv(target);
        let output = together.run(target, &qkv);
        for (tokens, length) in together.cu_seqlens.ranges().zip([4, 33, 1]) {
            let place = tokens.start * together.width()..tokens.end * together.width();
            let alone = Case::new((3, 12, 5), &[length]);
            assert_eq!(alone.run(target, &qkv[place.clone()]), output[place], "{target:?} {length}");
        }
    }
}

#[test]
fn the_kernel_changes_a_view_in_its_place() {
    let case = Case::new((2, 8, 4), &[5]);
    let target = Target::Cpu(crate::InstructionSet::current());
    let qkv = case.qkv(target);
    let table = RotaryTable::new(&case.frequencies, 1.0, 5, &Placement::CPU).unwrap();
    let view = target.shifted_tensor(&qkv, (5, case.width()));
    let output = rotate(view, &case.cu_seqlens, case.heads, &table, Form::Kernels).unwrap();
    assert_eq!(target.values(&output), case.run(target, &qkv));
}

#[test]
fn sizes_that_do_not_fit_are_named() {
    let cu_seqlens = CuSeqlens::from_lengths([3]).unwrap();
    let error = |num_heads: usize, pairs: usize, positions: usize| {
        let qkv = Tensor::zeros((3, 24), candle_core::DType::F32, &Device::Cpu).unwrap();
        let table = RotaryTable::new(&vec![1.0; pairs], 1.0, positions, &Placement::CPU).unwrap();
        let heads = RotaryHeads { num_heads, head_dim: 8 };
        rotate(qkv, &cu_seqlens, heads, &table, Form::Kernels).unwrap_err().to_string()
    };
    assert_eq!(error(4, 4, 3), "rotate: 4 heads of 8 values must fit into rows of 24");
    assert_eq!(error(2, 5, 3), "rotate: pairs must fit into a head of 8 values, got 5");
    assert_eq!(error(2, 4, 2), "rotate: sequences must have at most 2 tokens, got 3");
}
