//! Kinds of work: what is done with texts.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::queue::BatchRules;
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// A way from texts to outputs, such as the vectors of an [`Embedder`](crate::Embedder) with its settings. An output
/// depends on the tokens of its text alone, not on the rest of the batch.
///
/// The work runs on the scheduler's threads. A panic in it fails the requests that it was for. The functions that only
/// return a number are called while all threads wait: they are quick and do not panic.
pub trait TextWork: Send + Sync + 'static {
    /// A text before it is tokenized; a pair of texts for a cross-encoder.
    type Text: Send + Sync + 'static;
    /// The result for one text.
    type Output: Send + Sync + 'static;

    /// The size of a text in bytes: how much work it is to tokenize.
    fn text_bytes(&self, text: &Self::Text) -> usize;

    /// The tokens of each text, in order.
    ///
    /// # Errors
    /// If one cannot be tokenized. Its whole request fails.
    fn tokenize(&self, texts: &[&Self::Text]) -> Result<Vec<TokenizedText>>;

    /// The output of each text, in order, or why it has none; `texts` have at most [`TextWork::batch_tokens`] tokens, or
    /// are one text.
    ///
    /// # Errors
    /// If the batch failed. Its texts are tried again one by one, unless a device was lost.
    fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<Self::Output>>>;

    /// The size of an output in bytes, for a cache.
    fn output_bytes(&self, output: &Self::Output) -> usize;

    /// Tokens that are encoded at once, now.
    fn batch_tokens(&self) -> usize;

    /// Whether the encoder is on a GPU.
    fn is_on_gpu(&self) -> bool;
}

/// A kind of work that texts are submitted for. Clones are the same kind; only texts of the same kind share batches, and
/// equal texts of the same kind are encoded once.
pub struct Kind<W>(Arc<Numbered<W>>);

/// Work and its number.
pub(super) struct Numbered<W> {
    id: u64,
    work: W,
}

impl<W: TextWork> Kind<W> {
    /// A kind that differs from all others.
    pub fn new(work: W) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(Arc::new(Numbered { id: NEXT.fetch_add(1, Ordering::Relaxed), work }))
    }

    /// The work.
    pub fn work(&self) -> &W {
        &self.0.work
    }

    /// The same without its type.
    pub(super) fn erased(&self) -> AnyKind {
        AnyKind(self.0.clone())
    }
}

impl<W> Clone for Kind<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W> fmt::Debug for Kind<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Kind").field(&self.0.id).finish()
    }
}

/// An output of any kind.
pub(super) type AnyOutput = Arc<dyn Any + Send + Sync>;

/// A kind of work without its type.
#[derive(Clone)]
pub(super) struct AnyKind(Arc<dyn Encode>);

/// The part of [`TextWork`] that comes after tokenization, without its types.
trait Encode: Send + Sync {
    fn id(&self) -> u64;
    fn batch_tokens(&self) -> usize;
    fn is_on_gpu(&self) -> bool;
    fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<AnyOutput>>>;
    fn output_bytes(&self, output: &AnyOutput) -> usize;
}

impl<W: TextWork> Encode for Numbered<W> {
    fn id(&self) -> u64 {
        self.id
    }

    fn batch_tokens(&self) -> usize {
        self.work.batch_tokens()
    }

    fn is_on_gpu(&self) -> bool {
        self.work.is_on_gpu()
    }

    fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<AnyOutput>>> {
        let outputs = self.work.encode(texts)?;
        if outputs.len() != texts.len() {
            let counts = (outputs.len(), texts.len());
            return Err(Error::Bug(format!("{} outputs for a batch of {} texts", counts.0, counts.1)));
        }
        let erased = |output: Result<W::Output>| output.map(|output| Arc::new(output) as AnyOutput);
        Ok(outputs.into_iter().map(erased).collect())
    }

    fn output_bytes(&self, output: &AnyOutput) -> usize {
        output.downcast_ref().map_or(0, |output| self.work.output_bytes(output))
    }
}

impl AnyKind {
    pub(super) fn id(&self) -> u64 {
        self.0.id()
    }

    pub(super) fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<AnyOutput>>> {
        self.0.encode(texts)
    }

    pub(super) fn output_bytes(&self, output: &AnyOutput) -> usize {
        self.0.output_bytes(output)
    }
}

impl BatchRules for AnyKind {
    fn id(&self) -> u64 {
        self.0.id()
    }

    fn budget(&self) -> u64 {
        self.0.batch_tokens().max(1) as u64
    }

    fn takes_parts(&self) -> bool {
        self.0.is_on_gpu()
    }
}

/// Texts of a request that wait to be tokenized.
pub(super) trait Source: Send + Sync {
    /// The tokens of the texts in these places.
    fn tokenize(&self, places: &[usize]) -> Result<Vec<TokenizedText>>;
}

/// Texts of one kind.
pub(super) struct Texts<W: TextWork> {
    pub(super) kind: Kind<W>,
    pub(super) texts: Vec<W::Text>,
}

impl<W: TextWork> Source for Texts<W> {
    fn tokenize(&self, places: &[usize]) -> Result<Vec<TokenizedText>> {
        let texts: Vec<&W::Text> = places.iter().map(|&place| &self.texts[place]).collect();
        let tokens = self.kind.work().tokenize(&texts)?;
        if tokens.len() == texts.len() {
            return Ok(tokens);
        }
        Err(Error::Bug(format!("the tokens of {} texts for {}", tokens.len(), texts.len())))
    }
}
