//! The provenance that an output records, and the options for queries that fit a corpus.

use nearsay_kernels::Pooling;
use nearsay_models::files::Source;
use nearsay_models::{Model, Side};

use super::{EmbedOptions, EmbedRun, Embedder, OnLong, PoolingChoice};
use crate::session::Session;
use crate::tokens::READING;
use crate::vectors::{Level, Provenance};
use crate::{Error, Result};

impl EmbedRun<'_> {
    /// How the vectors of this run are computed. If the provenance of two runs differs at most in the
    /// program's version and the model's name, they write the same bytes for the same texts.
    pub fn provenance(&self) -> Provenance {
        let mut provenance = self.embedder.provenance();
        if self.layout.level == Level::Token {
            provenance.level = Level::Token;
            if self.embedder.level() != Level::Token {
                provenance.pooling = "none".to_owned();
            }
            provenance.normalized = self.embedder.normalizes_tokens();
            provenance.normalized_whole = false;
            provenance.dimensions = self.layout.dim;
        }
        provenance.on_long = self.on_long.words(self.embedder);
        provenance.output_type = self.layout.output_type;
        provenance.ranges = self.layout.ranges.clone();
        provenance
    }
}

impl Embedder {
    /// How the vectors of [`Embedder::embed`] are computed.
    pub fn provenance(&self) -> Provenance {
        let devices = self.devices();
        let (name, revision) = name_and_revision(self.session());
        let placement = &devices.placements()[0];
        Provenance {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            arithmetic: placement.arithmetic_version(),
            reading: READING,
            model: name,
            revision,
            model_sha256: None,
            precision: devices.precision(),
            precision_arithmetic: placement.arithmetic().to_owned(),
            device: devices.kind(),
            instruction_set: devices.instruction_set(),
            product_library: devices.product_library(),
            level: self.level(),
            layer: self.layer(),
            pooling: self.pooling().0,
            normalized: self.is_normalized(),
            normalized_whole: self.is_normalized_before_shortening(),
            dimensions: self.dimensions(),
            prompt: self.prompt_text().to_owned(),
            task: self.task().map(str::to_owned),
            max_length: self.max_tokens(),
            on_long: OnLong::Truncate.words(self),
            output_type: Default::default(),
            ranges: None,
        }
    }
}

/// How certain it is that a model is the one that vectors were made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelCheck {
    /// The files have the recorded SHA-256, or name and commit are the recorded ones.
    Same,
    /// The recorded name is all that is known, and it is the same.
    SameName,
    /// Nothing is recorded that could be compared.
    Unknown,
}

impl EmbedOptions {
    /// Options for queries that fit the vectors of `corpus`. Layer, pooling, length and normalisation are the
    /// corpus's; the prompt is the model's for queries, or that of the task for queries if the corpus has one. The model of `session` must be the corpus's: its files have
    /// the recorded SHA-256, or, if none is recorded, it has the recorded name.
    ///
    /// # Errors
    /// [`Error::OtherModel`] naming the setting that does not match.
    pub fn fitting(corpus: &Provenance, session: &Session) -> Result<Self> {
        match Self::check_model(corpus, session)? {
            ModelCheck::Unknown => {
                let (name, _) = name_and_revision(session);
                Err(misfit("the model", &corpus.model, &name))
            }
            ModelCheck::Same | ModelCheck::SameName => Self::like(corpus, session),
        }
    }

    /// Compares the model of `session` with that of `corpus`. Files, unlike jobs, record no SHA-256. A model from the
    /// hub has a commit, which must be the recorded one then; folders may have been moved, so another name of a folder
    /// is [`ModelCheck::Unknown`].
    ///
    /// # Errors
    /// [`Error::OtherModel`] with both values if it is another model.
    pub fn check_model(corpus: &Provenance, session: &Session) -> Result<ModelCheck> {
        if let Some(digest) = &corpus.model_sha256 {
            expect("the model's SHA-256", digest, &session.model_digest()?)?;
            return Ok(ModelCheck::Same);
        }
        let (name, revision) = name_and_revision(session);
        if !corpus.revision.is_empty() && !revision.is_empty() {
            expect("the model's revision", &corpus.revision, &revision)?;
            return Ok(ModelCheck::Same);
        }
        Ok(if corpus.model == name { ModelCheck::SameName } else { ModelCheck::Unknown })
    }

    /// [`EmbedOptions::fitting`] without a comparison of the models' names.
    ///
    /// # Errors
    /// [`Error::OtherModel`] naming the setting that does not match.
    pub fn like(corpus: &Provenance, session: &Session) -> Result<Self> {
        expect("level", corpus.level.name(), Level::Text.name())?;
        expect("reading", &corpus.reading.to_string(), &READING.to_string())?;
        let own = session.model().stated_head().description;
        let pooling = match own {
            own if own == corpus.pooling => PoolingChoice::Auto,
            own => match Pooling::named(&corpus.pooling) {
                Some(mode) => PoolingChoice::Mode(mode),
                None => return Err(misfit("pooling", &corpus.pooling, &own)),
            },
        };
        let options = match &corpus.task {
            None => Self::default().prompt("query"),
            Some(task) => Self::default().task(&task_of_queries(task, session.model())),
        };
        let options = Self { pooling, ..options }.layer(corpus.layer).max_length(corpus.max_length);
        // Only a model's own normalization precedes the shortening.
        let options = if corpus.normalized_whole { options } else { options.normalize(corpus.normalized) };
        let usual = session.vector_embedder(&options)?.dimensions();
        Ok(if corpus.dimensions == usual { options } else { options.dimensions(corpus.dimensions) })
    }

    /// The same options for more texts of a corpus instead of queries, given the corpus' prompt and task.
    pub(crate) fn for_texts(self, prompt: &str, task: Option<&str>, model: &Model) -> Self {
        let named = model.prompts().into_iter().find(|(_, text)| text == prompt);
        let instruction = task.and_then(|task| model.task_instruction(task).ok());
        let prompt_name = match named {
            _ if instruction == Some(prompt) => None,
            Some((name, _)) => Some(name),
            None => Some("document".to_owned()),
        };
        Self { prompt_name, task: task.map(str::to_owned), ..self }
    }
}

/// The task for queries of texts that were embedded for `task`: `retrieval.query` for `retrieval.passage`, and `query`
/// for `document`.
fn task_of_queries(task: &str, model: &Model) -> String {
    if task == Side::Document.name() && model.tasks().all(|known| known != task) {
        return Side::Query.name().to_owned();
    }
    let of_queries = task.strip_suffix(".passage").map(|start| format!("{start}.query"));
    let known = of_queries.filter(|name| model.tasks().any(|task| task == name));
    known.unwrap_or_else(|| task.to_owned())
}

/// The model's name, and its commit if it came from the hub.
fn name_and_revision(session: &Session) -> (String, String) {
    let folder = session.model().folder();
    let revision = match folder.source() {
        Source::Folder => String::new(),
        Source::Cache { commit, .. } => commit.clone(),
    };
    (folder.name().to_owned(), revision)
}

fn expect(setting: &'static str, of_corpus: &str, of_model: &str) -> Result<()> {
    if of_corpus == of_model { Ok(()) } else { Err(misfit(setting, of_corpus, of_model)) }
}

fn misfit(setting: &'static str, of_corpus: &str, of_model: &str) -> Error {
    let [of_corpus, of_model] = [of_corpus, of_model].map(str::to_owned);
    Error::OtherModel { setting, of_corpus, of_model }
}
