//! The match against its reference, its symmetry and its edges.

use candle_core::{Device, Tensor};

use super::{PackedTokens, Pair, cpu, token_match, token_match_reference};
use crate::testing::{assert_close, available_sets, random};
use crate::{CuSeqlens, normalize};

const LENGTHS: [usize; 9] = [1, 2, 7, 8, 13, 16, 31, 33, 70];

fn unit_rows(seed: u64, rows: usize, dim: usize) -> Vec<f32> {
    let values = Tensor::from_vec(random(seed, rows * dim), (rows, dim), &Device::Cpu).unwrap();
    normalize(&values, 0.0).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn agrees_with_the_reference_at_tile_edges() {
    for set in available_sets() {
        for dim in [1, 5, 32, 65] {
            for m in LENGTHS {
                for n in LENGTHS {
                    let (a, b) = (unit_rows(m as u64, m, dim), unit_rows(100 + n as u64, n, dim));
                    let got = cpu::token_match_for(set, vec![[&a, &b]], dim);
                    let expected = token_match_reference(&a, &b, dim);
                    // A cosine's chain of dim multiply-adds errs by dim eps times at most 1 (Cauchy and Schwarz).
                    let bound = 2.0 * (dim + 1) as f64 * f32::EPSILON as f64;
                    assert_close(&format!("{set:?} {m} x {n} x {dim}"), &got, &expected, bound);
                }
            }
        }
    }
}

#[test]
fn exchanging_the_sides_exchanges_the_maxima_bit_for_bit() {
    for set in available_sets() {
        let (a, b) = (unit_rows(1, 19, 40), unit_rows(2, 34, 40));
        let there = cpu::token_match_for(set, vec![[&a, &b]], 40);
        let back = cpu::token_match_for(set, vec![[&b, &a]], 40);
        assert_eq!(there[..19], back[34..], "{set:?}");
        assert_eq!(there[19..], back[..34], "{set:?}");
    }
}

#[test]
fn pairs_are_independent_and_negative_maxima_stay_negative() {
    let values = Tensor::new(&[[1.0f32, 0.0], [-1.0, 0.0], [-0.6, 0.8]], &Device::Cpu).unwrap();
    let cu_seqlens = CuSeqlens::from_lengths([1, 2]).unwrap();
    let tokens = PackedTokens { values: &values, cu_seqlens: &cu_seqlens };
    let pairs = [Pair { candidate: 0, reference: 1 }, Pair { candidate: 1, reference: 1 }];
    let maxima = token_match(tokens, tokens, &pairs).unwrap();
    let found = maxima.values.to_vec1::<f32>().unwrap();
    assert_eq!(found[maxima.candidate_tokens(0)], [-0.6]);
    assert_eq!(found[maxima.reference_tokens(0)], [-1.0, -0.6]);
    assert_eq!(found[maxima.candidate_tokens(1)], [1.0, 1.0]);
    assert_eq!(found[maxima.reference_tokens(1)], [1.0, 1.0]);
}

#[test]
fn an_empty_side_has_no_match() {
    for set in available_sets() {
        let got = cpu::token_match_for(set, vec![[&[], &[1.0, 0.0]]], 2);
        assert_eq!(got, [f32::NEG_INFINITY], "{set:?}");
    }
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let values = Tensor::zeros((3, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
    let cu_seqlens = CuSeqlens::from_lengths([3]).unwrap();
    let tokens = PackedTokens { values: &values, cu_seqlens: &cu_seqlens };
    let error = token_match(tokens, tokens, &[Pair { candidate: 0, reference: 1 }]).unwrap_err();
    assert_eq!(error.to_string(), "token_match: a pair's reference must be one of 1 sequences, got 1");
    let values = Tensor::zeros((3, 0), candle_core::DType::F32, &Device::Cpu).unwrap();
    let tokens = PackedTokens { values: &values, cu_seqlens: &cu_seqlens };
    let error = token_match(tokens, tokens, &[Pair { candidate: 0, reference: 0 }]).unwrap_err();
    assert_eq!(error.to_string(), "token_match: candidates must have a width of 1 or more, got 0");
}
