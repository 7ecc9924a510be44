//! Attention by its formula, in f64.

use crate::CuSeqlens;

/// softmax(Q K^T / sqrt(head_dim)) V of every sequence and head: `qkv` [total_tokens, 3 * hidden_dim].
pub(crate) fn attention(qkv: &[f32], cu_seqlens: &CuSeqlens, num_heads: usize, head_dim: usize) -> Vec<f64> {
    let hidden_dim = num_heads * head_dim;
    let at = |token: usize, part: usize, head: usize, i: usize| {
        qkv[token * 3 * hidden_dim + part * hidden_dim + head * head_dim + i] as f64
    };
    let mut output = vec![0.0; cu_seqlens.total_tokens() * hidden_dim];
    for keys in cu_seqlens.ranges() {
        for query in keys.clone() {
            for head in 0..num_heads {
                let dot =
                    |key| (0..head_dim).map(|i| at(query, 0, head, i) * at(key, 1, head, i)).sum::<f64>();
                let scores: Vec<f64> = keys.clone().map(|key| dot(key) / (head_dim as f64).sqrt()).collect();
                let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
                let total: f64 = weights.iter().sum();
                for i in 0..head_dim {
                    let sum: f64 = keys.clone().zip(&weights).map(|(key, w)| w * at(key, 2, head, i)).sum();
                    output[query * hidden_dim + head * head_dim + i] = sum / total;
                }
            }
        }
    }
    output
}
