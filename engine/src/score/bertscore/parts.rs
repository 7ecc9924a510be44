//! Texts in the parts that go through the encoder: whole, or in windows whose kept tokens are put together again.

use std::borrow::Cow;
use std::ops::Range;

use candle_core::{Device, Tensor};
use nearsay_kernels::all_finite;
use nearsay_kernels::device::synchronize;

use super::long_texts::ScoreTokenizer;
use crate::Result;
use crate::session::{EncodedBatch, TextEncoder, split};
use crate::tokens::{TokenWindow, TokenizedText};

/// The parts of some texts, in order.
pub(super) struct TextParts<'a> {
    parts: Vec<Part<'a>>,
    texts: usize,
}

struct Part<'a> {
    /// The index of its text.
    text: usize,
    window: TokenWindow<'a>,
}

impl<'a> TextParts<'a> {
    pub(super) fn new(tokenizer: &ScoreTokenizer, texts: impl Iterator<Item = &'a TokenizedText>) -> Self {
        let (mut parts, mut count) = (Vec::new(), 0);
        for tokens in texts {
            let whole = || vec![TokenWindow { kept: 0..tokens.ids.len(), tokens: Cow::Borrowed(tokens) }];
            let windows = tokenizer.windows(tokens).unwrap_or_else(whole);
            parts.extend(windows.into_iter().map(|window| Part { text: count, window }));
            count += 1;
        }
        Self { parts, texts: count }
    }

    /// The tokens of each part, for the encoder.
    pub(super) fn tokens(&self) -> Vec<&TokenizedText> {
        self.parts.iter().map(|part| &*part.window.tokens).collect()
    }

    /// The text of a part.
    pub(super) fn text_of(&self, part: usize) -> usize {
        self.parts[part].text
    }

    /// The kept tokens of a batch of parts: those that their texts have.
    pub(super) fn kept_tokens(&self, batch: &EncodedBatch<'_>) -> usize {
        batch.texts.iter().map(|&part| self.parts[part].window.kept.len()).sum()
    }

    /// How many texts have their first part in a batch.
    pub(super) fn texts_in(&self, batch: &EncodedBatch<'_>) -> u64 {
        let is_first = |&&part: &&usize| part == 0 || self.text_of(part - 1) != self.text_of(part);
        batch.texts.iter().filter(is_first).count() as u64
    }

    /// The kept rows of each part of a batch at a layer, with length 1: x / ||x|| without an epsilon, as in the
    /// reference, all on the first device; `None` if the part's are not finite.
    pub(super) fn unit_rows(
        &self,
        batch: &EncodedBatch<'_>,
        layer: usize,
        encoder: &TextEncoder,
    ) -> Result<Vec<Option<Tensor>>> {
        let states = batch.states.layer(layer)?;
        let place = encoder.encoder().device();
        let own = states.normalized(0.0)?;
        let cu_seqlens = states.cu_seqlens();
        let finite = all_finite(&own, cu_seqlens, states.form())?;
        let kept = |(rows, &part): (Range<usize>, &usize)| {
            let kept = &self.parts[part].window.kept;
            rows.start + kept.start..rows.start + kept.end
        };
        let kept = cu_seqlens.ranges().zip(batch.texts).map(kept);
        let parts = match batch.replica {
            0 => split(&own, kept)?,
            _ => {
                let moved = own.to_device(&Device::Cpu)?.to_device(place)?;
                let parts = split(&moved, kept)?;
                drop(moved);
                // The encoder waits only for its own device, and threads on other streams read these tensors.
                synchronize(place)?;
                // Memory is freed in the order of the device that the thread used last: switch back to this
                // batch's.
                synchronize(own.device())?;
                parts
            }
        };
        Ok(parts.into_iter().zip(finite).map(|(tokens, finite)| finite.then_some(tokens)).collect())
    }

    /// The rows of each text from those of its parts; `None` if one of them is.
    pub(super) fn join(&self, rows: Vec<Option<Tensor>>) -> Result<Vec<Option<Tensor>>> {
        if self.parts.len() == self.texts {
            return Ok(rows);
        }
        let mut rows = rows.into_iter();
        let joined = self.parts.chunk_by(|part, next| part.text == next.text).map(|parts| {
            // Taken from the list, so that a text's parts are freed before the next text is put together.
            let parts: Vec<Option<Tensor>> = rows.by_ref().take(parts.len()).collect();
            match parts.into_iter().collect::<Option<Vec<Tensor>>>().as_deref() {
                None => Ok(None),
                Some([whole]) => Ok(Some(whole.clone())),
                Some(parts) => joined(parts).map(Some),
            }
        });
        joined.collect()
    }
}

/// The rows of several tensors in one, ready for any thread.
fn joined(parts: &[Tensor]) -> Result<Tensor> {
    let joined = Tensor::cat(parts, 0)?;
    synchronize(joined.device())?;
    Ok(joined)
}
