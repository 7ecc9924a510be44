//! The linear layer by its definition, in f64.

use crate::Activation;

/// activation(x W^T + b) with sums in f64: `hidden` [total_tokens, in_dim], `weight` [out_dim, in_dim],
/// `bias` `[out_dim]`.
pub(crate) fn linear(hidden: &[f32], weight: &[f32], bias: &[f32], activation: Activation) -> Vec<f64> {
    let in_dim = weight.len() / bias.len();
    let mut output = Vec::new();
    for row in hidden.chunks_exact(in_dim) {
        for (weights, &bias) in weight.chunks_exact(in_dim).zip(bias) {
            let sum: f64 = row.iter().zip(weights).map(|(&x, &w)| x as f64 * w as f64).sum();
            output.push(activation.reference(sum + bias as f64));
        }
    }
    output
}
