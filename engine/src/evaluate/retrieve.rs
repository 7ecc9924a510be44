//! A corpus embedded and searched, block by block. `stored` searches vectors that exist.

use candle_core::{Device, Tensor};
use nearsay_kernels::{Block, Form, TopKSearch};
use nearsay_models::Model;

use super::beir::Queries;
use super::corpus::Corpus;
use super::run::Run;
use crate::embed::{EmbedOptions, Embedder};
use crate::search::Metric;
use crate::vectors::Vectors;
use crate::{Error, Result, Session};

/// Documents per query, as many as the last rank that is measured.
pub(super) const DEPTH: usize = 1000;
/// Documents that are embedded and searched together, at most.
const BLOCK_DOCUMENTS: usize = 8192;
/// Bytes of their texts, approximately.
const BLOCK_BYTES: usize = 64 << 20;

/// Names of the prompt for documents, by preference.
const DOCUMENT_PROMPTS: [&str; 3] = ["document", "passage", "corpus"];
/// The name of the prompt for queries.
const QUERY_PROMPT: &str = "query";

/// The tasks of queries and documents that a model may have adapters for (jina-embeddings-v3).
const TASKS: [&str; 2] = ["retrieval.query", "retrieval.passage"];

/// How a model embeds queries and documents, and compares them.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RetrievalOptions {
    /// How texts are embedded. The task, the prompt and, for [`Metric::Cosine`], the normalization are set here.
    pub embedding: EmbedOptions,
    /// How vectors are compared: [`Metric::Cosine`] or [`Metric::Dot`].
    pub metric: Metric,
    /// The name of the prompt before each query; `None`: `query`, or the instruction of the task `retrieval.query` if
    /// the model has adapters for that and `retrieval.passage`.
    pub query_prompt: Option<String>,
    /// The name of the prompt before each document; `None`: the first of `document`, `passage` and `corpus`
    /// that the model's files name, or none; or the instruction of the task `retrieval.passage`.
    ///
    /// sentence-transformers' `encode_document` looks for the same names. There (6.2) `document` always
    /// exists, empty unless the files name it, so that `passage` and `corpus` are never used.
    pub document_prompt: Option<String>,
}

/// A model as it embeds queries and documents.
#[derive(Debug, Clone)]
pub struct Retriever {
    queries: Embedder,
    documents: Embedder,
    metric: Metric,
}

/// What retrieval found, and what it truncated.
#[derive(Debug)]
#[non_exhaustive]
pub struct Retrieved {
    /// The best 1000 documents of each query.
    pub run: Run,
    /// Number of documents.
    pub documents: u64,
    /// Documents that were truncated to the longest length; `None` if their vectors were stored, which do not say.
    pub truncated_documents: Option<u64>,
    /// Queries that were.
    pub truncated_queries: u64,
}

impl Retriever {
    /// The model of `session` with `options`.
    ///
    /// # Errors
    /// As [`Session::embedder`]; [`Error::Usage`] for Euclidean distances.
    pub fn new(session: &Session, options: &RetrievalOptions) -> Result<Self> {
        let RetrievalOptions { metric, query_prompt, document_prompt, embedding } = options;
        let options = match metric {
            Metric::Cosine => embedding.clone().normalize(true),
            Metric::Dot => embedding.clone(),
            Metric::Euclidean => {
                return Err(Error::usage_hint(
                    "documents that are embedded for an evaluation are compared by cosine or dot, not euclidean",
                    "to use another metric, evaluate an index or a file of vectors",
                ));
            }
        };
        let [query_task, document_task] = tasks(session.model());
        let with = |prompt: &Option<String>, task: Option<&str>, usual: &str| {
            let options = EmbedOptions { task: task.map(str::to_owned), ..options.clone() };
            let prompt = prompt.as_deref().or_else(|| task.is_none().then_some(usual));
            session.vector_embedder(&prompt.map_or(options.clone(), |name| options.prompt(name)))
        };
        Ok(Self {
            queries: with(query_prompt, query_task, QUERY_PROMPT)?,
            documents: with(document_prompt, document_task, usual_prompt(session.model()))?,
            metric: *metric,
        })
    }

    /// The embedder of queries.
    pub fn queries(&self) -> &Embedder {
        &self.queries
    }

    /// The embedder of documents.
    pub fn documents(&self) -> &Embedder {
        &self.documents
    }

    /// How vectors are compared.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The same; `cancel` can stop its calls.
    #[must_use]
    pub fn with_cancel(&self, cancel: &crate::Cancel) -> Self {
        let [queries, documents] = [&self.queries, &self.documents].map(|it| it.with_cancel(cancel));
        Self { queries, documents, ..self.clone() }
    }

    /// The best 1000 documents of `corpus` for each of `queries`. Vectors of documents are never all in memory.
    /// `progress` is called with the number of documents done so far.
    ///
    /// # Errors
    /// If the tokenizer or the encoder fails, a text cannot be read, or the call is stopped.
    pub fn retrieve(&self, queries: &Queries, corpus: Corpus, progress: impl Fn(u64)) -> Result<Retrieved> {
        let embedded = self.queries.embed(&queries.texts)?;
        let depth = DEPTH.min(corpus.len());
        let mut search = TopKSearch::new(&matrix(&embedded)?, depth, Form::Kernels)?;
        let (mut done, mut truncated_documents) = (0, 0);
        while done < corpus.len() {
            let first_row = u32::try_from(done).map_err(|_| {
                let rule = "a corpus must have at most 2^32 - 1 documents".to_owned();
                Error::BadInput { input: corpus.name().to_owned(), rule }
            })?;
            let texts = corpus.texts(done, BLOCK_DOCUMENTS, BLOCK_BYTES)?;
            let block = self.documents.embed(&texts)?;
            search.feed(&Block::new(block.values(), first_row))?;
            truncated_documents += block.notices.truncated.count;
            done += texts.len();
            progress(done as u64);
        }
        let found = search.finish()?;
        let (scores, rows) = (found.scores.to_vec2::<f32>()?, found.indices.to_vec2::<u32>()?);
        let hits = |(rows, scores): (Vec<u32>, Vec<f32>)| {
            rows.into_iter().zip(scores.into_iter().map(f64::from)).collect()
        };
        let ranked = queries.ids.iter().cloned().zip(rows.into_iter().zip(scores).map(hits));
        Ok(Retrieved {
            documents: corpus.len() as u64,
            run: Run::new(corpus.into_ids(), ranked),
            truncated_documents: Some(truncated_documents),
            truncated_queries: embedded.notices.truncated.count,
        })
    }
}

/// The tasks of queries and documents, if the model has adapters for both.
fn tasks(model: &Model) -> [Option<&'static str>; 2] {
    let has = |name: &&str| model.tasks().any(|task| task == *name);
    if TASKS.iter().all(has) { TASKS.map(Some) } else { [None; 2] }
}

/// The name of the prompt for documents, unless one is chosen.
fn usual_prompt(model: &Model) -> &'static str {
    let prompts = model.prompts();
    let named = DOCUMENT_PROMPTS.into_iter().find(|name| prompts.contains_key(*name));
    named.unwrap_or(DOCUMENT_PROMPTS[0])
}

fn matrix(vectors: &Vectors) -> Result<Tensor> {
    Ok(Tensor::from_slice(vectors.values(), (vectors.len(), vectors.dim()), &Device::Cpu)?)
}
