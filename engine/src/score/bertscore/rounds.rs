//! A window of pairs to scores: tokenize, encode what is not known yet, match. With several layers, all pairs are
//! matched on a layer before any text goes on to the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::Tensor;
use nearsay_kernels::device::synchronize;

use super::cache::{EncodedText, Role, TextCache, TextStore};
use super::chunk::{TextState, TokenizedPairs};
use super::matching::Matcher;
use super::options::ScoredLayer;
use super::parts::TextParts;
use super::progress::{RunProgress, WindowProgress};
use super::scored::{Emptiness, PairNotice, ScoredWindow};
use super::{OnLongText, Scorer, Scores};
use crate::error::shorten;
use crate::score::PairTexts;
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// Pairs that a GPU matches at a time.
const GPU_PAIRS: usize = 1024;

/// One call of a scorer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) scorer: &'a Scorer,
    /// One layer or more, from the lowest up.
    pub(super) layers: &'a [ScoredLayer],
    /// Encoded texts that a later pair may need again. Those of several layers are not kept.
    pub(super) cache: Option<&'a Mutex<TextCache>>,
    /// Texts that earlier runs encoded. Those of several layers are not kept either.
    pub(super) store: Option<&'a TextStore>,
}

/// Texts of a window that are encoded now, and their places among all.
type Missing = Vec<(usize, Arc<TokenizedText>)>;

impl Call<'_> {
    fn cache(&self) -> Option<MutexGuard<'_, TextCache>> {
        self.cache.map(|cache| cache.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A reference that stays in memory.
    fn reference(&self, text: &str) -> Option<Arc<EncodedText>> {
        self.scorer.references.as_ref()?.get(text)
    }

    /// Tokenizes all distinct texts of `pairs` that are not encoded yet.
    pub(super) fn tokenize(&self, pairs: Vec<PairTexts>) -> Result<TokenizedPairs> {
        let Scorer { parts, control, .. } = self.scorer;
        TokenizedPairs::new(pairs, |texts, roles| {
            let mut states: Vec<Option<TextState>> = match self.cache() {
                None => texts.iter().map(|_| None).collect(),
                Some(mut cache) => {
                    let known = |text: &String| self.reference(text).or_else(|| cache.get(text));
                    texts.iter().map(known).map(|text| text.map(TextState::Encoded)).collect()
                }
            };
            self.look_up(texts, roles, &mut states)?;
            let missing = missing(&states);
            let encode = |&index: &usize| parts.tokenizer.encode(&texts[index]);
            let tokens = self.scorer.workers().map_short(control, &missing, encode)?;
            for (index, tokens) in missing.into_iter().zip(tokens) {
                states[index] = Some(TextState::Tokenized(Arc::new(tokens)));
            }
            let states: Option<Vec<TextState>> = states.into_iter().collect();
            states.ok_or_else(|| Error::Bug("a text was not tokenized".to_owned()))
        })
    }

    /// Reads texts from the store that have no state yet.
    fn look_up(&self, texts: &[String], roles: &[Role], states: &mut [Option<TextState>]) -> Result<()> {
        let Some(store) = self.store else { return Ok(()) };
        let missing = missing(states);
        // A text that must not be truncated is tokenized again, which refuses it.
        let allowed = |text: &EncodedText| {
            !text.text.truncated || self.scorer.parts.tokenizer.on_long() != OnLongText::Error
        };
        let read = |&index: &usize| Ok(store.get(&texts[index], roles[index]).filter(allowed));
        let found = self.scorer.workers().map_short(&self.scorer.control, &missing, read)?;
        let place = self.scorer.encoder.encoder().device();
        for (index, text) in missing.into_iter().zip(found) {
            let Some(EncodedText { text, tokens }) = text else { continue };
            let text = Arc::new(EncodedText { text, tokens: tokens.to_device(place)? });
            if let Some(mut cache) = self.cache() {
                cache.insert(&texts[index], text.clone());
            }
            states[index] = Some(TextState::Encoded(text));
        }
        // Threads on other streams read these tensors.
        Ok(synchronize(place)?)
    }

    /// Scores a window of pairs.
    pub(super) fn score_tokenized(
        &self,
        pairs: TokenizedPairs,
        progress: &RunProgress<'_>,
    ) -> Result<ScoredWindow> {
        let window = progress.window(&pairs, self.layers.len());
        let scored = self.score_round(pairs, &window);
        // After a failure, too: otherwise calls that are stopped would fill the cache without bound.
        if let Some(mut cache) = self.cache() {
            cache.end_round(self.scorer.recurring.as_ref());
        }
        window.end();
        scored
    }

    fn score_round(&self, pairs: TokenizedPairs, progress: &WindowProgress<'_>) -> Result<ScoredWindow> {
        let TokenizedPairs { texts, roles, states, indices, lengths } = pairs;
        let mut rest = indices.as_slice();
        let pairs: Vec<&[usize]> = lengths.iter().filter_map(|&length| rest.split_off(..length)).collect();
        let (known, missing) = self.known(&texts, states);
        let tokenizer = &self.scorer.parts.tokenizer;
        let parts = TextParts::new(tokenizer, missing.iter().map(|(_, tokens)| &**tokens));
        let tokens = parts.tokens();
        let mut pass = self.scorer.encoder.start(&self.scorer.control, &tokens);
        let (mut scores, mut notices) = (Vec::with_capacity(self.layers.len()), Vec::new());
        for (at, layer) in self.layers.iter().enumerate() {
            let is_last = at + 1 == self.layers.len();
            let rows = pass.stop(&[layer.layer], is_last, |batch| {
                let rows = parts.unit_rows(&batch, layer.layer, &self.scorer.encoder)?;
                progress.add(parts.kept_tokens(&batch));
                Ok(rows)
            });
            let text = |part: usize| &texts[missing[parts.text_of(part)].0];
            let name = |part: usize| format!("which begins {:?}", shorten(text(part)));
            let matrices = parts.join(rows.map_err(|error| error.of_text(name))?)?;
            let encoded = self.encoded((&texts, &roles), &known, (&missing, matrices))?;
            scores.push(self.matched(&encoded, &pairs, layer)?);
            if is_last {
                notices = pairs.iter().map(|pair| notice(&encoded, pair)).collect();
            }
        }
        Ok(ScoredWindow { layers: scores, pairs: notices, encoded: missing.len() as u64 })
    }

    /// Texts that the cache has, and the others.
    fn known(&self, texts: &[String], states: Vec<TextState>) -> (Vec<Option<Arc<EncodedText>>>, Missing) {
        let mut missing = Missing::new();
        let mut known = |(index, state): (usize, TextState)| match state {
            TextState::Encoded(text) => Some(text),
            // The previous window may have encoded it meanwhile.
            TextState::Tokenized(tokens) => {
                let found = self.cache().and_then(|mut cache| cache.get(texts[index].as_str()));
                if found.is_none() {
                    missing.push((index, tokens));
                }
                found
            }
        };
        let known = states.into_iter().enumerate().map(&mut known).collect();
        (known, missing)
    }

    /// Every text at a layer: those that were known, and the others with their `matrices`.
    fn encoded(
        &self,
        (texts, roles): (&[String], &[Role]),
        known: &[Option<Arc<EncodedText>>],
        (missing, matrices): (&Missing, Vec<Option<Tensor>>),
    ) -> Result<Vec<Arc<EncodedText>>> {
        let mut encoded = known.to_vec();
        for ((index, tokens), matrix) in missing.iter().zip(matrices) {
            let matrix = matrix.ok_or_else(|| not_finite(&texts[*index]))?;
            let text = Arc::new(EncodedText { text: tokens.clone(), tokens: matrix });
            if let Some(mut cache) = self.cache() {
                cache.insert(&texts[*index], text.clone());
            }
            if let Some(store) = self.store {
                store.add(&texts[*index], roles[*index], &text)?;
            }
            encoded[*index] = Some(text);
        }
        let all: Option<Vec<_>> = encoded.into_iter().collect();
        all.ok_or_else(|| Error::Bug("a text was not encoded".to_owned()))
    }

    fn matched(
        &self,
        texts: &[Arc<EncodedText>],
        pairs: &[&[usize]],
        layer: &ScoredLayer,
    ) -> Result<Vec<Scores>> {
        let Scorer { session, encoder, weights, control, .. } = self.scorer;
        let form = session.devices().placements()[0].form();
        let matcher = Matcher { texts, weights, baseline: layer.baseline, form };
        let at_once = if encoder.is_on_gpu() { GPU_PAIRS } else { 1 };
        let groups: Vec<&[&[usize]]> = pairs.chunks(at_once).collect();
        Ok(self.scorer.workers().map(control, &groups, |group| matcher.score(group))?.concat())
    }
}

/// Texts without a state.
fn missing(states: &[Option<TextState>]) -> Vec<usize> {
    (0..states.len()).filter(|&text| states[text].is_none()).collect()
}

fn notice(texts: &[Arc<EncodedText>], pair: &[usize]) -> PairNotice {
    PairNotice {
        emptiness: Emptiness::of(pair.iter().map(|&text| texts[text].text.is_empty)),
        truncated_texts: pair.iter().filter(|&&text| texts[text].text.truncated).count() as u64,
    }
}

pub(super) fn not_finite(text: &str) -> Error {
    Error::NonFinite { what: format!("the encoder's output for the text {:?}", shorten(text)) }
}
