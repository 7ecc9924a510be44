//! A model that turns texts into vectors.

use std::sync::Arc;
use std::time::Instant;

use super::heads::Heads;
use super::late_interaction::LateInteraction;
use super::options::{EmbedOptions, PoolingChoice};
use super::prompted::PromptedTokenizer;
use crate::error::phrase;
use crate::session::{Cancel, Control, Devices, Listener, Session, TextEncoder, Workers};
use crate::tokens::TextTokenizer;
use crate::vectors::Level;
use crate::{Error, Result, Setting};

/// A model that turns texts into vectors, as set in [`EmbedOptions`]. Cloning it or changing its prompt
/// shares the weights. All methods may be called from many threads at once; a text gets the same bits in
/// every call.
///
/// ```no_run
/// # fn main() -> nearsay::Result<()> {
/// let embedder = nearsay::Embedder::open("sentence-transformers/all-MiniLM-L6-v2")?;
/// let vectors = embedder.embed(&["A river ran over its banks.", "The flood came at night."])?;
/// assert_eq!((vectors.len(), vectors.dim()), (2, 384));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Embedder {
    session: Session,
    options: Arc<EmbedOptions>,
    pub(super) parts: Arc<EmbedderParts>,
    control: Control,
    listener: Listener,
}

/// The options resolved for the model.
#[derive(Debug)]
pub(super) struct EmbedderParts {
    /// None for vectors from a table.
    pub(super) encoder: Option<TextEncoder>,
    pub(super) layer: usize,
    pub(super) tokenizer: PromptedTokenizer,
    pub(super) heads: Heads,
    pooling_reason: &'static str,
    /// Number of values kept of each vector, if not all.
    pub(super) dimensions: Option<usize>,
    pub(super) normalizes_tokens: bool,
}

impl Embedder {
    /// Opens the model `name` as [`Session::open`] does, with the options of its files.
    ///
    /// # Errors
    /// As [`Session::open`] and [`Session::embedder`].
    pub fn open(name: &str) -> Result<Self> {
        Session::open(name)?.embedder(&EmbedOptions::default())
    }

    pub(super) fn new(session: &Session, options: &EmbedOptions) -> Result<Self> {
        let model = session.model();
        let layer = options.layer.unwrap_or(model.recipe().num_layers());
        session.check_layer(layer)?;
        let side = options.side_of(model)?;
        let (pooling, pooling_reason) = options.pooling_of(model, side);
        let (late, tokenizer) = match pooling {
            PoolingChoice::Colbert => {
                let (late, tokenizer) = LateInteraction::open(session, side, options.max_length)?;
                (Some(late), tokenizer)
            }
            PoolingChoice::Static => (None, session.query_tokenizer(options.max_length)?),
            _ => {
                let stated = model.sentence_length();
                (None, session.tokenizer(options.max_length, stated, model.lower_cases())?)
            }
        };
        let tokenizer = tokenizer.truncating(options.truncation_side)?;
        let tokenizer = PromptedTokenizer::new(tokenizer, options.prompt_of(model)?, late)?;
        let heads = Heads::load(session, options, (pooling, side), &tokenizer)?;
        let dimensions = match &heads {
            Heads::Vectors(heads) => options.dimensions_of(model, &heads[0])?,
            Heads::Sparse(_) | Heads::Static(_) | Heads::Tokens(..) => None,
        };
        let encoder = match &heads {
            Heads::Static(_) => None,
            _ => Some(session.encoder_for(layer, options.adapter_task(model))?),
        };
        let parts = EmbedderParts {
            encoder,
            layer,
            tokenizer,
            heads,
            pooling_reason,
            dimensions,
            normalizes_tokens: options.normalize == Some(true),
        };
        Ok(Self {
            session: session.clone(),
            options: Arc::new(options.clone()),
            parts: Arc::new(parts),
            control: Control::default(),
            listener: Listener::default(),
        })
    }

    /// The same embedder with the prompt of this name before each text: a prompt named in the model's files,
    /// or `query` or `document`, which are empty if the files do not name them.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) if the model has no such prompt.
    pub fn prompt(&self, name: &str) -> Result<Self> {
        self.with(|options| options.prompt(name))
    }

    /// The same embedder with other options.
    ///
    /// # Errors
    /// As [`Session::embedder`].
    pub fn with(&self, change: impl FnOnce(EmbedOptions) -> EmbedOptions) -> Result<Self> {
        let changed = Self::new(&self.session, &change((*self.options).clone()))?;
        Ok(Self { control: self.control.clone(), listener: self.listener.clone(), ..changed })
    }

    /// The same embedder; `cancel` can stop its calls.
    #[must_use]
    pub fn with_cancel(&self, cancel: &Cancel) -> Self {
        Self { control: self.control.with_cancel(cancel), ..self.clone() }
    }

    /// The same embedder; its calls must finish by `deadline`.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { control: self.control.with_deadline(deadline), ..self.clone() }
    }

    /// The same embedder; during [`Embedder::embed`], `report` is called with the number of texts done so far, after
    /// each micro-batch and from any thread.
    #[must_use]
    pub fn with_progress(&self, report: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { listener: Listener::new(report), ..self.clone() }
    }

    /// The same embedder, whose calls nothing stops, and which reports to nobody.
    pub(super) fn unstoppable(&self) -> Self {
        Self { control: Control::default(), listener: Listener::default(), ..self.clone() }
    }

    /// Who wants to know how far a call is.
    pub(super) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// The opened model.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The options it was created with.
    pub fn options(&self) -> &EmbedOptions {
        &self.options
    }

    /// Width of a text's vector; for sparse ones the size of the vocabulary.
    pub fn dimensions(&self) -> usize {
        self.parts.dimensions.unwrap_or(self.parts.heads.width())
    }

    /// Width of a text's vector before it is shortened.
    pub fn whole_dimensions(&self) -> usize {
        self.parts.heads.width()
    }

    /// The level of its vectors, unless other ones are asked for: one vector per text, dense or sparse, or
    /// one per token.
    pub fn level(&self) -> Level {
        match self.parts.heads {
            Heads::Vectors(_) => Level::Text,
            Heads::Sparse(_) | Heads::Static(_) => Level::Sparse,
            Heads::Tokens(..) => Level::Token,
        }
    }

    /// The level of its vectors if `asked` is asked for; [`Level::Text`] leaves the choice to the embedder.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for sparse vectors that it does not make.
    pub fn level_for(&self, asked: Level) -> Result<Level> {
        match (asked, self.level()) {
            (Level::Token, _) if self.parts.encoder.is_none() => Err(Error::usage_hint(
                "tokens have vectors in the encoder only, and these vectors come from a table of weights",
                phrase![(Setting::Task, "document"), " uses the encoder"],
            )),
            (Level::Text, level) => Ok(level),
            (Level::Sparse, Level::Text | Level::Token) => Err(self.not_sparse()),
            (Level::Token | Level::Sparse, _) => Ok(asked),
        }
    }

    /// Refuses to go on unless it makes one dense vector per text.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) if the model makes others.
    pub(crate) fn check_vectors(&self) -> Result<()> {
        match self.parts.heads {
            Heads::Vectors(_) => Ok(()),
            _ => Err(self.other_level()),
        }
    }

    /// The error for a call that needs one dense vector per text.
    pub(super) fn other_level(&self) -> Error {
        let (pooling, _) = self.pooling();
        Error::usage_hint(
            format!(
                "one dense vector per text is needed, and the model makes {} vectors ({pooling})",
                self.level()
            ),
            phrase![
                (Setting::Pooling, "mean"),
                " pools its hidden states instead; they may not be trained for that"
            ]
            .or("use a model that makes one, such as sentence-transformers/all-MiniLM-L6-v2"),
        )
    }

    /// The tokenizer.
    pub(super) fn tokenizer(&self) -> &TextTokenizer {
        self.parts.tokenizer.tokenizer()
    }

    /// Cancellation and deadline of its calls.
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// Whether special tokens are put around a text.
    pub fn adds_tokens(&self) -> bool {
        !matches!(self.parts.heads, Heads::Static(_))
    }

    /// The longest text in tokens.
    pub fn max_tokens(&self) -> usize {
        self.tokenizer().max_tokens()
    }

    /// Width of a token's vector.
    pub fn hidden_dim(&self) -> usize {
        match &self.parts.heads {
            Heads::Tokens(heads, _) => heads[0].output_dim(),
            _ => self.session.recipe().hidden_dim(),
        }
    }

    /// Describes how a text's tokens become its vector, and the reason.
    pub fn pooling(&self) -> (String, &str) {
        (self.parts.heads.description(), self.parts.pooling_reason)
    }

    /// Whether vectors have length 1. Shortened vectors do only if that was asked for: like
    /// sentence-transformers, a model's own normalization precedes the shortening.
    pub fn is_normalized(&self) -> bool {
        match self.shortens() {
            true => self.options.normalize == Some(true),
            false => self.parts.heads.are_normalized(),
        }
    }

    /// Whether vectors are the first values of longer ones.
    pub fn shortens(&self) -> bool {
        self.dimensions() < self.parts.heads.width()
    }

    /// Whether vectors were normalized before they were shortened, and not after.
    pub fn is_normalized_before_shortening(&self) -> bool {
        self.shortens() && self.parts.heads.are_normalized() && !self.is_normalized()
    }

    /// Where the encoder runs.
    pub fn devices(&self) -> &Devices {
        self.session.devices()
    }

    /// Whether [`Embedder::embed_tokens`] L2-normalizes each token's vector: only if requested, or by late
    /// interaction.
    pub fn normalizes_tokens(&self) -> bool {
        match &self.parts.heads {
            Heads::Tokens(heads, _) => heads[0].is_normalized(),
            _ => self.parts.normalizes_tokens,
        }
    }

    /// The tokens of a text that have a vector, by their place in it.
    pub(super) fn kept_tokens<'a>(&'a self, ids: &'a [u32]) -> Box<dyn Iterator<Item = usize> + 'a> {
        match self.parts.tokenizer.late_interaction() {
            Some(late) => Box::new(late.kept(ids)),
            None => Box::new(0..ids.len()),
        }
    }

    /// The prompt before each text.
    pub fn prompt_text(&self) -> &str {
        self.parts.tokenizer.prompt()
    }

    /// The task of the loaded adapters, or the side of the texts: `query` or `document`.
    pub fn task(&self) -> Option<&str> {
        self.options.task.as_deref()
    }

    /// The layer whose hidden states are used.
    pub fn layer(&self) -> usize {
        self.parts.layer
    }

    /// Whether the encoder leaves the CPU free.
    pub(super) fn works_beside_cpu(&self) -> bool {
        self.parts.encoder.as_ref().is_some_and(TextEncoder::is_on_gpu)
    }

    /// The CPU worker threads.
    pub fn workers(&self) -> &Workers {
        self.session.workers()
    }
}
