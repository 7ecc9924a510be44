//! What is measured: a model, or random weights of a known shape.

use std::hint::black_box;

use nearsay_kernels::Precision;
use nearsay_models::{Encoder, EncoderConfig, EncoderOptions, Model, SentenceHead, Shape};

use super::BenchOptions;
use super::flops::flops;
use super::work::Work;
use crate::encode::{TextEncoder, rows};
use crate::model::{load_encoders, load_head, no_room_for_model};
use crate::tokens::TokenizedText;
use crate::{Result, Workers};

/// Random weights are the same in every run.
const SEED: u64 = 1;

/// What is measured.
#[derive(Debug)]
pub enum Subject {
    /// A model's files.
    Model(Box<Model>),
    /// Random weights, with the mean brought to length 1 behind them.
    Shape(Shape),
}

impl Subject {
    /// Its name: a model's as it was asked for, or a shape's.
    pub fn name(&self) -> &str {
        match self {
            Self::Model(model) => model.folder().name(),
            Self::Shape(shape) => shape.name,
        }
    }

    /// Its sizes.
    pub fn config(&self) -> &EncoderConfig {
        match self {
            Self::Model(model) => model.config(),
            Self::Shape(shape) => &shape.config,
        }
    }

    /// Whether its weights are random.
    pub fn is_random(&self) -> bool {
        matches!(self, Self::Shape(_))
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
        let devices = &options.devices;
        let placements = devices.placements(precision)?;
        let (replicas, heads) = match self {
            Self::Model(model) => {
                let heads = placements.iter().map(|placement| load_head(model, None, None, placement));
                (load_encoders(model, layer, precision, devices)?, heads.collect::<Result<_, _>>()?)
            }
            Self::Shape(shape) => {
                let heads = vec![SentenceHead::normalized_mean(shape.config.hidden_dim); placements.len()];
                let random = |placement| {
                    let loading = EncoderOptions { num_layers: Some(layer), placement };
                    Encoder::random(shape.config.clone(), &loading, SEED)
                        .map_err(|error| no_room_for_model(error, &loading.placement))
                };
                (placements.into_iter().map(random).collect::<Result<_, _>>()?, heads)
            }
        };
        let encoder = TextEncoder::new(replicas, layer, options.batch_tokens, workers.clone());
        Ok(Loaded { encoder, heads })
    }
}

/// An encoder and what makes vectors of its hidden states.
pub(super) struct Loaded {
    encoder: TextEncoder,
    /// One for each of the encoder's devices.
    heads: Vec<SentenceHead>,
}

impl Loaded {
    /// Makes a vector of every text of `work`, as `embed` does.
    ///
    /// # Errors
    /// If the encoder fails or the run is interrupted.
    pub(super) fn encode(&self, work: &Work) -> Result<()> {
        let texts: Vec<&TokenizedText> = work.texts.iter().collect();
        let vectors =
            self.encoder.encode(&texts, |batch| rows(&self.heads[batch.replica].forward(batch.states)?))?;
        black_box(vectors);
        Ok(())
    }

    /// Operations of one pass over `work`.
    pub(super) fn flops(&self, work: &Work) -> f64 {
        flops(self.encoder.encoder().config(), self.encoder.layer(), work.lengths())
    }
}
