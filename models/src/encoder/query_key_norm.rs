//! Norms of queries and keys, before they are multiplied.

use candle_core::Tensor;
use nearsay_kernels::{LayerNorm, Placement, recycle};

use super::norm::NormRecipe;
use crate::Result;
use crate::parameters::Parameters;

/// What is normalized together, and the norms' names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum QueryKeyNormRecipe {
    /// All heads of a query, and all heads of a key.
    FullWidth { query: NormRecipe, key: NormRecipe },
}

impl QueryKeyNormRecipe {
    pub(crate) fn parameters(&self) -> usize {
        match self {
            Self::FullWidth { query, key } => query.parameters() + key.parameters(),
        }
    }

    pub(crate) fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<QueryKeyNorm> {
        Ok(match self {
            Self::FullWidth { query, key } => QueryKeyNorm::FullWidth {
                query: query.load(parameters, placement)?,
                key: key.load(parameters, placement)?,
            },
        })
    }
}

/// Loaded norms.
#[derive(Debug)]
pub(crate) enum QueryKeyNorm {
    FullWidth { query: LayerNorm, key: LayerNorm },
}

impl QueryKeyNorm {
    /// Rows of queries, keys and values side by side, and the result, whose values are unchanged.
    pub(crate) fn forward(&self, query_key_value: &Tensor) -> Result<Tensor> {
        let Self::FullWidth { query, key } = self;
        let (queries, keys) = (query.hidden_dim(), key.hidden_dim());
        let values = query_key_value.dims()[1] - queries - keys;
        let part = |start, width| query_key_value.narrow(1, start, width)?.contiguous();
        let (raw_queries, raw_keys) = (part(0, queries)?, part(queries, keys)?);
        let parts = [query.forward(&raw_queries)?, key.forward(&raw_keys)?, part(queries + keys, values)?];
        let normed = Tensor::cat(&parts, 1)?;
        parts.into_iter().chain([raw_queries, raw_keys]).for_each(recycle);
        Ok(normed)
    }
}
