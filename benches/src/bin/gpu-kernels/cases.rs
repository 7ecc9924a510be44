//! The operations, each with its inputs, its work and its launch.

use anyhow::{Result, bail};
use candle_core::{Device, Tensor};
use nearsay_benches::kernels::random;
use nearsay_kernels::{
    Activation, AttentionOptions, CuSeqlens, Embeddings, Form, LayerNorm, Linear, PoolOptions, Pooling,
    TokenIndices, TokenPair, add_norm, attention, normalize, pool, token_match, top_k,
};

use crate::{Bench, Case, MadeCase};

/// Several times the L2 of an H200, 60 MB.
const ROTATED_BYTES: usize = 256 << 20;
/// The minimum and maximum number of sets of buffers.
const ROTATED: [usize; 2] = [2, 64];
/// Corpus rows per row of a micro-batch: usually 65,536 in total, which are 128 MiB with 1,024 values of 16
/// bits each.
const SEARCHED_ROWS: usize = 8;
const HITS: usize = 10;
/// Rows of the token type table.
const TOKEN_TYPES: usize = 2;

impl Bench<'_> {
    /// Bytes of `count` values of hidden states.
    fn bytes(&self, count: usize) -> f64 {
        (count * self.placement.hidden_dtype().size_in_bytes()) as f64
    }

    /// The number of sets of buffers of `count` values.
    fn sets(&self, count: usize) -> usize {
        let [fewest, most] = ROTATED;
        let fitting = ROTATED_BYTES / (self.bytes(count) as usize).max(1);
        self.options.rotated.unwrap_or(fitting.clamp(fewest, most)).max(1)
    }

    /// Sets of random values [rows, width] in the hidden states' type.
    fn inputs(&self, rows: usize, width: usize) -> Result<Vec<Tensor>> {
        let values = random(&[rows, width])?.to_dtype(self.placement.hidden_dtype())?;
        let copy = |_| values.to_device(self.placement.device());
        Ok((0..self.sets(rows * width)).map(copy).collect::<candle_core::Result<_>>()?)
    }

    fn norm(&self) -> Result<LayerNorm> {
        let vector = |value| Tensor::full(value, self.recipe.hidden_dim(), &Device::Cpu);
        Ok(LayerNorm::new(&vector(1f32)?, &vector(0f32)?, 1e-12, &self.placement)?)
    }

    pub(crate) fn embed_norm(&self) -> MadeCase {
        let (tokens, recipe) = (self.options.tokens, &self.recipe);
        let width = recipe.hidden_dim();
        let tables = [recipe.vocab_size(), recipe.max_positions().unwrap_or(1), TOKEN_TYPES];
        let [word, position, token_type] = tables.map(|rows| random(&[rows, width]));
        let embeddings = Embeddings::new([word?, position?, token_type?], self.norm()?, &self.placement)?;
        let indices = |set: usize, rows: usize| {
            let index = |token: usize| ((token + set * 7919).wrapping_mul(2_654_435_761) >> 7) % rows;
            let values: Vec<u32> = (0..tokens).map(|token| index(token) as u32).collect();
            Tensor::from_vec(values, tokens, self.placement.device())
        };
        let one_set =
            |set| tables.map(|rows| indices(set, rows)).into_iter().collect::<candle_core::Result<Vec<_>>>();
        let sets = (0..self.sets(tokens * width)).map(one_set).collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Case {
            name: "embed_norm",
            detail: String::new(),
            flops: 0.0,
            // The position and type tables stay in a cache.
            bytes: self.bytes(2 * tokens * width) + (3 * size_of::<u32>() * tokens) as f64,
            launch: Box::new(move |index| {
                let [input_ids, position_ids, type_ids] = sets[index % sets.len()].as_slice() else {
                    bail!("a set has three indices")
                };
                Ok(embeddings.forward(TokenIndices { input_ids, position_ids, type_ids })?)
            }),
        })
    }

    /// The products of an encoder layer, and one of them with its activation.
    pub(crate) fn products(&self) -> impl Iterator<Item = Product> {
        let (width, inner) = (self.recipe.hidden_dim(), self.recipe.intermediate_dim());
        [
            ("query, key, value", [width, 3 * width], Activation::Identity),
            ("attention output", [width, width], Activation::Identity),
            ("up", [width, inner], Activation::Identity),
            ("up, gelu", [width, inner], Activation::Gelu),
            ("down", [inner, width], Activation::Identity),
        ]
        .map(|(detail, dims, activation)| Product { detail, dims, activation })
        .into_iter()
    }

    pub(crate) fn linear(
        &self,
        Product { detail, dims: [in_dim, out_dim], activation }: Product,
    ) -> MadeCase {
        let tokens = self.options.tokens;
        let linear = Linear::new(&random(&[out_dim, in_dim])?, Some(&random(&[out_dim])?), &self.placement)?;
        let inputs = self.inputs(tokens, in_dim)?;
        Ok(Case {
            name: "linear",
            detail: detail.to_owned(),
            flops: 2.0 * (tokens * in_dim * out_dim) as f64,
            bytes: self.bytes(tokens * (in_dim + out_dim) + in_dim * out_dim),
            launch: Box::new(move |index| {
                Ok(linear.forward_activated(&inputs[index % inputs.len()], activation)?)
            }),
        })
    }

    pub(crate) fn attention(&self, length: usize) -> MadeCase {
        let (width, num_heads) = (self.recipe.hidden_dim(), self.recipe.num_heads());
        let (cu_seqlens, tokens) = self.sequences(length)?;
        let inputs = self.inputs(tokens, 3 * width)?;
        Ok(Case {
            name: "attention",
            detail: format!("length {length}"),
            flops: 4.0 * (length * tokens * width) as f64,
            bytes: self.bytes(4 * tokens * width),
            launch: Box::new(move |index| {
                let options = AttentionOptions::new(num_heads);
                Ok(attention(&inputs[index % inputs.len()], &cu_seqlens, &options, Form::Kernels)?)
            }),
        })
    }

    /// As many sequences of `length` as fit, and their tokens.
    fn sequences(&self, length: usize) -> Result<(CuSeqlens, usize)> {
        let count = self.options.tokens / length;
        Ok((CuSeqlens::from_lengths(vec![length; count])?, count * length))
    }

    pub(crate) fn add_norm(&self) -> MadeCase {
        let (tokens, width) = (self.options.tokens, self.recipe.hidden_dim());
        let (hidden, norm) = (self.inputs(tokens, width)?, self.norm()?);
        let residual = self.inputs(tokens, width)?;
        Ok(Case {
            name: "add_norm",
            detail: String::new(),
            flops: 0.0,
            bytes: self.bytes(3 * tokens * width),
            launch: Box::new(move |index| {
                let set = index % hidden.len();
                Ok(add_norm(&hidden[set], &residual[set], &norm)?)
            }),
        })
    }

    pub(crate) fn pool(&self, length: usize) -> MadeCase {
        let width = self.recipe.hidden_dim();
        let (cu_seqlens, tokens) = self.sequences(length)?;
        let inputs = self.inputs(tokens, width)?;
        let options = PoolOptions { modes: vec![Pooling::Mean], skip_tokens: 0, normalize: true };
        Ok(Case {
            name: "pool",
            detail: format!("length {length}"),
            flops: 0.0,
            bytes: self.bytes(tokens * width) + (tokens / length * width * size_of::<f32>()) as f64,
            launch: Box::new(move |index| {
                Ok(pool(&inputs[index % inputs.len()], &cu_seqlens, &options, Form::Kernels)?)
            }),
        })
    }

    pub(crate) fn normalize(&self) -> MadeCase {
        let (tokens, width) = (self.options.tokens, self.recipe.hidden_dim());
        let inputs = self.inputs(tokens, width)?;
        Ok(Case {
            name: "normalize",
            detail: String::new(),
            flops: 0.0,
            bytes: self.bytes(2 * tokens * width),
            launch: Box::new(move |index| Ok(normalize(&inputs[index % inputs.len()], 0.0, Form::Kernels)?)),
        })
    }

    /// Each text with the next one.
    pub(crate) fn token_match(&self, length: usize) -> MadeCase {
        let width = self.recipe.hidden_dim();
        let (texts, tokens) = (self.options.tokens / length, self.options.tokens / length * length);
        let cut = |packed: &Tensor| -> candle_core::Result<Vec<Tensor>> { packed.chunk(texts, 0) };
        let sets = self.inputs(tokens, width)?.iter().map(cut).collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Case {
            name: "token_match",
            detail: format!("{} pairs of length {length}", texts / 2),
            flops: 2.0 * (texts / 2 * length * length * width) as f64,
            bytes: self.bytes(texts / 2 * 2 * length * width)
                + (texts / 2 * 2 * length * size_of::<f32>()) as f64,
            launch: Box::new(move |index| {
                let pairs = sets[index % sets.len()].chunks_exact(2);
                let pairs: Vec<_> =
                    pairs.map(|two| TokenPair { candidate: &two[0], reference: &two[1] }).collect();
                Ok(token_match(&pairs, Form::Kernels)?.values)
            }),
        })
    }

    pub(crate) fn top_k(&self, num_queries: usize) -> MadeCase {
        let (num_rows, width) = (SEARCHED_ROWS * self.options.tokens, self.recipe.hidden_dim());
        let corpora = self.inputs(num_rows, width)?;
        let queries = random(&[num_queries, width])?.to_dtype(self.placement.hidden_dtype())?;
        let queries = queries.to_device(self.placement.device())?;
        Ok(Case {
            name: "top_k",
            detail: format!("{HITS} of {num_rows} rows for {num_queries} queries"),
            flops: 2.0 * (num_queries * num_rows * width) as f64,
            bytes: self.bytes((num_queries + num_rows) * width)
                + (num_queries * HITS * (size_of::<f32>() + size_of::<u32>())) as f64,
            launch: Box::new(move |index| {
                Ok(top_k(&queries, &corpora[index % corpora.len()], HITS, Form::Kernels)?.scores)
            }),
        })
    }
}

/// A linear layer.
#[derive(Clone, Copy)]
pub(crate) struct Product {
    detail: &'static str,
    /// Widths of input and output.
    dims: [usize; 2],
    activation: Activation,
}
