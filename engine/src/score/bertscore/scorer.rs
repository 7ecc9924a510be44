//! Pairs of texts to scores: tokens, hidden states, matches, means.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use candle_core::{Device, Tensor};
use nearsay_kernels::all_finite;
use nearsay_kernels::device::synchronize;
use nearsay_models::LayerStates;

use super::cache::{EncodedText, TextCache};
use super::chunk::{TextState, TokenizedPairs};
use super::idf::IdfBuilder;
use super::matching::Matcher;
use super::options::ResolvedOptions;
use super::scored::{ScoreNotices, Scored, ScoredPair};
use super::{BaselineRow, Rescaling, ScoreOptions, Scores, Signature, TokenWeights, default_model};
use crate::error::shorten;
use crate::score::{Pair, PairSource, PairTexts, TextSource};
use crate::session::{
    Cancel, Control, EncodedBatch, Measured, Session, TextEncoder, WindowLimits, Windows, Workers, pipeline,
    split,
};
use crate::tokens::{SpecialTokens, TextTokenizer, TokenizedText};
use crate::{Error, Result};

/// Bytes of encoded texts that are kept for later pairs.
const CACHE_BYTES: usize = 128 << 20;

/// Maximum number of hidden-state values in a window of pairs: 128 MiB.
const WINDOW_VALUES: usize = 32 << 20;

/// The same on a GPU, whose windows must keep several micro-batches running: 512 MiB in 16 bits.
const GPU_WINDOW_VALUES: usize = 256 << 20;

/// Pairs that a GPU matches at a time.
const GPU_PAIRS: usize = 1024;

/// Maximum bytes of text in a window.
const WINDOW_BYTES: usize = 64 << 20;

/// Documents whose tokens are counted at a time.
const IDF_DOCUMENTS: usize = 1024;

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
    session: Session,
    parts: Arc<ScorerParts>,
    weights: Arc<TokenWeights>,
    control: Control,
}

/// The options resolved for the model.
#[derive(Debug)]
struct ScorerParts {
    layer: usize,
    tokenizer: TextTokenizer,
    encoder: TextEncoder,
    rescaling: Rescaling,
    baseline: Option<BaselineRow>,
    cache: Mutex<TextCache>,
}

impl Scorer {
    /// Opens the model `name` as [`Session::open`] does, with its layer in bert_score's table.
    ///
    /// # Errors
    /// As [`Session::open`] and [`Session::scorer`].
    pub fn open(name: &str) -> Result<Self> {
        // Report missing table entries before anything is opened.
        ScoreOptions::default().check(name)?;
        Session::open(name)?.scorer(&ScoreOptions::default())
    }

    /// Opens the model that bert_score uses for a language (`en`: roberta-large), with its layer.
    ///
    /// # Errors
    /// [`Error::Usage`] if no model is known for the language; as [`Scorer::open`].
    pub fn for_language(code: &str) -> Result<Self> {
        Self::open(default_model(code)?)
    }

    fn new(session: &Session, options: &ScoreOptions) -> Result<Self> {
        let model = session.model();
        let ResolvedOptions { layer, rescaling, baseline } = options.resolve(model.folder().name())?;
        session.check_layer(layer)?;
        // Not the length in a sentence-transformers folder, which is for embeddings.
        let tokenizer = session.tokenizer(options.max_length, model.tokenizer_length(), false)?;
        let special = SpecialTokens::find(model.tokenizer_settings(), &tokenizer);
        let parts = ScorerParts {
            layer,
            tokenizer,
            encoder: session.encoder(layer)?,
            rescaling,
            baseline,
            cache: Mutex::new(TextCache::new(CACHE_BYTES)),
        };
        Ok(Self {
            session: session.clone(),
            parts: Arc::new(parts),
            weights: Arc::new(TokenWeights::uniform(special.cls, special.sep)),
            control: Control::default(),
        })
    }

    /// The same scorer with tokens weighted by inverse document frequency over these references.
    ///
    /// # Errors
    /// If a reference cannot be read, there are fewer than two, or the call is stopped.
    pub fn weighted_by_idf(&self, references: &[TextSource]) -> Result<Self> {
        let mut builder = IdfBuilder::new();
        for source in references {
            let limits = WindowLimits { items: IDF_DOCUMENTS, ..self.limits() };
            for window in Windows::new(source.texts()?, limits) {
                let encode = |text: &String| self.parts.tokenizer.encode(text);
                let documents = self.workers().map_short(&self.control, &window.items, encode)?;
                documents.iter().for_each(|document| builder.add(&document.ids));
                window.error.map_or(Ok(()), Err)?;
            }
        }
        Ok(Self { weights: Arc::new(TokenWeights::Idf(builder.finish()?)), ..self.clone() })
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

    /// The opened model.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The layer whose hidden states are compared.
    pub fn layer(&self) -> usize {
        self.parts.layer
    }

    /// The longest text in tokens.
    pub fn max_tokens(&self) -> usize {
        self.parts.tokenizer.max_tokens()
    }

    /// The settings of a score, in one line for papers.
    pub fn signature(&self) -> Signature {
        Signature {
            model: self.session.model().folder().name().to_owned(),
            layer: self.parts.layer,
            idf: matches!(*self.weights, TokenWeights::Idf(_)),
            rescaling: self.parts.rescaling,
            precision: self.session.devices().precision().name().to_owned(),
            max_length: self.max_tokens(),
        }
    }

    fn workers(&self) -> &Workers {
        self.session.workers()
    }

    /// Scores pairs in memory, in order: a candidate and a reference, or [`PairTexts`] with several.
    ///
    /// # Errors
    /// If the tokenizer or the encoder fails, a pair has no reference, or the call is stopped.
    pub fn score<P: Pair>(&self, pairs: &[P]) -> Result<Scored> {
        let mut scores = Vec::with_capacity(pairs.len());
        let notices = self.run(pairs.iter().map(|pair| Ok(pair.to_texts())), |scored| {
            scores.extend_from_slice(scored);
            Ok(())
        })?;
        Ok(Scored { scores, notices })
    }

    /// Scores every pair of `source` in order. `each` is called with the scores of one window at a time.
    ///
    /// On a GPU the next window is read and tokenized while one is encoded and matched.
    ///
    /// # Errors
    /// If an input breaks a rule, the encoder or `each` fails, or the call is stopped.
    pub fn score_source(
        &self,
        source: &PairSource,
        each: impl FnMut(&[Scores]) -> Result<()>,
    ) -> Result<ScoreNotices> {
        self.run(source.pairs()?, each)
    }

    fn run(
        &self,
        pairs: impl Iterator<Item = Result<PairTexts>>,
        mut each: impl FnMut(&[Scores]) -> Result<()>,
    ) -> Result<ScoreNotices> {
        let mut notices = ScoreNotices::default();
        let windows = Windows::new(pairs, self.limits());
        let prepared = windows.flat_map(|window| {
            let tokenized = (!window.items.is_empty()).then(|| self.tokenize(window.items));
            tokenized.into_iter().chain(window.error.map(Err))
        });
        let is_beside = self.parts.encoder.is_on_gpu();
        pipeline(
            is_beside,
            prepared,
            |pairs| self.score_tokenized(pairs),
            |scored| {
                let scores: Vec<Scores> = scored.iter().map(|pair| pair.scores).collect();
                notices.add(&scored);
                each(&scores)
            },
        )?;
        Ok(notices)
    }

    fn limits(&self) -> WindowLimits {
        let is_on_gpu = self.parts.encoder.is_on_gpu();
        let values = if is_on_gpu { GPU_WINDOW_VALUES } else { WINDOW_VALUES };
        let limits = WindowLimits {
            items: usize::MAX,
            useful_bytes: BYTES_PER_TOKEN * values / self.session.config().hidden_dim,
            bytes: WINDOW_BYTES,
            max_tokens: self.max_tokens(),
            doublings: 0,
        };
        if is_on_gpu { limits.starting_small() } else { limits }
    }

    /// Tokenizes all distinct texts of `pairs` that are not encoded yet.
    fn tokenize(&self, pairs: Vec<PairTexts>) -> Result<TokenizedPairs> {
        TokenizedPairs::new(pairs, |texts| {
            let mut states: Vec<Option<TextState>> = {
                let mut cache = self.cache();
                texts.iter().map(|text| cache.get(text).map(TextState::Encoded)).collect()
            };
            let is_missing = |index: &usize| states[*index].is_none();
            let missing: Vec<usize> = (0..texts.len()).filter(is_missing).collect();
            let encode = |&index: &usize| self.parts.tokenizer.encode(&texts[index]);
            let tokens = self.workers().map_short(&self.control, &missing, encode)?;
            for (index, tokens) in missing.into_iter().zip(tokens) {
                states[index] = Some(TextState::Tokenized(tokens));
            }
            let states: Option<Vec<TextState>> = states.into_iter().collect();
            states.ok_or_else(|| Error::Bug("a text was not tokenized".to_owned()))
        })
    }

    fn score_tokenized(&self, pairs: TokenizedPairs) -> Result<Vec<ScoredPair>> {
        let scored = self.score_round(pairs);
        // After a failure, too: otherwise calls that are stopped would fill the cache without bound.
        self.cache().end_round();
        scored
    }

    fn score_round(&self, pairs: TokenizedPairs) -> Result<Vec<ScoredPair>> {
        let TokenizedPairs { texts, states, indices, lengths } = pairs;
        let texts = self.encode(&texts, states)?;
        let mut rest = indices.as_slice();
        let pairs: Vec<&[usize]> = lengths.iter().filter_map(|&length| rest.split_off(..length)).collect();
        let matcher = Matcher {
            texts: &texts,
            weights: &self.weights,
            baseline: self.parts.baseline,
            form: self.session.devices().placements()[0].form(),
        };
        let at_once = if self.parts.encoder.is_on_gpu() { GPU_PAIRS } else { 1 };
        let groups: Vec<&[&[usize]]> = pairs.chunks(at_once).collect();
        let scores = self.workers().map(&self.control, &groups, |group| matcher.score(group))?.concat();
        let scored = |(pair, scores): (&&[usize], Scores)| ScoredPair {
            scores,
            has_empty_text: pair.iter().any(|&text| texts[text].is_empty),
            truncated_texts: pair.iter().filter(|&&text| texts[text].truncated).count() as u64,
        };
        Ok(pairs.iter().zip(scores).map(scored).collect())
    }

    /// Returns every text, from the cache or newly encoded.
    fn encode(&self, texts: &[String], states: Vec<TextState>) -> Result<Vec<Arc<EncodedText>>> {
        let mut encoded: Vec<Option<Arc<EncodedText>>> = Vec::with_capacity(texts.len());
        let mut missing: Vec<(usize, TokenizedText)> = Vec::new();
        for (index, state) in states.into_iter().enumerate() {
            encoded.push(match state {
                TextState::Encoded(text) => Some(text),
                // The previous window may have encoded it meanwhile.
                TextState::Tokenized(tokens) => self.cache().get(&texts[index]).or_else(|| {
                    missing.push((index, tokens));
                    None
                }),
            });
        }
        let references: Vec<&TokenizedText> = missing.iter().map(|(_, tokens)| tokens).collect();
        let matrices = self.matrices(&references);
        let name = |index: usize| format!("which begins {:?}", shorten(&texts[missing[index].0]));
        let matrices = matrices.map_err(|error| error.of_text(name))?;
        for ((index, tokens), matrix) in missing.into_iter().zip(matrices) {
            let text = &texts[index];
            let matrix = matrix.ok_or_else(|| not_finite(text))?;
            let TokenizedText { ids: token_ids, is_empty, truncated } = tokens;
            let text = Arc::new(EncodedText { token_ids, tokens: matrix, is_empty, truncated });
            self.cache().insert(&texts[index], text.clone());
            encoded[index] = Some(text);
        }
        let all: Option<Vec<_>> = encoded.into_iter().collect();
        all.ok_or_else(|| Error::Bug("a text was not encoded".to_owned()))
    }

    /// Each text's hidden states with rows of length 1, all on the first device; `None` if they are not
    /// finite.
    fn matrices(&self, texts: &[&TokenizedText]) -> Result<Vec<Option<Tensor>>> {
        let (layer, encoder) = (self.parts.layer, &self.parts.encoder);
        let place = encoder.encoder().device();
        encoder.encode(&self.control, texts, &[layer], |batch: EncodedBatch<'_>| {
            unit_rows(batch.states.layer(layer)?, (batch.replica != 0).then_some(place))
        })
    }

    fn cache(&self) -> MutexGuard<'_, TextCache> {
        self.parts.cache.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Each text's hidden states with rows of length 1, x / ||x|| without an epsilon, as in the reference; `None`
/// if they are not finite. They are moved to the device `elsewhere`, if any.
fn unit_rows(states: LayerStates<'_>, elsewhere: Option<&Device>) -> Result<Vec<Option<Tensor>>> {
    let own = states.normalized(0.0)?;
    let cu_seqlens = states.cu_seqlens();
    let finite = all_finite(&own, cu_seqlens, states.form())?;
    let texts = match elsewhere {
        None => split(&own, cu_seqlens)?,
        Some(place) => {
            let moved = own.to_device(&Device::Cpu)?.to_device(place)?;
            let texts = split(&moved, cu_seqlens)?;
            drop(moved);
            // The encoder waits only for its own device, and threads on other streams read these tensors.
            synchronize(place)?;
            // Memory is freed in the order of the device that the thread used last: switch back to this
            // batch's.
            synchronize(own.device())?;
            texts
        }
    };
    Ok(texts.into_iter().zip(finite).map(|(tokens, finite)| finite.then_some(tokens)).collect())
}

fn not_finite(text: &str) -> Error {
    Error::NonFinite { what: format!("the encoder's output for the text {:?}", shorten(text)) }
}
