//! Texts through the encoder: packed micro-batches, shared by the workers.
//!
//! On the CPU a worker is a thread of a core. On GPUs it is a lane: a thread that queues one micro-batch after another on a stream
//! of its own, so that while one lane waits for its results, the others keep the device busy.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use candle_core::{DType, Device, IndexOp, Tensor};
use nearsay_kernels::CuSeqlens;
use nearsay_kernels::device::{Failure, synchronize};
use nearsay_models::{Encoder, LayerStates};

use crate::devices::name_of;
use crate::tokens::TokenizedText;
use crate::workers::Workers;
use crate::{Error, Result, batch};

/// Tokens of a micro-batch on the CPU where the user says nothing: enough rows for each reading of the weights, and few enough that a
/// layer's activations stay in a core's L2 (the inner ones of a feed-forward block take 1.5 MiB at 4 * 384 values a token). On an
/// Emerald Rapids, 32 texts of 128 tokens in f32: 256 tokens 13,500 tokens/s, 192 13,300, 384 12,600, 512 12,400.
pub const DEFAULT_BATCH_TOKENS: usize = 256;

/// The same on a GPU: enough rows that the last tiles of a product, which leave processors without work, count for little. On an H200,
/// texts of 128 tokens in f16, thousand tokens/s of MiniLM (6 layers) and BERT base: 8,192 tokens 12,000 and 2,550, 16,384 13,000 and
/// 2,600, 32,768 13,800 and not measured. More also means fewer micro-batches to share among lanes and GPUs.
pub const DEFAULT_GPU_BATCH_TOKENS: usize = 16384;

/// Lanes of a CUDA device: one whose results are being fetched, one at work, one being queued. On an H200 two do 1 to 2 % less, four do
/// as much.
const LANES: usize = 3;

/// An encoder, and how its work is shared. Cloning shares the weights.
#[derive(Debug, Clone)]
pub struct TextEncoder {
    /// The same encoder on every device.
    replicas: Vec<Encoder>,
    layer: usize,
    workers: Workers,
    room: Arc<Room>,
}

/// Calls of [`TextEncoder::encode`] without a shortage of memory after which a larger micro-batch is tried again.
const CALLS_UNTIL_MORE: usize = 16;

/// What the devices' memory has room for.
#[derive(Debug)]
struct Room {
    /// Tokens of a micro-batch, as they should be.
    wanted: usize,
    /// As they are: less after a device ran out of memory.
    batch_tokens: AtomicUsize,
    /// The least that was spoken of.
    least_told: AtomicUsize,
    /// Calls since memory ran out.
    calls: AtomicUsize,
    /// Held for reading by every micro-batch on a device, and for writing by a text that is tried alone.
    devices: RwLock<()>,
}

/// Hidden states of the texts of one micro-batch.
#[derive(Debug, Clone, Copy)]
pub struct EncodedBatch<'a> {
    /// Of the layer that is encoded to.
    pub states: LayerStates<'a>,
    /// Which of the devices it is on.
    pub replica: usize,
}

/// The rows of each text by themselves, [tokens, hidden_dim], copied so that they do not hold the batch's.
///
/// # Errors
/// If the copy fails.
pub(crate) fn split(rows: &Tensor, cu_seqlens: &CuSeqlens) -> Result<Vec<Tensor>> {
    let copy = |range: Range<usize>| {
        let view = rows.i(range.clone())?;
        // There is nothing to be copied of no tokens, and devices give no memory of no size.
        Ok(if range.is_empty() { view } else { view.force_contiguous()? })
    };
    cu_seqlens.ranges().map(copy).collect()
}

impl TextEncoder {
    /// Hidden states of `layer`, in micro-batches of up to `batch_tokens` tokens; `None`: as suits the device. `replicas` are the same
    /// encoder on one or more devices of one kind.
    pub fn new(replicas: Vec<Encoder>, layer: usize, batch_tokens: Option<usize>, workers: Workers) -> Self {
        let on_gpu = replicas.first().is_some_and(|encoder| !encoder.device().is_cpu());
        let suitable = if on_gpu { DEFAULT_GPU_BATCH_TOKENS } else { DEFAULT_BATCH_TOKENS };
        let room = Room::new(batch_tokens.unwrap_or(suitable));
        Self { replicas, layer, workers, room: Arc::new(room) }
    }

    /// The encoder, on the first of its devices.
    pub fn encoder(&self) -> &Encoder {
        &self.replicas[0]
    }

    /// Whether the encoder works beside the CPU.
    pub fn is_on_gpu(&self) -> bool {
        !self.encoder().device().is_cpu()
    }

    /// The layer whose hidden states are taken.
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// Who does the work.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Lanes of each device. Metal has one: candle has a single queue there, and lanes would wait for each other's work.
    fn lanes(&self) -> usize {
        if self.encoder().device().is_metal() { 1 } else { LANES }
    }

    /// Encodes `texts` and makes something of each: `make` gets a micro-batch and returns one result for each of its texts.
    /// Results come in the texts' order and do not depend on how they were batched, if `make` looks at each text alone. What `make`
    /// leaves on a device is there when this returns, for any thread.
    ///
    /// # Errors
    /// If the encoder or `make` fails, or the run is interrupted.
    pub fn encode<R: Send>(
        &self,
        texts: &[&TokenizedText],
        make: impl Fn(EncodedBatch<'_>) -> Result<Vec<R>> + Sync,
    ) -> Result<Vec<R>> {
        let lengths: Vec<usize> = texts.iter().map(|text| text.ids.len()).collect();
        let batches = batch::plan(&lengths, self.room.batch_tokens());
        let work = Encoding { encoder: self, texts, make };
        let results = if self.is_on_gpu() {
            let lanes = self.lanes() * self.replicas.len();
            self.workers
                .map_among(lanes, &batches, |lane, batch| work.fitting(lane % self.replicas.len(), batch))
        } else {
            self.workers.map_divisible(&batches, |batch| work.batch(0, batch))
        };
        in_order(texts.len(), &batches, results?)
    }
}

impl Room {
    fn new(wanted: usize) -> Self {
        Self {
            wanted,
            batch_tokens: AtomicUsize::new(wanted),
            least_told: AtomicUsize::new(wanted),
            calls: AtomicUsize::new(0),
            devices: RwLock::default(),
        }
    }

    /// Tokens of the micro-batches of one more call. What was missing may have come back: others use a device, too.
    fn batch_tokens(&self) -> usize {
        let tokens = self.batch_tokens.load(Ordering::Relaxed);
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        if tokens == self.wanted || calls < CALLS_UNTIL_MORE {
            return tokens;
        }
        let more = (2 * tokens).min(self.wanted);
        self.calls.store(0, Ordering::Relaxed);
        self.batch_tokens.store(more, Ordering::Relaxed);
        more
    }

    /// There was no room for a micro-batch on `device`: from now on they have at most `tokens`.
    fn shrink(&self, device: &str, tokens: usize) {
        self.calls.store(0, Ordering::Relaxed);
        self.batch_tokens.fetch_min(tokens, Ordering::Relaxed);
        if self.least_told.fetch_min(tokens, Ordering::Relaxed) > tokens {
            tracing::warn!("{device} has no memory for more: going on with {tokens} tokens at a time");
        }
    }
}

/// Texts on their way through an encoder.
struct Encoding<'a, F> {
    encoder: &'a TextEncoder,
    texts: &'a [&'a TokenizedText],
    make: F,
}

impl<R, F: Fn(EncodedBatch<'_>) -> Result<Vec<R>>> Encoding<'_, F> {
    fn batch(&self, replica: usize, batch: &[usize]) -> Result<Vec<R>> {
        let ids: Vec<&[u32]> = batch.iter().map(|&index| self.texts[index].ids.as_slice()).collect();
        let (encoder, layer) = (&self.encoder.replicas[replica], self.encoder.layer);
        let packed = encoder.pack(&ids)?;
        let states = encoder.forward(&packed, &[layer])?;
        (self.make)(EncodedBatch { states: states.layer(layer)?, replica })
    }

    /// A micro-batch, in halves of halves where the device has not memory enough. A text has the same bits either way.
    fn fitting(&self, replica: usize, batch: &[usize]) -> Result<Vec<R>> {
        let room = &self.encoder.room;
        let attempt = {
            let _others = room.devices.read().unwrap_or_else(PoisonError::into_inner);
            self.finished(replica, batch)
        };
        match attempt {
            Err(error) if error.device_failure() == Some(Failure::OutOfMemory) => (),
            result => {
                return result.map_err(|error| error.on_device(&self.device_name(replica), String::new));
            }
        }
        let tokens: usize = batch.iter().map(|&index| self.texts[index].ids.len()).sum();
        if batch.len() > 1 {
            room.shrink(&self.device_name(replica), (tokens / 2).max(1));
            let (left, right) = batch.split_at(batch.len() / 2);
            let mut results = self.fitting(replica, left)?;
            results.extend(self.fitting(replica, right)?);
            return Ok(results);
        }
        let _alone = room.devices.write().unwrap_or_else(PoisonError::into_inner);
        self.finished(replica, batch).map_err(|error| match error.device_failure() {
            Some(Failure::OutOfMemory) => Error::NoRoomForText {
                device: self.device_name(replica),
                tokens,
                index: batch.first().copied().unwrap_or_default(),
                whose: String::new(),
            },
            _ => error.on_device(&self.device_name(replica), String::new),
        })
    }

    /// A micro-batch whose results the device has made: nothing of it is under way any more.
    fn finished(&self, replica: usize, batch: &[usize]) -> Result<Vec<R>> {
        let results = self.batch(replica, batch)?;
        synchronize(self.encoder.replicas[replica].device())?;
        Ok(results)
    }

    fn device_name(&self, replica: usize) -> String {
        name_of(self.encoder.replicas[replica].device())
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

/// The rows of a matrix as vectors of f32, wherever and of whatever type it is.
///
/// # Errors
/// If `matrix` is not a matrix of numbers, or its device fails.
pub(crate) fn rows(matrix: &Tensor) -> Result<Vec<Vec<f32>>> {
    Ok(matrix.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.to_vec2::<f32>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_halves_batches_and_is_forgotten_in_the_end() {
        let room = Room::new(1000);
        assert_eq!(room.batch_tokens(), 1000);
        room.shrink("cuda:0", 250);
        // Less from another lane, which had begun with more: the smaller one counts.
        room.shrink("cuda:0", 500);
        let sizes: Vec<usize> = (0..40).map(|_| room.batch_tokens()).collect();
        let small = CALLS_UNTIL_MORE;
        assert_eq!(sizes[..small], vec![250; small]);
        assert_eq!(sizes[small..2 * small + 1], vec![500; small + 1]);
        assert_eq!(sizes[39], 1000);
        assert_eq!(room.least_told.load(Ordering::Relaxed), 250);
    }
}
