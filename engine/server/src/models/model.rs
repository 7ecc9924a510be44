//! A loaded model, and what it can do.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use nearsay::rerank::PairScoring;
use nearsay::session::scheduler::Kind;
use nearsay::tokens::TruncationSide;
use nearsay::vectors::{Level, Provenance};
use nearsay::{CrossEncoder, CrossEncoderOptions, EmbedOptions, Embedder, Error, Pooling, Session};

use super::prepared::{Prepared, Settings};
use crate::config::{Config, ModelSource};
use crate::errors::{Reason, Refusal};
use crate::log::now;
use crate::recent::Recent;

/// Embedders with the settings of requests that are kept for the next request; each is a tokenizer and a few numbers
/// besides what all share.
const MOST_EMBEDDERS: usize = 64;

/// The name of the head that turns a text or a pair into labels.
const CLASSIFICATION: &str = "classification";

/// A loaded model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    /// With the settings of the server.
    pub(crate) embedder: Embedder,
    pub(crate) task: Task,
    /// The longest text of the server's settings.
    pub(crate) max_length: Option<usize>,
    /// The settings of the server.
    #[cfg(feature = "mcp")]
    pub(crate) embedding: EmbedOptions,
    /// The least that a text may be cut to: its special tokens and one more.
    pub(crate) shortest_limit: usize,
    pub(crate) provenance: Provenance,
    /// The SHA-256 of its files.
    pub(crate) sha256: String,
    /// When it was loaded, in seconds since 1970.
    pub(crate) created: u64,
    prepared: Arc<Prepared>,
    of_settings: Mutex<Recent<Settings, Arc<Prepared>>>,
    /// What tools for agents make of it.
    #[cfg(feature = "mcp")]
    pub(crate) tools: crate::mcp::ToolParts,
}

/// The use of a model.
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
    session: Session,
    options: CrossEncoderOptions,
    /// The labels' names, one for each score of a pair.
    pub(crate) names: Vec<String>,
    /// By whether they make logits, and by the end at which texts are cut.
    kinds: [OnceLock<Kind<PairScoring>>; 4],
}

impl Labels {
    /// The head of a model, if it has one.
    fn of(session: &Session, embedding: &EmbedOptions) -> nearsay::Result<Option<Self>> {
        let Some((encoder, options)) = open_head(session, embedding)? else { return Ok(None) };
        let names = session.model().label_names(encoder.num_labels())?;
        Ok(Some(Self { session: session.clone(), options, names, kinds: Default::default() }))
    }

    /// Scores of texts and pairs: logits, or by the function that the model's files name.
    ///
    /// # Errors
    /// If texts cannot be cut at this end.
    pub(crate) fn kind(&self, logits: bool, side: TruncationSide) -> nearsay::Result<Kind<PairScoring>> {
        let known = &self.kinds[usize::from(logits) + 2 * usize::from(side == TruncationSide::Left)];
        if let Some(kind) = known.get() {
            return Ok(kind.clone());
        }
        let encoder =
            self.session.cross_encoder(&self.options.clone().logits(logits).truncation_side(side))?;
        Ok(known.get_or_init(|| Kind::new(PairScoring::new(&encoder))).clone())
    }
}

/// The head of a model as a cross-encoder with the settings of the server, if it has one.
///
/// # Errors
/// If a file of the model breaks a rule.
pub(crate) fn open_head(
    session: &Session,
    embedding: &EmbedOptions,
) -> nearsay::Result<Option<(CrossEncoder, CrossEncoderOptions)>> {
    let model = session.model();
    let is_cross_encoder = model.sentence_transformer().is_some_and(|sentence| sentence.is_cross_encoder());
    // Of other families, no head is read, whether the weights have one or not.
    if !is_cross_encoder && !model.family().heads().iter().any(|head| head.name() == CLASSIFICATION) {
        return Ok(None);
    }
    let mut options = CrossEncoderOptions::default();
    options.max_length = embedding.max_length;
    options.prompt_name.clone_from(&embedding.prompt_name);
    match session.cross_encoder(&options) {
        Ok(encoder) => Ok(Some((encoder, options))),
        Err(error) if has_no_head(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn has_no_head(error: &Error) -> bool {
    match error {
        Error::Hinted { error, .. } => has_no_head(error),
        Error::Model(error) => matches!(error, nearsay::models::Error::NoHead { .. }),
        _ => false,
    }
}

/// The name that clients see of a model that was opened as `opened`, and is called `name`: a folder of this machine is none
/// of theirs.
pub(crate) fn public_name(opened: &str, name: &str) -> String {
    if Path::new(opened).is_dir() { name.to_owned() } else { opened.to_owned() }
}

/// The tokenizer of a model whose head has labels, as an embedder.
fn tokenizing(session: &Session, options: &EmbedOptions) -> nearsay::Result<Embedder> {
    let mut of_tokens = EmbedOptions::default().pooling(Pooling::Mean);
    of_tokens.max_length = options.max_length;
    session.embedder(&of_tokens)
}

impl Model {
    /// Reads the weights of an opened model, and checks that it turns a text into finite numbers.
    pub(super) fn load(source: &ModelSource, session: &Session, config: &Config) -> nearsay::Result<Self> {
        let (embedder, task) = match Labels::of(session, &config.embedding)? {
            Some(labels) => (tokenizing(session, &config.embedding)?, Task::Labels(labels)),
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
                let kind = labels.kind(false, TruncationSide::default())?;
                kind.work().cross_encoder().score(&[("nearsay", "nearsay")], |_| ())?.scores
            }
        };
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Error::NonFinite { what: format!("an output of the model {}", source.name) });
        }
        Ok(Self {
            name: source.name.clone(),
            task,
            max_length: config.embedding.max_length,
            #[cfg(feature = "mcp")]
            embedding: config.embedding.clone(),
            shortest_limit: embedder.tokenize(&[""])?.iter().map(|text| text.ids.len() + 1).sum(),
            provenance: embedder.provenance(),
            sha256: session.model_digest()?,
            prepared: Arc::new(Prepared::new(embedder.clone())),
            embedder,
            created: now(),
            of_settings: Mutex::new(Recent::new(MOST_EMBEDDERS)),
            #[cfg(feature = "mcp")]
            tools: crate::mcp::ToolParts::default(),
        })
    }

    /// The embedder with the settings of a request, and its work.
    pub(crate) fn prepared(&self, settings: &Settings) -> nearsay::Result<Arc<Prepared>> {
        if *settings == Settings::default() {
            return Ok(self.prepared.clone());
        }
        let lock = || self.of_settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(settings) {
            return Ok(known);
        }
        let made = Arc::new(Prepared::new(self.embedder.with(|options| settings.apply(options))?));
        // Another request may have made the same: equal texts of both are encoded once if their work is the same.
        Ok(lock().get_or_insert(settings, made))
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

    /// The name that clients see of this model, which was opened as `opened`.
    pub(crate) fn public_name(&self, opened: &str) -> String {
        public_name(opened, &self.name)
    }

    /// The refusal of a request that this model cannot answer.
    pub(crate) fn not_capable(&self, needed: &str, does: &str) -> Refusal {
        Refusal::new(Reason::NotCapable, format!("the model {} must {needed}, and {does}", self.name))
    }
}
