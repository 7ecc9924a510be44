//! Texts in memory: tokens, vectors of texts, and vectors of tokens.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use nearsay_models::SparseVector;

use super::Embedder;
use super::chunks::{Chunk, ChunkOptions, plan_limited};
use super::embedded::{EmbedNotices, Embedded, EmbeddedTokens};
use super::limits;
use crate::Result;
use crate::session::{Distinct, Measured, Places, Windows, pipeline};
use crate::tokens::{OffsetTokens, TokenOffset, TokenizedText};
use crate::vectors::Vectors;

impl Embedder {
    /// Returns one vector per text, in order. A text that occurs several times is encoded once.
    ///
    /// # Errors
    /// If the tokenizer or the encoder fails, or the call is stopped.
    pub fn embed<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Embedded> {
        self.embed_items(texts.iter().map(AsRef::as_ref), |texts: &[&str]| self.tokenize(texts))
    }

    /// Returns one vector per pair of texts, in order. A pair is one sequence of tokens, as of a cross-encoder: if it does
    /// not fit, its longer text is cut first. The prompt is put before the first text. A pair that occurs several times is
    /// encoded once.
    ///
    /// # Errors
    /// If the longest text leaves no room for a token of each; as [`Embedder::embed`].
    pub fn embed_pairs<F, S>(&self, pairs: &[(F, S)]) -> Result<Embedded>
    where
        F: AsRef<str> + Sync,
        S: AsRef<str> + Sync,
    {
        let pairs = pairs.iter().map(|(first, second)| (first.as_ref(), second.as_ref()));
        self.embed_items(pairs, |pairs: &[(&str, &str)]| self.tokenize_pairs(pairs))
    }

    /// One vector per item, in order; equal items are encoded once.
    fn embed_items<I: Measured + Copy + Eq + Hash>(
        &self,
        items: impl ExactSizeIterator<Item = I>,
        tokenize: impl Fn(&[I]) -> Result<Vec<TokenizedText>>,
    ) -> Result<Embedded> {
        self.check_vectors()?;
        let mut vectors = Vectors::zeros(items.len(), self.dimensions());
        let mut notices = EmbedNotices::default();
        let target = Mutex::new(&mut vectors);
        let limits = limits::of_texts(self);
        let (mut first, done) = (0, AtomicU64::new(0));
        let prepared = Windows::new(items.map(Ok), limits).map(|window| {
            let distinct = Distinct::of_keys(window.items.iter());
            let different = distinct.select(&window.items);
            let tokens = tokenize(&different)?;
            for (place, &index) in (first..).zip(&distinct.indices) {
                notices.add(place, &tokens[index]);
            }
            let repeated = (window.items.len() - different.len()) as u64;
            notices.repeated += repeated;
            notices.tokens += tokens.iter().map(|text| text.ids.len() as u64).sum::<u64>();
            done.fetch_add(repeated, Ordering::Relaxed);
            let start = first as usize;
            first += window.items.len() as u64;
            Ok((tokens, distinct.places().map(|place| start + place)))
        });
        let work = |(tokens, places): (Vec<TokenizedText>, Places)| {
            self.embed_into(&tokens, &places, &target, &|texts, _| {
                self.listener().report(done.fetch_add(texts, Ordering::Relaxed) + texts);
            })
        };
        pipeline(self.works_beside_cpu(), prepared, work, Ok)?;
        Ok(Embedded { vectors, notices })
    }

    /// Returns one sparse vector per text, in order. A text that occurs several times is encoded once.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) if the model makes no sparse vectors; as [`Embedder::embed`].
    pub fn embed_sparse<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<SparseVector>> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let distinct = Distinct::of(&texts);
        let tokens = self.tokenize(&distinct.select(&texts))?;
        let mut vectors = vec![SparseVector::default(); texts.len()];
        self.embed_sparse_into(&tokens, &distinct.places(), &Mutex::new(&mut vectors), &|_, _| ())?;
        Ok(vectors)
    }

    /// Returns one sparse vector per tokenized text, in order.
    ///
    /// # Errors
    /// As [`Embedder::embed_sparse`].
    pub fn embed_sparse_tokenized<T: Borrow<TokenizedText> + Sync>(
        &self,
        texts: &[T],
    ) -> Result<Vec<SparseVector>> {
        let mut vectors = vec![SparseVector::default(); texts.len()];
        let places = Places::one_each((0..texts.len()).collect());
        self.embed_sparse_into(texts, &places, &Mutex::new(&mut vectors), &|_, _| ())?;
        Ok(vectors)
    }

    /// Returns the hidden states of every token of each text, in order; by late interaction the vectors of the tokens
    /// that have one.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn embed_tokens<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<EmbeddedTokens> {
        let (tokens, offsets) = self.tokenize_with_offsets(texts)?;
        let mut notices = EmbedNotices::default();
        tokens.iter().zip(0..).for_each(|(text, place)| notices.add(place, text));
        notices.tokens = tokens.iter().map(|text| text.ids.len() as u64).sum();
        let (mut token_ids, mut kept_offsets) = (Vec::new(), Vec::new());
        for (text, offsets) in tokens.iter().zip(&offsets) {
            for token in self.kept_tokens(&text.ids) {
                token_ids.push(text.ids[token]);
                kept_offsets.push(offsets[token].clone());
            }
        }
        let (vectors, cu_seqlens) = self.embed_tokens_tokenized(&tokens)?;
        let is_truncated = tokens.iter().map(|text| text.truncated).collect();
        Ok(EmbeddedTokens { vectors, cu_seqlens, token_ids, offsets: kept_offsets, is_truncated, notices })
    }

    /// Returns the vectors that [`Embedder::embed_tokens`] returns for tokenized texts, and where those of each text start,
    /// then their number.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn embed_tokens_tokenized<T: Borrow<TokenizedText> + Sync>(
        &self,
        texts: &[T],
    ) -> Result<(Vectors, Vec<usize>)> {
        let mut cu_seqlens = vec![0];
        for text in texts.iter().map(Borrow::borrow) {
            cu_seqlens.push(cu_seqlens[cu_seqlens.len() - 1] + self.kept_tokens(&text.ids).count());
        }
        let mut vectors = Vectors::zeros(cu_seqlens[texts.len()], self.hidden_dim());
        let places = Places::one_each(cu_seqlens[..texts.len()].to_vec());
        self.embed_tokens_into(texts, &places, &Mutex::new(&mut vectors), &|_, _| ())?;
        Ok((vectors, cu_seqlens))
    }

    /// All tokens of each text after the prompt, however long it is, and their places in it. The calling thread makes them, so
    /// that long texts keep no worker from others.
    ///
    /// # Errors
    /// If the tokenizer fails, or the call is stopped between two texts.
    pub fn tokenize_whole<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<OffsetTokens>> {
        let tokenizer = self.tokenizer().without_limit()?;
        let encode = |text: &T| {
            self.control().check()?;
            tokenizer.encode_with_offsets(self.prompt_text(), text.as_ref())
        };
        texts.iter().map(encode).collect()
    }

    /// A text given as the ids of its tokens, which are encoded as they are: without a prompt, and without special tokens
    /// around them.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for an id that the vocabulary does not have.
    pub fn take_ids(&self, ids: &[u32]) -> Result<TokenizedText> {
        self.tokenizer().take_ids(ids)
    }

    /// The text of tokens, without special tokens if `skips_special`.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for an id that the vocabulary does not have; if the tokenizer fails.
    pub fn decode(&self, ids: &[u32], skips_special: bool) -> Result<String> {
        self.tokenizer().decode(ids, skips_special)
    }

    /// Whether `id` is one of the vocabulary's special tokens.
    pub fn is_special(&self, id: u32) -> bool {
        self.tokenizer().is_special(id)
    }

    /// Tokenizes each text after the prompt. A text is empty if it has no tokens except the prompt's.
    ///
    /// # Errors
    /// If the tokenizer fails or the call is stopped.
    pub fn tokenize<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<TokenizedText>> {
        let encode = |text: &T| self.parts.tokenizer.encode(text.as_ref());
        self.workers().map_short(self.control(), texts, encode)
    }

    /// Tokenizes each pair of texts as one sequence, the prompt before its first text. A pair is empty if it has no tokens
    /// except the prompt's.
    ///
    /// # Errors
    /// If the model has no such sequences, the longest text leaves no room for a token of each, the tokenizer fails, or the
    /// call is stopped.
    pub fn tokenize_pairs<F, S>(&self, pairs: &[(F, S)]) -> Result<Vec<TokenizedText>>
    where
        F: AsRef<str> + Sync,
        S: AsRef<str> + Sync,
    {
        self.check_vectors()?;
        let tokenizer = &self.parts.tokenizer;
        tokenizer.tokenizer().check_room_for_pairs()?;
        let of_nothing = tokenizer.encode_pair("", "")?;
        let encode = |(first, second): &(F, S)| {
            let tokens = tokenizer.encode_pair(first.as_ref(), second.as_ref())?;
            let is_empty = !tokens.truncated && tokens.ids == of_nothing.ids;
            Ok(TokenizedText { is_empty, ..tokens })
        };
        self.workers().map_short(self.control(), pairs, encode)
    }

    /// The chunks of each text that fit the model after the prompt, as [`plan_chunks`](super::plan_chunks) plans them.
    ///
    /// # Errors
    /// If the options do not fit the model, the tokenizer fails, or the call is stopped.
    pub fn chunks<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
        options: ChunkOptions,
    ) -> Result<Vec<Vec<Chunk>>> {
        let tokenizer = options.limited(self.tokenizer())?;
        options.check(self.tokenizer(), self.prompt_text())?;
        let plan =
            |text: &T| plan_limited(&tokenizer, self.prompt_text(), text.as_ref(), options, self.control());
        self.workers().map_short(self.control(), texts, plan)
    }

    /// [`Self::tokenize`] with the offsets of the tokens in each text.
    pub(super) fn tokenize_with_offsets<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
    ) -> Result<(Vec<TokenizedText>, Vec<Vec<TokenOffset>>)> {
        let encode = |text: &T| self.parts.tokenizer.encode_with_offsets(text.as_ref());
        let encoded = self.workers().map_short(self.control(), texts, encode)?;
        Ok(encoded.into_iter().map(|text| (text.tokens, text.offsets)).unzip())
    }

    /// Returns one vector per tokenized text, in order.
    ///
    /// # Errors
    /// If the encoder fails or the call is stopped.
    pub fn embed_tokenized<T: Borrow<TokenizedText> + Sync>(&self, texts: &[T]) -> Result<Vectors> {
        self.check_vectors()?;
        let mut vectors = Vectors::zeros(texts.len(), self.dimensions());
        let places = Places::one_each((0..texts.len()).collect());
        self.embed_into(texts, &places, &Mutex::new(&mut vectors), &|_, _| ())?;
        Ok(vectors)
    }
}
