//! Texts through the encoder: packed micro-batches, shared by the workers.
//!
//! On the CPU a worker is a thread on a core. On GPUs it is a lane: a thread that queues one micro-batch
//! after another on its own stream, so that while one lane waits for its results, the others keep the device
//! busy.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{IndexOp, Tensor};
use nearsay_models::{Encoder, HiddenStates};

use super::layer_pass::LayerPass;
use super::memory::BatchBudget;
use super::workers::Lanes;
use super::{Control, Devices, Workers};
use crate::Result;
use crate::tokens::TokenizedText;

/// Tokens of a micro-batch on the CPU by default: enough rows per pass over the weights, and few enough that
/// a layer's activations stay in a core's L2 (the inner ones of a feed-forward block need 1.5 MiB at 4 * 384
/// values per token). On an Emerald Rapids, 32 texts of 128 tokens in f32: 256 tokens 13,500 tokens/s, 192
/// 13,300, 384 12,600, 512 12,400.
pub const DEFAULT_BATCH_TOKENS: usize = 256;

/// The same on a GPU: enough rows that the last tiles of a product, which leave processors idle, hardly
/// matter. On an H200, texts of 128 tokens in f16, thousand tokens/s of MiniLM (6 layers) and BERT base:
/// 8,192 tokens 12,000 and 2,550, 16,384 13,000 and 2,600, 32,768 13,800 and not measured. More also means
/// fewer micro-batches to share among lanes and GPUs.
pub const DEFAULT_GPU_BATCH_TOKENS: usize = 16384;

/// An encoder with its threads and memory. Cloning shares all of them.
#[derive(Debug, Clone)]
pub struct TextEncoder {
    /// The same encoder on every device.
    replicas: Arc<[Encoder]>,
    resources: Arc<EncodingResources>,
}

/// The resources that all encoders of a session share.
#[derive(Debug)]
pub(super) struct EncodingResources {
    pub(super) workers: Workers,
    pub(super) lanes: Lanes,
    pub(super) budget: BatchBudget,
}

impl EncodingResources {
    /// Micro-batches have up to `batch_tokens` tokens; `None`: suited to `devices`.
    pub(super) fn new(devices: &Devices, batch_tokens: Option<usize>, workers: Workers) -> Self {
        let suitable = if devices.are_gpus() { DEFAULT_GPU_BATCH_TOKENS } else { DEFAULT_BATCH_TOKENS };
        Self {
            workers,
            lanes: Lanes::new(devices.lanes()),
            budget: BatchBudget::new(batch_tokens.unwrap_or(suitable)),
        }
    }

    /// The threads for work on the CPU.
    pub(super) fn workers(&self) -> &Workers {
        &self.workers
    }
}

/// Hidden states of the texts of one micro-batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct EncodedBatch<'a> {
    /// Of the requested layers.
    pub states: &'a HiddenStates,
    /// The indices of these texts among those that are encoded.
    pub texts: &'a [usize],
    /// The index of their device.
    pub replica: usize,
}

/// The rows in each of `ranges`, [tokens, hidden_dim], copied so that they do not keep the batch's alive.
///
/// # Errors
/// If the copy fails.
pub(crate) fn split(rows: &Tensor, ranges: impl Iterator<Item = Range<usize>>) -> Result<Vec<Tensor>> {
    let copy = |range: Range<usize>| {
        let view = rows.i(range.clone())?;
        // No tokens need no copy, and devices cannot allocate zero bytes.
        Ok(if range.is_empty() { view } else { view.force_contiguous()? })
    };
    ranges.map(copy).collect()
}

impl TextEncoder {
    /// `replicas` are the same encoder on each of `devices`; micro-batches have up to `batch_tokens` tokens,
    /// or a size suited to the devices.
    pub fn new(
        replicas: Vec<Encoder>,
        devices: &Devices,
        batch_tokens: Option<usize>,
        workers: Workers,
    ) -> Self {
        let resources = EncodingResources::new(devices, batch_tokens, workers);
        Self::with_resources(replicas.into(), Arc::new(resources))
    }

    pub(super) fn with_resources(replicas: Arc<[Encoder]>, resources: Arc<EncodingResources>) -> Self {
        Self { replicas, resources }
    }

    /// The encoder, on the first of its devices.
    pub fn encoder(&self) -> &Encoder {
        &self.replicas[0]
    }

    /// Whether the encoder leaves the CPU free.
    pub fn is_on_gpu(&self) -> bool {
        !self.encoder().device().is_cpu()
    }

    /// The threads for work on the CPU.
    pub fn workers(&self) -> &Workers {
        &self.resources.workers
    }

    /// Tokens of a micro-batch now: after a device ran out of memory fewer than were asked for.
    pub fn batch_tokens(&self) -> usize {
        self.resources.budget.current()
    }

    /// Encodes `texts` and derives a result from each: `make` is called with each micro-batch's hidden states
    /// of `layers`, and returns one result per text. Results are in the texts' order and do not depend on the
    /// batching, if `make` looks at each text alone. Anything that `make` leaves on a device is ready for any
    /// thread when this returns.
    ///
    /// If a device runs out of memory, `make` may be called again for the same texts.
    ///
    /// # Errors
    /// If a layer was not loaded, the encoder or `make` fails, or `control` stops the call.
    pub fn encode<R: Send>(
        &self,
        control: &Control,
        texts: &[&TokenizedText],
        layers: &[usize],
        make: impl Fn(EncodedBatch<'_>) -> Result<Vec<R>> + Sync,
    ) -> Result<Vec<R>> {
        self.start(control, texts).stop(layers, true, make)
    }

    /// A pass of `texts` that stops at each layer that is asked for: of many layers only one is in memory.
    pub fn start<'a>(&'a self, control: &'a Control, texts: &'a [&'a TokenizedText]) -> LayerPass<'a> {
        LayerPass::new(self, control, texts)
    }

    pub(super) fn replicas(&self) -> &[Encoder] {
        &self.replicas
    }

    pub(super) fn resources(&self) -> &EncodingResources {
        &self.resources
    }
}
