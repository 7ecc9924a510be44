//! The model of a corpus: words to vectors that fit it, and the sentence of a text that is nearest to a query.

use std::ops::Range;

use super::answer::SearchHit;
use super::corpus::Corpus;
use super::metric::to_length_1;
use crate::embed::{EmbedOptions, Embedded, EmbeddedTokens, Embedder, ModelCheck, sentences};
use crate::session::{Cancel, Session};
use crate::vectors::Vectors;
use crate::{Error, Result};

/// Most bytes of a hit's text in which the best sentence is looked for.
const MARKED_BYTES: usize = 16 << 10;
/// Most hits of an answer, the best ones, in which it is looked for.
const MARKED_HITS: usize = 100;
/// Sentences that are encoded together, give or take a text's: their vectors are in memory.
const SENTENCES_AT_ONCE: usize = 1024;

/// The model that queries in words are encoded with.
#[derive(Debug, Clone)]
pub struct QueryModel {
    queries: Embedder,
    /// With the prompt and the settings of the corpus.
    texts: Embedder,
    check: ModelCheck,
}

impl QueryModel {
    /// The model of `session` with the settings of the corpus: its layer, pooling, length and dimensions, and if it has a
    /// task, the task for queries. The prompt is the one of this name; else the task's instruction, or `query`, which is
    /// empty if the model has none of that name. `max_length` is the
    /// longest query in tokens, if it is not the corpus' longest text.
    ///
    /// # Errors
    /// [`Error::OtherModel`](crate::Error::OtherModel) if the corpus has other vectors than this model makes;
    /// [`Error::Usage`](crate::Error::Usage) if there is no such prompt.
    pub fn open(
        corpus: &Corpus,
        session: &Session,
        prompt: Option<&str>,
        max_length: Option<usize>,
    ) -> Result<Self> {
        let (options, check) = match corpus.provenance() {
            Some(provenance) => {
                let check = EmbedOptions::check_model(provenance, session)?;
                (EmbedOptions::like(provenance, session)?, check)
            }
            None => (EmbedOptions::default().prompt("query"), ModelCheck::Unknown),
        };
        let recorded = corpus.provenance().map(|it| (it.prompt.as_str(), it.task.as_deref()));
        let (prompt_of_texts, task) = recorded.unwrap_or_default();
        let texts = options.clone().for_texts(prompt_of_texts, task, session.model());
        let mut options = prompt.map_or(options.clone(), |name| options.prompt(name));
        options.max_length = max_length.or(options.max_length);
        let queries = session.vector_embedder(&options)?;
        if corpus.rows() > 0 && queries.dimensions() != corpus.dimensions() {
            return Err(Error::OtherModel {
                setting: "dimensions",
                of_corpus: corpus.dimensions().to_string(),
                of_model: queries.dimensions().to_string(),
            });
        }
        Ok(Self { queries, texts: session.vector_embedder(&texts)?, check })
    }

    /// The same model; `cancel` can stop its calls.
    #[must_use]
    pub fn with_cancel(self, cancel: &Cancel) -> Self {
        Self { queries: self.queries.with_cancel(cancel), texts: self.texts.with_cancel(cancel), ..self }
    }

    /// How certain it is that this is the model of the corpus.
    pub fn check(&self) -> ModelCheck {
        self.check
    }

    /// The prompt before each query; empty if there is none.
    pub fn prompt_text(&self) -> &str {
        self.queries.prompt_text()
    }

    /// The task whose adapters are part of the weights for queries.
    pub fn task(&self) -> Option<&str> {
        self.queries.task()
    }

    /// The longest query in tokens.
    pub fn max_tokens(&self) -> usize {
        self.queries.max_tokens()
    }

    /// Queries as vectors, and which of them were empty or truncated.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn encode<T: AsRef<str> + Sync>(&self, queries: &[T]) -> Result<Embedded> {
        self.queries.embed(queries)
    }

    /// The embedders of queries and of stored texts.
    pub(crate) fn embedders(&self) -> [&Embedder; 2] {
        [&self.queries, &self.texts]
    }

    /// The tokens of a query, after its prompt.
    pub(super) fn query_tokens(&self, query: &str) -> Result<EmbeddedTokens> {
        self.queries.embed_tokens(&[query])
    }

    /// The tokens of stored texts, after the corpus' prompt.
    pub(super) fn text_tokens(&self, texts: &[String]) -> Result<EmbeddedTokens> {
        self.texts.embed_tokens(texts)
    }

    /// Marks in each of the first 100 hits the sentence whose cosine with the query is the greatest, the first of equal
    /// ones. A text of one sentence is not marked: all of it was found.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn mark(&self, query: &Vectors, hits: &mut [SearchHit]) -> Result<()> {
        let marked = hits.len().min(MARKED_HITS);
        let mut part = Sentences::default();
        for index in 0..marked {
            hits[index].marks.clear();
            part.add(index, hits[index].text.as_deref().unwrap_or_default());
            if part.0.len() >= SENTENCES_AT_ONCE || index + 1 == marked {
                self.mark_best(query, &std::mem::take(&mut part), hits)?;
            }
        }
        Ok(())
    }

    /// Marks the best sentence of each hit that has some among these.
    fn mark_best(&self, query: &Vectors, part: &Sentences, hits: &mut [SearchHit]) -> Result<()> {
        let text = |(hit, range): &(usize, Range<usize>)| {
            &hits[*hit].text.as_deref().unwrap_or_default()[range.clone()]
        };
        let texts: Vec<&str> = part.0.iter().map(text).collect();
        let mut vectors = self.texts.embed(&texts)?.vectors;
        let mut scores = Vec::with_capacity(part.0.len());
        for row in 0..part.0.len() {
            to_length_1(vectors.row_mut(row));
            let products = vectors[row].iter().zip(&query[0]);
            scores.push(products.map(|(left, right)| f64::from(*left) * f64::from(*right)).sum());
        }
        for (hit, range) in part.best(&scores) {
            hits[hit].marks = vec![range];
        }
        Ok(())
    }
}

/// Sentences of hits: each hit's index and the bytes of its text, hit after hit.
#[derive(Default)]
struct Sentences(Vec<(usize, Range<usize>)>);

impl Sentences {
    /// Adds a text's, unless it is one sentence.
    fn add(&mut self, hit: usize, text: &str) {
        let found = sentences(&text[..text.floor_char_boundary(MARKED_BYTES)]);
        if found.len() > 1 {
            self.0.extend(found.into_iter().map(|range| (hit, range)));
        }
    }

    /// Each hit's sentence with the highest score, the first of equal ones.
    fn best(&self, scores: &[f64]) -> Vec<(usize, Range<usize>)> {
        let mut best: Vec<(f64, usize, Range<usize>)> = Vec::new();
        for ((hit, range), &score) in self.0.iter().zip(scores) {
            match best.last_mut().filter(|last| last.1 == *hit) {
                Some(last) if score > last.0 => *last = (score, *hit, range.clone()),
                Some(_) => {}
                None => best.push((score, *hit, range.clone())),
            }
        }
        best.into_iter().map(|(_, hit, range)| (hit, range)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_best_sentences_of_each_text_is_marked() {
        let mut sentences = Sentences::default();
        for (hit, text) in [(0, "One. Two. Three."), (2, "One alone"), (5, "Four. Five.")] {
            sentences.add(hit, text);
        }
        assert_eq!(sentences.0.len(), 5);
        assert_eq!(sentences.best(&[0.5, 0.7, 0.7, -0.2, -0.1]), [(0, 5..9), (5, 6..11)]);
        sentences.add(6, &"It is. ".repeat(MARKED_BYTES));
        assert!(sentences.0.iter().all(|(_, range)| range.end <= MARKED_BYTES));
    }
}
