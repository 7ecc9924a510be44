//! Pairs of texts to scores: tokens, hidden states, matches, means.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use nearsay_models::HubOptions;

use super::cache::{TextCache, TextStore};
use super::idf_counter::IdfCounter;
use super::idf_file::SavedIdf;
use super::long_texts::ScoreTokenizer;
use super::options::{ResolvedOptions, ScoredLayer};
use super::progress::RunProgress;
use super::references::EncodedReferences;
use super::rounds::Call;
use super::scored::{ScoreNotices, Scored, ScoredWindow};
use super::{
    Baseline, BaselineRow, IdfWeights, OnLongText, Rescaling, ScoreOptions, Scores, Signature, TokenWeights,
    default_model,
};
use crate::error::phrase;
use crate::score::systems::RecurringTexts;
use crate::score::{Pair, PairSource, PairTexts};
use crate::session::{
    Cancel, Control, Listener, Measured, Session, TextEncoder, WindowLimits, Windows, Workers, pipeline,
};
use crate::tokens::SpecialTokens;
use crate::{Error, Result, Setting};

/// Bytes of encoded texts that are kept for later pairs.
const CACHE_BYTES: usize = 128 << 20;

/// Maximum number of hidden-state values in a window of pairs: 128 MiB.
const WINDOW_VALUES: usize = 32 << 20;

/// The same on a GPU, whose windows must keep several micro-batches running: 512 MiB in 16 bits.
const GPU_WINDOW_VALUES: usize = 256 << 20;

/// Maximum bytes of text in a window.
const WINDOW_BYTES: usize = 64 << 20;

/// Lowest usual number of bytes per token (English has 4.5); only affects the size of a window.
const BYTES_PER_TOKEN: usize = 3;

/// A model that scores pairs of texts with BERTScore, as set in [`ScoreOptions`]. Cloning it shares the
/// weights. All methods may be called from many threads at once; a pair gets the same bits in every call.
///
/// ```no_run
/// # fn main() -> nearsay::Result<()> {
/// let scorer = nearsay::Scorer::for_language("en")?;
/// let scores = scorer.score(&[("The cat sat.", "A cat was sitting.")])?;
/// println!("F1 {:.4}  {}", scores[0].f1, scorer.signature());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Scorer {
    pub(super) session: Session,
    /// With the scored layer at least.
    pub(super) encoder: TextEncoder,
    pub(super) layer: ScoredLayer,
    pub(super) cache: Arc<Mutex<TextCache>>,
    /// Texts that earlier runs encoded.
    pub(super) store: Option<Arc<TextStore>>,
    /// References that stay in memory.
    pub(super) references: Option<Arc<EncodedReferences>>,
    pub(super) parts: Arc<ScorerParts>,
    pub(super) weights: Arc<TokenWeights>,
    /// The SHA-256 of the document frequencies, if they are from a file.
    pub(super) saved_idf: Option<Arc<str>>,
    pub(super) control: Control,
    pub(super) listener: Listener,
    pub(super) recurring: Option<RecurringTexts>,
}

/// The options resolved for the model, without the layer.
#[derive(Debug)]
pub(super) struct ScorerParts {
    pub(super) tokenizer: ScoreTokenizer,
    /// As of the options.
    use_fast_tokenizer: bool,
    rescaling: Rescaling,
    baseline: Option<Baseline>,
}

impl Scorer {
    /// Opens the model `name` as [`Session::open`] does, with its layer in bert_score's table.
    ///
    /// # Errors
    /// As [`Session::open`] and [`Session::scorer`].
    pub fn open(name: &str) -> Result<Self> {
        // Report missing table entries before anything is opened.
        ScoreOptions::default().check_with(name, &HubOptions::from_env())?;
        Session::open(name)?.scorer(&ScoreOptions::default())
    }

    /// Opens the model that bert_score uses for a language (`en`: roberta-large), with its layer.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) if no model is known for the language; as [`Scorer::open`].
    pub fn for_language(code: &str) -> Result<Self> {
        Self::open(default_model(code)?)
    }

    fn new(session: &Session, options: &ScoreOptions) -> Result<Self> {
        let model = session.model();
        let ResolvedOptions { layer, rescaling, baseline } =
            options.resolve(model.folder().name(), Some(model.recipe().num_layers()))?;
        session.check_layer(layer.layer)?;
        let tokenizer = session.score_tokenizer(options)?;
        let special = SpecialTokens::find(model.tokenizer().settings(), &tokenizer);
        let tokenizer = ScoreTokenizer::new(tokenizer, options.on_long, session.recipe())?;
        let use_fast_tokenizer = options.use_fast_tokenizer;
        Ok(Self {
            session: session.clone(),
            encoder: session.encoder(layer.layer)?,
            layer,
            cache: new_cache(),
            store: None,
            references: None,
            parts: Arc::new(ScorerParts { tokenizer, use_fast_tokenizer, rescaling, baseline }),
            weights: Arc::new(TokenWeights::uniform(special.cls, special.sep)),
            saved_idf: None,
            control: Control::default(),
            listener: Listener::default(),
            recurring: None,
        })
    }

    /// The same scorer for another layer, with that layer's row of the baseline. Both share everything but the texts
    /// encoded so far: in memory, as references, and in a [`CacheFolder`](super::CacheFolder).
    ///
    /// # Errors
    /// If the model or the baseline does not have the layer, or a device has no room for it.
    pub fn at_layer(&self, layer: usize) -> Result<Self> {
        let scored = ScoredLayer::new(layer, self.parts.baseline.as_ref())?;
        let encoder = self.session.encoder(layer)?;
        let cache = new_cache();
        Ok(Self { encoder, layer: scored, cache, store: None, references: None, ..self.clone() })
    }

    /// Whether `other` scores the same model with the same settings, maybe at another layer.
    pub(in crate::score) fn is_same_but_layer(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts) && Arc::ptr_eq(&self.weights, &other.weights)
    }

    /// The same scorer with tokens weighted by inverse document frequency over the references of `source`. A
    /// blank text in a further column does not count as a reference ([`PairSource::pairs`]).
    ///
    /// # Errors
    /// If a reference cannot be read, there are fewer than two, or the call is stopped.
    pub fn weighted_by_idf(&self, source: &PairSource) -> Result<Self> {
        let counts = self.idf_counter().counts(&source.references, source.blank_is_missing)?;
        Ok(Self { weights: Arc::new(TokenWeights::Idf(counts.finish()?)), saved_idf: None, ..self.clone() })
    }

    /// The same scorer with tokens weighted by the document frequencies in a file.
    ///
    /// # Errors
    /// [`Error::BadInput`](crate::Error::BadInput) if they were counted with another tokenizer or length, or over fewer
    /// than two references; [`Error::Usage`](crate::Error::Usage) if long texts are scored in windows, since those of the
    /// file were truncated.
    pub fn weighted_by(&self, saved: &SavedIdf) -> Result<Self> {
        if self.parts.tokenizer.on_long() == OnLongText::Windows {
            return Err(Error::usage_hint(
                format!(
                    "a file of document frequencies counts texts cut to {} tokens, and texts in windows have all of theirs",
                    self.max_tokens()
                ),
                phrase!["count the references of this call: ", Setting::Idf, " without a file"],
            ));
        }
        let weights = saved.weights(&self.idf_counter().origin()?, self.session.model().folder().name())?;
        let digest: Arc<str> = saved.sha256()?.into();
        Ok(Self { weights: Arc::new(TokenWeights::Idf(weights)), saved_idf: Some(digest), ..self.clone() })
    }

    /// The same scorer with these weights of tokens.
    #[must_use]
    pub fn weighted(&self, weights: IdfWeights) -> Self {
        Self { weights: Arc::new(TokenWeights::Idf(weights)), saved_idf: None, ..self.clone() }
    }

    /// The same scorer in a process that was forked from the one that opened it ([`Session::after_fork`]).
    ///
    /// # Errors
    /// As [`Session::after_fork`].
    pub fn after_fork(&self) -> Result<Self> {
        let session = self.session.after_fork()?;
        let encoder = session.encoder(self.layer.layer)?;
        Ok(Self { session, encoder, cache: new_cache(), store: None, ..self.clone() })
    }

    fn idf_counter(&self) -> IdfCounter {
        IdfCounter::new(&self.session, self.parts.tokenizer.tokenizer())
            .controlled(&self.control, &self.listener)
    }

    /// The same scorer; `cancel` can stop its calls.
    #[must_use]
    pub fn with_cancel(&self, cancel: &Cancel) -> Self {
        Self { control: self.control.with_cancel(cancel), ..self.clone() }
    }

    /// The same scorer; its calls must finish by `deadline`.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { control: self.control.with_deadline(deadline), ..self.clone() }
    }

    /// The same scorer; during a call `report` is called with the number of pairs done so far, after each
    /// micro-batch and from any thread. [`Scorer::weighted_by_idf`] reports references.
    #[must_use]
    pub fn with_progress(&self, report: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { listener: Listener::new(report), ..self.clone() }
    }

    /// The same scorer, which knows the texts that occur in more than one row: these are kept from row to row, within
    /// a bound of memory, and others are not.
    #[must_use]
    pub fn keeping(&self, recurring: &RecurringTexts) -> Self {
        Self { recurring: Some(recurring.clone()), ..self.clone() }
    }

    /// The same scorer; nothing stops its calls, and nobody wants to know how far they are.
    #[must_use]
    pub fn without_control(&self) -> Self {
        Self { control: Control::default(), listener: Listener::default(), ..self.clone() }
    }

    /// The layer's baseline, if scores are rescaled.
    pub fn baseline(&self) -> Option<BaselineRow> {
        self.layer.baseline
    }

    pub(super) fn with_store(&self, store: Option<Arc<TextStore>>) -> Self {
        Self { store, ..self.clone() }
    }

    /// The opened model.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The layer whose hidden states are compared.
    pub fn layer(&self) -> usize {
        self.layer.layer
    }

    /// The longest text in tokens; with [`OnLongText::Windows`], the longest window.
    pub fn max_tokens(&self) -> usize {
        self.parts.tokenizer.max_tokens()
    }

    /// Whether a space is put before each text, as bert_score does for models of RoBERTa and GPT-2 unless it is asked for
    /// the fast tokenizer ([`ScoreOptions::use_fast_tokenizer`]).
    pub fn puts_space(&self) -> bool {
        self.parts.tokenizer.tokenizer().leading_space()
    }

    /// The settings of a score, in one line for papers.
    pub fn signature(&self) -> Signature {
        Signature {
            model: self.session.model().folder().name().to_owned(),
            layer: self.layer.layer,
            idf: matches!(*self.weights, TokenWeights::Idf(_)),
            saved_idf: self.saved_idf.as_deref().map(str::to_owned),
            rescaling: self.parts.rescaling,
            precision: self.session.devices().precision().name().to_owned(),
            max_length: self.max_tokens(),
            windows: self.parts.tokenizer.on_long() == OnLongText::Windows,
            baseline: self.parts.baseline.as_ref().and_then(Baseline::sha256).map(str::to_owned),
            row_weights: None,
            use_fast_tokenizer: self.parts.use_fast_tokenizer,
        }
    }

    pub(super) fn workers(&self) -> &Workers {
        self.session.workers()
    }

    /// Scores pairs in memory, in order: a candidate and a reference, or [`PairTexts`] with several.
    ///
    /// # Errors
    /// If the tokenizer or the encoder fails, a pair has no reference, or the call is stopped.
    pub fn score<P: Pair>(&self, pairs: &[P]) -> Result<Scored> {
        let mut scores = Vec::with_capacity(pairs.len());
        let notices = self.call().run(pairs.iter().map(|pair| Ok(pair.to_texts())), |layers| {
            scores.extend(layers.concat());
            Ok(())
        })?;
        Ok(Scored { scores, notices })
    }

    /// Scores every pair of `source`, row by row and in each row system by system. `each` is called with the scores of one window at a time.
    ///
    /// On a GPU the next window is read and tokenized while one is encoded and matched.
    ///
    /// # Errors
    /// If an input breaks a rule, the encoder or `each` fails, or the call is stopped.
    pub fn score_source(
        &self,
        source: &PairSource,
        mut each: impl FnMut(&[Scores]) -> Result<()>,
    ) -> Result<ScoreNotices> {
        self.call().run(source.pairs()?, |layers| layers.iter().try_for_each(|scores| each(scores)))
    }

    fn call(&self) -> Call<'_> {
        let layers = std::slice::from_ref(&self.layer);
        Call { scorer: self, layers, cache: Some(&self.cache), store: self.store.as_deref() }
    }

    /// Windows of pairs whose texts stop at so many layers.
    pub(in crate::score) fn limits(&self, layers: usize) -> WindowLimits {
        let is_on_gpu = self.encoder.is_on_gpu();
        let values = if is_on_gpu { GPU_WINDOW_VALUES } else { WINDOW_VALUES };
        // Between two layers there are the texts' hidden states next to their unit rows.
        let values = if layers > 1 { values / 2 } else { values };
        let limits = WindowLimits {
            items: usize::MAX,
            useful_bytes: BYTES_PER_TOKEN * values / self.session.recipe().hidden_dim(),
            bytes: WINDOW_BYTES,
            max_tokens: self.parts.tokenizer.kept_tokens(),
            doublings: 0,
        };
        if is_on_gpu { limits.starting_small() } else { limits }
    }
}

fn new_cache() -> Arc<Mutex<TextCache>> {
    Arc::new(Mutex::new(TextCache::new(CACHE_BYTES)))
}

impl Call<'_> {
    /// Scores all pairs, window by window; `each` is called with the scores of a window at each layer.
    pub(super) fn run(
        &self,
        pairs: impl Iterator<Item = Result<PairTexts>>,
        mut each: impl FnMut(&[Vec<Scores>]) -> Result<()>,
    ) -> Result<ScoreNotices> {
        let mut notices = ScoreNotices::default();
        let windows = Windows::new(pairs, self.scorer.limits(self.layers.len()));
        let prepared = windows.flat_map(|window| {
            let tokenized = (!window.items.is_empty()).then(|| self.tokenize(window.items));
            tokenized.into_iter().chain(window.error.map(Err))
        });
        let is_beside = self.scorer.encoder.is_on_gpu();
        let progress = RunProgress::new(&self.scorer.listener);
        pipeline(
            is_beside,
            prepared,
            |pairs| self.score_tokenized(pairs, &progress),
            |window: ScoredWindow| {
                notices.add(&window);
                each(&window.layers)
            },
        )?;
        Ok(notices)
    }
}

impl Session {
    /// Creates a scorer with these options. It loads only the parts of the model that are not loaded yet.
    ///
    /// # Errors
    /// If the model's files break a rule, an option does not fit the model, or a device has no room.
    pub fn scorer(&self, options: &ScoreOptions) -> Result<Scorer> {
        Scorer::new(self, options)
    }
}

impl Measured for PairTexts {
    fn useful_bytes(&self, longest: usize) -> usize {
        self.texts().map(|text| text.useful_bytes(longest) + 2 * BYTES_PER_TOKEN).sum()
    }

    fn bytes(&self) -> usize {
        self.texts().map(str::len).sum()
    }
}
