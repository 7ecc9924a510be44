//! The subject of a measurement: a model, or random weights of a known shape.

use std::hint::black_box;

use nearsay_kernels::{Placement, Precision, read_f32, recycle};
use nearsay_models::{Encoder, EncoderOptions, Recipe, SentenceHead, Shape};

use super::BenchOptions;
use super::workload::Workload;
use crate::session::{Control, Session, TextEncoder, Workers, name_of};
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// Random weights are the same in every run.
const SEED: u64 = 1;

/// The subject of a measurement.
#[derive(Debug)]
#[non_exhaustive]
pub enum Subject {
    /// A model.
    Model(Session),
    /// Random weights of this name and recipe, followed by the L2-normalized mean.
    Random(&'static str, Box<Recipe>),
}

impl Subject {
    /// Random weights of a known shape.
    ///
    /// # Errors
    /// As [`Shape::recipe`].
    pub fn of_shape(shape: &Shape) -> Result<Self> {
        Ok(Self::Random(shape.name, Box::new(shape.recipe()?)))
    }

    /// Its name: the model's as requested, or the shape's.
    pub fn name(&self) -> &str {
        match self {
            Self::Model(session) => session.model().folder().name(),
            Self::Random(name, _) => name,
        }
    }

    /// The parts of its encoder.
    pub fn recipe(&self) -> &Recipe {
        match self {
            Self::Model(session) => session.recipe(),
            Self::Random(_, recipe) => recipe,
        }
    }

    /// Whether its weights are random.
    pub fn is_random(&self) -> bool {
        matches!(self, Self::Random(..))
    }

    /// Loads it up to `layer`.
    ///
    /// # Errors
    /// If a weight is missing or wrong.
    pub(super) fn load(
        &self,
        layer: usize,
        precision: Precision,
        options: &BenchOptions,
        workers: &Workers,
    ) -> Result<Loaded> {
        let recipe = match self {
            Self::Model(session) => {
                let session = session.with_precision(precision)?;
                let heads = session.heads(None)?.to_vec();
                return Ok(Loaded { layer, encoder: session.encoder(layer)?, heads });
            }
            Self::Random(_, recipe) => recipe,
        };
        let devices = options.devices.with_precision(precision)?;
        let heads = vec![SentenceHead::normalized_mean(recipe.hidden_dim()); devices.count()];
        let random = |placement: &Placement| {
            let loading = EncoderOptions {
                num_layers: Some(layer),
                placement: placement.clone(),
                ..EncoderOptions::default()
            };
            Encoder::random(Recipe::clone(recipe), &loading, SEED).map_err(|error| {
                Error::from(error).on_device(&name_of(placement.device()), || "the model".to_owned())
            })
        };
        let replicas = devices.placements().iter().map(random).collect::<Result<_>>()?;
        let encoder = TextEncoder::new(replicas, &devices, options.batch_tokens, workers.clone());
        Ok(Loaded { layer, encoder, heads })
    }
}

/// An encoder, and the heads that turn its hidden states into vectors.
pub(super) struct Loaded {
    layer: usize,
    encoder: TextEncoder,
    /// One per device of the encoder.
    heads: Vec<SentenceHead>,
}

impl Loaded {
    /// Computes a vector for every text of `workload`, as `embed` does.
    ///
    /// # Errors
    /// If the encoder fails, or `control` stops it.
    pub(super) fn encode(&self, workload: &Workload, control: &Control) -> Result<()> {
        let texts: Vec<&TokenizedText> = workload.texts.iter().collect();
        let vectors = self.encoder.encode(control, &texts, &[self.layer], |batch| {
            let pooled = self.heads[batch.replica].forward(batch.states.layer(self.layer)?)?;
            let dim = pooled.dim(1)?;
            let vectors = read_f32(&pooled, |values| values.chunks_exact(dim).map(<[f32]>::to_vec).collect());
            recycle(pooled);
            Ok(vectors?)
        })?;
        let _: Vec<Vec<f32>> = black_box(vectors);
        Ok(())
    }

    /// Operations in one pass over `workload`.
    pub(super) fn flops(&self, workload: &Workload) -> f64 {
        let recipe = self.encoder.encoder().recipe();
        workload.lengths().map(|length| recipe.flops(self.layer, length)).sum()
    }
}
