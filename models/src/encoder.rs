//! The encoder: embeddings and post-LayerNorm transformer layers (Devlin et al., "BERT", 2019), over packed
//! batches.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use nearsay_kernels::device::synchronize;
use nearsay_kernels::{
    Activation, AttentionOptions, Embeddings, Form, LayerNorm, Linear, Placement, Precision, add_norm,
    attention, recycle,
};

use crate::config::BERT_NAMES;
use crate::families::{self, WeightNames};
use crate::parameters::Parameters;
use crate::random::RandomWeights;
use crate::{EncoderConfig, Error, HiddenStates, PackedBatch, Result};

/// How many layers of an encoder to load, where, and in which precision.
#[derive(Debug, Clone)]
pub struct EncoderOptions {
    /// Load only the first `num_layers` layers (`None`: all). Higher layers are not read.
    pub num_layers: Option<usize>,
    /// The device of the weights and the precision of products.
    pub placement: Placement,
}

impl Default for EncoderOptions {
    /// All layers in f32 on the CPU.
    fn default() -> Self {
        Self { num_layers: None, placement: Placement::CPU }
    }
}

/// An encoder with the layers that were loaded. Cloning shares the weights.
#[derive(Debug, Clone)]
pub struct Encoder {
    config: EncoderConfig,
    embeddings: Arc<Embeddings>,
    layers: Vec<Arc<EncoderLayer>>,
    placement: Placement,
}

impl Encoder {
    /// Loads the embeddings and the layers that `options` asks for.
    pub(crate) fn load(
        parameters: &Parameters<'_>,
        names: &WeightNames,
        config: EncoderConfig,
        options: &EncoderOptions,
    ) -> Result<Self> {
        let EncoderOptions { num_layers, placement } = options;
        let num_layers = num_layers.unwrap_or(config.num_layers);
        config.check_layer(num_layers)?;
        let embeddings = Arc::new(load_embeddings(parameters, names, &config, placement)?);
        let empty = Self { config, embeddings, layers: Vec::new(), placement: placement.clone() };
        empty.grown(parameters, names, num_layers)
    }

    /// The same encoder with at least its first `num_layers` layers: shares those already loaded and loads
    /// the rest.
    pub(crate) fn grown(
        &self,
        parameters: &Parameters<'_>,
        names: &WeightNames,
        num_layers: usize,
    ) -> Result<Self> {
        self.config.check_layer(num_layers)?;
        let mut grown = self.clone();
        for number in self.layers.len()..num_layers {
            let layer = EncoderLayer::load(parameters, names, &self.config, number, &self.placement)?;
            grown.layers.push(Arc::new(layer));
        }
        // Wait for the weights, so that any thread can use the encoder.
        synchronize(self.placement.device())?;
        Ok(grown)
    }

    /// An encoder of this shape with random weights, which depend only on the seed. Its output is
    /// meaningless; its speed is that of a real encoder.
    ///
    /// # Errors
    /// If the sizes are impossible, or `options` asks for more layers than the shape has.
    pub fn random(config: EncoderConfig, options: &EncoderOptions, seed: u64) -> Result<Self> {
        let config = config.validate(&BERT_NAMES)?;
        let (weights, names) = (RandomWeights { seed }, &families::bert::NAMES);
        let parameters = Parameters::find(&weights, &[""], names.word_embeddings)?;
        Self::load(&parameters, names, config, options)
    }

    /// Sizes and choices. `num_layers` is the whole model's and may exceed the number of loaded layers.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// The number of loaded layers, which is also the highest layer that can be requested.
    pub fn loaded_layers(&self) -> usize {
        self.layers.len()
    }

    /// The precision of its products.
    pub fn precision(&self) -> Precision {
        self.placement.precision()
    }

    /// The device of its weights and the precision of its products.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// The device of the weights. Batches must be on it too.
    pub fn device(&self) -> &Device {
        self.placement.device()
    }

    /// Packs `texts` (token ids with special tokens) for this encoder.
    ///
    /// # Errors
    /// As [`PackedBatch::new`].
    pub fn pack(&self, texts: &[&[u32]]) -> Result<PackedBatch> {
        PackedBatch::new(texts, &self.config, self.device())
    }

    /// Hidden states of every layer in `wanted`; layers above the highest of them are not run.
    ///
    /// # Errors
    /// If a layer was not loaded, or an operation fails.
    pub fn forward(&self, batch: &PackedBatch, wanted: &[usize]) -> Result<HiddenStates> {
        let highest = wanted.iter().copied().max().unwrap_or(0);
        if highest > self.layers.len() {
            return Err(Error::NoSuchLayer { layer: highest, num_layers: self.layers.len() });
        }
        let form = self.placement.form();
        let mut kept = Vec::with_capacity(wanted.len());
        let mut hidden = self.embeddings.forward(batch.indices())?;
        for number in 0..=highest {
            if number > 0 {
                let next = self.layers[number - 1].forward(&hidden, batch, form)?;
                let finished = std::mem::replace(&mut hidden, next);
                if wanted.contains(&(number - 1)) {
                    kept.push((number - 1, finished));
                } else {
                    recycle(finished);
                }
            }
        }
        kept.push((highest, hidden));
        Ok(HiddenStates::new(kept, batch.cu_seqlens().clone(), form))
    }
}

fn load_embeddings(
    parameters: &Parameters<'_>,
    names: &WeightNames,
    config: &EncoderConfig,
    placement: &Placement,
) -> Result<Embeddings> {
    let width = config.hidden_dim;
    let word = parameters.load(names.word_embeddings, &[config.vocab_size, width])?;
    let position = parameters.load(names.position_embeddings, &[config.max_positions, width])?;
    let token_type = match names.token_type_embeddings {
        Some(name) if config.type_vocab_size > 0 => {
            parameters.load(name, &[config.type_vocab_size, width])?
        }
        _ => Tensor::zeros((1, width), DType::F32, &Device::Cpu)?,
    };
    let norm = load_norm(parameters, names.embedding_norm, config, placement)?;
    Ok(Embeddings::new([word, position, token_type], norm, placement)?)
}

fn load_norm(
    parameters: &Parameters<'_>,
    name: &str,
    config: &EncoderConfig,
    placement: &Placement,
) -> Result<LayerNorm> {
    let (weight, bias) = parameters.norm(name, config.hidden_dim)?;
    Ok(LayerNorm::new(&weight, &bias, config.layer_norm_epsilon, placement)?)
}

/// One layer: self-attention and a feed-forward block, each followed by residual and LayerNorm.
#[derive(Debug)]
struct EncoderLayer {
    query_key_value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    output_norm: LayerNorm,
    num_heads: usize,
    activation: Activation,
}

impl EncoderLayer {
    fn load(
        parameters: &Parameters<'_>,
        names: &WeightNames,
        config: &EncoderConfig,
        number: usize,
        placement: &Placement,
    ) -> Result<Self> {
        let layer = &parameters.inside(&format!("{}.{number}", names.layers));
        let (hidden, intermediate) = (config.hidden_dim, config.intermediate_dim);
        let [query, key, value] =
            [names.query, names.key, names.value].map(|name| layer.linear(name, [hidden, hidden]));
        let (query, key, value) = (query?, key?, value?);
        let query_key_value = Linear::stacked(&[query.parts(), key.parts(), value.parts()], placement)?;
        let linear = |name, shape| -> Result<Linear> {
            let (weight, bias) = layer.linear(name, shape)?.into_parts();
            Ok(Linear::new(&weight, Some(&bias), placement)?)
        };
        Ok(Self {
            query_key_value,
            attention_output: linear(names.attention_output, [hidden, hidden])?,
            attention_norm: load_norm(layer, names.attention_norm, config, placement)?,
            up: linear(names.up, [intermediate, hidden])?,
            down: linear(names.down, [hidden, intermediate])?,
            output_norm: load_norm(layer, names.output_norm, config, placement)?,
            num_heads: config.num_heads,
            activation: config.activation,
        })
    }

    fn forward(&self, hidden: &Tensor, batch: &PackedBatch, form: Form) -> Result<Tensor> {
        let query_key_value = self.query_key_value.forward(hidden)?;
        let options = AttentionOptions::new(self.num_heads);
        let context = attention(&query_key_value, batch.cu_seqlens(), &options, form)?;
        let attended = self.attention_output.forward(&context)?;
        let middle = add_norm(&attended, hidden, &self.attention_norm)?;
        let inner = self.up.forward_activated(&middle, self.activation)?;
        let fed_forward = self.down.forward(&inner)?;
        let output = add_norm(&fed_forward, &middle, &self.output_norm)?;
        [query_key_value, context, attended, middle, inner, fed_forward].into_iter().for_each(recycle);
        Ok(output)
    }
}
