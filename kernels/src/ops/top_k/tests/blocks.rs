//! Blocks of every type, rows that do not count, biases, and the exact bits of scores.

use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};

use super::case::{Case, Found, values};
use crate::cpu::simd::InstructionSet;
use crate::ops::top_k::cpu::{Accumulator, BlockRows, Values};
use crate::ops::top_k::hit::PackedHit;
use crate::testing::{Target, available_sets, random, targets, team};
use crate::{Block, Form, TopKSearch};

/// The score as it is defined: one chain over dim, then the bias.
fn score(set: InstructionSet, query: &[f32], row: &[f32], bias: f32) -> f32 {
    let fused = set != InstructionSet::Portable;
    let step = |sum: f32, (&q, &x): (&f32, &f32)| if fused { x.mul_add(q, sum) } else { x * q + sum };
    query.iter().zip(row).fold(0.0, step) + bias
}

/// What a search must find, by scoring every row.
struct Expected<'a> {
    case: &'a Case,
    set: InstructionSet,
    included: Option<&'a [u64]>,
    biases: Option<&'a [f32]>,
    k: usize,
}

impl Expected<'_> {
    fn hits(&self) -> Vec<Vec<PackedHit>> {
        let Case { dim, queries, rows } = self.case;
        let counts = |row: usize| self.included.is_none_or(|bits| bits[row / 64] >> (row % 64) & 1 == 1);
        let hits = |query| {
            let rows = rows.chunks_exact(*dim).enumerate().filter(|(row, _)| counts(*row));
            let bias = |row| self.biases.map_or(0.0, |biases| biases[row]);
            let score = |(row, x)| PackedHit::new(score(self.set, query, x, bias(row)), row as u32);
            let mut hits: Vec<PackedHit> = rows.map(score).collect();
            hits.sort_unstable_by(|a, b| b.cmp(a));
            hits.truncate(self.k);
            hits
        };
        queries.chunks_exact(*dim).map(hits).collect()
    }
}

/// Bits of which about one in `of` is set.
fn bits(seed: u64, num_rows: usize, of: usize) -> Vec<u64> {
    let mut bits = vec![0; num_rows.div_ceil(64)];
    for (row, x) in random(seed, num_rows).into_iter().enumerate() {
        if x.abs() * (of as f32) < 1.0 {
            bits[row / 64] |= 1u64 << (row % 64);
        }
    }
    bits
}

fn found(set: InstructionSet, case: &Case, k: usize, rows: BlockRows<'_>) -> Vec<Vec<PackedHit>> {
    let mut accumulator = Accumulator::new(set, &case.queries, case.dim, k);
    accumulator.feed(rows);
    accumulator.finish()
}

/// Numbers of queries on both sides of every tile's height and of the largest number that is not packed.
const QUERIES: [usize; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 24, 25, 40];

#[test]
fn a_score_is_one_chain_in_every_instruction_set() {
    for set in available_sets() {
        for num_queries in QUERIES {
            for dim in [1, 3, 4, 8, 15, 16, 17, 63, 64, 65, 100, 129, 384] {
                let num_rows = [1, 7, 8, 16, 31, 32, 33, 70, 200][(num_queries + dim) % 9];
                let case = Case::new(Target::Cpu(set), dim, num_queries, num_rows);
                let expected = Expected { case: &case, set, included: None, biases: None, k: num_rows };
                let what = format!("{set:?} {num_queries} x {num_rows} x {dim}");
                assert_eq!(found(set, &case, num_rows, case.block_rows()), expected.hits(), "{what}");
            }
        }
    }
}

#[test]
fn rows_of_16_bits_are_widened_exactly() {
    for set in available_sets() {
        for (num_queries, dim, num_rows) in [(1, 5, 40), (1, 64, 33), (3, 33, 100), (13, 70, 70), (30, 16, 9)]
        {
            let mut case = Case::new(Target::Cpu(set), dim, num_queries, num_rows);
            // The smallest numbers of both types, subnormal ones, and the largest f16.
            let special = [6e-8, -6e-8, 3e-5, 1e-40, -1e-38, 65504.0, 0.0, -0.0];
            special.iter().zip(&mut case.rows).for_each(|(&special, value)| *value = special);
            let narrow16: Vec<f16> = case.rows.iter().map(|&x| f16::from_f32(x)).collect();
            let narrow_bf16: Vec<bf16> = case.rows.iter().map(|&x| bf16::from_f32(x)).collect();
            let widened: Vec<f32> = narrow16.iter().map(|x| x.to_f32()).collect();
            let biases = random(3, num_rows);
            let bits = bits(4, num_rows, 2);
            let of = |values| BlockRows {
                values,
                included: Some(&bits),
                biases: Some(&biases),
                ..case.block_rows()
            };
            let got = [
                found(set, &case, 9, of(Values::F16(&narrow16))),
                found(set, &case, 9, of(Values::Bf16(&narrow_bf16))),
            ];
            let widened = [widened, narrow_bf16.iter().map(|x| x.to_f32()).collect()];
            for (got, rows) in got.into_iter().zip(widened) {
                let case = Case { dim, queries: case.queries.clone(), rows };
                let expected =
                    Expected { case: &case, set, included: Some(&bits), biases: Some(&biases), k: 9 };
                assert_eq!(got, expected.hits(), "{set:?} {num_queries} x {num_rows} x {dim}");
            }
        }
    }
}

/// Rows that do not count hold NaN.
#[test]
fn only_rows_that_count_are_found() {
    let team = team(2);
    for set in available_sets() {
        for (of, num_queries) in [(1, 1), (2, 1), (2, 5), (3, 14), (50, 1), (50, 40), (1000, 3)] {
            let (dim, num_rows) = (24, 3000);
            let mut case = Case::new(Target::Cpu(set), dim, num_queries, num_rows);
            let bits = bits(of as u64, num_rows, of);
            for (row, values) in case.rows.chunks_exact_mut(dim).enumerate() {
                if bits[row / 64] >> (row % 64) & 1 == 0 {
                    values.fill(f32::NAN);
                }
            }
            let rows = BlockRows { included: Some(&bits), ..case.block_rows() };
            for k in [1, 10, 700] {
                let expected = Expected { case: &case, set, included: Some(&bits), biases: None, k }.hits();
                assert_eq!(found(set, &case, k, rows), expected, "{set:?} 1 of {of}, k {k}");
                let shared = team.share(|| found(set, &case, k, rows)).unwrap();
                assert_eq!(shared, expected, "{set:?} 1 of {of}, k {k}, shared");
            }
        }
    }
}

/// By every device, block after block, against the same search of the rows that count alone.
#[test]
fn every_target_searches_the_rows_that_count() {
    for target in targets() {
        let (dim, num_rows) = (16, 400);
        let case = Case::new(target, dim, 3, num_rows);
        let tensor = |values: &[f32]| target.tensor(values, (values.len() / dim, dim));
        let (queries, rows) = (tensor(&case.queries), tensor(&case.rows));
        let bits = bits(7, num_rows, 3);
        let selected: Vec<u32> =
            (0..num_rows as u32).filter(|&row| bits[row as usize / 64] >> (row % 64) & 1 == 1).collect();
        let kept = selected.iter().flat_map(|&row| &case.rows[row as usize * dim..][..dim]);
        let kept = Case { dim, queries: case.queries.clone(), rows: kept.copied().collect() };
        for k in [1, 10, 300] {
            let mut search = TopKSearch::new(&queries, k, target.form()).unwrap();
            // The second block starts within a word of bits.
            let second: Vec<u64> = (0..3)
                .map(|word| bits[word + 3] >> 8 | bits.get(word + 4).map_or(0, |next| next << 56))
                .collect();
            search.feed(&Block::new(&rows.narrow(0, 0, 200).unwrap(), 0).included(&bits[..4])).unwrap();
            search.feed(&Block::new(&rows.narrow(0, 200, 192).unwrap(), 200).included(&second)).unwrap();
            let nothing = [0u64];
            search.feed(&Block::new(&rows.narrow(0, 392, 8).unwrap(), 392).included(&nothing)).unwrap();
            let found = values(&search.finish().unwrap());
            let kept = Case {
                rows: kept.rows[..selected.iter().filter(|&&row| row < 392).count() * dim].to_vec(),
                queries: kept.queries.clone(),
                dim,
            };
            let expected: Found = values(&kept.top_k(target, k))
                .into_iter()
                .map(|hits| hits.into_iter().map(|(score, row)| (score, selected[row as usize])).collect())
                .collect();
            let rows = |found: &Found| -> Vec<Vec<u32>> {
                found.iter().map(|hits| hits.iter().map(|hit| hit.1).collect()).collect()
            };
            assert_eq!(rows(&found), rows(&expected), "{target:?} {k}");
            if target.is_of_our_kernels() {
                assert_eq!(found, expected, "{target:?} {k}");
            }
        }
    }
}

/// With -|x|² / 2 as biases, against squared distances in f64.
#[test]
fn biases_make_the_nearest_rows_the_best() {
    for target in targets() {
        let (dim, num_rows) = (20, 300);
        let case = Case::new(target, dim, 4, num_rows);
        let biases: Vec<f32> = case
            .rows
            .chunks_exact(dim)
            .map(|row| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>())
            .map(|square| (-square / 2.0) as f32)
            .collect();
        let tensor = |values: &[f32]| target.tensor(values, (values.len() / dim, dim));
        let mut search = TopKSearch::new(&tensor(&case.queries), 10, target.form()).unwrap();
        let rows = tensor(&case.rows);
        search.feed(&Block::new(&rows, 5).biases(&biases)).unwrap();
        let found = values(&search.finish().unwrap());
        // Products and bias are at most dim and dim / 2 in size; see `Case::assert_agrees`.
        let bound = 2.0 * (dim + 2) as f64 * f64::from(f32::EPSILON) * 1.5 * dim as f64;
        for (query, hits) in case.queries.chunks_exact(dim).zip(found) {
            let distance = |row: &[f32]| -> f64 {
                query.iter().zip(row).map(|(&q, &x)| (f64::from(q) - f64::from(x)).powi(2)).sum()
            };
            let mut distances: Vec<f64> = case.rows.chunks_exact(dim).map(distance).collect();
            for &(score, row) in &hits {
                let square: f64 = query.iter().map(|&q| f64::from(q) * f64::from(q)).sum();
                let own = distances[row as usize - 5];
                assert!((f64::from(score) - (square - own) / 2.0).abs() <= bound, "{target:?} {row}");
            }
            let worst = hits.iter().map(|hit| distances[hit.1 as usize - 5]).fold(0.0, f64::max);
            hits.iter().for_each(|hit| distances[hit.1 as usize - 5] = f64::INFINITY);
            assert!(distances.iter().all(|&other| other >= worst - 4.0 * bound), "{target:?}");
        }
    }
}

/// Slices in place are the same search as tensors, on every device.
#[test]
fn slices_are_searched_like_tensors() {
    for target in targets() {
        let (dim, num_rows) = (40, 90);
        let case = Case::new(target, dim, 3, num_rows);
        let queries = target.tensor(&case.queries, (3, dim));
        let expected = values(&case.top_k(target, 7));
        let mut search = TopKSearch::new(&queries, 7, target.form()).unwrap();
        let (f16s, bf16s): (Vec<f16>, Vec<bf16>) =
            case.rows.iter().map(|&x| (f16::from_f32(x), bf16::from_f32(x))).unzip();
        let block = match target.dtype() {
            DType::F16 => Block::new(f16s.as_slice(), 0),
            DType::BF16 => Block::new(bf16s.as_slice(), 0),
            _ => Block::new(case.rows.as_slice(), 0),
        };
        search.feed(&block).unwrap();
        assert_eq!(values(&search.finish().unwrap()), expected, "{target:?}");
    }
}

/// Also more hits than a caller may ask for, and more than there are rows.
#[test]
fn there_are_as_many_hits_as_rows_that_count() {
    let ones = Tensor::ones((70, 3), DType::F32, &Device::Cpu).unwrap();
    for form in [Form::Kernels, Form::Composed] {
        for (bits, count) in [([0, 0], 0), ([u64::MAX, 0], 64), ([1 << 63, u64::MAX], 7), ([5, 1 << 6], 2)] {
            let mut search = TopKSearch::new(&ones, 10_000, form).unwrap();
            search.feed(&Block::new(&ones, 0).included(&bits)).unwrap();
            let found = search.finish().unwrap();
            assert_eq!(found.scores.dims(), [70, count], "{form:?}");
            assert_eq!(found.indices.dims(), [70, count], "{form:?}");
        }
    }
}

#[test]
fn blocks_whose_parts_do_not_fit_are_named() {
    let ones = Tensor::ones((3, 2), DType::F32, &Device::Cpu).unwrap();
    let refusal = |block: Block<'_>| {
        let mut search = TopKSearch::new(&ones, 2, Form::Kernels).unwrap();
        search.feed(&block).unwrap_err().to_string()
    };
    let rows = [1.0f32; 130];
    assert_eq!(refusal(Block::new(&rows[..129], 0)), "top_k: rows must have 2 values each, got 129 in all");
    assert_eq!(
        refusal(Block::new(rows.as_slice(), 0).included(&[0])),
        "top_k: 65 rows must have 2 words of bits, got 1"
    );
    assert_eq!(
        refusal(Block::new(rows.as_slice(), 0).biases(&[0.0; 64])),
        "top_k: 65 rows must have as many biases, got 64"
    );
}
