//! The models of a server, by name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use nearsay::embed::{TextVectors, TokenVectors};
use nearsay::session::scheduler::Kind;
use nearsay::vectors::{Level, Provenance};
use nearsay::{EmbedOptions, Embedder, Error};

use crate::config::{Config, ModelSource};
use crate::errors::{Reason, Refusal};
use crate::json::shown;
use crate::work::OfInputs;

/// Embedders with the settings of requests that are kept for the next request; each is a tokenizer and a few numbers
/// besides what all share.
const MOST_EMBEDDERS: usize = 64;

/// The settings of a request that an embedder is made with; `None`: as the server was started with, else the model's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Settings {
    pub(crate) prompt_name: Option<String>,
    pub(crate) normalize: Option<bool>,
    pub(crate) dimensions: Option<usize>,
    pub(crate) max_length: Option<usize>,
}

impl Settings {
    fn apply(&self, mut options: EmbedOptions) -> EmbedOptions {
        if let Some(name) = &self.prompt_name {
            options.prompt = None;
            options.prompt_name = Some(name.clone());
        }
        options.normalize = self.normalize.or(options.normalize);
        options.dimensions = self.dimensions.or(options.dimensions);
        options.max_length = self.max_length.or(options.max_length);
        options
    }
}

/// An embedder with the settings of requests, and its kinds of work. Requests share those, as only texts of the same kind
/// are encoded together.
#[derive(Debug)]
pub(crate) struct Prepared {
    embedder: Embedder,
    text_vectors: OnceLock<Kind<OfInputs<TextVectors>>>,
    token_vectors: OnceLock<Kind<OfInputs<TokenVectors>>>,
}

impl Prepared {
    fn new(embedder: Embedder) -> Self {
        Self { embedder, text_vectors: OnceLock::new(), token_vectors: OnceLock::new() }
    }

    pub(crate) fn embedder(&self) -> &Embedder {
        &self.embedder
    }

    /// One vector per text.
    ///
    /// # Errors
    /// If the model makes other vectors.
    pub(crate) fn text_vectors(&self) -> nearsay::Result<Kind<OfInputs<TextVectors>>> {
        if let Some(kind) = self.text_vectors.get() {
            return Ok(kind.clone());
        }
        let work = TextVectors::new(&self.embedder)?;
        Ok(self.text_vectors.get_or_init(|| Kind::new(OfInputs::new(work, &self.embedder))).clone())
    }

    /// A vector per token.
    ///
    /// # Errors
    /// If tokens have none.
    pub(crate) fn token_vectors(&self) -> nearsay::Result<Kind<OfInputs<TokenVectors>>> {
        if let Some(kind) = self.token_vectors.get() {
            return Ok(kind.clone());
        }
        let work = TokenVectors::new(&self.embedder)?;
        Ok(self.token_vectors.get_or_init(|| Kind::new(OfInputs::new(work, &self.embedder))).clone())
    }
}

/// A loaded model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    source: String,
    /// With the settings of the server.
    pub(crate) embedder: Embedder,
    pub(crate) provenance: Provenance,
    /// The SHA-256 of its files.
    pub(crate) sha256: String,
    /// When it was loaded, in seconds since 1970.
    pub(crate) created: u64,
    prepared: Arc<Prepared>,
    of_settings: Mutex<HashMap<Settings, Arc<Prepared>>>,
}

impl Model {
    /// Opens a model, reads its weights, and checks that it turns a text into finite numbers.
    fn load(source: &ModelSource, config: &Config) -> nearsay::Result<Self> {
        let session = (config.open)(&source.source)?;
        let embedder = session.embedder(&config.embedding)?;
        if embedder.level() == Level::Text {
            let vectors = embedder.embed(&["nearsay"])?.vectors;
            if !vectors.values().iter().all(|value| value.is_finite()) {
                return Err(Error::NonFinite { what: format!("a vector of the model {}", source.name) });
            }
        }
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Ok(Self {
            name: source.name.clone(),
            source: source.source.clone(),
            provenance: embedder.provenance(),
            sha256: session.model_digest()?,
            prepared: Arc::new(Prepared::new(embedder.clone())),
            embedder,
            created,
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

    /// Refuses a model that makes other vectors than one dense vector per text.
    pub(crate) fn check_dense(&self) -> Result<(), Refusal> {
        match self.embedder.level() {
            Level::Text => Ok(()),
            level => Err(Refusal::new(
                Reason::NotCapable,
                format!(
                    "the model {} must make one dense vector per text, and makes {level} vectors",
                    self.name
                ),
            )),
        }
    }
}

/// The models. The first is the default.
#[derive(Debug)]
pub(crate) struct Models {
    first: Arc<Model>,
    others: Vec<Arc<Model>>,
    aliases: Vec<(String, String)>,
}

impl Models {
    /// Loads all models of a server.
    ///
    /// # Errors
    /// Those of the first that fails; if there is none.
    pub(crate) fn load(config: &Config) -> nearsay::Result<Self> {
        let load = |source| Model::load(source, config).map(Arc::new);
        let mut loaded = config.models.iter().map(load);
        let Some(first) = loaded.next() else { return Err(usage("a server needs at least one model")) };
        let models = Self {
            first: first?,
            others: loaded.collect::<Result<_, _>>()?,
            aliases: config.aliases.clone(),
        };
        Ok(models)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Model>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(crate) fn first(&self) -> &Arc<Model> {
        &self.first
    }

    /// The model of this name or alias; without a name the first.
    pub(crate) fn find(&self, asked: Option<&str>) -> Result<Arc<Model>, Refusal> {
        let Some(asked) = asked else { return Ok(self.first.clone()) };
        let alias = self.aliases.iter().find(|(alias, _)| alias == asked);
        let name = alias.map_or(asked, |(_, name)| name.as_str());
        let found = self.all().find(|model| model.name == name || model.source == name);
        found.cloned().ok_or_else(|| {
            let names: Vec<&str> = self.all().map(|model| model.name.as_str()).collect();
            let message =
                format!("model must be one of this server's, {}, got {}", names.join(", "), shown(asked));
            Refusal::of("model", Reason::Model, message)
        })
    }
}

/// Refuses names that two models share, and aliases of models that do not exist.
///
/// # Errors
/// [`Error::Usage`].
pub(crate) fn check_names(config: &Config) -> nearsay::Result<()> {
    let names =
        config.models.iter().map(|model| &model.name).chain(config.aliases.iter().map(|(alias, _)| alias));
    let mut seen = Vec::new();
    for name in names {
        if name.is_empty() {
            return Err(usage("the name of a model must have at least one character, got none"));
        }
        if seen.contains(&name) {
            return Err(usage(&format!(
                "each model and alias must have its own name, and {name} is given twice"
            )));
        }
        seen.push(name);
    }
    for (alias, of) in &config.aliases {
        if !config.models.iter().any(|model| model.name == *of || model.source == *of) {
            return Err(usage(&format!(
                "the alias {alias} refers to {of}, which is not a model of this server"
            )));
        }
    }
    Ok(())
}

pub(crate) fn usage(message: &str) -> Error {
    Error::Usage { message: message.into(), hint: None }
}
