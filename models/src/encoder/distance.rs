//! Terms of a score that depend on the distance between key and query: a number per head, which layers may share,
//! or products with a vector per distance.

use candle_core::{Device, Tensor};
use nearsay_kernels::{
    CuSeqlens, DistanceBias, DistanceBuckets, DistanceVectors, Placement, RotaryTable, add_norm,
};

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
    /// Sinusoids of distances through a linear layer (PK), for distances from -`farthest` to `farthest`. Products with
    /// keys have a bias of queries of their own, `content_bias` [num_heads, head_dim]; queries already have that of
    /// the others, `query_bias`, so that keys are multiplied by the difference at every distance (PQ).
    Sinusoids {
        for_queries: LinearRecipe,
        content_bias: &'static str,
        query_bias: &'static str,
        farthest: usize,
    },
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
            // The layer counts one of the two biases.
            Self::Sinusoids { for_queries, .. } => for_queries.parameters() + for_queries.out_dim,
        }
    }

    /// How many products with vectors a pair of tokens needs, besides that of query and key.
    pub(crate) fn products(&self) -> usize {
        match self {
            Self::Table { by_keys, .. } => 1 + usize::from(*by_keys),
            Self::Projected { for_queries, for_keys, .. } => for_queries.iter().chain(for_keys).count(),
            Self::Sinusoids { .. } => 2,
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
            Self::Sinusoids { for_queries, content_bias, query_bias, farthest } => {
                let sinusoids = sinusoids(for_queries.in_dim, *farthest)?;
                let vectors = project(for_queries, parameters, Some(&sinusoids), num_heads)?;
                let bias = |name: &str| -> Result<Tensor> {
                    let shape = [num_heads, for_queries.out_dim / num_heads];
                    Ok(parameters.load(name, &shape)?.unsqueeze(1)?)
                };
                let difference = (bias(content_bias)? - bias(query_bias)?)?.broadcast_as(vectors.shape())?;
                [Some(vectors), Some(difference)]
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

/// Sines, then cosines, of distances -`farthest` to `farthest` times the frequencies of rotary embeddings:
/// [2 * farthest + 1, width].
fn sinusoids(width: usize, farthest: usize) -> Result<Tensor> {
    let frequencies = RotaryTable::inverse_frequencies(10_000.0, width);
    let mut values = Vec::with_capacity((2 * farthest + 1) * width);
    for row in 0..=2 * farthest {
        let distance = row as f32 - farthest as f32;
        let angles = frequencies.iter().map(|frequency| f64::from(distance * frequency));
        values.extend(angles.clone().map(|angle| angle.sin() as f32));
        values.extend(angles.map(|angle| angle.cos() as f32));
    }
    Ok(Tensor::from_vec(values, (2 * farthest + 1, width), &Device::Cpu)?)
}
