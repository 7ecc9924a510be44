//! Attention against its reference, for short, long and empty sequences and odd heads: BERT's here, all others
//! in [`variants`].

use candle_core::{DType, Device, Tensor};

use super::reference::{self, ReferenceScores};
use super::{AttentionOptions, Heads, attention, cpu};
use crate::testing::{Target, assert_close, available_sets, random, targets, team};
use crate::{CuSeqlens, Form};

/// Lengths around the edges of the CPU's vectors, and of the CUDA kernels' slots (16 rows) and tiles (64
/// rows).
const LENGTHS: [usize; 21] =
    [1, 2, 3, 0, 7, 8, 12, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, 128, 130, 257];

/// Head sizes for which different kernels run on CUDA.
const HEAD_DIMS: [usize; 5] = [8, 32, 64, 128, 200];

/// Scores err by head_dim eps sum|q k| <= head_dim^2 eps / sqrt(head_dim) for values in -1..1, which changes
/// a weight by that much relatively; the second product adds num_keys eps, exp and division a few more. If
/// the element type is narrow, weights (of which the largest is 1; one too small for full f16 precision errs
/// by 2^-25) and the output are rounded to it.
fn bound(target: Target, num_keys: usize, head_dim: usize) -> f64 {
    let scores = (head_dim as f64).powf(1.5);
    4.0 * f32::EPSILON as f64 * (scores + num_keys as f64 + 8.0) + 2.0 * target.rounding()
}

/// BERT's attention.
fn attend(target: Target, qkv: &[f32], cu_seqlens: &CuSeqlens, heads: Heads) -> Vec<f32> {
    attend_with(target, qkv, cu_seqlens, heads.head_dim, &AttentionOptions::new(heads.num_heads))
}

fn attend_with(
    target: Target,
    qkv: &[f32],
    cu_seqlens: &CuSeqlens,
    head_dim: usize,
    options: &AttentionOptions<'_>,
) -> Vec<f32> {
    let heads = Heads { head_dim, num_heads: options.num_heads, num_key_heads: options.num_key_heads };
    if let Target::Cpu(set) = target {
        let output = options.scores.with_terms(|terms| {
            Ok(cpu::attention_for(set, qkv, cu_seqlens, cpu::Task { heads, options, terms }))
        });
        return output.unwrap();
    }
    let qkv = target.tensor(qkv, (cu_seqlens.total_tokens(), heads.width()));
    target.values(&attention(&qkv, cu_seqlens, options, target.form()).unwrap())
}

fn plain_reference(qkv: &[f32], cu_seqlens: &CuSeqlens, heads: Heads) -> Vec<f64> {
    let scale = 1.0 / (heads.head_dim as f64).sqrt();
    let scores = ReferenceScores { scale, added: &|_, _, _| 0.0, attends: &|_, _| true };
    reference::attention(qkv, cu_seqlens, heads, &scores)
}

impl Heads {
    /// As many key heads as heads.
    fn alike(num_heads: usize, head_dim: usize) -> Self {
        Self { num_heads, num_key_heads: num_heads, head_dim }
    }
}

fn from_lengths(lengths: &[usize]) -> CuSeqlens {
    CuSeqlens::from_lengths(lengths.iter().copied()).unwrap()
}

#[test]
fn agrees_with_the_reference() {
    let cu_seqlens = from_lengths(&LENGTHS);
    let heads = [(1, 1), (2, 8), (3, 12), (2, 32), (1, 36), (3, 64), (1, 65), (1, 128), (1, 200), (1, 256)];
    for target in targets() {
        for (num_heads, head_dim) in heads {
            let heads = Heads::alike(num_heads, head_dim);
            let qkv = target.held(&random(5, cu_seqlens.total_tokens() * 3 * heads.hidden_dim()));
            let output = attend(target, &qkv, &cu_seqlens, heads);
            let expected = plain_reference(&qkv, &cu_seqlens, heads);
            let bound = bound(target, 257, head_dim);
            assert_close(&format!("{target:?} {heads:?}"), &output, &expected, bound);
        }
    }
}

/// Every query matches one key, and the output is that key's value unchanged: a misplaced row or column would
/// show in any element type.
#[test]
fn a_query_that_fits_one_key_gets_its_value() {
    // The number of a token in its sequence, in signs; a token that differs in one of them has a score that
    // is lower by at least 2 * 64^2 / sqrt(head_dim), and e to minus that is 0 next to 1.
    let code = |token: usize, i: usize| if token >> (i % 16) & 1 == 1 { 64.0 } else { -64.0 };
    let wanted = |query: usize, length: usize| (query * 7 + 3) % length;
    let value = |key: usize, i: usize| ((key * 31 + i * 5) % 251) as f32 - 125.0;
    let cu_seqlens = from_lengths(&LENGTHS);
    for target in targets() {
        for head_dim in [12, 32, 64, 65, 128, 200] {
            let heads = Heads::alike(2, head_dim);
            let mut qkv = Vec::new();
            let mut expected = Vec::new();
            for length in LENGTHS {
                for token in 0..length {
                    let row = |of: &dyn Fn(usize, usize) -> f32| {
                        (0..2 * head_dim).map(|i| of(i / head_dim, i % head_dim)).collect::<Vec<_>>()
                    };
                    // The second head looks for a different token.
                    qkv.extend(row(&|head, i| code(wanted(token + head, length), i)));
                    qkv.extend(row(&|_, i| code(token, i)));
                    qkv.extend(row(&|head, i| value(token + head, i)));
                    expected.extend(row(&|head, i| value(wanted(token + head, length) + head, i)));
                }
            }
            let output = attend(target, &qkv, &cu_seqlens, heads);
            assert!(output == expected, "{target:?} {heads:?}");
        }
    }
}

/// Equal scores and values of 1: padding rows must not count.
#[test]
fn what_lies_behind_a_sequence_weighs_nothing() {
    let lengths: Vec<usize> = (1..=80).collect();
    let cu_seqlens = from_lengths(&lengths);
    for target in targets() {
        for head_dim in HEAD_DIMS {
            let heads = Heads::alike(1, head_dim);
            let ones = |i: usize| if i % (3 * head_dim) < head_dim { 0.0 } else { 1.0 };
            let qkv: Vec<f32> = (0..cu_seqlens.total_tokens() * 3 * head_dim).map(ones).collect();
            let output = attend(target, &qkv, &cu_seqlens, heads);
            assert!(output.iter().all(|value| (value - 1.0).abs() < 1e-6), "{target:?} {heads:?}");
        }
    }
}

#[test]
fn a_sequence_has_the_same_bits_alone_and_in_any_company() {
    let lengths = [5, 49, 12, 3, 64, 17, 33, 70, 16, 150, 1];
    let cu_seqlens = from_lengths(&lengths);
    for target in targets() {
        for head_dim in HEAD_DIMS {
            let heads = Heads::alike(2, head_dim);
            let width = 3 * heads.hidden_dim();
            let qkv = random(6, cu_seqlens.total_tokens() * width);
            let rows: Vec<&[f32]> =
                cu_seqlens.ranges().map(|tokens| &qkv[tokens.start * width..tokens.end * width]).collect();
            // The sequences in this order.
            let attend = |order: &[usize]| {
                let qkv: Vec<f32> = order.iter().flat_map(|&i| rows[i]).copied().collect();
                let cu_seqlens = CuSeqlens::from_lengths(order.iter().map(|&i| lengths[i])).unwrap();
                let output = attend(target, &qkv, &cu_seqlens, heads);
                let of = |tokens: std::ops::Range<usize>| {
                    output[tokens.start * heads.hidden_dim()..tokens.end * heads.hidden_dim()].to_vec()
                };
                cu_seqlens.ranges().map(of).collect::<Vec<_>>()
            };
            let alone: Vec<_> = (0..lengths.len()).map(|i| attend(&[i]).remove(0)).collect();
            let orders: [&[usize]; 4] = [
                &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
                &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
                &[3, 3, 5, 3, 3, 5, 2],
                &[7, 1, 7, 0, 9],
            ];
            for order in orders {
                for (&i, together) in order.iter().zip(attend(order)) {
                    assert_eq!(alone[i], together, "{target:?} {heads:?} length {} in {order:?}", lengths[i]);
                }
            }
        }
    }
}

#[test]
fn threads_of_a_team_give_the_same_bits() {
    let team = team(3);
    for lengths in [vec![5], vec![130], vec![40, 0, 77]] {
        let cu_seqlens = CuSeqlens::from_lengths(lengths).unwrap();
        for num_heads in [1, 2, 4] {
            let heads = Heads::alike(num_heads, 8);
            let qkv = random(6, cu_seqlens.total_tokens() * 3 * heads.hidden_dim());
            for set in available_sets() {
                let attend = || attend(Target::Cpu(set), &qkv, &cu_seqlens, heads);
                assert_eq!(attend(), team.share(attend).unwrap(), "{set:?} {heads:?}");
            }
        }
    }
}

#[test]
fn large_scores_do_not_overflow() {
    for target in targets() {
        for head_dim in HEAD_DIMS {
            // Query and key of 200 * 200 * 8 / sqrt 8: e to that power is far beyond f32. With 1e6 the
            // score's last digit is worth thousands.
            large_scores(target, head_dim, 200.0);
            large_scores(target, head_dim, if target.dtype() == DType::F16 { 60_000.0 } else { 1e6 + 1.0 });
        }
    }
}

fn large_scores(target: Target, head_dim: usize, value: f32) {
    let width = 3 * head_dim;
    let of = |i: usize| if i % width < 2 * head_dim { value } else { (i / width * 10 + i % head_dim) as f32 };
    let qkv = target.held(&(0..3 * width).map(of).collect::<Vec<_>>());
    let output = attend(target, &qkv, &from_lengths(&[3]), Heads::alike(1, head_dim));
    // Equal scores weigh equally: the mean of the three values.
    for (i, value) in output.into_iter().enumerate() {
        assert!((value - (10 + i % head_dim) as f32).abs() < 1e-4, "{target:?} {head_dim}: {value}");
    }
}

/// A value that is not a number reaches the outputs whose formula includes it, and nothing else.
#[test]
fn what_is_not_a_number_stays_where_it_belongs() {
    let cu_seqlens = from_lengths(&[20, 9, 70, 5, 150]);
    for target in targets() {
        for head_dim in HEAD_DIMS {
            let heads = Heads::alike(2, head_dim);
            let hidden_dim = heads.hidden_dim();
            let qkv = random(7, cu_seqlens.total_tokens() * 3 * hidden_dim);
            let clean = attend(target, &qkv, &cu_seqlens, heads);
            for (sequence, tokens) in cu_seqlens.ranges().enumerate() {
                // In the second head, at the sequence's last token.
                let (token, column) = (tokens.end - 1, head_dim + sequence % head_dim);
                for (part, spoilt) in [(0, f32::NAN), (1, f32::NAN), (2, f32::NAN), (2, f32::INFINITY)] {
                    let mut qkv = qkv.clone();
                    qkv[token * 3 * hidden_dim + part * hidden_dim + column] = spoilt;
                    let output = attend(target, &qkv, &cu_seqlens, heads);
                    for (i, (&got, &clean)) in output.iter().zip(&clean).enumerate() {
                        let (row, at) = (i / hidden_dim, i % hidden_dim);
                        let is_touched = match part {
                            0 => row == token && at >= head_dim,
                            1 => tokens.contains(&row) && at >= head_dim,
                            _ => tokens.contains(&row) && at == column,
                        };
                        let is_right =
                            if is_touched { !got.is_finite() } else { got.to_bits() == clean.to_bits() };
                        assert!(
                            is_right,
                            "{target:?} {heads:?} part {part} of {tokens:?}: {got} at {row}, {at}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_tensor_may_begin_anywhere() {
    let cu_seqlens = from_lengths(&[5, 70]);
    for target in targets().into_iter().filter(|target| !matches!(target, Target::Cpu(_))) {
        for head_dim in HEAD_DIMS {
            let heads = Heads::alike(1, head_dim);
            let shape = (75, 3 * head_dim);
            let qkv = random(8, 75 * 3 * head_dim);
            let behind = target.tensor(&[&[0.5], &*qkv].concat(), 1 + qkv.len());
            let behind = behind.narrow(0, 1, qkv.len()).unwrap().reshape(shape).unwrap();
            let output = target
                .values(&attention(&behind, &cu_seqlens, &AttentionOptions::new(1), target.form()).unwrap());
            assert_eq!(output, attend(target, &qkv, &cu_seqlens, heads), "{target:?} {heads:?}");
        }
    }
}

#[cfg(feature = "cuda")]
#[test]
fn layers_share_a_plan() {
    let target = Target::Cuda(DType::F32);
    let cu_seqlens = from_lengths(&[3, 70]);
    let qkv = target.tensor(&random(9, 73 * 24), (73, 24));
    for _layer in 0..3 {
        attention(&qkv, &cu_seqlens.clone(), &AttentionOptions::new(1), Form::Kernels).unwrap();
    }
    assert_eq!(cu_seqlens.plans().count(), 1);
}

#[test]
fn batches_without_tokens_have_no_output() {
    for target in targets() {
        // On CUDA, candle creates an empty tensor only as a part of a non-empty one.
        let qkv = target.tensor(&[0.0; 96], (1, 96)).narrow(0, 0, 0).unwrap();
        for lengths in [&[][..], &[0, 0]] {
            let output =
                attention(&qkv, &from_lengths(lengths), &AttentionOptions::new(1), target.form()).unwrap();
            assert_eq!(output.dims(), [0, 32], "{target:?}");
        }
    }
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let cu_seqlens = CuSeqlens::from_lengths([3]).unwrap();
    let tensor =
        |rows: usize, columns: usize| Tensor::zeros((rows, columns), DType::F32, &Device::Cpu).unwrap();
    let error = |qkv: Tensor, num_heads: usize| {
        let options = AttentionOptions::new(num_heads);
        attention(&qkv, &cu_seqlens, &options, Form::Kernels).unwrap_err().to_string()
    };
    let text =
        "attention: width of qkv must be a multiple of num_heads + 2 * num_key_heads, got 24, 5 and 5 heads";
    assert_eq!(error(tensor(3, 24), 5), text);
    let text = "attention: num_heads must be a multiple of num_key_heads, and neither 0, got 0 and 0";
    assert_eq!(error(tensor(3, 24), 0), text);
    assert_eq!(error(tensor(4, 24), 2), "attention: qkv must have shape [3, 24], got [4, 24]");
    #[cfg(feature = "cuda")]
    {
        let qkv = Target::Cuda(DType::F16).tensor(&[0.0; 3 * 771], (3, 771));
        let error = error(qkv, 1);
        assert!(error.contains("attention: head_dim must be at most 256 on CUDA, got 257"), "{error}");
    }
}

mod variants;
