//! The models of the tools, and the limits of their work.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nearsay::embed::Embedder;
use nearsay::search::QueryModel;
use nearsay::session::scheduler::{Permit, Scheduler, SchedulerOptions, SchedulerThreads};
use nearsay::{CrossEncoder, EmbedOptions, Error, ScoreOptions, Scorer, Session, Workers};
use tokio::sync::Semaphore;

use super::corpora::OpenCorpus;
use crate::errors::{Reason, Refusal};
use crate::models::{Model, open_head, usage};
use crate::shared::Shared;
use crate::work::{Failure, deadline_after};

/// Scorers with the settings of calls that are kept for the next call.
const MOST_SCORERS: usize = 16;

/// Models, and threads that work for calls.
#[derive(Debug)]
pub(super) struct Engine {
    source: Source,
    /// Calls that work at once; each uses all cores if it can.
    pub(super) turns: Arc<Semaphore>,
}

/// Where models come from, and what limits the work.
enum Source {
    /// Its own.
    Own(Vec<Arc<ToolModel>>, Option<Scheduler>),
    /// Those of a server.
    Server(Arc<Shared>),
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Own(..) => "Own",
            Self::Server(_) => "Server",
        })
    }
}

impl Engine {
    /// An engine with these models, in the order in which they are asked.
    ///
    /// # Errors
    /// If the system has no threads left.
    pub(super) fn new(models: Vec<(String, Session)>, embedding: &EmbedOptions) -> nearsay::Result<Self> {
        let scheduler = models.first().map(|(_, session)| {
            Scheduler::start(&SchedulerOptions::default().threads(SchedulerThreads::of(session)))
        });
        let model = |(name, session)| Arc::new(ToolModel::new(name, session, embedding.clone()));
        let models = models.into_iter().map(model).collect();
        Ok(Self { source: Source::Own(models, scheduler.transpose()?), turns: turns() })
    }

    /// An engine with the models and the limits of a server.
    pub(super) fn of_server(shared: Arc<Shared>) -> Self {
        Self { source: Source::Server(shared), turns: turns() }
    }

    /// The models. A server loads those that are not loaded, until `deadline`.
    ///
    /// # Errors
    /// While a server starts, if it cannot load a model in time, and when it cannot answer any more.
    pub(super) async fn models(&self, deadline: Option<Instant>) -> Result<Vec<Arc<ToolModel>>, Refusal> {
        let shared = match &self.source {
            Source::Own(models, _) => return Ok(models.clone()),
            Source::Server(shared) => shared,
        };
        let deadline = deadline.unwrap_or_else(|| deadline_after(shared.config.limits.request));
        let (mut models, mut first_error) = (Vec::new(), None);
        for slot in shared.models()?.all() {
            match shared.load(slot, deadline).await {
                Ok(model) => models.push(Arc::new(ToolModel::of_server(model))),
                // The others may do.
                Err(refusal) => drop(first_error.get_or_insert(refusal)),
            }
        }
        match first_error {
            Some(refusal) if models.is_empty() => Err(refusal),
            _ => Ok(models),
        }
    }

    /// The threads that compare rows: those of the first model that is loaded.
    pub(super) fn workers(&self) -> Workers {
        match &self.source {
            Source::Own(models, _) => workers(models),
            Source::Server(shared) => {
                let loaded = shared.all_models().loaded().next();
                loaded.map_or_else(|| Workers::new(None), |model| model.embedder.session().workers().clone())
            }
        }
    }

    /// Lets a call in that works on about so many tokens, by the limits of the scheduler.
    pub(super) fn admit(&self, tokens: u64) -> Result<Option<Permit>, Failure> {
        match &self.source {
            _ if tokens == 0 => Ok(None),
            Source::Own(_, scheduler) => {
                Ok(scheduler.as_ref().map(|scheduler| scheduler.admit(tokens)).transpose()?)
            }
            Source::Server(shared) => shared.work.admit(tokens).map(Some),
        }
    }

    /// How long a call may take.
    pub(super) fn time_limit(&self) -> Option<Duration> {
        match &self.source {
            Source::Own(..) => None,
            Source::Server(shared) => Some(shared.config.limits.request),
        }
    }
}

/// The first model that turns texts into vectors. Its weights are read if they are not yet.
///
/// # Errors
/// If no model does that.
pub(super) fn first_embedder(models: &[Arc<ToolModel>]) -> Result<(Arc<ToolModel>, Embedder), Refusal> {
    let mut first_error = None;
    for model in models.iter().filter(|model| !model.has_head()) {
        match model.embedder() {
            Ok(embedder) => return Ok((model.clone(), embedder)),
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    let none = || Refusal::new(Reason::NotCapable, "no model of this server turns texts into vectors");
    Err(first_error.map_or_else(none, Refusal::from))
}

/// The threads that compare rows: those of the models.
pub(super) fn workers(models: &[Arc<ToolModel>]) -> Workers {
    models.first().map_or_else(|| Workers::new(None), |model| model.session().workers().clone())
}

fn turns() -> Arc<Semaphore> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Arc::new(Semaphore::new(cores))
}

/// A model. Its parts are loaded when they are first asked for.
pub(super) struct ToolModel {
    pub(super) name: String,
    session: Session,
    embedding: EmbedOptions,
    parts: Parts,
}

/// Where the parts are.
enum Parts {
    Own(Box<ToolParts>),
    /// In a model of a server, so that they are freed with it.
    OfServer(Arc<Model>),
}

/// What tools make of a model: as an encoder of texts to vectors, as a cross-encoder, as a scorer, and for the queries of
/// corpora.
#[derive(Default)]
pub(crate) struct ToolParts {
    embedder: OnceLock<Embedder>,
    head: OnceLock<Option<CrossEncoder>>,
    scorers: Mutex<HashMap<ScorerSettings, Scorer>>,
    queries: Mutex<HashMap<(String, u64), QueryModel>>,
}

impl fmt::Debug for ToolParts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ToolParts").finish_non_exhaustive()
    }
}

/// The settings of a call that a scorer is made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct ScorerSettings {
    pub(super) layer: Option<usize>,
    /// The language whose published baseline scores are rescaled with.
    pub(super) rescale: Option<String>,
}

impl fmt::Debug for ToolModel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ToolModel").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ToolModel {
    fn new(name: String, session: Session, embedding: EmbedOptions) -> Self {
        Self { name, session, embedding, parts: Parts::Own(Box::default()) }
    }

    fn of_server(model: Arc<Model>) -> Self {
        let (session, embedding) = (model.embedder.session().clone(), model.embedding.clone());
        Self { name: model.name.clone(), session, embedding, parts: Parts::OfServer(model) }
    }

    fn parts(&self) -> &ToolParts {
        match &self.parts {
            Parts::Own(parts) => parts,
            Parts::OfServer(model) => &model.tools,
        }
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// The model as an encoder of texts to vectors.
    pub(super) fn embedder(&self) -> nearsay::Result<Embedder> {
        if let Some(embedder) = self.parts().embedder.get() {
            return Ok(embedder.clone());
        }
        let embedder = self.session.vector_embedder(&self.embedding)?;
        Ok(self.parts().embedder.get_or_init(|| embedder).clone())
    }

    /// The model as a cross-encoder, with the settings of the server, if it has a head for that.
    fn head(&self) -> nearsay::Result<Option<CrossEncoder>> {
        if let Some(head) = self.parts().head.get() {
            return Ok(head.clone());
        }
        let head = open_head(&self.session, &self.embedding)?.map(|(head, _)| head);
        Ok(self.parts().head.get_or_init(|| head).clone())
    }

    /// Whether it has a classification head: its other layers are not for vectors of texts.
    pub(super) fn has_head(&self) -> bool {
        matches!(self.head(), Ok(Some(_)))
    }

    /// The model as a cross-encoder with one score per pair, if it is one.
    pub(super) fn cross_encoder(&self) -> Option<CrossEncoder> {
        self.head().ok()??.with_one_score().ok()
    }

    /// The model for queries in words of a version of a corpus.
    pub(super) fn query_model(&self, corpus: &OpenCorpus) -> nearsay::Result<QueryModel> {
        let lock = || self.parts().queries.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (corpus.name.clone(), corpus.version);
        if let Some(known) = lock().get(&key) {
            return Ok(known.clone());
        }
        let opened = QueryModel::open(&corpus.corpus, &self.session, None, None)?;
        let mut queries = lock();
        // Those of earlier versions are of no use.
        queries.retain(|(name, _), _| *name != corpus.name);
        Ok(queries.entry(key).or_insert(opened).clone())
    }

    /// The model as a scorer of pairs.
    pub(super) fn scorer(&self, settings: &ScorerSettings) -> nearsay::Result<Scorer> {
        let lock = || self.parts().scorers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scorer) = lock().get(settings) {
            return Ok(scorer.clone());
        }
        let mut options = ScoreOptions::default();
        options.layer = settings.layer;
        options.max_length = self.embedding.max_length;
        if let Some(language) = &settings.rescale {
            options = options.rescaled(language);
        }
        options
            .check(self.session.model().folder().name())
            .map_err(|error| self.without_layer(error, settings))?;
        let scorer = self.session.scorer(&options)?;
        let mut scorers = lock();
        if scorers.len() >= MOST_SCORERS {
            scorers.clear();
        }
        Ok(scorers.entry(settings.clone()).or_insert(scorer).clone())
    }

    /// The error for a model whose layer is not published, in words of the tool.
    fn without_layer(&self, error: Error, settings: &ScorerSettings) -> Error {
        if settings.layer.is_some() || settings.rescale.is_some() {
            return error;
        }
        let layers = self.session.recipe().num_layers();
        usage(&format!(
            "layer must be a whole number from 0 to {layers} for the model {}, whose best layer is not published, and is \
             missing",
            self.name
        ))
    }
}
