//! A pass of texts through the encoder that stops at layers: every micro-batch goes on to a layer before any goes on
//! to the next.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use nearsay_kernels::device::{DeviceFailure, synchronize};
use nearsay_models::{ForwardPass, TextIds};

use super::devices::name_of;
use super::encoder::EncodingResources;
use super::memory::in_halves;
use super::{Control, EncodedBatch, TextEncoder, micro_batches};
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// A pass of some texts, which can only go on to higher layers. Between two stops the last layer's hidden states of
/// all its texts are in memory.
#[derive(Debug)]
pub struct LayerPass<'a> {
    encoder: &'a TextEncoder,
    control: &'a Control,
    texts: &'a [&'a TokenizedText],
    /// The micro-batches, as indices of texts.
    batches: Vec<Vec<usize>>,
    /// How far each micro-batch is: one part, or several if a device had no memory for the whole.
    parts: Vec<Mutex<Vec<Part<'a>>>>,
}

/// Texts of a micro-batch, and their pass if it has been started.
#[derive(Debug)]
struct Part<'a> {
    texts: Vec<usize>,
    started: Option<Started<'a>>,
}

#[derive(Debug)]
struct Started<'a> {
    /// The index of the device that it is on.
    replica: usize,
    pass: ForwardPass<'a>,
}

impl<'a> LayerPass<'a> {
    pub(super) fn new(
        encoder: &'a TextEncoder,
        control: &'a Control,
        texts: &'a [&'a TokenizedText],
    ) -> Self {
        let lengths: Vec<usize> = texts.iter().map(|text| text.ids.len()).collect();
        let batches = micro_batches::plan(&lengths, encoder.resources().budget.batch_tokens());
        let waiting = |batch: &Vec<usize>| Mutex::new(vec![Part { texts: batch.clone(), started: None }]);
        Self { encoder, control, texts, parts: batches.iter().map(waiting).collect(), batches }
    }

    /// Goes on to the highest of `layers` and derives a result from each text, as [`TextEncoder::encode`] does. After
    /// the last stop nothing is kept for another.
    ///
    /// # Errors
    /// As [`TextEncoder::encode`]; if a layer is below an earlier stop. After an error the pass is of no use.
    pub fn stop<R: Send>(
        &mut self,
        layers: &[usize],
        is_last: bool,
        make: impl Fn(EncodedBatch<'_>) -> Result<Vec<R>> + Sync,
    ) -> Result<Vec<R>> {
        let EncodingResources { workers, lanes, .. } = self.encoder.resources();
        let stop = Stop { encoder: self.encoder, texts: self.texts, layers, is_last, make };
        let results = if self.encoder.is_on_gpu() {
            let replicas = self.encoder.replicas().len();
            lanes.map(self.control, &self.parts, |lane, parts| {
                each_part(parts, |part, next| stop.fitting(lane % replicas, part, next))
            })
        } else {
            workers.map_divisible(self.control, &self.parts, |parts| {
                each_part(parts, |Part { texts, started }, next| stop.run(0, texts, started, next))
            })
        };
        in_order(self.texts.len(), &self.batches, results?)
    }
}

/// Runs every part of a micro-batch. `run` adds those that go on to the list.
fn each_part<'a, R>(
    parts: &Mutex<Vec<Part<'a>>>,
    run: impl Fn(Part<'a>, &mut Vec<Part<'a>>) -> Result<Vec<R>>,
) -> Result<Vec<R>> {
    let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
    let mut results = Vec::new();
    for part in std::mem::take(&mut *parts) {
        results.extend(run(part, &mut parts)?);
    }
    Ok(results)
}

/// One stop of a pass.
struct Stop<'a, 'b, F> {
    encoder: &'a TextEncoder,
    texts: &'a [&'a TokenizedText],
    layers: &'b [usize],
    is_last: bool,
    make: F,
}

impl<'a, R, F: Fn(EncodedBatch<'_>) -> Result<Vec<R>>> Stop<'a, '_, F> {
    /// Runs `texts` on a device, and adds them to `next` if the pass goes on.
    fn run(
        &self,
        replica: usize,
        texts: Vec<usize>,
        started: Option<Started<'a>>,
        next: &mut Vec<Part<'a>>,
    ) -> Result<Vec<R>> {
        let mut pass = match started {
            Some(started) => started.pass,
            None => self.start(replica, &texts)?,
        };
        if self.is_last {
            let states = pass.finish(self.layers)?;
            return (self.make)(EncodedBatch { states: &states, texts: &texts, replica });
        }
        let states = pass.forward(self.layers)?;
        let results = (self.make)(EncodedBatch { states: &states, texts: &texts, replica })?;
        next.push(Part { texts, started: Some(Started { replica, pass }) });
        Ok(results)
    }

    fn start(&self, replica: usize, texts: &[usize]) -> Result<ForwardPass<'a>> {
        let texts: Vec<TextIds<'_>> = texts.iter().map(|&index| self.texts[index].ids()).collect();
        let encoder = &self.encoder.replicas()[replica];
        Ok(encoder.start(&encoder.pack_texts(&texts)?)?)
    }

    /// Runs a part of a micro-batch, halving it repeatedly if the device runs out of memory; the halves start again. A
    /// text gets the same bits either way. `replica` is the device of a part that has not been started.
    fn fitting(&self, replica: usize, part: Part<'a>, next: &mut Vec<Part<'a>>) -> Result<Vec<R>> {
        let budget = &self.encoder.resources().budget;
        let replica = part.started.as_ref().map_or(replica, |started| started.replica);
        let device = || name_of(self.encoder.replicas()[replica].device());
        let tokens = |batch: &[usize]| batch.iter().map(|&index| self.texts[index].ids.len()).sum::<usize>();
        let (started, next) = (RefCell::new(part.started), RefCell::new(next));
        let finished = |batch: &[usize]| {
            self.finished(replica, batch.to_vec(), started.borrow_mut().take(), *next.borrow_mut())
        };
        let attempt = |batch: &[usize]| {
            let result = budget.beside_others(|| finished(batch));
            match (batch, result) {
                (&[index], Err(error)) if error.device_failure() == Some(DeviceFailure::OutOfMemory) => {
                    let alone = budget.alone(|| finished(batch));
                    alone.map_err(|error| no_room_for_text(error, device(), tokens(batch), index))
                }
                (_, result) => result,
            }
        };
        let halving = |batch: &[usize]| budget.shrink(&device(), (tokens(batch) / 2).max(1));
        in_halves(&part.texts, &attempt, &halving).map_err(|error| error.on_device(&device(), String::new))
    }

    /// Runs a part and waits until the device has finished it.
    fn finished(
        &self,
        replica: usize,
        texts: Vec<usize>,
        started: Option<Started<'a>>,
        next: &mut Vec<Part<'a>>,
    ) -> Result<Vec<R>> {
        let device = self.encoder.replicas()[replica].device();
        if started.is_some() {
            // Another thread may have left off there: this one's next operations are on that device, too.
            synchronize(device)?;
        }
        let before = next.len();
        let results = self.run(replica, texts, started, next)?;
        synchronize(device).inspect_err(|_| next.truncate(before))?;
        Ok(results)
    }
}

/// Turns `error` of text `index`, which a device ran alone, into one that names it.
fn no_room_for_text(error: Error, device: String, tokens: usize, index: usize) -> Error {
    match error.device_failure() {
        Some(DeviceFailure::OutOfMemory) => {
            Error::NoRoomForText { device, tokens, index, whose: String::new() }
        }
        _ => error,
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
