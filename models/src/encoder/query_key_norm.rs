//! Norms of queries and keys, between their linear layer and the scores.

use candle_core::Tensor;
use nearsay_kernels::{Form, LayerNorm, NormedHeads, Placement, norm_heads};

use super::norm::NormRecipe;
use crate::Result;
use crate::parameters::Parameters;

/// Which values have a norm together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum QueryKeyNormRecipe {
    /// Each head on its own: the norms are as wide as one.
    PerHead { query: NormRecipe, key: NormRecipe },
}

impl QueryKeyNormRecipe {
    pub(crate) fn parameters(&self) -> usize {
        let Self::PerHead { query, key } = self;
        query.parameters() + key.parameters()
    }

    /// `heads`: of queries, of keys.
    pub(crate) fn load(
        &self,
        parameters: &Parameters<'_>,
        heads: [usize; 2],
        placement: &Placement,
    ) -> Result<QueryKeyNorm> {
        let Self::PerHead { query, key } = self;
        let norms = [query.load(parameters, placement)?, key.load(parameters, placement)?];
        Ok(QueryKeyNorm { heads, norms })
    }
}

/// Loaded norms: of queries, of keys.
#[derive(Debug)]
pub(crate) struct QueryKeyNorm {
    /// How many norms a row has of each.
    heads: [usize; 2],
    norms: [LayerNorm; 2],
}

impl QueryKeyNorm {
    /// `query_key_value` with other queries and keys.
    pub(crate) fn forward(&self, query_key_value: Tensor, form: Form) -> Result<Tensor> {
        let [query, key] = &self.norms;
        let [num_heads, num_key_heads] = self.heads;
        let parts =
            [NormedHeads { num_heads, norm: query }, NormedHeads { num_heads: num_key_heads, norm: key }];
        Ok(norm_heads(query_key_value, &parts, form)?)
    }
}
