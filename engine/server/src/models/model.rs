//! A loaded model, and what it can do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use nearsay::rerank::PairScoring;
use nearsay::session::scheduler::Kind;
use nearsay::vectors::{Level, Provenance};
use nearsay::{CrossEncoderOptions, EmbedOptions, Embedder, Error, Pooling, Session};

use super::prepared::{Prepared, Settings};
use crate::config::{Config, ModelSource};
use crate::errors::{Reason, Refusal};
use crate::log::now;

/// Embedders with the settings of requests that are kept for the next request; each is a tokenizer and a few numbers
/// besides what all share.
const MOST_EMBEDDERS: usize = 64;

/// A loaded model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(super) source: String,
    /// With the settings of the server.
    pub(crate) embedder: Embedder,
    pub(crate) task: Task,
    pub(crate) provenance: Provenance,
    /// The SHA-256 of its files.
    pub(crate) sha256: String,
    /// When it was loaded, in seconds since 1970.
    pub(crate) created: u64,
    prepared: Arc<Prepared>,
    of_settings: Mutex<HashMap<Settings, Arc<Prepared>>>,
}

/// What a model is for.
#[derive(Debug)]
pub(crate) enum Task {
    /// Vectors of texts or tokens.
    Vectors(Level),
    /// Scores of pairs and texts, as its head has labels.
    Labels(Labels),
}

/// A head with labels, of a cross-encoder or a classifier.
#[derive(Debug)]
pub(crate) struct Labels {
    /// Scores by the function that the model's files name.
    pub(crate) scores: Kind<PairScoring>,
    /// Logits.
    pub(crate) logits: Kind<PairScoring>,
    /// The labels' names, one for each score of a pair.
    pub(crate) names: Vec<String>,
}

impl Labels {
    /// The head of a model, if it has one.
    fn of(session: &Session, options: &EmbedOptions) -> nearsay::Result<Option<Self>> {
        let kind = |logits| {
            let mut of_pairs = CrossEncoderOptions::default().logits(logits);
            of_pairs.max_length = options.max_length;
            of_pairs.prompt_name.clone_from(&options.prompt_name);
            session.cross_encoder(&of_pairs).map(|encoder| Kind::new(PairScoring::new(&encoder)))
        };
        let scores = match kind(false) {
            Ok(scores) => scores,
            Err(error) if has_no_head(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let names = session.model().label_names(scores.work().cross_encoder().num_labels())?;
        Ok(Some(Self { scores, logits: kind(true)?, names }))
    }
}

fn has_no_head(error: &Error) -> bool {
    match error {
        Error::Hinted { error, .. } => has_no_head(error),
        Error::Model(error) => matches!(error, nearsay::models::Error::NoHead { .. }),
        _ => false,
    }
}

/// The tokenizer of a model whose head has labels, as an embedder.
fn tokenizing(session: &Session, options: &EmbedOptions) -> nearsay::Result<Embedder> {
    let mut of_tokens = EmbedOptions::default().pooling(Pooling::Mean);
    of_tokens.max_length = options.max_length;
    session.embedder(&of_tokens)
}

impl Model {
    /// Opens a model, reads its weights, and checks that it turns a text into finite numbers.
    pub(super) fn load(source: &ModelSource, config: &Config) -> nearsay::Result<Self> {
        let session = (config.open)(&source.source)?;
        let (embedder, task) = match Labels::of(&session, &config.embedding)? {
            Some(labels) => (tokenizing(&session, &config.embedding)?, Task::Labels(labels)),
            None => {
                let embedder = session.embedder(&config.embedding)?;
                let level = embedder.level();
                (embedder, Task::Vectors(level))
            }
        };
        let values = match &task {
            Task::Vectors(Level::Text) => embedder.embed(&["nearsay"])?.vectors.values().to_vec(),
            Task::Vectors(_) => embedder.embed_tokens(&["nearsay"])?.vectors.values().to_vec(),
            Task::Labels(labels) => {
                labels.scores.work().cross_encoder().score(&[("nearsay", "nearsay")], |_| ())?.scores
            }
        };
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Error::NonFinite { what: format!("an output of the model {}", source.name) });
        }
        Ok(Self {
            name: source.name.clone(),
            source: source.source.clone(),
            task,
            provenance: embedder.provenance(),
            sha256: session.model_digest()?,
            prepared: Arc::new(Prepared::new(embedder.clone())),
            embedder,
            created: now(),
            of_settings: Mutex::default(),
        })
    }

    /// The embedder with the settings of a request, and its work.
    pub(crate) fn prepared(&self, settings: &Settings) -> nearsay::Result<Arc<Prepared>> {
        if *settings == Settings::default() {
            return Ok(self.prepared.clone());
        }
        let lock = || self.of_settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(settings) {
            return Ok(known.clone());
        }
        let made = Arc::new(Prepared::new(self.embedder.with(|options| settings.apply(options))?));
        let mut of_settings = lock();
        if of_settings.len() >= MOST_EMBEDDERS {
            of_settings.clear();
        }
        // Another request may have made the same: equal texts of both are encoded once if their work is the same.
        Ok(of_settings.entry(settings.clone()).or_insert(made).clone())
    }

    /// Refuses a model that makes no vectors of this level.
    pub(crate) fn check_makes(&self, asked: Level) -> Result<(), Refusal> {
        let makes = match &self.task {
            Task::Vectors(level) if *level == asked => return Ok(()),
            // Every token that an encoder has read has a vector.
            Task::Vectors(Level::Text | Level::Sparse) if asked == Level::Token => return Ok(()),
            Task::Vectors(level) => format!("makes {level} vectors"),
            Task::Labels(_) => "scores texts".to_owned(),
        };
        let needed = match asked {
            Level::Text => "one dense vector per text",
            Level::Token => "a vector per token",
            Level::Sparse => "sparse vectors",
            _ => "other vectors",
        };
        Err(self.not_capable(&format!("make {needed}"), &makes))
    }

    /// The head that scores pairs and texts.
    pub(crate) fn labels(&self) -> Result<&Labels, Refusal> {
        match &self.task {
            Task::Labels(labels) => Ok(labels),
            Task::Vectors(level) => {
                Err(self.not_capable("have a classification head", &format!("makes {level} vectors")))
            }
        }
    }

    /// The refusal of a request that this model cannot answer.
    pub(crate) fn not_capable(&self, needed: &str, does: &str) -> Refusal {
        Refusal::new(Reason::NotCapable, format!("the model {} must {needed}, and {does}", self.name))
    }
}
