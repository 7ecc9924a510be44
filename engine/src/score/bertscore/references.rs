//! References that are encoded once and stay in memory, for the outputs of many systems.

use std::collections::HashMap;
use std::sync::Arc;

use super::Scorer;
use super::cache::EncodedText;
use super::pairwise::TextPool;
use crate::session::Distinct;
use crate::{Error, Result};

/// Encoded texts by text. They are never dropped, unlike those of the cache.
#[derive(Debug, Default)]
pub(super) struct EncodedReferences(HashMap<Box<str>, Arc<EncodedText>>);

impl EncodedReferences {
    pub(super) fn get(&self, text: &str) -> Option<Arc<EncodedText>> {
        self.0.get(text).cloned()
    }
}

impl Scorer {
    /// The same scorer with these references encoded and kept in memory: scoring against them encodes candidates alone,
    /// at this layer. Scores have the same bits without it. Progress is reported in references.
    ///
    /// # Errors
    /// [`Error::NoMemory`] if their token vectors need more than `most_bytes`; if a text cannot be tokenized or encoded,
    /// or the call is stopped.
    pub fn with_references<T: AsRef<str>>(&self, references: &[T], most_bytes: usize) -> Result<Self> {
        let all: Vec<&str> = references.iter().map(AsRef::as_ref).collect();
        let texts = Distinct::of(&all).select(&all);
        let progress = |done: super::PairwiseProgress| self.listener.report(done.texts);
        let mut pool = TextPool::new(self, &texts, usize::MAX, &progress)?;
        let bytes: usize = pool.sizes().iter().sum();
        if bytes > most_bytes {
            let what = format!(
                "the token vectors of {} references: {bytes} bytes, more than {most_bytes}",
                texts.len()
            );
            return Err(Error::NoMemory { what });
        }
        let numbers: Vec<usize> = (0..texts.len()).collect();
        pool.bring(&numbers)?;
        let encoded = texts.iter().zip(numbers).map(|(text, at)| Ok(((*text).into(), pool.get(at)?)));
        let references = EncodedReferences(encoded.collect::<Result<_>>()?);
        Ok(Self { references: Some(Arc::new(references)), ..self.clone() })
    }
}
