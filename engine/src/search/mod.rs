//! Search: the texts nearest to a query, and whatever a filter lets pass.
//!
//! [`Corpus::open`] opens a file of vectors or a job's folder, [`Corpus::search`] prepares a search with a filter and the
//! other [`SearchOptions`], and [`Search::nearest`] returns the rows nearest to each query: all rows are compared, and a
//! filter is applied before they are ranked. [`Search::answer`] adds ids, texts and columns. [`QueryModel`] turns words
//! into vectors that fit the corpus. [`SearchRequest`] and [`SearchAnswer`] are the same as plain data.
//!
//! ```
//! use nearsay::search::{Corpus, Metric, QueryModel, SearchRequest};
//! use nearsay::{EmbedOptions, Session, job::CorpusOptions, text::TextOptions};
//!
//! # fn main() -> nearsay::Result<()> {
//! # let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/sentence-transformers/dense-prompts");
//! # let folder = tempfile::tempdir().unwrap();
//! # let (lines, vectors) = (folder.path().join("a.jsonl"), folder.path().join("a.parquet"));
//! # std::fs::write(&lines, "{\"text\":\"The flood came at night.\",\"year\":1953}\n{\"text\":\"Bread\",\"year\":1990}\n").unwrap();
//! let session = Session::open(model)?;
//! let reading = CorpusOptions::default().reading(TextOptions::default().keep(["text", "year"]));
//! session.embedder(&EmbedOptions::default())?.embed_files([&lines], &vectors, &reading)?;
//!
//! let corpus = Corpus::open(&vectors, Metric::Cosine)?;
//! let model = QueryModel::open(&corpus, &session, None, None)?;
//! let request: SearchRequest = serde_json::from_str(r#"{"query": "floods", "filter": "year < 1960"}"#).unwrap();
//! let answer = request.answer(&corpus, Some(&model))?;
//! assert_eq!(answer.hits[0].text.as_deref(), Some("The flood came at night."));
//! assert_eq!((answer.hits.len(), answer.searched, answer.matched_filter), (1, 2, 1));
//! # Ok(())
//! # }
//! ```
//!
//! Scores are computed in f32, in an order that depends on the vectors' width alone, so a row has the same score for the
//! same query in any corpus and batch, with any filter and number of threads. Of equal scores the lower row comes first.
//!
//! | part | contents |
//! |---|---|
//! | `source` | rows that can be searched |
//! | `values` | their numbers: in place, or decoded |
//! | `filter` | SQL expressions to sets of rows |
//! | `scan`, `block_search` | all rows that count against the queries |
//! | `best_hits` | rows in memory that come block by block |
//! | `candidates` | rows that can be among the best, by bytes or signs |
//! | `euclidean`, `texts`, `diversity` | distances, the best chunk of each text, hits that differ |
//! | `prepared`, `answer`, `table` | a prepared search, and what it found |
//! | `model` | words to vectors; the best sentence of a hit |
//! | `explain` | which token of a hit each token of a query matches |
//! | `request`, `describe`, `stored` | plain data and texts for programs |

mod answer;
mod best_hits;
mod block_search;
mod candidates;
mod corpus;
mod describe;
mod diversity;
mod euclidean;
mod explain;
mod filter;
mod ids;
mod memory;
mod metric;
mod model;
mod options;
mod prepared;
mod request;
mod row_set;
mod scan;
mod source;
mod stored;
mod table;
mod texts;
mod values;

use std::cmp::Ordering;
use std::ops::Deref;

pub use answer::{SearchAnswer, SearchHit};
pub use best_hits::BestHits;
pub use corpus::Corpus;
pub use describe::{ColumnDescription, Description};
pub use explain::TokenMatch;
pub(crate) use filter::Filter;
pub use metric::Metric;
pub(crate) use metric::to_length_1;
pub use model::QueryModel;
pub(crate) use options::check_top;
pub use options::{MAX_TOP, SearchOptions};
pub use prepared::Search;
pub use request::SearchRequest;
pub(crate) use row_set::RowSet;
pub(crate) use source::{BitBatch, CodeBatch, InOrder, RowSource};
pub use table::HitTable;

/// A row that was found for a query.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// The dot product with the query: the cosine, if both have length 1. With Euclidean distances, the distance.
    pub score: f32,
    /// The row.
    pub row: usize,
}

/// The result for one query.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Neighbors {
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// Rows whose score was computed from their vectors.
    pub candidates: u64,
}

impl Deref for Neighbors {
    type Target = [Hit];

    fn deref(&self) -> &[Hit] {
        &self.hits
    }
}

impl Hit {
    /// The better hit first: the higher score, then the lower row. What is not a number comes last.
    fn order(&self, other: &Self) -> Ordering {
        let by_score = match (self.score.is_nan(), other.score.is_nan()) {
            (false, false) => other.score.partial_cmp(&self.score).unwrap_or(Ordering::Equal),
            (left, right) => left.cmp(&right),
        };
        by_score.then(self.row.cmp(&other.row))
    }

    /// The nearer hit first.
    fn order_of_distances(&self, other: &Self) -> Ordering {
        self.score.partial_cmp(&other.score).unwrap_or(Ordering::Equal).then(self.row.cmp(&other.row))
    }
}

#[cfg(test)]
pub(crate) mod tests;
