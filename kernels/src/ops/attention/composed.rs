//! [`super::attention`] composed of candle's operations, in f32, one sequence after another: no sequence's
//! numbers depend on another's, and none is padded. This is slow for many short texts, with a dozen
//! operations each. For long texts all scores of a sequence are in memory at once: 4 * num_heads * tokens^2
//! bytes, the same for the weights, and twice that for each term of the scores by distance.

use candle_core::{D, DType, Result, Tensor};

use super::options::{AttentionOptions, Scores};
use super::{DistanceVectors, Heads};
use crate::CuSeqlens;

/// The score of a key that is not attended to: far below all others, and finite, which Metal's fast mathematics
/// needs.
const HIDDEN: f32 = -1e30;

pub(super) fn attention(
    qkv: &Tensor,
    cu_seqlens: &CuSeqlens,
    heads: Heads,
    options: &AttentionOptions<'_>,
) -> Result<Tensor> {
    let sequences = cu_seqlens.ranges().enumerate().filter(|(_, tokens)| !tokens.is_empty());
    let attended = sequences.map(|(sequence, tokens)| {
        let num_keys = options.num_keys(sequence, tokens.len());
        let qkv = qkv.narrow(0, tokens.start, tokens.len())?;
        attend(&qkv, heads, options, num_keys)?.to_dtype(qkv.dtype())
    });
    let attended: Vec<Tensor> = attended.collect::<Result<_>>()?;
    if attended.is_empty() {
        return Tensor::zeros((0, heads.hidden_dim()), qkv.dtype(), qkv.device());
    }
    Tensor::cat(&attended, 0)
}

/// One sequence with its first `num_keys` tokens: [tokens, width] to [tokens, hidden_dim].
fn attend(qkv: &Tensor, heads: Heads, options: &AttentionOptions<'_>, num_keys: usize) -> Result<Tensor> {
    let Heads { num_heads, head_dim, .. } = heads;
    let tokens = qkv.dims()[0];
    let qkv = qkv.to_dtype(DType::F32)?;
    let (query, key, value) = (part(&qkv, heads, 0)?, part(&qkv, heads, 1)?, part(&qkv, heads, 2)?);
    let products = query.matmul(&key.t()?)?;
    let scale = options.scale(head_dim);
    let scores = match options.scores {
        Scores::Plain => (products * scale)?,
        Scores::ByDistance(bias) => {
            let bias = bias.of_length(tokens)?.unsqueeze(1)?;
            let bias = bias.broadcast_as((num_heads, tokens, 2 * tokens - 1))?;
            ((products * scale)? + by_distance(&bias)?)?
        }
        Scores::ByVectors { vectors, rows } => {
            let rows = &rows[rows.len() / 2 + 1 - tokens..][..2 * tokens - 1];
            (add_vectors(products, [&query, &key], vectors, rows)? * scale)?
        }
    };
    let scores = match options.has_mask() || num_keys < tokens {
        true => scores.broadcast_add(&mask([tokens, num_keys], options, &qkv)?)?,
        false => scores,
    };
    let weights = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?.exp()?;
    let context = weights.matmul(&value)?.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
    context.transpose(0, 1)?.reshape((tokens, heads.hidden_dim()))
}

/// Query (0), key (1) or value (2) of every head: [num_heads, tokens, head_dim], contiguous, as candle's matmul on
/// Metal needs it.
fn part(qkv: &Tensor, heads: Heads, part: usize) -> Result<Tensor> {
    let Heads { num_heads, num_key_heads, head_dim } = heads;
    let tokens = qkv.dims()[0];
    let own = if part == 0 { num_heads } else { num_key_heads };
    let values = qkv.narrow(1, heads.column(0, part), own * head_dim)?.reshape((tokens, own, 1, head_dim))?;
    let values = values.broadcast_as((tokens, own, num_heads / own, head_dim))?;
    values.reshape((tokens, num_heads, head_dim))?.transpose(0, 1)?.contiguous()
}

/// Adds the products of queries with position keys and of keys with position queries to `products` [heads,
/// tokens, tokens]; `rows` are those of this sequence's distances.
fn add_vectors(
    products: Tensor,
    [query, key]: [&Tensor; 2],
    vectors: &DistanceVectors,
    rows: &[u32],
) -> Result<Tensor> {
    let strip = |of: &Tensor, table: &Tensor, rows: &[u32]| {
        let (heads, _, head_dim) = of.dims3()?;
        let rows = Tensor::new(rows, table.device())?;
        let vectors = table.index_select(&rows, 1)?.broadcast_as((heads, rows.elem_count(), head_dim))?;
        by_distance(&of.matmul(&vectors.contiguous()?.t()?)?)
    };
    let mut sums = products;
    if let Some(table) = &vectors.position_keys {
        sums = (sums + strip(query, table, rows)?)?;
    }
    if let Some(table) = &vectors.position_queries {
        // Of a key, from the queries after it to those before it.
        let reversed: Vec<u32> = rows.iter().rev().copied().collect();
        sums = (sums + strip(key, table, &reversed)?.t()?)?;
    }
    Ok(sums)
}

/// The terms of all pairs from those of all distances: of `strip` [heads, tokens, 2 * tokens - 1], for row i
/// and column j the value at i and j - i + tokens - 1.
///
/// Values of one head are counted through: with one value less per row, the same column is one distance further
/// back in every next row.
fn by_distance(strip: &Tensor) -> Result<Tensor> {
    let (heads, tokens, distances) = strip.dims3()?;
    if tokens == 1 {
        return Ok(strip.clone());
    }
    let values = strip.contiguous()?.reshape((heads, tokens * distances))?;
    let values = values.narrow(1, tokens - 1, tokens * (distances - 1))?.contiguous()?;
    values.reshape((heads, tokens, distances - 1))?.narrow(2, 0, tokens)?.contiguous()
}

/// 0 for keys that are attended to: [tokens, tokens] f32, on the device of `like`.
fn mask([tokens, num_keys]: [usize; 2], options: &AttentionOptions<'_>, like: &Tensor) -> Result<Tensor> {
    let mut values = vec![HIDDEN; tokens * tokens];
    for (query, row) in values.chunks_exact_mut(tokens).enumerate() {
        row[options.keys(query..query + 1, num_keys)].fill(0.0);
    }
    Tensor::from_vec(values, (tokens, tokens), like.device())
}
