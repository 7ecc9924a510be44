//! The boundary between routes and the engine: texts with settings and a deadline go in; vectors, counts and times come
//! out, or a [`Failure`].
//!
//! Calls run on threads that may block, a few at a time, in the order in which they were admitted. Whether a request is
//! admitted depends on the tokens that wait and on the measured speed.

mod admission;
mod job;

use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nearsay::embed::Embedder;
use nearsay::tokens::{OffsetTokens, TokenizedText};
use nearsay::{Cancel, Error, Vectors};
use tokio::sync::Semaphore;

use crate::config::Limits;
use crate::metrics::Metrics;
use crate::models::{Model, Settings};
use admission::Admission;

pub(crate) use job::{Counts, Done, Failure, Input, Job, Measured, TokenVectors};

/// Calls that run at the same time. One call uses all cores; the second one prepares while the first one ends.
const CALLS: usize = 2;

/// What runs the work of all models.
#[derive(Debug)]
pub(crate) struct Work {
    tokens_per_request: u64,
    admission: Arc<Admission>,
    turns: Semaphore,
    /// Calls that tokenize, which need one core each.
    tokenizing: Semaphore,
}

impl Work {
    pub(crate) fn new(limits: &Limits, metrics: &Metrics) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            tokens_per_request: limits.tokens_per_request,
            admission: Arc::new(Admission::new(limits, metrics)),
            turns: Semaphore::new(CALLS),
            tokenizing: Semaphore::new(cores),
        }
    }

    /// The most tokens that may wait.
    pub(crate) fn most_queued(&self) -> u64 {
        self.admission.most_queued()
    }

    /// One vector per text.
    pub(crate) async fn embed(&self, model: &Arc<Model>, job: Job) -> Result<Done<Vectors>, Failure> {
        let most_tokens = |_: u64, _: &Embedder| Ok(());
        self.run(model, job, most_tokens, |embedder, texts| embedder.embed_tokenized(texts)).await
    }

    /// One vector per token of each text, if `fits` agrees to the number of tokens and the width of a vector.
    pub(crate) async fn embed_tokens(
        &self,
        model: &Arc<Model>,
        job: Job,
        fits: impl Fn(u64, usize) -> Result<(), Failure>,
    ) -> Result<Done<TokenVectors>, Failure> {
        let fits = |tokens: u64, embedder: &Embedder| fits(tokens, embedder.hidden_dim());
        self.run(model, job, fits, |embedder, texts| {
            let (vectors, cu_seqlens) = embedder.embed_tokens_tokenized(texts)?;
            Ok(TokenVectors { vectors, cu_seqlens })
        })
        .await
    }

    /// All tokens of texts, not truncated, with their places in them.
    pub(crate) async fn tokenize(
        &self,
        model: &Arc<Model>,
        texts: Vec<String>,
        settings: &Settings,
    ) -> Result<Vec<OffsetTokens>, Failure> {
        let embedder = model.embedder(settings)?;
        let (embedder, _guard) = cancelled_on_drop(&embedder);
        let _turn = self.tokenizing.acquire().await;
        blocking(move || embedder.tokenize_whole(&texts)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        model: &Arc<Model>,
        job: Job,
        fits: impl Fn(u64, &Embedder) -> Result<(), Failure>,
        encode: impl FnOnce(&Embedder, &[TokenizedText]) -> nearsay::Result<T> + Send + 'static,
    ) -> Result<Done<T>, Failure> {
        let deadline = job.deadline;
        let embedder = model.embedder(&job.settings)?.with_deadline(deadline);
        let (embedder, _guard) = cancelled_on_drop(&embedder);
        let until_deadline = async {
            let start = Instant::now();
            let tokens = self.tokens(embedder.clone(), job).await?;
            let counts = Counts::of(&tokens);
            let tokenize = start.elapsed();
            fits(counts.tokens, &embedder)?;
            let most = self.tokens_per_request.min(self.most_queued());
            if counts.tokens > most {
                return Err(Failure::TooManyTokens { tokens: counts.tokens, most });
            }
            let waiting = self.admission.admit(counts.tokens)?;
            let turn = self.turns.acquire().await;
            let (queue, start) = (start.elapsed() - tokenize, Instant::now());
            let value = blocking(move || encode(&embedder, &tokens)).await?;
            drop(turn);
            let encode = start.elapsed();
            waiting.done(encode);
            Ok(Done { value, measured: Measured { counts, tokenize, queue, encode } })
        };
        match tokio::time::timeout_at(deadline.into(), until_deadline).await {
            Ok(done) => done,
            Err(_) => Err(Failure::Late),
        }
    }

    /// The tokens of a request's texts, after the rules about long and empty ones.
    async fn tokens(&self, embedder: Embedder, job: Job) -> Result<Vec<TokenizedText>, Failure> {
        let _turn = self.tokenizing.acquire().await;
        let (truncates, refuses_empty) = (job.truncates, job.refuses_empty);
        let (tokens, long) = blocking(move || {
            let tokens = job.tokenized(&embedder)?;
            let long = tokens.iter().position(|text| text.truncated).filter(|_| !truncates);
            let long =
                long.map(|index| job.length(&embedder, index).map(|tokens| (index, tokens))).transpose()?;
            let most = embedder.max_tokens();
            Ok((tokens, long.map(|(index, tokens)| Failure::TextTooLong { index, tokens, most })))
        })
        .await?;
        let empty = tokens.iter().position(|text| text.is_empty).filter(|_| refuses_empty);
        match (long, empty) {
            (Some(failure), _) => Err(failure),
            (None, Some(index)) => Err(Failure::TextEmpty { index }),
            (None, None) => Ok(tokens),
        }
    }
}

/// An embedder whose calls end when the guard is dropped, as it is if the client goes away.
fn cancelled_on_drop(embedder: &Embedder) -> (Embedder, impl Drop + use<>) {
    struct CancelOnDrop(Cancel);
    impl Drop for CancelOnDrop {
        fn drop(&mut self) {
            self.0.cancel();
        }
    }
    let cancel = Cancel::new();
    (embedder.with_cancel(&cancel), CancelOnDrop(cancel))
}

/// Runs a call of the engine on a thread that may block.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> nearsay::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(Failure::Engine(Error::Bug(format!("a call ended without an answer: {error}")))),
    }
}

/// The time until `deadline`.
pub(crate) fn deadline_after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or_else(|| now + Duration::from_secs(86_400))
}
