//! The search by signs against its definition.

use candle_core::{Device, Tensor};

use super::cpu::BitSet;
use super::{BitBlock, BitSearch, sign_bits};
use crate::testing::{random, team};

fn tensor(values: &[f32], dim: usize) -> Tensor {
    Tensor::from_slice(values, (values.len() / dim, dim), &Device::Cpu).unwrap()
}

/// The sign of each value: 1 or -1.
fn signs(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| if *value > 0.0 { 1.0 } else { -1.0 }).collect()
}

/// The query's codes and its step.
fn rounded(query: &[f32]) -> (Vec<f64>, f64) {
    let step = f64::from(query.iter().fold(0.0f32, |most, value| most.max(value.abs()))) / 127.0;
    (query.iter().map(|value| (f64::from(*value) * (1.0 / step)).round_ties_even()).collect(), step)
}

/// The `k` best rows that count, and their scores.
fn reference(query: &[f64], rows: &[f32], k: usize, counts: impl Fn(usize) -> bool) -> Vec<(f64, u32)> {
    let score = |row: &[f32]| query.iter().zip(signs(row)).map(|(q, sign)| q * sign).sum::<f64>();
    let all = rows.chunks_exact(query.len()).map(score).zip(0u32..);
    let mut hits: Vec<(f64, u32)> = all.filter(|(_, row)| counts(*row as usize)).collect();
    hits.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    hits.truncate(k);
    hits
}

fn found(search: BitSearch) -> Vec<Vec<(f32, u32)>> {
    let found = search.finish().unwrap();
    if found.scores.elem_count() == 0 {
        return vec![Vec::new(); found.scores.dim(0).unwrap()];
    }
    let (scores, rows) = (found.scores.to_vec2::<f32>().unwrap(), found.indices.to_vec2::<u32>().unwrap());
    scores.into_iter().zip(rows).map(|(scores, rows)| scores.into_iter().zip(rows).collect()).collect()
}

#[track_caller]
fn assert_equal(found: &[(f32, u32)], expected: &[(f64, u32)], scale: f64) {
    assert_eq!(found.len(), expected.len());
    for ((score, row), (expected, expected_row)) in found.iter().zip(expected) {
        assert_eq!(row, expected_row);
        assert!((f64::from(*score) - expected * scale).abs() <= 1e-6 * (expected * scale).abs().max(1e-3));
    }
}

fn search(set: BitSet, queries: &[f32], dim: usize, k: usize) -> BitSearch {
    BitSearch { set, ..BitSearch::new(&tensor(queries, dim), k).unwrap() }
}

#[test]
fn scores_and_rows_are_those_of_the_definition() {
    for set in BitSet::available() {
        for dim in [1, 7, 8, 9, 63, 64, 65, 100, 128, 384, 500] {
            for (num_rows, num_queries) in [(0, 1), (1, 1), (127, 2), (128, 3), (129, 1), (700, 5)] {
                let (rows, queries) = (random(dim as u64, num_rows * dim), random(99, num_queries * dim));
                let bytes = sign_bits(&rows, dim);
                for k in [1, 10, 1000] {
                    let mut search = search(set, &queries, dim, k);
                    search.feed(&BitBlock { bytes: &bytes, first_row: 0, included: None }).unwrap();
                    for (hits, query) in found(search).iter().zip(queries.chunks_exact(dim)) {
                        let (codes, step) = rounded(query);
                        let expected = reference(&codes, &rows, k, |_| true);
                        assert_equal(hits, &expected, step / (dim as f64).sqrt());
                    }
                }
            }
        }
    }
}

#[test]
fn blocks_filters_and_threads_change_nothing() {
    let (dim, num_rows) = (96, 60_000);
    let (rows, queries) = (random(1, num_rows * dim), random(2, 4 * dim));
    let bytes = sign_bits(&rows, dim);
    let team = team(3);
    for of in [1, 2, 40, 2000] {
        let mut bits = vec![0u64; num_rows.div_ceil(64)];
        let counts = |row: usize| (row * 7919).is_multiple_of(of);
        (0..num_rows).filter(|row| counts(*row)).for_each(|row| bits[row / 64] |= 1 << (row % 64));
        let run = |step: usize| {
            let mut search = BitSearch::new(&tensor(&queries, dim), 10).unwrap();
            for first in (0..num_rows).step_by(step) {
                let end = (first + step).min(num_rows);
                let block = BitBlock {
                    bytes: &bytes[first * dim / 8..end * dim / 8],
                    first_row: first as u32,
                    included: Some(&bits[first / 64..end.div_ceil(64)]),
                };
                search.feed(&block).unwrap();
            }
            found(search)
        };
        let whole = run(num_rows);
        for (hits, query) in whole.iter().zip(queries.chunks_exact(dim)) {
            let (codes, step) = rounded(query);
            let expected = reference(&codes, &rows, 10, counts);
            assert_equal(hits, &expected, step / (dim as f64).sqrt());
        }
        assert_eq!(run(6400), whole);
        assert_eq!(team.share(|| run(num_rows)).unwrap(), whole);
    }
}

#[test]
fn signs_of_queries_count_equal_less_different_ones() {
    let (dim, num_rows) = (77, 300);
    let (rows, queries) = (random(5, num_rows * dim), random(6, 3 * dim));
    let bytes = sign_bits(&rows, dim);
    let mut search = BitSearch::of_signs(&tensor(&queries, dim), 20).unwrap();
    search.feed(&BitBlock { bytes: &bytes, first_row: 0, included: None }).unwrap();
    for (hits, query) in found(search).iter().zip(queries.chunks_exact(dim)) {
        let query = sign_bits(query, dim);
        let mut expected: Vec<(f32, u32)> = bytes
            .chunks_exact(dim.div_ceil(8))
            .map(|row| row.iter().zip(&query).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>())
            .map(|distance| dim as f32 - 2.0 * distance as f32)
            .zip(0..)
            .collect();
        expected.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        assert_eq!(*hits, expected[..20]);
    }
}

#[test]
fn bits_are_those_of_numpy() {
    // numpy.packbits([[1, 0, 0, 0, 0, 0, 0, 1, 1], [0, 1, 1, 1, 1, 1, 1, 0, 0]], axis=1)
    let rows = [1.0, -1.0, 0.0, -0.5, -2.0, -3.0, -1e-9, 1e-9, 4.0];
    let other = rows.map(|value| -value);
    assert_eq!(sign_bits(&[rows, other].concat(), 9), [0b1000_0001, 0x80, 0b0101_1110, 0]);
}

#[test]
fn a_query_of_zeros_scores_zero() {
    let mut search = BitSearch::new(&tensor(&[0.0; 16], 16), 3).unwrap();
    search.feed(&BitBlock { bytes: &[7; 20], first_row: 4, included: None }).unwrap();
    assert_eq!(found(search), [[(0.0, 4), (0.0, 5), (0.0, 6)]]);
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let refusal =
        |queries: &[f32], dim, k| BitSearch::new(&tensor(queries, dim), k).err().unwrap().to_string();
    assert_eq!(refusal(&[1.0; 2], 2, 0), "top_k_bits: k must be 1 or more, got 0");
    let broken = "top_k_bits: queries must be finite, got inf in row 1";
    assert_eq!(refusal(&[1.0, 2.0, 3.0, f32::INFINITY], 2, 1), broken);
    let mut search = BitSearch::new(&tensor(&[1.0; 12], 12), 1).unwrap();
    let mut refusal = |bytes: &[u8], first_row, included| {
        search.feed(&BitBlock { bytes, first_row, included }).unwrap_err().to_string()
    };
    assert_eq!(refusal(&[1; 3], 0, None), "top_k_bits: rows must have 2 bytes each, got 3 in all");
    assert_eq!(refusal(&[1; 4], 0, Some(&[])), "top_k_bits: 2 rows must have 1 words of bits, got 0");
    let most = "top_k_bits: rows must have indices of at most 4294967294, got 4294967295";
    assert_eq!(refusal(&[1; 4], u32::MAX - 1, None), most);
}
