//! Attention by its formula, in f64.

use super::Heads;
use crate::CuSeqlens;

/// What a score has besides the product of query and key.
pub(super) struct ReferenceScores<'a> {
    pub(super) scale: f64,
    /// Added to the scaled product, of a head and the batch's tokens of query and key.
    pub(super) added: &'a dyn Fn(usize, usize, usize) -> f64,
    /// Whether a query's token attends to a key's.
    pub(super) attends: &'a dyn Fn(usize, usize) -> bool,
}

/// softmax(scale Q K^T + added) V of every sequence and head: `qkv` [total_tokens, width].
pub(super) fn attention(
    qkv: &[f32],
    cu_seqlens: &CuSeqlens,
    heads: Heads,
    scores: &ReferenceScores<'_>,
) -> Vec<f64> {
    let Heads { num_heads, head_dim, .. } = heads;
    let hidden_dim = heads.hidden_dim();
    let at = |token: usize, part: usize, head: usize, i: usize| {
        qkv[token * heads.width() + heads.column(head, part) + i] as f64
    };
    let mut output = vec![0.0; cu_seqlens.total_tokens() * hidden_dim];
    for tokens in cu_seqlens.ranges() {
        for query in tokens.clone() {
            let keys: Vec<usize> = tokens.clone().filter(|&key| (scores.attends)(query, key)).collect();
            for head in 0..num_heads {
                let dot =
                    |key| (0..head_dim).map(|i| at(query, 0, head, i) * at(key, 1, head, i)).sum::<f64>();
                let score = |&key: &usize| scores.scale * dot(key) + (scores.added)(head, query, key);
                let scores: Vec<f64> = keys.iter().map(score).collect();
                let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
                let total: f64 = weights.iter().sum();
                for i in 0..head_dim {
                    let sum: f64 = keys.iter().zip(&weights).map(|(&key, w)| w * at(key, 2, head, i)).sum();
                    output[query * hidden_dim + head * head_dim + i] = sum / total;
                }
            }
        }
    }
    output
}
