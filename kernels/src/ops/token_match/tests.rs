//! The match against its reference, its symmetry and its edges.

use candle_core::{DType, Device, Tensor};

use super::{TokenPair, cpu, token_match, token_match_reference};
use crate::testing::{Target, assert_close, random, targets};
use crate::{Form, normalize};

/// At and around the sizes of tiles and fragments on CUDA, and of vectors on the CPU.
const LENGTHS: [usize; 16] = [1, 2, 7, 8, 13, 15, 16, 17, 31, 33, 63, 64, 65, 70, 129, 200];

/// Pairs of matrices of `dim` columns.
struct Case {
    dim: usize,
    pairs: Vec<[Vec<f32>; 2]>,
}

impl Case {
    /// Rows of length 1 rounded to `target`'s type, `lengths` of them for each pair.
    fn new(target: Target, dim: usize, lengths: impl IntoIterator<Item = [usize; 2]>) -> Self {
        let mut seed = 0;
        let mut rows = |count| {
            seed += 1;
            target.held(&unit_rows(seed, count, dim))
        };
        Self { dim, pairs: lengths.into_iter().map(|pair| pair.map(&mut rows)).collect() }
    }

    /// For each pair the row maxima and the column maxima.
    fn run(&self, target: Target) -> Vec<Vec<f32>> {
        let mut maxima = match target {
            Target::Cpu(set) => cpu::token_match_for(set, self.slices(), self.dim),
            _ => self.run_on_views(target),
        };
        let found = self.pairs.iter().map(|pair| {
            let rest = maxima.split_off(pair.iter().map(|side| side.len() / self.dim).sum());
            std::mem::replace(&mut maxima, rest)
        });
        let found = found.collect();
        assert!(maxima.is_empty(), "{target:?}: {} too many", maxima.len());
        found
    }

    fn slices(&self) -> Vec<[&[f32]; 2]> {
        self.pairs.iter().map(|[candidate, reference]| [&**candidate, &**reference]).collect()
    }

    /// The same with candidates and references as views of one tensor each, after other values.
    fn run_on_views(&self, target: Target) -> Vec<f32> {
        let views = [0, 1].map(|side| {
            let matrices: Vec<&[f32]> = self.pairs.iter().map(|pair| &*pair[side]).collect();
            let values = [&vec![f32::NAN; self.dim], &*matrices.concat()].concat();
            let tensor = target.tensor(&values, (values.len() / self.dim, self.dim));
            let mut first = 1;
            let view = |matrix: &&[f32]| {
                let rows = matrix.len() / self.dim;
                first += rows;
                tensor.narrow(0, first - rows, rows).unwrap()
            };
            matrices.iter().map(view).collect::<Vec<_>>()
        });
        let [candidates, references] = &views;
        let pairs = candidates.iter().zip(references);
        let pairs: Vec<_> = pairs.map(|(candidate, reference)| TokenPair { candidate, reference }).collect();
        let maxima = token_match(&pairs, target.form()).unwrap();
        assert_eq!(maxima.values.dtype(), DType::F32, "{target:?}");
        target.values(&maxima.values)
    }

    fn assert_agrees(&self, target: Target) {
        for ([a, b], got) in self.pairs.iter().zip(self.run(target)) {
            let expected = token_match_reference(a, b, self.dim);
            // A cosine's chain of dim multiply-adds errs by dim eps times the sum of the products' sizes,
            // which is at most the product of the rows' lengths (Cauchy and Schwarz). They are 1 except for
            // the rounding of the values.
            let lengths = (1.0 + target.rounding()).powi(2);
            let bound = 2.0 * (self.dim + 1) as f64 * f32::EPSILON as f64 * lengths;
            let [m, n] = [a, b].map(|side| side.len() / self.dim);
            assert_close(&format!("{target:?} {m} x {n} x {}", self.dim), &got, &expected, bound);
        }
    }
}

fn unit_rows(seed: u64, rows: usize, dim: usize) -> Vec<f32> {
    let values = Tensor::from_vec(random(seed, rows * dim), (rows, dim), &Device::Cpu).unwrap();
    normalize(&values, 0.0, Form::Kernels).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// On the CPU a reference is packed once for the pairs in a row that have it.
#[test]
fn pairs_that_share_a_reference_have_the_bits_of_pairs_that_do_not() {
    for target in targets() {
        let Target::Cpu(set) = target else { continue };
        let case = Case::new(target, 65, [[3, 17], [20, 17], [1, 40], [7, 3]]);
        let slices = case.slices();
        let pairs = [[0, 0], [1, 0], [2, 1], [3, 1], [0, 1], [2, 0], [3, 3]];
        let shared: Vec<[&[f32]; 2]> = pairs.iter().map(|&[a, b]| [slices[a][0], slices[b][1]]).collect();
        let copies: Vec<[Vec<f32>; 2]> = shared.iter().map(|pair| pair.map(<[f32]>::to_vec)).collect();
        let apart = Case { dim: 65, pairs: copies }.run(target).concat();
        assert_eq!(cpu::token_match_for(set, shared, 65), apart, "{target:?}");
    }
}

/// Every one of `lengths` with every other.
fn crossed(lengths: &[usize]) -> impl Iterator<Item = [usize; 2]> + '_ {
    lengths.iter().flat_map(|&m| lengths.iter().map(move |&n| [m, n]))
}

/// `count` pairs of 1 to `longest` tokens.
fn ragged(count: usize, longest: usize) -> impl Iterator<Item = [usize; 2]> {
    let lengths =
        random(9, 2 * count).into_iter().map(move |x| 1 + ((x + 1.0) / 2.0 * longest as f32) as usize);
    let lengths: Vec<usize> = lengths.map(|length| length.min(longest)).collect();
    lengths.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect::<Vec<_>>().into_iter()
}

#[test]
fn agrees_with_the_reference_at_tile_edges() {
    for target in targets() {
        for dim in [1, 5, 32, 65] {
            Case::new(target, dim, crossed(&LENGTHS)).assert_agrees(target);
        }
    }
}

#[test]
fn agrees_with_the_reference_at_the_widths_of_models() {
    for target in targets() {
        for dim in [384, 768, 1000] {
            let around = LENGTHS.into_iter().zip(LENGTHS.into_iter().rev()).map(|(m, n)| [m, n]);
            Case::new(target, dim, around.chain(crossed(&[1, 17, 40]))).assert_agrees(target);
        }
    }
}

#[test]
fn agrees_with_the_reference_in_a_ragged_batch() {
    for target in targets() {
        Case::new(target, 48, ragged(300, 90)).assert_agrees(target);
    }
}

#[test]
fn a_pair_has_the_same_bits_alone_and_in_company() {
    for target in targets() {
        for dim in [37, 64, 384] {
            let case = Case::new(target, dim, ragged(12, 140));
            for (pair, together) in case.pairs.iter().zip(case.run(target)) {
                let alone = Case { dim, pairs: vec![pair.clone()] };
                assert_eq!(alone.run(target), [together], "{target:?} {dim}");
            }
        }
    }
}

/// In the first row of a tile, in a later one, in the second tile; and with or without 16 rows that share its
/// fragment.
#[test]
fn a_token_has_the_same_bits_wherever_it_lies() {
    for target in targets().into_iter().filter(|target| target.is_of_our_kernels()) {
        let dim = 200;
        let rows = target.held(&unit_rows(1, 70, dim));
        let other = target.held(&unit_rows(2, 1, dim));
        let together = Case { dim, pairs: vec![[rows.clone(), other.clone()]] }.run(target).remove(0);
        for (row, &expected) in rows.chunks_exact(dim).zip(&together) {
            let alone = Case { dim, pairs: vec![[row.to_vec(), other.clone()]] }.run(target);
            assert_eq!(alone, [vec![expected, expected]], "{target:?}");
        }
    }
}

#[test]
fn exchanging_the_sides_exchanges_the_maxima_bit_for_bit() {
    for target in targets().into_iter().filter(|target| target.is_of_our_kernels()) {
        for (dim, m, n) in [(40, 19, 34), (384, 70, 130)] {
            let [pair] = &*Case::new(target, dim, [[m, n]]).pairs else { unreachable!() };
            let [a, b] = pair.clone();
            let there = Case { dim, pairs: vec![[a.clone(), b.clone()]] }.run(target).remove(0);
            let back = Case { dim, pairs: vec![[b, a]] }.run(target).remove(0);
            assert_eq!(there[..m], back[n..], "{target:?}");
            assert_eq!(there[m..], back[..n], "{target:?}");
        }
    }
}

#[test]
fn an_empty_side_has_no_match() {
    for target in targets() {
        let lengths = [[0, 3], [2, 0], [0, 0], [1, 1]];
        let found = Case::new(target, 2, lengths).run(target);
        let none = f32::NEG_INFINITY;
        assert_eq!(found[..3], [vec![none; 3], vec![none; 2], vec![]], "{target:?}");
        assert!(found[3].iter().all(|cosine| cosine.abs() <= 1.01), "{target:?}");
    }
}

#[test]
fn pairs_share_matrices_and_negative_maxima_stay_negative() {
    for target in targets() {
        let values = target.tensor(&[1.0, 0.0, -1.0, 0.0, -0.5, 0.75], (3, 2));
        let [one, two] = [(0, 1), (1, 2)].map(|(start, count)| values.narrow(0, start, count).unwrap());
        let pairs =
            [[&one, &two], [&two, &two]].map(|[candidate, reference]| TokenPair { candidate, reference });
        let maxima = token_match(&pairs, target.form()).unwrap();
        assert!(maxima.values.device().same_device(&target.device()), "{target:?}");
        let found = target.values(&maxima.values);
        assert_eq!(found[maxima.candidate_tokens(0)], [-0.5], "{target:?}");
        assert_eq!(found[maxima.reference_tokens(0)], [-1.0, -0.5], "{target:?}");
        assert_eq!(found[maxima.candidate_tokens(1)], [1.0, 0.8125], "{target:?}");
        assert_eq!(found[maxima.reference_tokens(1)], [1.0, 0.8125], "{target:?}");
    }
}

#[test]
fn pairs_come_from_several_tensors() {
    for target in targets() {
        let dim = 24;
        let case = Case::new(target, dim, [[3, 70], [65, 9], [3, 9]]);
        let tensors = case
            .pairs
            .iter()
            .map(|pair| pair.each_ref().map(|side| target.tensor(side, (side.len() / dim, dim))));
        let tensors: Vec<_> = tensors.collect();
        let pairs = tensors.iter().map(|[candidate, reference]| TokenPair { candidate, reference });
        let maxima = token_match(&pairs.collect::<Vec<_>>(), target.form()).unwrap();
        let found = target.values(&maxima.values);
        for (index, [a, b]) in case.pairs.iter().enumerate() {
            let got = [maxima.candidate_tokens(index), maxima.reference_tokens(index)]
                .map(|range| &found[range])
                .concat();
            assert_close(&format!("{target:?} {index}"), &got, &token_match_reference(a, b, dim), 1e-5);
        }
    }
}

#[test]
fn no_pairs_have_no_maxima() {
    assert_eq!(token_match(&[], Form::Kernels).unwrap().values.dims(), [0]);
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let zeros = |rows: usize, dim: usize, dtype| Tensor::zeros((rows, dim), dtype, &Device::Cpu).unwrap();
    let refusal = |candidate: &Tensor, reference: &Tensor| {
        token_match(&[TokenPair { candidate, reference }], Form::Kernels).unwrap_err().to_string()
    };
    let first = zeros(3, 2, DType::F32);
    assert_eq!(
        refusal(&first, &zeros(4, 5, DType::F32)),
        "token_match: reference must have shape [4, 2], got [4, 5]"
    );
    assert_eq!(
        refusal(&first, &zeros(1, 2, DType::F16)),
        "token_match: reference must be of the first candidate's type F32, got F16"
    );
    let none = zeros(3, 0, DType::F32);
    assert_eq!(refusal(&none, &none), "token_match: candidate must have a width of 1 or more, got 0");
    let columns = zeros(2, 3, DType::F32).t().unwrap();
    assert!(refusal(&columns, &first).contains("contiguous"));
}

#[cfg(feature = "cuda")]
#[test]
fn matrices_on_two_devices_are_refused() {
    let [first, other] = [Target::Cuda(DType::F32).device(), Device::Cpu]
        .map(|device| Tensor::new(&[[1.0f32]], &device).unwrap());
    let error =
        token_match(&[TokenPair { candidate: &first, reference: &other }], Form::Kernels).unwrap_err();
    assert_eq!(
        error.to_string(),
        "token_match: reference must be on the first candidate's device Cuda { gpu_id: 0 }, got Cpu"
    );
}
