//! A window of pairs to scores: tokenize, encode what is not known yet, match.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use nearsay_kernels::all_finite;
use nearsay_kernels::device::synchronize;
use nearsay_models::LayerStates;

use super::cache::EncodedText;
use super::chunk::{TextState, TokenizedPairs};
use super::matching::Matcher;
use super::progress::{RunProgress, WindowProgress};
use super::scored::{Emptiness, ScoredPair, ScoredWindow};
use super::{Scorer, Scores};
use crate::error::shorten;
use crate::score::PairTexts;
use crate::session::{EncodedBatch, split};
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// Pairs that a GPU matches at a time.
const GPU_PAIRS: usize = 1024;

impl Scorer {
    /// Tokenizes all distinct texts of `pairs` that are not encoded yet.
    pub(super) fn tokenize(&self, pairs: Vec<PairTexts>) -> Result<TokenizedPairs> {
        TokenizedPairs::new(pairs, |texts| {
            let mut states: Vec<Option<TextState>> = {
                let mut cache = self.cache();
                texts.iter().map(|text| cache.get(text).map(TextState::Encoded)).collect()
            };
            let is_missing = |index: &usize| states[*index].is_none();
            let missing: Vec<usize> = (0..texts.len()).filter(is_missing).collect();
            let encode = |&index: &usize| self.parts.tokenizer.encode_stripped(&texts[index]);
            let tokens = self.workers().map_short(&self.control, &missing, encode)?;
            for (index, tokens) in missing.into_iter().zip(tokens) {
                states[index] = Some(TextState::Tokenized(tokens));
            }
            let states: Option<Vec<TextState>> = states.into_iter().collect();
            states.ok_or_else(|| Error::Bug("a text was not tokenized".to_owned()))
        })
    }

    /// Scores a window of pairs.
    pub(super) fn score_tokenized(
        &self,
        pairs: TokenizedPairs,
        progress: &RunProgress<'_>,
    ) -> Result<ScoredWindow> {
        let window = progress.window(&pairs);
        let scored = self.score_round(pairs, &window);
        // After a failure, too: otherwise calls that are stopped would fill the cache without bound.
        self.cache().end_round(self.recurring.as_ref());
        window.end();
        scored
    }

    fn score_round(&self, pairs: TokenizedPairs, progress: &WindowProgress<'_>) -> Result<ScoredWindow> {
        let TokenizedPairs { texts, states, indices, lengths } = pairs;
        let (texts, encoded) = self.encode(&texts, states, progress)?;
        let mut rest = indices.as_slice();
        let pairs: Vec<&[usize]> = lengths.iter().filter_map(|&length| rest.split_off(..length)).collect();
        let matcher = Matcher {
            texts: &texts,
            weights: &self.weights,
            baseline: self.parts.baseline,
            form: self.session.devices().placements()[0].form(),
        };
        let at_once = if self.parts.encoder.is_on_gpu() { GPU_PAIRS } else { 1 };
        let groups: Vec<&[&[usize]]> = pairs.chunks(at_once).collect();
        let scores = self.workers().map(&self.control, &groups, |group| matcher.score(group))?.concat();
        let scored = |(pair, scores): (&&[usize], Scores)| ScoredPair {
            scores,
            emptiness: Emptiness::of(pair.iter().map(|&text| texts[text].is_empty)),
            truncated_texts: pair.iter().filter(|&&text| texts[text].truncated).count() as u64,
        };
        Ok(ScoredWindow { pairs: pairs.iter().zip(scores).map(scored).collect(), encoded })
    }

    /// Returns every text, from the cache or newly encoded, and how many were encoded.
    fn encode(
        &self,
        texts: &[String],
        states: Vec<TextState>,
        progress: &WindowProgress<'_>,
    ) -> Result<(Vec<Arc<EncodedText>>, u64)> {
        let mut encoded: Vec<Option<Arc<EncodedText>>> = Vec::with_capacity(texts.len());
        let mut missing: Vec<(usize, TokenizedText)> = Vec::new();
        for (index, state) in states.into_iter().enumerate() {
            encoded.push(match state {
                TextState::Encoded(text) => Some(text),
                // The previous window may have encoded it meanwhile.
                TextState::Tokenized(tokens) => self.cache().get(&texts[index]).or_else(|| {
                    missing.push((index, tokens));
                    None
                }),
            });
        }
        let references: Vec<&TokenizedText> = missing.iter().map(|(_, tokens)| tokens).collect();
        let matrices = self.matrices(&references, progress);
        let name = |index: usize| format!("which begins {:?}", shorten(&texts[missing[index].0]));
        let matrices = matrices.map_err(|error| error.of_text(name))?;
        let count = missing.len() as u64;
        for ((index, tokens), matrix) in missing.into_iter().zip(matrices) {
            let text = &texts[index];
            let matrix = matrix.ok_or_else(|| not_finite(text))?;
            let TokenizedText { ids: token_ids, is_empty, truncated, .. } = tokens;
            let text = Arc::new(EncodedText { token_ids, tokens: matrix, is_empty, truncated });
            self.cache().insert(&texts[index], text.clone());
            encoded[index] = Some(text);
        }
        let all: Option<Vec<_>> = encoded.into_iter().collect();
        let all = all.ok_or_else(|| Error::Bug("a text was not encoded".to_owned()))?;
        Ok((all, count))
    }

    /// Each text's hidden states with rows of length 1, all on the first device; `None` if they are not
    /// finite.
    fn matrices(
        &self,
        texts: &[&TokenizedText],
        progress: &WindowProgress<'_>,
    ) -> Result<Vec<Option<Tensor>>> {
        let (layer, encoder) = (self.parts.layer, &self.parts.encoder);
        let place = encoder.encoder().device();
        encoder.encode(&self.control, texts, &[layer], |batch: EncodedBatch<'_>| {
            let rows = unit_rows(batch.states.layer(layer)?, (batch.replica != 0).then_some(place))?;
            progress.add(batch.texts.iter().map(|&text| texts[text].ids.len()).sum());
            Ok(rows)
        })
    }
}

/// Each text's hidden states with rows of length 1, x / ||x|| without an epsilon, as in the reference; `None`
/// if they are not finite. They are moved to the device `elsewhere`, if any.
fn unit_rows(states: LayerStates<'_>, elsewhere: Option<&Device>) -> Result<Vec<Option<Tensor>>> {
    let own = states.normalized(0.0)?;
    let cu_seqlens = states.cu_seqlens();
    let finite = all_finite(&own, cu_seqlens, states.form())?;
    let texts = match elsewhere {
        None => split(&own, cu_seqlens)?,
        Some(place) => {
            let moved = own.to_device(&Device::Cpu)?.to_device(place)?;
            let texts = split(&moved, cu_seqlens)?;
            drop(moved);
            // The encoder waits only for its own device, and threads on other streams read these tensors.
            synchronize(place)?;
            // Memory is freed in the order of the device that the thread used last: switch back to this
            // batch's.
            synchronize(own.device())?;
            texts
        }
    };
    Ok(texts.into_iter().zip(finite).map(|(tokens, finite)| finite.then_some(tokens)).collect())
}

fn not_finite(text: &str) -> Error {
    Error::NonFinite { what: format!("the encoder's output for the text {:?}", shorten(text)) }
}
