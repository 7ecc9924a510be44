//! The boundary between routes and the engine: texts with settings, a class and a deadline go in; vectors, counts and
//! times come out, or a [`Failure`].
//!
//! All models share one scheduler, which decides what is admitted, and when it is encoded.

mod bertscore;
mod inputs;
mod job;
mod stream;

use std::num::NonZero;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use nearsay::embed::SparseVector;
use nearsay::rerank::{PairScoring, TextOrPair};
use nearsay::session::scheduler::{
    Kind, Permit, Request, Scheduler, SchedulerOptions, SchedulerStatistics, SchedulerThreads, TextSize,
    TextWork, WorkInProgress,
};
use nearsay::tokens::OffsetTokens;
use nearsay::{Cancel, Control, Error, Session, Vectors};
use tokio::sync::{Semaphore, oneshot};

use crate::config::{Config, Limits};
use crate::metrics::{Metrics, Rejection};
use crate::models::{Model, Settings, usage};
pub(crate) use stream::VectorStream;

use inputs::LimitedWork;
use job::Refused;

pub(crate) use bertscore::{BertScores, Idf, ScoreJob};
pub(crate) use inputs::{Input, OfInputs};
pub(crate) use job::{Conditions, Counts, Done, Failure, Job, Measured, Rules};

/// Runs the work of all models.
#[derive(Debug)]
pub(crate) struct Work {
    /// Starts with the first model, whose devices it is for.
    scheduler: OnceLock<Scheduler>,
    metrics: Metrics,
    /// Calls that only tokenize, which need one core each.
    tokenizing: Arc<Semaphore>,
    /// Calls of BERTScore; each uses all cores.
    scoring: Arc<Semaphore>,
    max_tokens_per_request: u64,
}

/// Bytes per token that a request may have, of texts that are tokenized whole. Words of English have about 5.
const BYTES_PER_TOKEN: u64 = 8;

/// Calls of BERTScore at a time: while one tokenizes or matches, another encodes.
const SCORING_AT_ONCE: usize = 2;

/// Called with an output and the place of its text.
type OnOutput<W> = Option<Box<dyn Fn(usize, &<W as TextWork>::Output) + Send + Sync>>;

/// Why a request is refused after its texts were tokenized.
enum Broken {
    Text(Refused),
    Answer(Failure),
}

impl Work {
    pub(crate) fn new(metrics: &Metrics, limits: &Limits) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            scheduler: OnceLock::new(),
            metrics: metrics.clone(),
            tokenizing: Arc::new(Semaphore::new(cores)),
            scoring: Arc::new(Semaphore::new(SCORING_AT_ONCE)),
            max_tokens_per_request: limits.tokens_per_request,
        }
    }

    /// Starts the threads that encode, on the devices of `session`, which all models share; once.
    ///
    /// # Errors
    /// If the system has no threads left.
    pub(crate) fn start(&self, config: &Config, session: &Session) -> nearsay::Result<()> {
        if self.scheduler.get().is_some() {
            return Ok(());
        }
        let limits = &config.limits;
        let metrics = self.metrics.clone();
        let mut options = SchedulerOptions::default()
            .threads(SchedulerThreads::of(session))
            .max_tokens_per_request(limits.tokens_per_request)
            .max_wait(limits.wait)
            .cache_bytes(config.vector_cache)
            .on_batch(move |batch| metrics.count_batch(batch.tokens));
        options.max_queued_tokens = limits.queued_tokens;
        // If two models are loaded at once, one scheduler is left over, and ends.
        drop(self.scheduler.set(Scheduler::start(&options)?));
        Ok(())
    }

    /// The work in progress on the scheduler's threads.
    pub(crate) fn in_progress(&self) -> Vec<WorkInProgress> {
        self.scheduler.get().map(Scheduler::in_progress).unwrap_or_default()
    }

    /// Whether they are doing something.
    pub(crate) fn is_busy(&self) -> bool {
        !self.in_progress().is_empty()
    }

    /// The scheduler's numbers; zeros before it was started.
    pub(crate) fn statistics(&self) -> SchedulerStatistics {
        self.scheduler.get().map(Scheduler::statistics).unwrap_or_default()
    }

    /// Takes no more requests, and waits for those that were taken, at most for `time`. Whether all have ended.
    pub(crate) fn drain(&self, time: Duration) -> bool {
        self.scheduler.get().is_none_or(|scheduler| scheduler.drain(time))
    }

    /// Lets a call in that does its own work on about `tokens` tokens, by the limits of requests.
    pub(crate) fn admit(&self, tokens: u64) -> Result<Permit, Failure> {
        let permit = self.scheduler()?.admit(tokens);
        if let Some(reason) = permit.as_ref().err().and_then(Rejection::of) {
            self.metrics.reject(reason);
        }
        Ok(permit?)
    }

    /// One vector per text.
    pub(crate) async fn embed(&self, model: &Model, job: Job) -> Result<Done<Vectors>, Failure> {
        let kind = model.prepared(&job.settings)?.text_vectors()?;
        let dimensions = kind.work().embedder().dimensions();
        let Done { value, measured } = self.run_job(kind, job, |_| Ok(())).await?;
        let mut values = Vec::with_capacity(value.len() * dimensions);
        value.iter().for_each(|vector| values.extend_from_slice(vector));
        Ok(Done { value: Vectors::new(values, dimensions)?, measured })
    }

    /// The vectors of the tokens of each text, if `fits` agrees to their number and width.
    pub(crate) async fn embed_tokens(
        &self,
        model: &Model,
        job: Job,
        fits: impl FnOnce(u64, usize) -> Result<(), Failure> + Send + 'static,
    ) -> Result<Done<Vec<Arc<Vectors>>>, Failure> {
        let kind = model.prepared(&job.settings)?.token_vectors()?;
        let width = kind.work().embedder().hidden_dim();
        self.run_job(kind, job, move |counts| fits(counts.tokens, width)).await
    }

    /// One sparse vector per text.
    pub(crate) async fn embed_sparse(
        &self,
        model: &Model,
        job: Job,
    ) -> Result<Done<Vec<Arc<SparseVector>>>, Failure> {
        let kind = model.prepared(&job.settings)?.sparse_vectors()?;
        self.run_job(kind, job, |_| Ok(())).await
    }

    /// The scores of texts and pairs by a model's head, one per label.
    pub(crate) async fn score(
        &self,
        kind: &Kind<PairScoring>,
        inputs: impl IntoIterator<Item = TextOrPair>,
        conditions: Conditions,
    ) -> Result<Done<Vec<Arc<Vec<f32>>>>, Failure> {
        let inputs = inputs.into_iter().map(Arc::new).collect();
        self.run(kind.clone(), inputs, conditions, (|_| Ok(()), None)).await
    }

    async fn run_job<W: TextWork<Text = String>>(
        &self,
        kind: Kind<OfInputs<W>>,
        job: Job,
        fits: impl FnOnce(Counts) -> Result<(), Failure> + Send + 'static,
    ) -> Result<Done<Vec<Arc<W::Output>>>, Failure> {
        let inputs = job.inputs.into_iter().map(Arc::new).collect();
        self.run(kind, inputs, job.conditions, (fits, None)).await
    }

    /// All tokens of texts, not truncated, with their places in them; at most `most`.
    pub(crate) async fn tokenize(
        &self,
        model: &Model,
        texts: Vec<String>,
        settings: &Settings,
        (deadline, most): (Instant, u64),
    ) -> Result<Vec<OffsetTokens>, Failure> {
        let bytes: u64 = texts.iter().map(|text| text.len() as u64).sum();
        let most_bytes = most.saturating_mul(BYTES_PER_TOKEN);
        if bytes > most_bytes {
            return Err(Failure::TooManyBytes { bytes, most: most_bytes });
        }
        let guard = CancelOnDrop::default();
        let embedder = model.prepared(settings)?.embedder().with_cancel(&guard.0);
        let tokenized =
            self.in_turn(&self.tokenizing, deadline, move || embedder.tokenize_whole(&texts)).await?;
        let tokens = tokenized.iter().map(|text| text.tokens.ids.len() as u64).sum();
        if tokens > most {
            Err(Error::RequestTooLarge { tokens, limit: most, holder: "a request" }.into())
        } else {
            Ok(tokenized)
        }
    }

    /// The beginning of each text with its first `most` tokens, not counting special ones.
    pub(crate) async fn beginnings(
        &self,
        model: &Model,
        texts: Vec<String>,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<String>, Failure> {
        let guard = CancelOnDrop::default();
        let embedder = model.embedder.with_cancel(&guard.0);
        let shorten = move || {
            let tokenized = embedder.tokenize_whole(&texts)?;
            let shortened = texts.into_iter().zip(&tokenized).map(|(mut text, tokens)| {
                let ends =
                    tokens.offsets.iter().map(|offset| &offset.bytes).filter(|bytes| !bytes.is_empty());
                let last = ends.map(|bytes| bytes.end).nth(most.saturating_sub(1));
                text.truncate(last.unwrap_or(text.len()));
                text
            });
            Ok(shortened.collect())
        };
        self.in_turn(&self.tokenizing, deadline, shorten).await
    }

    /// Runs a call next to the scheduler: only so many at once as have `turns`, whether their clients are still there or not.
    async fn in_turn<T: Send + 'static>(
        &self,
        turns: &Arc<Semaphore>,
        deadline: Instant,
        call: impl FnOnce() -> nearsay::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = turns.clone().acquire_owned();
        let called = async move {
            let turn = turn.await;
            blocking(move || {
                let _turn = turn;
                call()
            })
            .await
        };
        tokio::time::timeout_at(deadline.into(), called).await.unwrap_or(Err(Failure::Late))
    }

    /// Gives texts to the scheduler if they keep the rules and `fits` agrees to their tokens, and waits for the end.
    /// `on_output` is called with each output and its place as soon as there is one.
    async fn run<W: LimitedWork<Text: Clone>>(
        &self,
        kind: Kind<W>,
        inputs: Vec<W::Text>,
        conditions: Conditions,
        (fits, on_output): (impl FnOnce(Counts) -> Result<(), Failure> + Send + 'static, OnOutput<W>),
    ) -> Result<Done<Vec<Arc<W::Output>>>, Failure> {
        let Conditions { rules, class, deadline } = conditions;
        let guard = CancelOnDrop::default();
        let (break_off, mut broken) = oneshot::channel();
        let (finish, finished) = oneshot::channel();
        let mut request = Request::texts(&kind, inputs.iter().cloned())
            .class(class)
            .control(Control::default().with_cancel(&guard.0).with_deadline(deadline))
            .check(move |texts| {
                let counts = texts.iter().map(TextSize::from).collect();
                let refused = rules.refused(texts).map(Broken::Text);
                let Some(why) = refused.or_else(|| fits(counts).err().map(Broken::Answer)) else {
                    return Ok(());
                };
                // Nobody reads it if the client has gone.
                let _ = break_off.send(why);
                Err(usage("the request breaks a rule of the server"))
            });
        if let Some(on_output) = on_output {
            request = request.on_output(on_output);
        }
        // Nobody reads the answer if the client has gone.
        self.scheduler()?.submit(request, move |answer| drop(finish.send(answer)));
        let Ok(finished) = tokio::time::timeout_at(deadline.into(), finished).await else {
            return Err(Failure::Late);
        };
        let answer =
            finished.unwrap_or_else(|_| Err(Error::Bug("a request ended without an answer".to_owned())));
        match (answer, broken.try_recv()) {
            (Ok(answer), _) => Ok(answer.into()),
            (Err(_), Ok(why)) => Err(self.refusal(why, &kind, &inputs, deadline).await),
            (Err(error), Err(_)) => {
                if let Some(reason) = Rejection::of(&error) {
                    self.metrics.reject(reason);
                }
                Err(error.into())
            }
        }
    }

    fn scheduler(&self) -> Result<&Scheduler, Failure> {
        let not_started = || Failure::Engine(Error::Bug("the scheduler is not started".to_owned()));
        self.scheduler.get().ok_or_else(not_started)
    }

    /// The failure of a request that broke a rule.
    async fn refusal<W: LimitedWork<Text: Clone>>(
        &self,
        why: Broken,
        kind: &Kind<W>,
        inputs: &[W::Text],
        deadline: Instant,
    ) -> Failure {
        match why {
            Broken::Answer(failure) => failure,
            Broken::Text(Refused::Empty(index)) => Failure::TextEmpty { index },
            Broken::Text(Refused::Long(index)) => {
                let (input, of_input) = (inputs[index].clone(), kind.clone());
                match self
                    .in_turn(&self.tokenizing, deadline, move || of_input.work().whole_length(&input))
                    .await
                {
                    Ok(tokens) => Failure::TextTooLong { index, tokens, most: kind.work().max_tokens() },
                    Err(failure) => failure,
                }
            }
        }
    }
}

/// Stops the work of a request when it is dropped, as it is if the client goes away.
#[derive(Debug, Default)]
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
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
