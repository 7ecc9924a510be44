//! Texts to vectors: reading, tokenizing, encoding, pooling and writing, window by window.
//!
//! A window is what is read, tokenized and planned together. Its size bounds the memory, whatever the input's: see
//! [`WindowLimits`].

mod arrays;
mod chunks;
mod columns;
mod counts;
mod describe;
mod duplicates;
mod long_texts;
mod options;
mod output_type;
mod parquet_types;
mod rows;
mod run;
mod summary;
mod vector_column;
mod window;
mod work;

pub use chunks::{Chunk, ChunkOptions, plan_chunks};
pub use columns::{Columns, HEAD_RECORDS};
pub use counts::Counts;
pub use describe::describe;
pub use long_texts::OnLong;
pub use options::{EmbedOptions, PoolingChoice};
pub use output_type::{OutputType, Ranges, Values};
pub use rows::RowLayout;
pub use run::{EmbedRun, Level, Progress};
pub use summary::{EmbedSummary, Seconds, Shards};
pub use window::{Window, WindowLimits, Windows};

use std::ops::Range;

use candle_core::{DType, Device};
use nearsay_kernels::{CuSeqlens, Placement};
use nearsay_models::{Encoder, Model, SentenceHead};

use crate::encode::{EncodedBatch, TextEncoder, rows};
use crate::model::{load_encoders, load_head, open_tokenizer};
use crate::tokens::{OffsetTokens, TextTokenizer, TokenOffset, TokenizedText};
use crate::workers::Workers;
use crate::{Devices, Result};

/// A model that makes vectors of texts.
#[derive(Debug, Clone)]
pub struct Embedder {
    tokenizer: TextTokenizer,
    encoder: TextEncoder,
    /// One for each of the encoder's devices.
    heads: Vec<SentenceHead>,
    head_reason: String,
    prompt: String,
    /// What a text without tokens of its own becomes.
    prompt_tokens: TokenizedText,
    dimensions: Option<usize>,
    normalizes_tokens: bool,
    devices: Devices,
}

/// The hidden states of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenVectors {
    /// Token ids, special tokens included.
    pub token_ids: Vec<u32>,
    /// One vector a token, back to back.
    pub values: Vec<f32>,
}

/// Hears of the texts of every micro-batch that is done, from any thread.
type Done<'a> = &'a (dyn Fn(&CuSeqlens) + Sync);

impl Embedder {
    /// Loads `model` as `options` say.
    ///
    /// # Errors
    /// If the model's files break a rule or an option does not fit the model.
    pub fn open(model: &Model, options: &EmbedOptions, workers: Workers) -> Result<Self> {
        let layer = options.layer_of(model)?;
        let stated = model.sentence_length();
        let tokenizer = open_tokenizer(model, options.max_length, stated, model.lower_cases())?;
        let prompt = options.prompt(model)?;
        let (choice, head_reason) = options.pooling_choice(model);
        let prompt_tokens = tokenizer.encode(&prompt)?;
        let load_head = |placement: &Placement| -> Result<SentenceHead> {
            let mut head = load_head(model, choice, options.normalize, placement)?;
            if !head.includes_prompt() && !prompt.is_empty() {
                head.skip_tokens(count_before_text(&tokenizer, &prompt_tokens));
            }
            Ok(head)
        };
        let placements = options.devices.placements(options.precision)?;
        let heads: Vec<SentenceHead> = placements.iter().map(load_head).collect::<Result<_>>()?;
        let dimensions = options.dimensions_of(model, &heads[0])?;
        let replicas = load_encoders(model, layer, options.precision, &options.devices)?;
        let encoder = TextEncoder::new(replicas, layer, options.batch_tokens, workers);
        let normalizes_tokens = options.normalize == Some(true);
        Ok(Self {
            tokenizer,
            encoder,
            heads,
            head_reason,
            prompt,
            prompt_tokens,
            dimensions,
            normalizes_tokens,
            devices: options.devices.clone(),
        })
    }

    /// Width of a text's vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions.unwrap_or(self.head().output_dim())
    }

    fn head(&self) -> &SentenceHead {
        &self.heads[0]
    }

    /// What makes tokens of texts.
    pub(crate) fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// The longest text in tokens.
    pub fn max_tokens(&self) -> usize {
        self.tokenizer.max_tokens()
    }

    /// Width of a token's vector.
    pub fn hidden_dim(&self) -> usize {
        self.encoder().config().hidden_dim
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        self.encoder.encoder()
    }

    /// How the text's vector is made of its tokens', in words, and why that way.
    pub fn pooling(&self) -> (String, &str) {
        (self.head().description(), &self.head_reason)
    }

    /// Whether vectors are brought to length 1.
    pub fn is_normalized(&self) -> bool {
        self.head().is_normalized()
    }

    /// Where the encoder runs.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Whether [`Embedder::embed_tokens`] brings each token's vector to length 1: only where that was asked for.
    pub fn normalizes_tokens(&self) -> bool {
        self.normalizes_tokens
    }

    /// What stands before each text.
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// The layer whose hidden states are taken.
    pub fn layer(&self) -> usize {
        self.encoder.layer()
    }

    /// Whether the encoder leaves the CPU free.
    pub(crate) fn works_beside_cpu(&self) -> bool {
        self.encoder.is_on_gpu()
    }

    /// Who does the work.
    pub fn workers(&self) -> &Workers {
        self.encoder.workers()
    }

    /// Tokens of each text, with the prompt before it. A text is empty if it has no tokens beside the prompt's.
    ///
    /// # Errors
    /// If the tokenizer fails or the run is interrupted.
    pub fn tokenize<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<TokenizedText>> {
        self.workers().map(texts, |text| {
            let text = text.as_ref();
            if self.prompt.is_empty() {
                return self.tokenizer.encode(text);
            }
            Ok(self.without_prompt(self.tokenizer.encode(&format!("{}{text}", self.prompt))?))
        })
    }

    /// [`Self::tokenize`], and where each text's tokens stand in it.
    ///
    /// # Errors
    /// If the tokenizer fails or the run is interrupted.
    pub fn tokenize_with_offsets<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
    ) -> Result<(Vec<TokenizedText>, Vec<Vec<TokenOffset>>)> {
        let tokens = self.workers().map(texts, |text| {
            let OffsetTokens { tokens, offsets } =
                self.tokenizer.encode_with_offsets(&self.prompt, text.as_ref())?;
            Ok((self.without_prompt(tokens), offsets))
        })?;
        Ok(tokens.into_iter().unzip())
    }

    /// Says of a text whose tokens are the prompt's that it is empty.
    fn without_prompt(&self, tokens: TokenizedText) -> TokenizedText {
        let is_empty = match self.prompt.is_empty() {
            true => tokens.is_empty,
            false => !tokens.truncated && tokens.ids == self.prompt_tokens.ids,
        };
        TokenizedText { is_empty, ..tokens }
    }

    /// One vector a text, in order.
    ///
    /// # Errors
    /// If the encoder fails or the run is interrupted.
    pub fn embed(&self, texts: &[TokenizedText]) -> Result<Vec<Vec<f32>>> {
        self.embed_telling(texts, &|_| ())
    }

    /// [`Self::embed`]; `done` hears of every micro-batch.
    fn embed_telling(&self, texts: &[TokenizedText], done: Done<'_>) -> Result<Vec<Vec<f32>>> {
        let texts: Vec<&TokenizedText> = texts.iter().collect();
        self.encoder.encode(&texts, |batch| {
            let vectors = rows(&self.heads[batch.replica].forward(batch.states)?)?;
            done(batch.states.cu_seqlens());
            Ok(vectors.into_iter().map(|vector| self.shorten(vector)).collect())
        })
    }

    /// One vector a token of each text, in order.
    ///
    /// # Errors
    /// If the encoder fails or the run is interrupted.
    pub fn embed_tokens(&self, texts: &[TokenizedText]) -> Result<Vec<TokenVectors>> {
        self.embed_tokens_telling(texts, &|_| ())
    }

    /// [`Self::embed_tokens`]; `done` hears of every micro-batch.
    fn embed_tokens_telling(&self, texts: &[TokenizedText], done: Done<'_>) -> Result<Vec<TokenVectors>> {
        let references: Vec<&TokenizedText> = texts.iter().collect();
        let values = self.encoder.encode(&references, |batch: EncodedBatch<'_>| {
            let values: Vec<f32> = match self.normalizes_tokens {
                true => {
                    let normalized = batch.states.normalized(1e-12)?.to_device(&Device::Cpu)?;
                    normalized.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?
                }
                false => batch.states.to_vec()?,
            };
            let dim = self.hidden_dim();
            let of_text = |tokens: Range<usize>| values[tokens.start * dim..tokens.end * dim].to_vec();
            done(batch.states.cu_seqlens());
            Ok(batch.states.cu_seqlens().ranges().map(of_text).collect())
        })?;
        let with_ids =
            |(text, values): (&TokenizedText, _)| TokenVectors { token_ids: text.ids.clone(), values };
        Ok(texts.iter().zip(values).map(with_ids).collect())
    }

    /// The mean of vectors by their weights, brought to length 1 where each of them is.
    fn mean<'a>(&self, vectors: impl Iterator<Item = (&'a Vec<f32>, usize)>) -> Vec<f32> {
        let mut sums = vec![0.0_f64; self.dimensions()];
        let mut total = 0.0;
        for (vector, weight) in vectors {
            let weight = weight as f64;
            total += weight;
            sums.iter_mut().zip(vector).for_each(|(sum, value)| *sum += weight * f64::from(*value));
        }
        let mut mean: Vec<f32> = sums.into_iter().map(|sum| (sum / f64::max(total, 1.0)) as f32).collect();
        if self.is_normalized() {
            nearsay_kernels::normalize_row(&mut mean, 1e-12);
        }
        mean
    }

    /// The first `dimensions` values (Matryoshka), brought back to length 1 where the whole vector was.
    fn shorten(&self, mut vector: Vec<f32>) -> Vec<f32> {
        let Some(dimensions) = self.dimensions else { return vector };
        vector.truncate(dimensions);
        if self.is_normalized() {
            nearsay_kernels::normalize_row(&mut vector, 1e-12);
        }
        vector
    }
}

/// Tokens that a prompt puts before a text: all of its own but the one that ends it, as sentence-transformers counts.
fn count_before_text(tokenizer: &TextTokenizer, prompt: &TokenizedText) -> usize {
    let ends_special = prompt.ids.last().is_some_and(|id| tokenizer.is_special(*id));
    prompt.ids.len() - usize::from(ends_special)
}
