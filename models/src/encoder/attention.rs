//! Self-attention as a part: query, key and value in one product, the heads, and the output's linear layer.

use candle_core::Tensor;
use nearsay_kernels::{
    AttentionOptions, DistanceVectors, Linear, RotaryHeads, Scores, attention, recycle, rotate,
};

use super::distance::DistanceVectorsRecipe;
use super::linear::LinearRecipe;
use super::loading::Loading;
use super::pass::Pass;
use super::query_key_value::QueryKeyValueRecipe;
use crate::Result;

/// Names and sizes of self-attention.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AttentionRecipe {
    pub(crate) query_key_value: QueryKeyValueRecipe,
    pub(crate) output: LinearRecipe,
    pub(crate) num_heads: usize,
    /// The factor of scores; `None` is 1 / sqrt(head_dim).
    pub(crate) scale: Option<f32>,
    pub(crate) scores: ScoresRecipe,
    /// The number of the recipe's rotary embedding that turns queries and keys.
    pub(crate) rotary: Option<usize>,
    /// A query attends only to keys at most this far from it.
    pub(crate) window: Option<usize>,
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
    pub(crate) fn parameters(&self) -> usize {
        let vectors = match &self.scores {
            ScoresRecipe::Vectors(vectors) => vectors.parameters(),
            ScoresRecipe::Plain | ScoresRecipe::Bias(_) => 0,
        };
        self.query_key_value.parameters() + self.output.parameters() + vectors
    }

    /// Operations per token in a text of `length` tokens: linear layers, and products with every key in the
    /// window, its value, and vectors of distances.
    pub(crate) fn flops(&self, length: usize) -> f64 {
        let products = match &self.scores {
            ScoresRecipe::Vectors(vectors) => 2 + vectors.products(),
            ScoresRecipe::Plain | ScoresRecipe::Bias(_) => 2,
        };
        let keys = self.window.map_or(length, |radius| length.min(2 * radius + 1));
        let pairs = 2.0 * (products * keys * self.output.in_dim) as f64;
        self.query_key_value.flops() + self.output.flops() + pairs
    }

    pub(crate) fn load(&self, loading: &Loading<'_>) -> Result<Attention> {
        let Loading { parameters, distance_embeddings, placement, .. } = loading;
        let vectors = match &self.scores {
            ScoresRecipe::Vectors(vectors) => {
                Some(vectors.load(parameters, *distance_embeddings, self.num_heads, placement)?)
            }
            ScoresRecipe::Plain | ScoresRecipe::Bias(_) => None,
        };
        Ok(Attention {
            query_key_value: self.query_key_value.load(parameters, self.num_heads, placement)?,
            output: self.output.load(parameters, placement)?,
            vectors,
            recipe: self.clone(),
        })
    }
}

/// Loaded self-attention.
#[derive(Debug)]
pub(crate) struct Attention {
    query_key_value: Linear,
    output: Linear,
    vectors: Option<DistanceVectors>,
    recipe: AttentionRecipe,
}

impl Attention {
    /// `hidden` and the result: [total_tokens, hidden_dim].
    pub(crate) fn forward(&self, hidden: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let AttentionRecipe { num_heads, scale, window, .. } = self.recipe;
        let query_key_value = self.rotated(self.query_key_value.forward(hidden)?, pass)?;
        let scores = self.scores(pass);
        let key_counts = pass.key_counts;
        let options =
            AttentionOptions { scale, scores, window, key_counts, ..AttentionOptions::new(num_heads) };
        let context = attention(&query_key_value, pass.cu_seqlens, &options, pass.form)?;
        let output = self.output.forward(&context)?;
        [query_key_value, context].into_iter().for_each(recycle);
        Ok(output)
    }

    /// Queries and keys turned by their positions, if the model has rotary embeddings.
    fn rotated(&self, query_key_value: Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let Some(rotary) = self.recipe.rotary else { return Ok(query_key_value) };
        let AttentionRecipe { num_heads, output, .. } = &self.recipe;
        let heads = RotaryHeads { num_heads: 2 * num_heads, head_dim: output.in_dim / num_heads };
        Ok(rotate(query_key_value, pass.cu_seqlens, heads, &pass.rotary[rotary], pass.form)?)
    }

    fn scores<'a>(&'a self, pass: &'a Pass<'_>) -> Scores<'a> {
        match (&self.vectors, &self.recipe.scores) {
            (Some(vectors), _) => Scores::ByVectors { vectors, rows: &pass.distance_rows },
            (None, ScoresRecipe::Bias(bias)) => Scores::ByDistance(&pass.biases[*bias]),
            _ => Scores::Plain,
        }
    }
}
