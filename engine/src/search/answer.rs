//! Answers: hits with their ids, texts and columns.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::DataType;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::explain::TokenMatch;
use super::metric::Metric;
use super::prepared::Search;
use super::{Hit, Neighbors};
use crate::text::RecordId;
use crate::vectors::rows::{BYTE_END, BYTE_START, CHUNK};
use crate::vectors::write::append_value;
use crate::{Error, Result};

/// Hits whose texts and columns are read together.
const HITS_AT_ONCE: usize = 4096;
/// Most inputs that an answer names because they have changed.
const STALE_NAMES: usize = 10;

/// What was found for one query.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SearchAnswer {
    /// The query's text; `None` for vectors and stored rows.
    pub query: Option<String>,
    /// The query's id in its own file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_id: Option<RecordId>,
    /// The id of the stored text that hits are like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<RecordId>,
    /// The hits, best first.
    pub hits: Vec<SearchHit>,
    /// Rows of the corpus.
    pub searched: u64,
    /// Rows that pass the filter.
    pub matched_filter: u64,
    /// Rows whose score was computed from the stored numbers.
    pub candidates: u64,
    /// Whether the hits are those of the stored vectors themselves, and not of bytes or bits instead of these.
    pub exact: bool,
    /// Inputs that have changed since they were embedded, the first 10 of them. Files of vectors do not record them.
    pub stale: Vec<String>,
    /// How many inputs have changed.
    pub stale_count: usize,
}

/// A text, or a chunk of one, that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SearchHit {
    /// Its place, from 1.
    pub rank: usize,
    /// The cosine or dot product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// The Euclidean distance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<f32>,
    /// The text's id, or the row's number.
    pub id: RecordId,
    /// The chunk's number in its text, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u32>,
    /// Where the chunk starts in its text, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_start: Option<u32>,
    /// Where the chunk ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_end: Option<u32>,
    /// The stored text; `None` if the corpus has none.
    pub text: Option<String>,
    /// The text before the chunk, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The text after the chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// If `text` was cut: the byte of the stored text where it continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continues_at: Option<usize>,
    /// The columns that were asked for.
    #[serde(serialize_with = "as_object")]
    pub columns: Vec<(String, Value)>,
    /// The parts of `text` that are most like the query, in bytes.
    #[serde(serialize_with = "as_pairs")]
    pub marks: Vec<Range<usize>>,
    /// For each of the query's tokens the one of the stored text that is most like it; see [`Search::explain`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Vec<TokenMatch>>,
    /// If the stored text is longer than the model takes: the byte of it where `explanation` ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained_to: Option<usize>,
    /// The row in the corpus.
    #[serde(skip)]
    pub row: u64,
}

fn as_object<S: Serializer>(columns: &[(String, Value)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(columns.iter().map(|(name, value)| (name, value)))
}

fn as_pairs<S: Serializer>(marks: &[Range<usize>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(marks.iter().map(|mark| [mark.start, mark.end]))
}

impl Search<'_> {
    /// The stored texts of some rows, which may be in any order; empty if there is none.
    pub(super) fn texts_of(&self, rows: &[u64]) -> Result<Vec<String>> {
        let Some(name) = self.corpus.text_column else { return Ok(vec![String::new(); rows.len()]) };
        let mut ascending = rows.to_vec();
        ascending.sort_unstable();
        ascending.dedup();
        let columns = self.corpus.source.columns_of(&ascending, &[name])?;
        let texts = columns.as_ref().and_then(|columns| columns.column_by_name(name));
        let texts = texts.map(|texts| cast(texts, &DataType::Utf8)).transpose()?;
        let texts = texts.as_ref().map(|texts| texts.as_string::<i32>());
        let text = |row: &u64| {
            let place = ascending.partition_point(|other| other < row);
            texts
                .filter(|texts| texts.is_valid(place))
                .map_or_else(String::new, |texts| texts.value(place).to_owned())
        };
        Ok(rows.iter().map(text).collect())
    }

    /// The answer with what [`Search::nearest`] or [`Search::like`] found.
    ///
    /// # Errors
    /// If the corpus cannot be read.
    pub fn answer(&self, found: &Neighbors) -> Result<SearchAnswer> {
        let stale = self.corpus.source.stale();
        Ok(SearchAnswer {
            query: None,
            query_id: None,
            like: None,
            hits: self.details(found)?,
            searched: self.corpus.rows,
            matched_filter: self.matched(),
            candidates: found.candidates,
            exact: self.corpus.is_exact() && !self.options.bits,
            stale: stale.iter().take(STALE_NAMES).cloned().collect(),
            stale_count: stale.len(),
        })
    }

    fn details(&self, hits: &[Hit]) -> Result<Vec<SearchHit>> {
        let mut details = Vec::with_capacity(hits.len());
        let mut left = self.options.max_characters;
        for (part, hits) in hits.chunks(HITS_AT_ONCE).enumerate() {
            let stored = Stored::of(self, hits)?;
            for (index, hit) in hits.iter().enumerate() {
                let rank = part * HITS_AT_ONCE + index + 1;
                let mut detail = stored.hit(self, *hit)?;
                detail.rank = rank;
                if let Some(characters) = self.options.context {
                    let (before, after) = self.corpus.source.around(hit.row as u64, characters)?;
                    (detail.before, detail.after) = (Some(before), Some(after));
                }
                if let Some(left) = &mut left {
                    cut(&mut detail, left);
                }
                details.push(detail);
            }
        }
        Ok(details)
    }
}

/// Cuts a text to the characters that are left, between two of them.
fn cut(hit: &mut SearchHit, left: &mut usize) {
    let Some(text) = &mut hit.text else { return };
    match text.char_indices().nth(*left) {
        None => {
            *left -= text.chars().count();
            // What is nearest to the chunk stays.
            if let Some(before) = &mut hit.before {
                let cut = before.chars().count().saturating_sub(*left);
                *before = before.chars().skip(cut).collect();
                *left -= before.chars().count();
            }
            if let Some(after) = &mut hit.after {
                *after = after.chars().take(*left).collect();
                *left -= after.chars().count();
            }
        }
        Some((end, _)) => {
            text.truncate(end);
            hit.continues_at = Some(end);
            (hit.before, hit.after) =
                (hit.before.take().map(|_| String::new()), hit.after.take().map(|_| String::new()));
            *left = 0;
        }
    }
}

/// What is stored about some hits.
struct Stored {
    /// Their rows, in ascending order.
    rows: Vec<u64>,
    ids: Vec<RecordId>,
    columns: Option<RecordBatch>,
    texts: Option<ArrayRef>,
}

impl Stored {
    fn of(search: &Search<'_>, hits: &[Hit]) -> Result<Self> {
        let (corpus, options) = (search.corpus, &search.options);
        let mut rows: Vec<u64> = hits.iter().map(|hit| hit.row as u64).collect();
        rows.sort_unstable();
        rows.dedup();
        let ids = corpus.source.ids_of(&rows)?;
        let own = [CHUNK, BYTE_START, BYTE_END].into_iter().chain(corpus.text_column);
        let names: Vec<&str> = own.chain(options.columns.iter().map(String::as_str)).collect();
        let columns = corpus.source.columns_of(&rows, &names)?;
        let texts = corpus.text_column.and_then(|name| columns.as_ref()?.column_by_name(name));
        let texts = texts.map(|texts| cast(texts, &DataType::Utf8)).transpose()?;
        Ok(Self { rows, ids, columns, texts })
    }

    fn hit(&self, search: &Search<'_>, hit: Hit) -> Result<SearchHit> {
        let place = self.rows.partition_point(|row| *row < hit.row as u64);
        let is_distance = search.corpus.metric == Metric::Euclidean;
        let mut columns = Vec::new();
        for name in &search.options.columns {
            columns.push((name.clone(), self.value(name, place)?));
        }
        let text = self.texts.as_ref().map(|texts| texts.as_string::<i32>());
        Ok(SearchHit {
            rank: 0,
            score: (!is_distance).then_some(hit.score),
            distance: is_distance.then_some(hit.score),
            id: self.ids[place].clone(),
            chunk: self.number(CHUNK, place),
            byte_start: self.number(BYTE_START, place),
            byte_end: self.number(BYTE_END, place),
            text: text.filter(|texts| texts.is_valid(place)).map(|texts| texts.value(place).to_owned()),
            before: None,
            after: None,
            continues_at: None,
            columns,
            marks: Vec::new(),
            explanation: None,
            explained_to: None,
            row: hit.row as u64,
        })
    }

    fn number(&self, name: &str, place: usize) -> Option<u32> {
        let column = self.columns.as_ref()?.column_by_name(name)?;
        let numbers = column.as_primitive_opt::<UInt32Type>()?;
        numbers.is_valid(place).then(|| numbers.value(place))
    }

    /// A column's value as JSON.
    fn value(&self, name: &str, place: usize) -> Result<Value> {
        let Some(columns) = &self.columns else { return Ok(Value::Null) };
        let Ok(index) = columns.schema_ref().index_of(name) else { return Ok(Value::Null) };
        let mut json = Vec::new();
        append_value(&mut json, columns.schema_ref().field(index), columns.column(index), place)?;
        serde_json::from_slice(&json).map_err(|error| Error::Bug(format!("column {name}: {error}")))
    }
}
