//! The texts of a call, and the token vectors of as many as a bound allows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::cache::EncodedText;
use super::super::parts::TextParts;
use super::super::rounds::not_finite;
use super::{PairwiseNotices, PairwiseProgress, Scorer};
use crate::error::shorten;
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// Texts by number, tokenized once, and encoded while they are in use.
pub(in super::super) struct TextPool<'a> {
    scorer: &'a Scorer,
    texts: &'a [&'a str],
    tokens: Vec<Arc<TokenizedText>>,
    /// Bytes of the token vectors of each text.
    sizes: Arc<[usize]>,
    encoded: Vec<Option<PooledText>>,
    bound: usize,
    bytes: usize,
    most_bytes: usize,
    uses: u64,
    /// Texts that were encoded, and pairs that were scored.
    done: [AtomicU64; 2],
    progress: &'a (dyn Fn(PairwiseProgress) + Sync),
}

struct PooledText {
    text: Arc<EncodedText>,
    last_use: u64,
}

impl<'a> TextPool<'a> {
    /// Tokenizes all texts.
    pub(in super::super) fn new(
        scorer: &'a Scorer,
        texts: &'a [&'a str],
        bound: usize,
        progress: &'a (dyn Fn(PairwiseProgress) + Sync),
    ) -> Result<Self> {
        let encode = |text: &&str| scorer.parts.tokenizer.encode(text).map(Arc::new);
        let tokens = scorer.workers().map_short(&scorer.control, texts, encode)?;
        let width = scorer.session.recipe().hidden_dim() * size_of::<f32>();
        let sizes = tokens.iter().map(|text| text.ids.len() * width).collect();
        let encoded = texts.iter().map(|_| None).collect();
        let (bytes, most_bytes, uses, done) = (0, 0, 0, Default::default());
        Ok(Self { scorer, texts, tokens, sizes, encoded, bound, bytes, most_bytes, uses, done, progress })
    }

    /// Bytes of the token vectors of each text.
    pub(in super::super) fn sizes(&self) -> Arc<[usize]> {
        self.sizes.clone()
    }

    /// What the texts alone show.
    pub(super) fn notices(&self) -> PairwiseNotices {
        let count =
            |is: fn(&TokenizedText) -> bool| self.tokens.iter().filter(|text| is(text)).count() as u64;
        PairwiseNotices {
            distinct: self.texts.len() as u64,
            empty: count(|text| text.is_empty),
            truncated: count(|text| text.truncated),
            ..PairwiseNotices::default()
        }
    }

    /// The texts that were encoded.
    pub(super) fn encoded(&self) -> u64 {
        self.done[0].load(Ordering::Relaxed)
    }

    /// The most bytes of token vectors that were in memory.
    pub(super) fn most_bytes(&self) -> u64 {
        self.most_bytes as u64
    }

    /// Adds pairs that were scored.
    pub(super) fn add_pairs(&self, pairs: usize) {
        self.add([0, pairs as u64]);
    }

    fn add(&self, more: [u64; 2]) {
        let [texts, pairs] = [0, 1].map(|at| self.done[at].fetch_add(more[at], Ordering::Relaxed) + more[at]);
        (self.progress)(PairwiseProgress { texts, pairs });
    }

    /// A text that was brought.
    pub(in super::super) fn get(&self, text: usize) -> Result<Arc<EncodedText>> {
        let pooled = self.encoded[text].as_ref();
        pooled
            .map(|pooled| pooled.text.clone())
            .ok_or_else(|| Error::Bug("a text was not encoded".to_owned()))
    }

    /// Brings texts into memory: encodes those that are not there, after others have made room for them, the one first
    /// whose last use is longest ago.
    pub(in super::super) fn bring(&mut self, wanted: &[usize]) -> Result<()> {
        self.uses += 1;
        for &text in wanted {
            if let Some(pooled) = &mut self.encoded[text] {
                pooled.last_use = self.uses;
            }
        }
        let missing: Vec<usize> =
            wanted.iter().copied().filter(|&text| self.encoded[text].is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let needed: usize = missing.iter().map(|&text| self.sizes[text]).sum();
        self.make_room(needed);
        let encoded = self.encode(&missing)?;
        for (&text, encoded) in missing.iter().zip(encoded) {
            self.encoded[text] = Some(PooledText { text: encoded, last_use: self.uses });
        }
        self.bytes += needed;
        self.most_bytes = self.most_bytes.max(self.bytes);
        Ok(())
    }

    /// Makes texts the first that others take the room of.
    pub(super) fn retire(&mut self, texts: &[usize]) {
        for &text in texts {
            if let Some(pooled) = &mut self.encoded[text] {
                pooled.last_use = 0;
            }
        }
    }

    fn make_room(&mut self, needed: usize) {
        if self.bytes + needed <= self.bound {
            return;
        }
        let idle = |(text, pooled): (usize, &Option<PooledText>)| {
            let last_use = pooled.as_ref()?.last_use;
            (last_use < self.uses).then_some((last_use, text))
        };
        let mut idle: Vec<(u64, usize)> = self.encoded.iter().enumerate().filter_map(idle).collect();
        idle.sort_unstable();
        for (_, text) in idle {
            if self.bytes + needed <= self.bound {
                break;
            }
            self.encoded[text] = None;
            self.bytes -= self.sizes[text];
        }
    }

    fn encode(&self, missing: &[usize]) -> Result<Vec<Arc<EncodedText>>> {
        let Scorer { encoder, control, layer, .. } = self.scorer;
        let parts =
            TextParts::new(&self.scorer.parts.tokenizer, missing.iter().map(|&text| &*self.tokens[text]));
        let rows = encoder.encode(control, &parts.tokens(), &[layer.layer], |batch| {
            let rows = parts.unit_rows(&batch, layer.layer, encoder)?;
            self.add([parts.texts_in(&batch), 0]);
            Ok(rows)
        });
        let text = |part: usize| self.texts[missing[parts.text_of(part)]];
        let name = |part: usize| format!("which begins {:?}", shorten(text(part)));
        let matrices = parts.join(rows.map_err(|error| error.of_text(name))?)?;
        let texts = missing.iter().zip(matrices).map(|(&text, matrix)| {
            let tokens = matrix.ok_or_else(|| not_finite(self.texts[text]))?;
            Ok(Arc::new(EncodedText { text: self.tokens[text].clone(), tokens }))
        });
        texts.collect()
    }
}
