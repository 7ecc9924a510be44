//! The model of a corpus: words to vectors that fit it, and the sentence of a text that is nearest to a query.

use super::answer::SearchHit;
use super::corpus::Corpus;
use super::metric::to_length_1;
use crate::embed::{EmbedOptions, Embedded, EmbeddedTokens, Embedder, ModelCheck, sentences};
use crate::session::{Cancel, Session};
use crate::vectors::Vectors;
use crate::{Error, Result};

/// Most bytes of a hit's text in which the best sentence is looked for.
const MARKED_BYTES: usize = 16 << 10;

/// The model that queries in words are encoded with.
#[derive(Debug, Clone)]
pub struct QueryModel {
    queries: Embedder,
    /// With the prompt and the settings of the corpus.
    texts: Embedder,
    check: ModelCheck,
}

impl QueryModel {
    /// The model of `session` with the settings of the corpus: its layer, pooling, length and dimensions. The prompt is
    /// the one of this name; else `query`, which is empty if the model has none of that name. `max_length` is the
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
        let texts = options.clone().prompt(&prompt_of_texts(corpus, session));
        let mut options = prompt.map_or(options.clone(), |name| options.prompt(name));
        options.max_length = max_length.or(options.max_length);
        let queries = session.embedder(&options)?;
        if corpus.rows() > 0 && queries.dimensions() != corpus.dimensions() {
            return Err(Error::OtherModel {
                setting: "dimensions",
                of_corpus: corpus.dimensions().to_string(),
                of_model: queries.dimensions().to_string(),
            });
        }
        Ok(Self { queries, texts: session.embedder(&texts)?, check })
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

    /// Marks in each hit the sentence whose cosine with the query is the greatest, the first of equal ones. A text of
    /// one sentence is not marked: all of it was found.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub fn mark(&self, query: &Vectors, hits: &mut [SearchHit]) -> Result<()> {
        let mut parts = Vec::new();
        for (index, hit) in hits.iter().enumerate() {
            let text = hit.text.as_deref().unwrap_or_default();
            let text = &text[..text.floor_char_boundary(MARKED_BYTES)];
            let found = sentences(text);
            if found.len() > 1 {
                parts.extend(found.into_iter().map(|range| (index, range)));
            }
        }
        let texts: Vec<&str> = parts
            .iter()
            .map(|(index, range)| &hits[*index].text.as_deref().unwrap_or_default()[range.clone()])
            .collect();
        let mut vectors = self.texts.embed(&texts)?.vectors;
        let mut best: Vec<Option<(f64, usize)>> = vec![None; hits.len()];
        for (part, (index, _)) in parts.iter().enumerate() {
            to_length_1(vectors.row_mut(part));
            let products = vectors[part].iter().zip(&query[0]);
            let score: f64 = products.map(|(left, right)| f64::from(*left) * f64::from(*right)).sum();
            if best[*index].is_none_or(|(highest, _)| score > highest) {
                best[*index] = Some((score, part));
            }
        }
        for (hit, best) in hits.iter_mut().zip(best) {
            hit.marks = best.map(|(_, part)| parts[part].1.clone()).into_iter().collect();
        }
        Ok(())
    }
}

/// The name of the prompt that the corpus' texts were embedded with; `document` if none of the model's has that text.
fn prompt_of_texts(corpus: &Corpus, session: &Session) -> String {
    let recorded = corpus.provenance().map(|provenance| provenance.prompt.as_str()).unwrap_or_default();
    let prompts = session.model().prompts();
    let named = prompts.into_iter().find(|(_, text)| text == recorded);
    named.map_or_else(|| "document".to_owned(), |(name, _)| name)
}
