//! The encoder: embeddings and transformer layers over packed batches, made of the parts in this folder as a
//! [`Recipe`] says.

pub(crate) mod attention;
pub(crate) mod block;
pub(crate) mod convolution;
pub(crate) mod distance;
pub(crate) mod embeddings;
pub(crate) mod experts;
pub(crate) mod feed_forward;
mod forward_pass;
pub(crate) mod linear;
mod loading;
pub(crate) mod norm;
mod pass;
pub(crate) mod query_key_norm;
pub(crate) mod query_key_value;
pub(crate) mod recipe;
pub(crate) mod rotary;
pub(crate) mod span_convolution;

use std::sync::Arc;

use candle_core::{Device, Tensor};
use nearsay_kernels::device::synchronize;
use nearsay_kernels::{LayerNorm, Placement, Precision, recycle};

use self::block::Block;
use self::convolution::Convolution;
use self::distance::LoadedDistanceBias;
use self::embeddings::EmbeddingLayers;
pub use self::forward_pass::ForwardPass;
use self::loading::Loading;
use self::pass::Pass;
pub use self::recipe::Recipe;
use self::rotary::RotaryTables;
use crate::parameters::Parameters;
use crate::random::RandomWeights;
use crate::{HiddenStates, PackedBatch, Result, Stop, TextIds};

/// How many layers of an encoder to load, where, and in which precision.
#[derive(Debug, Clone)]
pub struct EncoderOptions {
    /// Load only the first `num_layers` layers (`None`: all). Higher layers are not read.
    pub num_layers: Option<usize>,
    /// The device of the weights and the precision of products.
    pub placement: Placement,
    /// The task whose adapters are merged into the weights; `None`: no adapters.
    pub task: Option<String>,
    /// What may stop the loading.
    pub stop: Stop,
}

impl Default for EncoderOptions {
    /// All layers in f32 on the CPU, without adapters.
    fn default() -> Self {
        Self { num_layers: None, placement: Placement::CPU, task: None, stop: Stop::default() }
    }
}

/// An encoder with the layers that were loaded. Cloning shares the weights.
#[derive(Debug, Clone)]
pub struct Encoder {
    recipe: Arc<Recipe>,
    embeddings: Arc<EmbeddingLayers>,
    biases: Arc<[LoadedDistanceBias]>,
    convolution: Option<Arc<Convolution>>,
    rotary: Arc<[RotaryTables]>,
    final_norm: Option<Arc<LayerNorm>>,
    /// The first of the recipe's blocks: those that the loaded layers use.
    blocks: Vec<Arc<Block>>,
    num_layers: usize,
    placement: Placement,
    task: Option<String>,
}

impl Encoder {
    /// Loads the embeddings and the layers that `options` asks for. `parameters` include the task's adapters.
    pub(crate) fn load(
        parameters: &Parameters<'_>,
        recipe: Recipe,
        options: &EncoderOptions,
    ) -> Result<Self> {
        let EncoderOptions { num_layers, placement, task, stop } = options;
        let num_layers = num_layers.unwrap_or(recipe.num_layers());
        recipe.check_layer(num_layers)?;
        stop.check()?;
        let embeddings = Arc::new(recipe.embeddings.load(parameters, placement)?);
        let biases = recipe.biases.iter().map(|bias| bias.load(parameters, placement));
        let biases = biases.collect::<Result<_>>()?;
        let rotary = recipe.rotary.iter().map(|rotary| RotaryTables::new(*rotary, placement)).collect();
        let final_norm = recipe.final_norm.as_ref().map(|norm| norm.load(parameters, placement));
        let empty = Self {
            rotary,
            final_norm: final_norm.transpose()?.map(Arc::new),
            recipe: Arc::new(recipe),
            embeddings,
            biases,
            convolution: None,
            blocks: Vec::new(),
            num_layers: 0,
            placement: placement.clone(),
            task: task.clone(),
        };
        empty.grown(parameters, num_layers, stop)
    }

    /// The same encoder with at least its first `num_layers` layers: shares those already loaded and loads
    /// the rest.
    pub(crate) fn grown(&self, parameters: &Parameters<'_>, num_layers: usize, stop: &Stop) -> Result<Self> {
        self.recipe.check_layer(num_layers)?;
        let mut grown = self.clone();
        grown.num_layers = num_layers.max(self.num_layers);
        let blocks = &self.recipe.blocks[self.blocks.len()..self.recipe.blocks_of(grown.num_layers)];
        let distances = self.recipe.distance_embeddings.as_ref().filter(|_| !blocks.is_empty());
        let distances = distances.map(|distances| distances.load(parameters)).transpose()?;
        let loading = Loading {
            parameters: parameters.clone(),
            distance_embeddings: distances.as_ref(),
            placement: &self.placement,
        };
        for block in blocks {
            stop.check()?;
            grown.blocks.push(Arc::new(block.load(&loading)?));
        }
        if let (Some(convolution), None) = (&self.recipe.convolution, &self.convolution)
            && grown.num_layers > 0
        {
            grown.convolution = Some(Arc::new(convolution.load(parameters, &self.placement)?));
        }
        // Wait for the weights, so that any thread can use the encoder.
        synchronize(self.placement.device())?;
        Ok(grown)
    }

    /// An encoder with random weights, which depend only on the seed. Its output is meaningless; its speed is
    /// that of a real encoder.
    ///
    /// # Errors
    /// If `options` asks for more layers than there are.
    pub fn random(recipe: Recipe, options: &EncoderOptions, seed: u64) -> Result<Self> {
        let weights = RandomWeights { seed };
        let parameters = Parameters::find(&weights, &[""], &[recipe.embeddings.word.name])?;
        Self::load(&parameters, recipe, options)
    }

    /// Its parts. `num_layers` is the whole model's and may exceed the number of loaded layers.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The number of loaded layers, which is also the highest layer that can be requested.
    pub fn loaded_layers(&self) -> usize {
        self.num_layers
    }

    /// The task whose adapters are merged into its weights.
    pub fn task(&self) -> Option<&str> {
        self.task.as_deref()
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
        PackedBatch::new(texts, &self.recipe, self.device())
    }

    /// The same for texts that may have two parts.
    ///
    /// # Errors
    /// As [`PackedBatch::new`].
    pub fn pack_texts(&self, texts: &[TextIds<'_>]) -> Result<PackedBatch> {
        PackedBatch::of_texts(texts, &self.recipe, self.device())
    }

    /// Hidden states of every layer in `wanted`; layers above the highest of them are not run. If a norm follows
    /// the model's last layer, it is applied to each of them.
    ///
    /// # Errors
    /// If a layer was not loaded, or an operation fails.
    pub fn forward(&self, batch: &PackedBatch, wanted: &[usize]) -> Result<HiddenStates> {
        self.start(batch)?.finish(wanted)
    }

    /// The same without the norm after the last layer: the input of the next layer.
    ///
    /// # Errors
    /// As [`Encoder::forward`].
    pub fn forward_raw(&self, batch: &PackedBatch, wanted: &[usize]) -> Result<HiddenStates> {
        self.start(batch)?.finish_raw(wanted)
    }

    /// A pass that stops at each layer that is asked for, beginning with the embeddings.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn start(&self, batch: &PackedBatch) -> Result<ForwardPass<'_>> {
        let cu_seqlens = batch.cu_seqlens();
        let longest = cu_seqlens.longest();
        let distances = self.recipe.distances.as_ref();
        let pass = Pass {
            biases: self.biases.iter().map(|bias| bias.of(cu_seqlens)).collect::<Result<_>>()?,
            distance_rows: distances.map(|distances| distances.rows(longest.max(1))).unwrap_or_default(),
            rotary: self.rotary.iter().map(|tables| tables.of(longest)).collect::<Result<_>>()?,
            key_counts: batch.key_counts().map(<[usize]>::to_vec),
            cu_seqlens: cu_seqlens.clone(),
            form: self.placement.form(),
        };
        Ok(ForwardPass::new(self, pass, self.embeddings.forward(batch.indices())?))
    }

    /// The output of one step, whose input is `hidden`.
    fn step(&self, step: usize, block: usize, hidden: &Tensor, pass: &Pass) -> Result<Tensor> {
        let output = self.blocks[block].forward(hidden, pass)?;
        let Some(convolution) = self.convolution.as_ref().filter(|_| step == 0) else { return Ok(output) };
        let convolved = convolution.forward(hidden, &output, &pass.cu_seqlens)?;
        recycle(output);
        Ok(convolved)
    }
}
