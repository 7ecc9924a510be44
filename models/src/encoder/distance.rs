//! Terms of a score that depend on the distance between key and query: a number per head, which layers may share,
//! or products with a vector per distance.

use candle_core::{Device, Tensor};
use nearsay_kernels::{CuSeqlens, DistanceBias, DistanceBuckets, DistanceVectors, Placement, add_norm};

use super::linear::LinearRecipe;
use super::norm::NormRecipe;
use crate::Result;
use crate::parameters::Parameters;

/// A number per head and distance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum DistanceBiasRecipe {
    /// From a table, `NAME` [rows, num_heads].
    Table { name: String, rows: usize, buckets: DistanceBuckets, num_heads: usize },
    /// The distance times a negative slope per head (ALiBi), without weights.
    Slopes(Vec<f32>),
}

impl DistanceBiasRecipe {
    pub(crate) fn parameters(&self) -> usize {
        match self {
            Self::Table { rows, num_heads, .. } => rows * num_heads,
            Self::Slopes(_) => 0,
        }
    }

    pub(crate) fn load(
        &self,
        parameters: &Parameters<'_>,
        placement: &Placement,
    ) -> Result<LoadedDistanceBias> {
        let device = placement.device().clone();
        Ok(match self {
            Self::Table { name, rows, buckets, num_heads } => {
                let table = parameters.load(name, &[*rows, *num_heads])?.to_device(&device)?;
                LoadedDistanceBias::Table { table, buckets: buckets.clone() }
            }
            Self::Slopes(slopes) => LoadedDistanceBias::Slopes { slopes: slopes.clone(), device },
        })
    }
}

/// A loaded table, or slopes.
#[derive(Debug)]
pub(crate) enum LoadedDistanceBias {
    Table { table: Tensor, buckets: DistanceBuckets },
    Slopes { slopes: Vec<f32>, device: Device },
}

impl LoadedDistanceBias {
    /// The biases of all distances in these texts.
    pub(crate) fn of(&self, cu_seqlens: &CuSeqlens) -> Result<DistanceBias> {
        let longest = cu_seqlens.longest().max(1);
        Ok(match self {
            Self::Table { table, buckets } => DistanceBias::from_table(table, &buckets.rows(longest))?,
            Self::Slopes { slopes, device } => DistanceBias::from_slopes(slopes, longest, device)?,
        })
    }
}

/// Embeddings of distances that all layers project into vectors of their own: `NAME` [rows, width], and a norm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DistanceEmbeddingsRecipe {
    pub(crate) name: &'static str,
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) norm: Option<NormRecipe>,
}

impl DistanceEmbeddingsRecipe {
    pub(crate) fn parameters(&self) -> usize {
        self.rows * self.width + self.norm.as_ref().map_or(0, NormRecipe::parameters)
    }

    /// The embeddings on the CPU, which need not be kept once all layers have their vectors.
    pub(crate) fn load(&self, parameters: &Parameters<'_>) -> Result<Tensor> {
        let table = parameters.load(self.name, &[self.rows, self.width])?;
        let Some(norm) = &self.norm else { return Ok(table) };
        Ok(add_norm(&table, &table.zeros_like()?, &norm.load(parameters, &Placement::CPU)?)?)
    }
}

/// Where a layer's vectors by distance come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum DistanceVectorsRecipe {
    /// A table that all heads share, `NAME` [rows, head_dim]: queries are multiplied by its vectors, and keys
    /// too if `by_keys` says so.
    Table { name: &'static str, rows: usize, head_dim: usize, by_keys: bool },
    /// The encoder's embeddings of distances through linear layers: `for_queries` makes what queries are
    /// multiplied by (PK), `for_keys` what keys are multiplied by (PQ).
    Projected { for_queries: Option<LinearRecipe>, for_keys: Option<LinearRecipe>, is_shared: bool },
}

impl DistanceVectorsRecipe {
    pub(crate) fn parameters(&self) -> usize {
        match self {
            Self::Table { rows, head_dim, .. } => rows * head_dim,
            // The layer's own key and query projections are counted there.
            Self::Projected { is_shared: true, .. } => 0,
            Self::Projected { for_queries, for_keys, .. } => {
                for_queries.iter().chain(for_keys).map(LinearRecipe::parameters).sum()
            }
        }
    }

    /// How many products with vectors a pair of tokens needs, besides that of query and key.
    pub(crate) fn products(&self) -> usize {
        match self {
            Self::Table { by_keys, .. } => 1 + usize::from(*by_keys),
            Self::Projected { for_queries, for_keys, .. } => for_queries.iter().chain(for_keys).count(),
        }
    }

    /// The vectors of a layer whose weights are in `parameters`, with the encoder's `embeddings`.
    pub(crate) fn load(
        &self,
        parameters: &Parameters<'_>,
        embeddings: Option<&Tensor>,
        num_heads: usize,
        placement: &Placement,
    ) -> Result<DistanceVectors> {
        let [position_keys, position_queries] = match self {
            Self::Table { name, rows, head_dim, by_keys } => {
                let table = parameters.load(name, &[*rows, *head_dim])?.unsqueeze(0)?;
                [Some(table.clone()), by_keys.then_some(table)]
            }
            Self::Projected { for_queries, for_keys, .. } => {
                let project = |linear: &LinearRecipe| project(linear, parameters, embeddings, num_heads);
                [for_queries.as_ref().map(project).transpose()?, for_keys.as_ref().map(project).transpose()?]
            }
        };
        Ok(DistanceVectors::new(position_keys.as_ref(), position_queries.as_ref(), placement)?)
    }
}

/// Embeddings through a linear layer, divided into heads: [num_heads, rows, head_dim]. Our own kernels multiply,
/// so that the bits do not depend on the number of threads.
fn project(
    linear: &LinearRecipe,
    parameters: &Parameters<'_>,
    embeddings: Option<&Tensor>,
    num_heads: usize,
) -> Result<Tensor> {
    let embeddings = embeddings.ok_or_else(|| parameters.missing("embeddings of distances"))?;
    let vectors = linear.load(parameters, &Placement::CPU)?.forward(embeddings)?;
    let (rows, width) = vectors.dims2()?;
    Ok(vectors.reshape((rows, num_heads, width / num_heads))?.transpose(0, 1)?.contiguous()?)
}
