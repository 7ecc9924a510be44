//! Texts through the encoder: packed micro-batches, shared by the workers.

use candle_core::{IndexOp, Tensor};
use nearsay_kernels::CuSeqlens;
use nearsay_models::Encoder;

use crate::tokens::TokenizedText;
use crate::workers::Workers;
use crate::{Error, Result, batch};

/// Tokens of a micro-batch where the user says nothing: enough rows for each reading of the weights, and few enough that a layer's
/// activations stay in a core's L2 (the inner ones of a feed-forward block take 1.5 MiB at 4 * 384 values a token). On an Emerald
/// Rapids, 32 texts of 128 tokens in f32: 256 tokens 13,500 tokens/s, 192 13,300, 384 12,600, 512 12,400.
pub const DEFAULT_BATCH_TOKENS: usize = 256;

/// An encoder, and how its work is shared.
#[derive(Debug, Clone)]
pub struct TextEncoder {
    encoder: Encoder,
    layer: usize,
    batch_tokens: usize,
    workers: Workers,
}

/// Hidden states of the texts of one micro-batch.
#[derive(Debug, Clone, Copy)]
pub struct EncodedBatch<'a> {
    /// [total_tokens, hidden_dim] f32. Its memory is taken for the next batch: copy what is to be kept ([`EncodedBatch::split`] does), a
    /// clone of the tensor would find it empty.
    pub hidden: &'a Tensor,
    /// Where each text begins.
    pub cu_seqlens: &'a CuSeqlens,
}

impl EncodedBatch<'_> {
    /// Hidden states of each text by itself, [tokens, hidden_dim], copied so that they do not hold the batch.
    ///
    /// # Errors
    /// If the copy fails.
    pub fn split(&self) -> Result<Vec<Tensor>> {
        self.cu_seqlens.ranges().map(|range| Ok(self.hidden.i(range)?.force_contiguous()?)).collect()
    }
}

impl TextEncoder {
    /// Hidden states of `layer`, in micro-batches of up to `batch_tokens` tokens.
    pub fn new(encoder: Encoder, layer: usize, batch_tokens: usize, workers: Workers) -> Self {
        Self { encoder, layer, batch_tokens, workers }
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// The layer whose hidden states are taken.
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// Who does the work.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Encodes `texts` and makes something of each: `make` gets a micro-batch and returns one result for each of its texts.
    /// Results come in the texts' order and do not depend on how they were batched, if `make` looks at each text alone.
    ///
    /// # Errors
    /// If the encoder or `make` fails, or the run is interrupted.
    pub fn encode<R: Send>(
        &self,
        texts: &[&TokenizedText],
        make: impl Fn(EncodedBatch<'_>) -> Result<Vec<R>> + Sync,
    ) -> Result<Vec<R>> {
        let lengths: Vec<usize> = texts.iter().map(|text| text.ids.len()).collect();
        let batches = batch::plan(&lengths, self.batch_tokens);
        let results = self.workers.map_divisible(&batches, |batch| {
            let ids: Vec<&[u32]> = batch.iter().map(|&index| texts[index].ids.as_slice()).collect();
            let packed = self.encoder.pack(&ids)?;
            let states = self.encoder.forward(&packed, &[self.layer])?;
            let hidden = states
                .layer(self.layer)
                .ok_or_else(|| Error::Bug(format!("layer {} was asked for and not returned", self.layer)))?;
            let results = make(EncodedBatch { hidden, cu_seqlens: states.cu_seqlens() })?;
            states.recycle();
            Ok(results)
        })?;
        in_order(texts.len(), &batches, results)
    }
}

/// Puts the results of planned batches back into the texts' order.
fn in_order<R>(count: usize, batches: &[Vec<usize>], results: Vec<Vec<R>>) -> Result<Vec<R>> {
    let mut ordered: Vec<Option<R>> = (0..count).map(|_| None).collect();
    for (batch, results) in batches.iter().zip(results) {
        if batch.len() != results.len() {
            return Err(Error::Bug(format!(
                "{} results for a batch of {} texts",
                results.len(),
                batch.len()
            )));
        }
        for (&index, result) in batch.iter().zip(results) {
            ordered[index] = Some(result);
        }
    }
    let complete: Option<Vec<R>> = ordered.into_iter().collect();
    complete.ok_or_else(|| Error::Bug("a planned batch left a text out".to_owned()))
}

/// The rows of a matrix as vectors.
///
/// # Errors
/// If `matrix` is not a matrix of f32.
pub(crate) fn rows(matrix: &Tensor) -> Result<Vec<Vec<f32>>> {
    Ok(matrix.to_vec2::<f32>()?)
}
