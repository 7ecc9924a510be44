//! Norms of queries and keys, between their linear layer and the scores.

use candle_core::Tensor;
use nearsay_kernels::{Form, LayerNorm, NormedHeads, Placement, norm_heads, recycle};

use super::norm::NormRecipe;
use crate::Result;
use crate::parameters::Parameters;

/// The norms, and which values have one together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum QueryKeyNormRecipe {
    /// All heads of a query, and all heads of a key.
    FullWidth { query: NormRecipe, key: NormRecipe },
    /// Each head on its own: the norms are as wide as one.
    PerHead { query: NormRecipe, key: NormRecipe },
}

impl QueryKeyNormRecipe {
    fn norms(&self) -> [&NormRecipe; 2] {
        match self {
            Self::FullWidth { query, key } | Self::PerHead { query, key } => [query, key],
        }
    }

    pub(crate) fn parameters(&self) -> usize {
        self.norms().map(NormRecipe::parameters).iter().sum()
    }

    /// `heads`: of queries, of keys.
    pub(crate) fn load(
        &self,
        parameters: &Parameters<'_>,
        heads: [usize; 2],
        placement: &Placement,
    ) -> Result<QueryKeyNorm> {
        let [query, key] = self.norms().map(|norm| norm.load(parameters, placement));
        let norms = [query?, key?];
        Ok(match self {
            Self::FullWidth { .. } => QueryKeyNorm::FullWidth { norms },
            Self::PerHead { .. } => QueryKeyNorm::PerHead { heads, norms },
        })
    }
}

/// Loaded norms: of queries, of keys.
#[derive(Debug)]
pub(crate) enum QueryKeyNorm {
    FullWidth {
        norms: [LayerNorm; 2],
    },
    PerHead {
        /// How many norms a row has of each.
        heads: [usize; 2],
        norms: [LayerNorm; 2],
    },
}

impl QueryKeyNorm {
    /// Rows of queries, keys and values side by side, and the result, whose values are unchanged.
    pub(crate) fn forward(&self, query_key_value: Tensor, form: Form) -> Result<Tensor> {
        match self {
            Self::FullWidth { norms: [query, key] } => full_width(query_key_value, query, key),
            Self::PerHead { heads: [num_heads, num_key_heads], norms: [query, key] } => {
                let queries = NormedHeads { num_heads: *num_heads, norm: query };
                let keys = NormedHeads { num_heads: *num_key_heads, norm: key };
                Ok(norm_heads(query_key_value, &[queries, keys], form)?)
            }
        }
    }
}

fn full_width(query_key_value: Tensor, query: &LayerNorm, key: &LayerNorm) -> Result<Tensor> {
    let (queries, keys) = (query.hidden_dim(), key.hidden_dim());
    let values = query_key_value.dims()[1] - queries - keys;
    let part = |start, width| query_key_value.narrow(1, start, width)?.contiguous();
    let (raw_queries, raw_keys) = (part(0, queries)?, part(queries, keys)?);
    let parts = [query.forward(&raw_queries)?, key.forward(&raw_keys)?, part(queries + keys, values)?];
    let normed = Tensor::cat(&parts, 1)?;
    parts.into_iter().chain([raw_queries, raw_keys, query_key_value]).for_each(recycle);
    Ok(normed)
}
