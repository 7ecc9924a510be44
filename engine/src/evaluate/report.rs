//! The object that `nearsay eval retrieval --json` prints.

use nearsay_metrics::statistics::Interval;
use nearsay_models::files::Source;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::retrieval::{Comparison, RetrievalScores, Values, measures};
use super::retrieve::{Retrieved, Retriever};
use super::stored::StoredRetriever;
use crate::embed::Embedder;
use crate::search::Metric;

/// A run's measures. Its first keys are the means: `ndcg@10`, and the same as `ndcg_at_10`, which mteb's
/// results have.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RetrievalReport<'a> {
    #[serde(flatten)]
    means: Means,
    /// 95 % intervals of the means: `{"ndcg@10": [low, high]}`.
    intervals: Intervals,
    /// Queries that were measured.
    queries: usize,
    /// What does not count, and why.
    left_out: LeftOut,
    /// How the run was made, if it was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    retrieval: Option<RetrievalSubject<'a>>,
    /// The difference to a baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<BaselineReport>,
    /// Each query's values, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_query: Option<PerQuery<'a>>,
}

/// Queries and judgements that do not count, or count as 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// Queries without a judgement. They do not count.
    pub queries_not_judged: u64,
    /// Judged queries that the task has no text for. They do not count.
    pub queries_without_text: u64,
    /// Judged queries for which nothing was found. They count as 0.
    pub queries_without_hits: u64,
    /// Judged queries without a relevant document. They count as 0.
    pub queries_without_relevant: u64,
    /// Judgements of relevant documents that the corpus lacks. They count as not found.
    pub relevant_not_in_corpus: u64,
}

/// How a run was made.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RetrievalSubject<'a> {
    /// The model as the user named it.
    pub model: &'a str,
    /// The commit of a model from the hub; `null` for a folder.
    pub model_revision: Option<&'a str>,
    /// The prompt before each query.
    pub query_prompt: &'a str,
    /// The prompt before each document.
    pub document_prompt: &'a str,
    /// How vectors are compared.
    #[serde(rename = "similarity")]
    pub metric: Metric,
    /// The longest text in tokens.
    pub max_length: usize,
    /// Number of documents.
    pub documents: u64,
    /// Documents that were truncated to the longest length, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated_documents: Option<u64>,
    /// Queries that were.
    pub truncated_queries: u64,
}

impl<'a> RetrievalSubject<'a> {
    /// The run that a retriever made.
    pub fn new(retriever: &'a Retriever, retrieved: &Retrieved) -> Self {
        Self::of([retriever.queries(), retriever.documents()], retriever.metric(), retrieved)
    }

    /// The run of stored vectors.
    pub fn of_stored(retriever: &'a StoredRetriever<'_>, retrieved: &Retrieved) -> Self {
        Self::of(retriever.embedders(), retriever.metric(), retrieved)
    }

    fn of([queries, documents]: [&'a Embedder; 2], metric: Metric, retrieved: &Retrieved) -> Self {
        let folder = documents.session().model().folder();
        let model_revision = match folder.source() {
            Source::Folder => None,
            Source::Cache { commit, .. } => Some(commit.as_str()),
        };
        Self {
            model: folder.name(),
            model_revision,
            query_prompt: queries.prompt_text(),
            document_prompt: documents.prompt_text(),
            metric,
            max_length: documents.max_tokens(),
            documents: retrieved.documents,
            truncated_documents: retrieved.truncated_documents,
            truncated_queries: retrieved.truncated_queries,
        }
    }
}

impl<'a> RetrievalReport<'a> {
    /// A report of these scores; `seed` is that of the random numbers for intervals.
    pub fn new(scores: &RetrievalScores, left_out: LeftOut, seed: u64) -> Self {
        Self {
            means: Means(scores.means()),
            intervals: Intervals(scores.intervals(seed)),
            queries: scores.queries.len(),
            left_out,
            retrieval: None,
            baseline: None,
            per_query: None,
        }
    }

    /// The same with the way in which the run was made.
    #[must_use]
    pub fn of(self, subject: RetrievalSubject<'a>) -> Self {
        Self { retrieval: Some(subject), ..self }
    }

    /// The same with the difference to a baseline.
    #[must_use]
    pub fn against(self, comparison: &Comparison) -> Self {
        let baseline = BaselineReport {
            means: Keyed(comparison.baseline),
            differences: Keyed(comparison.differences),
            intervals: Intervals(comparison.intervals),
            p_values: Keyed(comparison.p_values),
        };
        Self { baseline: Some(baseline), ..self }
    }

    /// The same with the values of each query.
    #[must_use]
    pub fn per_query(self, scores: &'a RetrievalScores) -> Self {
        Self { per_query: Some(PerQuery(scores)), ..self }
    }

    /// The means.
    pub fn means(&self) -> &Values {
        &self.means.0
    }

    /// The intervals of the means.
    pub fn intervals(&self) -> &Values<Interval> {
        &self.intervals.0
    }
}

#[derive(Debug, Clone, Serialize)]
struct BaselineReport {
    means: Keyed,
    /// The run's means minus these.
    differences: Keyed,
    /// 95 % intervals of the differences.
    intervals: Intervals,
    p_values: Keyed,
}

/// Values by the keys of their measures.
#[derive(Debug, Clone)]
struct Keyed(Values);

impl Serialize for Keyed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(measures().map(|(measure, cutoff)| measure.key(cutoff)).zip(self.0))
    }
}

/// Values by the keys of their measures, and then by mteb's keys.
#[derive(Debug, Clone)]
struct Means(Values);

impl Serialize for Means {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let keys = measures().map(|(measure, cutoff)| measure.key(cutoff)).zip(self.0);
        serializer
            .collect_map(keys.chain(measures().map(|(measure, cutoff)| measure.mteb_key(cutoff)).zip(self.0)))
    }
}

#[derive(Debug, Clone)]
struct Intervals(Values<Interval>);

impl Serialize for Intervals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ends = self.0.map(|interval| [interval.low, interval.high]);
        serializer.collect_map(measures().map(|(measure, cutoff)| measure.key(cutoff)).zip(ends))
    }
}

#[derive(Debug, Clone)]
struct PerQuery<'a>(&'a RetrievalScores);

impl Serialize for PerQuery<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.0.queries.iter().zip(&self.0.values);
        serializer.collect_seq(rows.map(|(query, values)| QueryRow { query, values }))
    }
}

struct QueryRow<'a> {
    query: &'a str,
    values: &'a Values,
}

impl Serialize for QueryRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("query", self.query)?;
        for ((measure, cutoff), value) in measures().zip(self.values) {
            map.serialize_entry(&measure.key(cutoff), value)?;
        }
        map.end()
    }
}
