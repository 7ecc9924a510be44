//! Pairs of texts to scores: tokens, hidden states, matches, means.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{Device, Tensor};
use nearsay_kernels::device::synchronize;
use nearsay_kernels::{Precision, all_finite};
use nearsay_models::Model;

use super::cache::{EncodedText, TextCache};
use super::matching::{EncodedTexts, Matcher};
use super::{BaselineRow, IdfBuilder, PairSource, PairTexts, Scores, TokenWeights};
use crate::encode::{EncodedBatch, TextEncoder, split};
use crate::model::{load_encoders, open_tokenizer};
use crate::overlap::Overlap;
use crate::tokens::{SpecialTokens, TextTokenizer, TokenizedText};
use crate::workers::Workers;
use crate::{Devices, Error, Result};

/// Bytes of encoded texts that are kept for pairs to come.
const CACHE_BYTES: usize = 128 << 20;

/// Values of hidden states that a chunk of pairs may take: 128 MiB.
const CHUNK_VALUES: usize = 32 << 20;

/// The same on a GPU, where a chunk is to keep several micro-batches going: 512 MiB in 16 bits.
const GPU_CHUNK_VALUES: usize = 256 << 20;

/// Pairs whose matches a GPU finds in one go.
const GPU_PAIRS: usize = 1024;

/// Bytes of text that are held at a time.
const CHUNK_BYTES: usize = 64 << 20;

/// Bytes of text to a token, at the least that is usual (English has 4.5); only a chunk's size depends on it.
const BYTES_PER_TOKEN: usize = 3;

/// Choices of a scoring run.
#[derive(Debug, Clone)]
pub struct ScoreOptions {
    /// The layer whose hidden states are compared.
    pub layer: usize,
    /// The longest text in tokens; `None`: what the tokenizer's files say, within the model's positions.
    pub max_length: Option<usize>,
    /// What raw scores are rescaled by.
    pub baseline: Option<BaselineRow>,
    /// Tokens of a micro-batch; `None`: as suits the device.
    pub batch_tokens: Option<usize>,
    /// The number format of the encoder's products.
    pub precision: Precision,
    /// Where the encoder runs.
    pub devices: Devices,
}

/// Which pairs of the input were out of the ordinary, by row from 1; only the first few rows are kept.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// Pairs with an empty candidate or reference.
    pub empty: Rows,
    /// Pairs with a score that is not a number.
    pub undefined: Rows,
    /// Candidates and references that were cut to the longest length.
    pub truncated: u64,
}

/// A count of rows and the first few of them.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// How many.
    pub count: u64,
    /// The first ten.
    pub first: Vec<u64>,
}

impl Rows {
    fn add(&mut self, row: u64) {
        self.count += 1;
        if self.first.len() < 10 {
            self.first.push(row);
        }
    }
}

/// A model that scores pairs of texts.
#[derive(Debug)]
pub struct Scorer {
    stages: Stages,
    notices: Notices,
    pairs: u64,
}

/// What pairs go through.
#[derive(Debug)]
struct Stages {
    tokenizer: TextTokenizer,
    encoder: TextEncoder,
    weights: TokenWeights,
    baseline: Option<BaselineRow>,
    cache: Mutex<TextCache>,
}

/// Pairs that are scored together, and the tokens of their texts as far as these were not in the cache.
struct TokenizedPairs {
    pairs: Vec<PairTexts>,
    tokens: HashMap<String, TokenizedText>,
}

/// A pair's scores, and what was out of the ordinary in it.
struct ScoredPair {
    scores: Scores,
    has_empty_text: bool,
    truncated_texts: u64,
}

impl Scorer {
    /// Loads `model` as `options` say; every token but the special ones weighs the same.
    ///
    /// # Errors
    /// If the model's files break a rule or an option does not fit the model.
    pub fn open(model: &Model, options: &ScoreOptions, workers: Workers) -> Result<Self> {
        let layers = model.config().num_layers;
        if options.layer > layers {
            let message = format!("the layer must be 0 to {layers} for this model, got {}", options.layer);
            return Err(Error::Usage { message, hint: None });
        }
        // Not the length of a sentence-transformers folder, which is for embeddings.
        let stated = model.tokenizer_length();
        let tokenizer = open_tokenizer(model, options.max_length, stated, false)?;
        let special = SpecialTokens::find(model.tokenizer_settings(), &tokenizer);
        let replicas = load_encoders(model, options.layer, options.precision, &options.devices)?;
        let stages = Stages {
            tokenizer,
            encoder: TextEncoder::new(replicas, options.layer, options.batch_tokens, workers),
            weights: TokenWeights::uniform(special.cls, special.sep),
            baseline: options.baseline,
            cache: Mutex::new(TextCache::new(CACHE_BYTES)),
        };
        Ok(Self { stages, notices: Notices::default(), pairs: 0 })
    }

    /// The longest text in tokens.
    pub fn max_tokens(&self) -> usize {
        self.stages.tokenizer.max_tokens()
    }

    /// What was out of the ordinary in the pairs so far.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Makes tokens weigh by how few of the references of `source` have them.
    ///
    /// # Errors
    /// If an input breaks a rule, or there are fewer than two references.
    pub fn weigh_by_idf(&mut self, source: &PairSource) -> Result<()> {
        let mut builder = IdfBuilder::new();
        let (mut waiting, mut bytes) = (Vec::new(), 0);
        source.count(|reference| {
            waiting.push(reference.to_owned());
            bytes += reference.len();
            if waiting.len() < 1024 && bytes < CHUNK_BYTES {
                return Ok(());
            }
            bytes = 0;
            self.stages.count_tokens(&mut builder, &mut waiting)
        })?;
        self.stages.count_tokens(&mut builder, &mut waiting)?;
        self.stages.weights = TokenWeights::Idf(builder.finish()?);
        Ok(())
    }

    /// Scores every pair of `source` in order. `each` gets the scores of a chunk at a time.
    ///
    /// On a GPU the next chunk is read and tokenized while one is encoded and matched.
    ///
    /// # Errors
    /// If an input breaks a rule, the encoder fails, `each` fails, or the run is interrupted.
    pub fn score_all(
        &mut self,
        source: &PairSource,
        mut each: impl FnMut(&[Scores]) -> Result<()>,
    ) -> Result<()> {
        let Self { stages, notices, pairs } = self;
        let stages = &*stages;
        let is_broken = Cell::new(false);
        let mut take = |scored: Option<Vec<ScoredPair>>| {
            let Some(scored) = scored else { return Ok(()) };
            let taken = each(&notices.take(pairs, &scored));
            is_broken.set(taken.is_err());
            taken
        };
        std::thread::scope(|scope| {
            let mut overlap = Overlap::new(scope, stages.encoder.is_on_gpu());
            let fed = stages.chunks(source.pairs()?).try_for_each(|chunk| {
                let tokenized = stages.tokenize(chunk?)?;
                let finished = overlap.wait()?;
                let done = overlap.begin(|| stages.score(tokenized));
                take(finished)?;
                take(done?)
            });
            let last = overlap.wait();
            // What could not be given away leaves no gap; else what failed first comes first in the input, too.
            if is_broken.get() { fed } else { last.and_then(&mut take).and(fed) }
        })
    }

    /// Scores `pairs` together: each text that occurs among them is encoded once.
    ///
    /// # Errors
    /// If the encoder fails or the run is interrupted.
    pub fn score(&mut self, pairs: &[PairTexts]) -> Result<Vec<Scores>> {
        let scored = self.stages.score(self.stages.tokenize(pairs.to_vec())?)?;
        Ok(self.notices.take(&mut self.pairs, &scored))
    }
}

impl Notices {
    /// Counts pairs that come behind the first `pairs`, and returns their scores.
    fn take(&mut self, pairs: &mut u64, scored: &[ScoredPair]) -> Vec<Scores> {
        for ScoredPair { scores, has_empty_text, truncated_texts } in scored {
            *pairs += 1;
            if *has_empty_text {
                self.empty.add(*pairs);
            }
            self.truncated += truncated_texts;
            if scores.has_nan() {
                self.undefined.add(*pairs);
            }
        }
        scored.iter().map(|pair| pair.scores).collect()
    }
}

impl Stages {
    fn count_tokens(&self, builder: &mut IdfBuilder, waiting: &mut Vec<String>) -> Result<()> {
        let documents = self.encoder.workers().map(waiting, |text| self.tokenizer.encode(text))?;
        documents.iter().for_each(|document| builder.add(&document.ids));
        waiting.clear();
        Ok(())
    }

    /// Cuts `pairs` into chunks that are scored together; for a GPU the first ones are smaller, so that it has not long to wait for
    /// something to do. Behind a failure nothing comes, and the pairs of its chunk are left out.
    fn chunks(
        &self,
        mut pairs: impl Iterator<Item = Result<PairTexts>>,
    ) -> impl Iterator<Item = Result<Vec<PairTexts>>> {
        let values = if self.encoder.is_on_gpu() { GPU_CHUNK_VALUES } else { CHUNK_VALUES };
        let most = BYTES_PER_TOKEN * values / self.encoder.encoder().config().hidden_dim;
        let mut limit = if self.encoder.is_on_gpu() { most / 8 } else { most };
        let longest = 8 * self.tokenizer.max_tokens();
        let mut failed = false;
        std::iter::from_fn(move || {
            let (mut chunk, mut useful, mut bytes) = (Vec::new(), 0, 0);
            while !failed && useful < limit && bytes < CHUNK_BYTES {
                let Some(pair) = pairs.next() else { break };
                match pair {
                    Ok(pair) => {
                        let lengths = || pair.texts().map(str::len);
                        useful +=
                            lengths().map(|length| length.min(longest) + 2 * BYTES_PER_TOKEN).sum::<usize>();
                        bytes += lengths().sum::<usize>();
                        chunk.push(pair);
                    }
                    Err(error) => {
                        failed = true;
                        return Some(Err(error));
                    }
                }
            }
            limit = (2 * limit).min(most);
            (!chunk.is_empty()).then_some(Ok(chunk))
        })
    }

    fn tokenize(&self, pairs: Vec<PairTexts>) -> Result<TokenizedPairs> {
        let mut missing: Vec<&str> = {
            let mut cache = self.cache();
            pairs.iter().flat_map(PairTexts::texts).filter(|text| cache.get(text).is_none()).collect()
        };
        missing.sort_unstable();
        missing.dedup();
        let tokens = self.encoder.workers().map(&missing, |text| self.tokenizer.encode(text))?;
        let tokens = missing.into_iter().map(str::to_owned).zip(tokens).collect();
        Ok(TokenizedPairs { pairs, tokens })
    }

    fn score(&self, TokenizedPairs { pairs, tokens }: TokenizedPairs) -> Result<Vec<ScoredPair>> {
        let texts = self.encode(&pairs, tokens)?;
        let matcher = Matcher {
            texts: &texts,
            weights: &self.weights,
            baseline: self.baseline,
            form: self.encoder.encoder().placement().form(),
        };
        let at_once = if self.encoder.is_on_gpu() { GPU_PAIRS } else { 1 };
        let groups: Vec<&[PairTexts]> = pairs.chunks(at_once).collect();
        let scores = self.encoder.workers().map(&groups, |group| matcher.score(group))?.concat();
        self.cache().end_round();
        let scored = |(pair, scores): (&PairTexts, Scores)| ScoredPair {
            scores,
            has_empty_text: pair.texts().any(|text| texts[text].is_empty),
            truncated_texts: pair.texts().filter(|text| texts[*text].truncated).count() as u64,
        };
        Ok(pairs.iter().zip(scores).map(scored).collect())
    }

    /// Every text of `pairs`, from the cache or newly encoded from its `tokens`.
    fn encode<'a>(
        &self,
        pairs: &'a [PairTexts],
        mut tokens: HashMap<String, TokenizedText>,
    ) -> Result<EncodedTexts<'a>> {
        let mut texts = HashMap::new();
        let (mut missing, mut dropped) = (Vec::new(), Vec::new());
        for text in pairs.iter().flat_map(PairTexts::texts) {
            if texts.contains_key(text) {
                continue;
            }
            let cached = self.cache().get(text);
            if cached.is_none() {
                match tokens.remove(text) {
                    Some(tokenized) => missing.push((text, tokenized)),
                    None => dropped.push(text),
                }
            }
            texts.insert(text, cached);
        }
        // These were in the cache when the others were tokenized, and are not any more.
        let again = self.encoder.workers().map(&dropped, |text| self.tokenizer.encode(text))?;
        missing.extend(dropped.into_iter().zip(again));
        let references: Vec<&TokenizedText> = missing.iter().map(|(_, tokenized)| tokenized).collect();
        let place = self.encoder.encoder().device();
        let matrices = self.encoder.encode(&references, |batch| unit_rows(batch, place));
        let matrices = matrices
            .map_err(|error| error.of_text(|index| format!("which begins {:?}", start(missing[index].0))))?;
        for ((text, tokenized), tokens) in missing.into_iter().zip(matrices) {
            let tokens = tokens.ok_or_else(|| not_finite(text))?;
            let TokenizedText { ids: token_ids, is_empty, truncated } = tokenized;
            let encoded = Arc::new(EncodedText { token_ids, tokens, is_empty, truncated });
            self.cache().insert(text, encoded.clone());
            texts.insert(text, Some(encoded));
        }
        let all = texts.into_iter().map(|(text, encoded)| encoded.map(|encoded| (text, encoded)));
        all.collect::<Option<_>>().ok_or_else(|| Error::Bug("a text was not encoded".to_owned()))
    }

    fn cache(&self) -> MutexGuard<'_, TextCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PairTexts {
    fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.candidate).chain(&self.references).map(String::as_str)
    }
}

/// Each text's hidden states with rows of length 1, x / ||x|| without an epsilon, as the reference has it; none where they are
/// not finite. All on `place`, whichever device encoded them.
fn unit_rows(batch: EncodedBatch<'_>, place: &Device) -> Result<Vec<Option<Tensor>>> {
    let own = batch.states.normalized(0.0)?;
    let cu_seqlens = batch.states.cu_seqlens();
    let finite = all_finite(&own, cu_seqlens, batch.states.form())?;
    let texts = if batch.replica == 0 {
        split(&own, cu_seqlens)?
    } else {
        let moved = own.to_device(&Device::Cpu)?.to_device(place)?;
        let texts = split(&moved, cu_seqlens)?;
        drop(moved);
        // The encoder waits for its own device alone, and threads on other streams read these.
        synchronize(place)?;
        // Memory is given back in the order of the device that the thread spoke to last: that is this batch's again.
        synchronize(own.device())?;
        texts
    };
    Ok(texts.into_iter().zip(finite).map(|(tokens, finite)| finite.then_some(tokens)).collect())
}

fn not_finite(text: &str) -> Error {
    Error::NonFinite { what: format!("the encoder's output for the text {:?}", start(text)) }
}

/// Enough of a text to find it by.
fn start(text: &str) -> String {
    text.chars().take(60).collect()
}
