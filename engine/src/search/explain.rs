//! Which token of a hit's text each token of a query matches: the greatest cosine of their hidden states.
//!
//! Query and text are encoded alone, as for their vectors, and the hidden states that are pooled there are compared
//! here. Special tokens and those of prompts have no place in the text and take no part.
//!
//! The cosines are those of [`token_match`], which returns maxima and not where they are. So it is called twice: with
//! the whole query and a few tokens of the text at a time, which finds the best of these blocks; then with one token of
//! the query and its best block, whose column maxima are the cosines themselves. A cosine's bits depend on the two
//! tokens alone, so both calls agree, and a match does not depend on the other hits.

use std::ops::Range;

use candle_core::{Device, Tensor};
use nearsay_kernels::{Form, TokenPair, token_match};
use serde::{Serialize, Serializer};

use super::answer::{SearchAnswer, SearchHit};
use super::corpus::Corpus;
use super::metric::to_length_1;
use super::model::QueryModel;
use super::prepared::Search;
use crate::embed::EmbeddedTokens;
use crate::error::{phrase, shorten};
use crate::{Error, Result, Setting};

/// Tokens of a text that are compared together at first.
const BLOCK_TOKENS: usize = 16;
/// Hits whose texts are encoded together.
const HITS_AT_ONCE: usize = 32;

/// A token of a query, and the token of a hit's text that is most like it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TokenMatch {
    /// The token, as the query has it.
    pub token: String,
    /// Its bytes in the query.
    #[serde(serialize_with = "as_pair")]
    pub query_span: Range<usize>,
    /// The token of the text with the greatest cosine, the first of equal ones, as the text has it.
    #[serde(rename = "match")]
    pub matched: String,
    /// Its bytes in the stored text of the hit.
    #[serde(serialize_with = "as_pair")]
    pub span: Range<usize>,
    /// The cosine of the two tokens' hidden states.
    pub cosine: f32,
}

fn as_pair<S: Serializer>(span: &Range<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    [span.start, span.end].serialize(serializer)
}

impl Search<'_> {
    /// Adds to each hit of an answer to a query in words which of its tokens the query's tokens match. A text longer
    /// than the model takes is truncated as when it is embedded, and the hit has the place in `explained_to`.
    ///
    /// # Errors
    /// [`Error::Usage`] if the answer is not to a query in words, or the corpus has no texts; as
    /// [`Embedder::embed_tokens`](crate::Embedder::embed_tokens); [`Error::NonFinite`] if the model's output is.
    pub fn explain(&self, model: &QueryModel, answer: &mut SearchAnswer) -> Result<()> {
        let query = answer.query.as_deref().ok_or_else(without_words)?;
        self.corpus.check_has_texts()?;
        let encoded = model.query_tokens(query)?;
        let query = TokenMatrix::new(query, &encoded, 0)?;
        for hits in answer.hits.chunks_mut(HITS_AT_ONCE) {
            self.explain_hits(model, &query, hits)?;
        }
        Ok(())
    }

    fn explain_hits(&self, model: &QueryModel, query: &TokenMatrix, hits: &mut [SearchHit]) -> Result<()> {
        let rows: Vec<u64> = hits.iter().map(|hit| hit.row).collect();
        let texts = self.texts_of(&rows)?;
        let encoded = model.text_tokens(&texts)?;
        let matrices = texts.iter().enumerate().map(|(index, text)| TokenMatrix::new(text, &encoded, index));
        let matrices = matrices.collect::<Result<Vec<_>>>()?;
        for ((hit, text), matches) in hits.iter_mut().zip(&matrices).zip(matches(query, &matrices)?) {
            hit.explanation = Some(matches.iter().map(|found| query.matched(text, found)).collect());
            hit.explained_to = text.truncated_at;
        }
        Ok(())
    }
}

impl Corpus {
    /// Refuses to explain hits if there are no texts.
    pub(super) fn check_has_texts(&self) -> Result<()> {
        if self.has_texts() || self.rows() == 0 {
            return Ok(());
        }
        let rule = format!(" needs the texts of hits, and {} has none", self.name());
        let how =
            phrase!["an index has them; so has a file if texts were embedded with ", (Setting::Keep, "text")];
        Err(Error::usage_hint(phrase![Setting::Explain, rule], how.of_earlier_step()))
    }
}

/// Refuses to explain an answer to something else than words.
pub(super) fn without_words() -> Error {
    Error::usage(phrase![Setting::Explain, " needs a query in words: other queries have no tokens"])
}

/// The tokens of a text that have a place in it.
#[derive(Debug)]
struct TokenMatrix {
    /// Their bytes in the text.
    spans: Vec<Range<usize>>,
    /// Those bytes.
    words: Vec<String>,
    /// Their hidden states, with length 1: [tokens, hidden_dim].
    rows: Tensor,
    /// If the text was truncated: where its last token ends.
    truncated_at: Option<usize>,
}

/// The best match of a token of the query: its number, the number of the text's token, and their cosine.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Found {
    query: usize,
    text: usize,
    cosine: f32,
}

impl TokenMatrix {
    /// The tokens of text `index` of those that were encoded.
    fn new(text: &str, encoded: &EmbeddedTokens, index: usize) -> Result<Self> {
        let own = encoded.text(index);
        let places = own.filter(|&token| !encoded.offsets[token].bytes.is_empty());
        let (mut spans, mut values) = (Vec::new(), Vec::new());
        for token in places {
            spans.push(encoded.offsets[token].bytes.clone());
            let mut row = encoded.vectors[token].to_vec();
            to_length_1(&mut row);
            values.extend(row);
        }
        if values.iter().any(|value: &f32| !value.is_finite()) {
            let what = format!("the encoder's output for the text {:?}", shorten(text));
            return Err(Error::NonFinite { what });
        }
        let shape = (spans.len(), encoded.vectors.dim());
        let is_truncated = encoded.is_truncated[index];
        Ok(Self {
            words: spans.iter().map(|span| text.get(span.clone()).unwrap_or_default().to_owned()).collect(),
            truncated_at: is_truncated.then(|| spans.iter().map(|span| span.end).max().unwrap_or(0)),
            rows: Tensor::from_vec(values, shape, &Device::Cpu)?,
            spans,
        })
    }

    fn len(&self) -> usize {
        self.spans.len()
    }

    /// Some of the rows, one after the other.
    fn some(&self, tokens: &Range<usize>) -> Result<Tensor> {
        Ok(self.rows.narrow(0, tokens.start, tokens.len())?)
    }

    /// The rows in blocks.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let tokens = self.len();
        (0..tokens).step_by(BLOCK_TOKENS).map(move |start| start..tokens.min(start + BLOCK_TOKENS))
    }

    fn matched(&self, text: &Self, found: &Found) -> TokenMatch {
        TokenMatch {
            token: self.words[found.query].clone(),
            query_span: self.spans[found.query].clone(),
            matched: text.words[found.text].clone(),
            span: text.spans[found.text].clone(),
            cosine: found.cosine,
        }
    }
}

/// For each text the best match of each of the query's tokens; none if one of the two has no tokens.
fn matches(query: &TokenMatrix, texts: &[TokenMatrix]) -> Result<Vec<Vec<Found>>> {
    if query.len() == 0 {
        return Ok(vec![Vec::new(); texts.len()]);
    }
    let mut blocks = best_blocks(query, texts)?.into_iter();
    let query_rows: Vec<Tensor> =
        (0..query.len()).map(|token| query.some(&(token..token + 1))).collect::<Result<_>>()?;
    let mut all = Vec::with_capacity(texts.len());
    for text in texts {
        let own: Vec<Range<usize>> = match text.len() {
            0 => Vec::new(),
            _ => blocks.by_ref().take(query.len()).collect(),
        };
        let rows = own.iter().map(|block| text.some(block)).collect::<Result<Vec<_>>>()?;
        let pairs =
            query_rows.iter().zip(&rows).map(|(candidate, reference)| TokenPair { candidate, reference });
        let maxima = token_match(&pairs.collect::<Vec<_>>(), Form::Kernels)?;
        let values = maxima.values.to_vec1::<f32>()?;
        let found = own.iter().enumerate().map(|(token, block)| {
            let (place, cosine) = greatest(&values[maxima.reference_tokens(token)]);
            Found { query: token, text: block.start + place, cosine }
        });
        all.push(found.collect());
    }
    Ok(all)
}

/// For each text with tokens, and for each token of the query, the block with the best match, the first of equal ones.
fn best_blocks(query: &TokenMatrix, texts: &[TokenMatrix]) -> Result<Vec<Range<usize>>> {
    let places = texts.iter().flat_map(|text| text.blocks().map(move |block| (text, block)));
    let places: Vec<(&TokenMatrix, Range<usize>)> = places.collect();
    let rows = places.iter().map(|(text, block)| text.some(block)).collect::<Result<Vec<_>>>()?;
    let pairs = rows.iter().map(|reference| TokenPair { candidate: &query.rows, reference });
    let maxima = token_match(&pairs.collect::<Vec<_>>(), Form::Kernels)?;
    let values = maxima.values.to_vec1::<f32>()?;
    let (mut best, mut first) = (Vec::new(), 0);
    for text in texts.iter().filter(|text| text.len() > 0) {
        let blocks = first..first + text.blocks().count();
        for token in 0..query.len() {
            let of_token = |pair: usize| values[maxima.candidate_tokens(pair).start + token];
            let cosines: Vec<f32> = blocks.clone().map(of_token).collect();
            best.push(places[first + greatest(&cosines).0].1.clone());
        }
        first = blocks.end;
    }
    Ok(best)
}

/// The place of the greatest value, the first of equal ones, and the value.
fn greatest(values: &[f32]) -> (usize, f32) {
    let best = |best: (usize, f32), (place, value)| if value > best.1 { (place, value) } else { best };
    values.iter().copied().enumerate().fold((0, f32::NEG_INFINITY), best)
}

#[cfg(test)]
mod tests;
