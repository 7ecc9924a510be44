//! Attention against its reference, for short, long and empty sequences and odd heads.

use candle_core::{Device, Tensor};

use super::{Heads, attention, attention_reference, cpu};
use crate::testing::{assert_close, available_sets, random};
use crate::{CuSeqlens, Team};

/// Scores err by head_dim eps sum|q k| <= head_dim^2 eps / sqrt(head_dim) for values in -1..1, which changes a weight by that
/// much relatively; the second product adds num_keys eps, exp and division a few more.
fn bound(num_keys: usize, head_dim: usize) -> f64 {
    let scores = (head_dim as f64).powf(1.5);
    4.0 * f32::EPSILON as f64 * (scores + num_keys as f64 + 8.0)
}

#[test]
fn agrees_with_the_reference() {
    let lengths = [1, 2, 3, 0, 7, 8, 12, 13, 31, 32, 33, 64, 97, 130];
    let cu_seqlens = CuSeqlens::from_lengths(lengths).unwrap();
    for set in available_sets() {
        for (num_heads, head_dim) in [(1, 1), (2, 8), (3, 12), (2, 32), (1, 64), (1, 65), (1, 128)] {
            let heads = Heads { num_heads, head_dim };
            let qkv = random(5, cu_seqlens.total_tokens() * 3 * heads.hidden_dim());
            let output = cpu::attention_for(set, &qkv, &cu_seqlens, heads);
            let expected = attention_reference(&qkv, &cu_seqlens, num_heads, head_dim);
            assert_close(&format!("{set:?} {heads:?}"), &output, &expected, bound(130, head_dim));
        }
    }
}

#[test]
fn a_sequence_has_the_same_bits_alone_and_in_any_company() {
    let heads = Heads { num_heads: 2, head_dim: 8 };
    let lengths = [5, 49, 12, 3];
    let cu_seqlens = CuSeqlens::from_lengths(lengths).unwrap();
    let qkv = random(6, cu_seqlens.total_tokens() * 48);
    for set in available_sets() {
        let together = cpu::attention_for(set, &qkv, &cu_seqlens, heads);
        for tokens in cu_seqlens.ranges() {
            let own = CuSeqlens::from_lengths([tokens.len()]).unwrap();
            let alone = cpu::attention_for(set, &qkv[tokens.start * 48..tokens.end * 48], &own, heads);
            assert_eq!(alone, together[tokens.start * 16..tokens.end * 16], "{set:?} {tokens:?}");
        }
    }
}

#[test]
fn threads_of_a_team_give_the_same_bits() {
    let team = Team::new(3).unwrap();
    for lengths in [vec![5], vec![130], vec![40, 0, 77]] {
        let cu_seqlens = CuSeqlens::from_lengths(lengths).unwrap();
        for num_heads in [1, 2, 4] {
            let heads = Heads { num_heads, head_dim: 8 };
            let qkv = random(6, cu_seqlens.total_tokens() * 3 * heads.hidden_dim());
            for set in available_sets() {
                let attend = || cpu::attention_for(set, &qkv, &cu_seqlens, heads);
                assert_eq!(attend(), team.run_if_idle(attend).unwrap(), "{set:?} {heads:?}");
            }
        }
    }
}

#[test]
fn large_scores_do_not_overflow() {
    // Query and key of 200 * 200 * 8 / sqrt 8: e to that power is far beyond f32. With 1e6 it is a score whose last digit is worth
    // thousands.
    large_scores(200.0);
    large_scores(1e6 + 1.0);
}

fn large_scores(value: f32) {
    let cu_seqlens = CuSeqlens::from_lengths([3]).unwrap();
    let qkv: Vec<f32> = (0..3 * 24).map(|i| if i % 24 < 16 { value } else { i as f32 }).collect();
    let qkv = Tensor::from_vec(qkv, (3, 24), &Device::Cpu).unwrap();
    let output = attention(&qkv, &cu_seqlens, 1).unwrap().to_vec2::<f32>().unwrap();
    // Equal scores weigh equally: the mean of the three values.
    for row in output {
        for (i, value) in row.into_iter().enumerate() {
            assert!((value - (40 + i) as f32).abs() < 1e-4, "{value}");
        }
    }
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let cu_seqlens = CuSeqlens::from_lengths([3]).unwrap();
    let tensor = |rows: usize, columns: usize| {
        Tensor::zeros((rows, columns), candle_core::DType::F32, &Device::Cpu).unwrap()
    };
    let error = attention(&tensor(3, 24), &cu_seqlens, 5).unwrap_err().to_string();
    assert_eq!(error, "attention: width of qkv must be a multiple of 3 * num_heads, got 24 and 5 heads");
    let error = attention(&tensor(4, 24), &cu_seqlens, 2).unwrap_err().to_string();
    assert_eq!(error, "attention: qkv must have shape [3, 24], got [4, 24]");
}
