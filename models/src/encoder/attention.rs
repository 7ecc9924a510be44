//! Self-attention as a part: query, key and value in one product, the heads, and the output's linear layer.

use candle_core::Tensor;
use nearsay_kernels::{
    AttentionOptions, DistanceVectors, LayerNorm, Linear, RotaryHeads, Scores, add_norm, attention, recycle,
    rotate,
};

use super::distance::DistanceVectorsRecipe;
use super::linear::LinearRecipe;
use super::loading::Loading;
use super::norm::NormRecipe;
use super::pass::Pass;
use super::query_key_norm::{QueryKeyNorm, QueryKeyNormRecipe};
use super::query_key_value::QueryKeyValueRecipe;
use super::span_convolution::{SpanConvolution, SpanConvolutionRecipe};
use crate::Result;

/// Names and sizes of self-attention.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AttentionRecipe {
    pub(crate) query_key_value: QueryKeyValueRecipe,
    /// Of queries and keys, before they are rotated.
    pub(crate) query_key_norm: Option<QueryKeyNormRecipe>,
    pub(crate) output: LinearRecipe,
    /// Of the output's sum with the input, besides the block's own.
    pub(crate) output_norm: Option<NormRecipe>,
    pub(crate) num_heads: usize,
    /// Heads of keys and of values, a divisor of `num_heads`.
    pub(crate) num_key_heads: usize,
    /// The factor of scores; `None` is 1 / sqrt(head_dim).
    pub(crate) scale: Option<f32>,
    pub(crate) scores: ScoresRecipe,
    /// The number of the recipe's rotary embedding that turns queries and keys.
    pub(crate) rotary: Option<usize>,
    /// A query attends only to keys at most this far from it.
    pub(crate) window: Option<usize>,
    /// A query attends only to keys up to itself.
    pub(crate) causal: bool,
    /// Its result follows that of the heads in the input of `output`.
    pub(crate) convolution: Option<SpanConvolutionRecipe>,
}

/// Terms added to the product of query and key in a score.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ScoresRecipe {
    Plain,
    /// The recipe's bias of this number.
    Bias(usize),
    /// Products with vectors, one per row of the recipe's distances.
    Vectors(DistanceVectorsRecipe),
}

impl AttentionRecipe {
    /// Heads that each have their own keys, and scores without further terms.
    pub(crate) fn new(query_key_value: QueryKeyValueRecipe, output: LinearRecipe, num_heads: usize) -> Self {
        Self {
            query_key_value,
            query_key_norm: None,
            output,
            output_norm: None,
            num_heads,
            num_key_heads: num_heads,
            scale: None,
            scores: ScoresRecipe::Plain,
            rotary: None,
            window: None,
            causal: false,
            convolution: None,
        }
    }

    pub(crate) fn parameters(&self) -> usize {
        let vectors = match &self.scores {
            ScoresRecipe::Vectors(vectors) => vectors.parameters(),
            ScoresRecipe::Plain | ScoresRecipe::Bias(_) => 0,
        };
        let norms = self.query_key_norm.as_ref().map_or(0, QueryKeyNormRecipe::parameters)
            + self.output_norm.as_ref().map_or(0, NormRecipe::parameters);
        let convolution = self.convolution.as_ref().map_or(0, SpanConvolutionRecipe::parameters);
        self.query_key_value.parameters() + norms + vectors + convolution + self.output.parameters()
    }

    /// Width of all heads together, which need not be that of hidden states.
    fn width(&self) -> usize {
        self.query_key_value.query_dim()
    }

    fn head_dim(&self) -> usize {
        self.width() / self.num_heads
    }

    /// Operations per token in a text of `length` tokens: linear layers, and products with every key that a token
    /// attends to, its value, and vectors of distances; the convolution.
    pub(crate) fn flops(&self, length: usize) -> f64 {
        let products = match &self.scores {
            ScoresRecipe::Vectors(vectors) => 2 + vectors.products(),
            ScoresRecipe::Plain | ScoresRecipe::Bias(_) => 2,
        };
        let near = self.window.map_or(length, |radius| length.min(2 * radius + 1));
        let keys = if self.causal { near.div_ceil(2) } else { near };
        let pairs = 2.0 * (products * keys * self.width()) as f64;
        let convolution = self.convolution.as_ref().map_or(0.0, SpanConvolutionRecipe::flops);
        self.query_key_value.flops() + self.output.flops() + pairs + convolution
    }

    pub(crate) fn load(&self, loading: &Loading<'_>) -> Result<Attention> {
        let Loading { parameters, distance_embeddings, placement, .. } = loading;
        let vectors = match &self.scores {
            ScoresRecipe::Vectors(vectors) => {
                Some(vectors.load(parameters, *distance_embeddings, self.num_heads, placement)?)
            }
            ScoresRecipe::Plain | ScoresRecipe::Bias(_) => None,
        };
        let heads = [self.num_heads, self.num_key_heads];
        let norm = self.query_key_norm.as_ref().map(|norm| norm.load(parameters, heads, placement));
        let convolution = self.convolution.as_ref().map(|part| part.load(parameters, placement));
        let output_norm = self.output_norm.as_ref().map(|norm| norm.load(parameters, placement));
        Ok(Attention {
            query_key_norm: norm.transpose()?,
            convolution: convolution.transpose()?,
            query_key_value: self.query_key_value.load(parameters, self.num_heads, placement)?,
            output: self.output.load(parameters, placement)?,
            output_norm: output_norm.transpose()?,
            vectors,
            recipe: self.clone(),
        })
    }
}

/// Loaded self-attention.
#[derive(Debug)]
pub(crate) struct Attention {
    query_key_value: Linear,
    query_key_norm: Option<QueryKeyNorm>,
    output: Linear,
    output_norm: Option<LayerNorm>,
    vectors: Option<DistanceVectors>,
    convolution: Option<SpanConvolution>,
    recipe: AttentionRecipe,
}

impl Attention {
    /// `hidden` and the result: [total_tokens, hidden_dim].
    pub(crate) fn forward(&self, hidden: &Tensor, pass: &Pass) -> Result<Tensor> {
        let AttentionRecipe { num_heads, num_key_heads, scale, window, causal, .. } = self.recipe;
        let query_key_value = self.query_key_value.forward(hidden)?;
        let query_key_value = self.rotated(self.normed(query_key_value, pass)?, pass)?;
        let scores = self.scores(pass);
        let key_counts = pass.key_counts.as_deref();
        let options =
            AttentionOptions { num_heads, num_key_heads, scale, scores, window, causal, key_counts };
        let mut context = attention(&query_key_value, &pass.cu_seqlens, &options, pass.form)?;
        if let Some(convolution) = &self.convolution {
            let convolved = convolution.forward(hidden, &query_key_value, pass)?;
            context = Tensor::cat(&[context, convolved], 1)?;
        }
        let output = self.output.forward(&context)?;
        [query_key_value, context].into_iter().for_each(recycle);
        let Some(norm) = &self.output_norm else { return Ok(output) };
        let sum = add_norm(&output, hidden, norm)?;
        recycle(output);
        Ok(sum)
    }

    /// Queries and keys normalised, if the model has norms of them.
    fn normed(&self, query_key_value: Tensor, pass: &Pass) -> Result<Tensor> {
        match &self.query_key_norm {
            Some(norm) => norm.forward(query_key_value, pass.form),
            None => Ok(query_key_value),
        }
    }

    /// Queries and keys turned by their positions, if the model has rotary embeddings.
    fn rotated(&self, query_key_value: Tensor, pass: &Pass) -> Result<Tensor> {
        let Some(rotary) = self.recipe.rotary else { return Ok(query_key_value) };
        let num_heads = self.recipe.num_heads + self.recipe.num_key_heads;
        let heads = RotaryHeads { num_heads, head_dim: self.recipe.head_dim() };
        Ok(rotate(query_key_value, &pass.cu_seqlens, heads, &pass.rotary[rotary], pass.form)?)
    }

    fn scores<'a>(&'a self, pass: &'a Pass) -> Scores<'a> {
        match (&self.vectors, &self.recipe.scores) {
            (Some(vectors), _) => Scores::ByVectors { vectors, rows: &pass.distance_rows },
            (None, ScoresRecipe::Bias(bias)) => Scores::ByDistance(&pass.biases[*bias]),
            _ => Scores::Plain,
        }
    }
}
