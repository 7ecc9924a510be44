//! Requests of programs: plain data, for tools and servers. None of its fields is a path.

use serde::{Deserialize, Deserializer};

use super::corpus::Corpus;
use super::explain::without_words;
use super::model::QueryModel;
use super::options::SearchOptions;
use super::{Search, SearchAnswer};
use crate::text::RecordId;
use crate::{Error, Result};

/// A request for the texts nearest to a query, or like a stored text. An unknown field is an error.
///
/// ```
/// use nearsay::search::SearchRequest;
///
/// let request: SearchRequest = serde_json::from_str(r#"{"query": "floods", "top": 3, "filter": "year > 2020"}"#).unwrap();
/// assert_eq!(request.top, Some(3));
/// assert!(serde_json::from_str::<SearchRequest>(r#"{"query": "floods", "limit": 3}"#).is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SearchRequest {
    /// What is searched for, in words.
    pub query: Option<String>,
    /// Instead of a query: the id of a stored text, whose neighbors are searched for.
    #[serde(deserialize_with = "id")]
    pub like: Option<RecordId>,
    /// The number of hits, as in [`SearchOptions`].
    pub top: Option<usize>,
    /// [`SearchOptions::min_score`].
    pub min_score: Option<f32>,
    /// [`SearchOptions::filter`].
    pub filter: Option<String>,
    /// [`SearchOptions::per_chunk`].
    pub per_chunk: bool,
    /// [`SearchOptions::diversity`].
    pub diversity: Option<f32>,
    /// [`SearchOptions::bits`].
    pub bits: bool,
    /// [`SearchOptions::candidates`].
    pub candidates: Option<usize>,
    /// [`SearchOptions::columns`].
    pub columns: Vec<String>,
    /// [`SearchOptions::context`].
    pub context: Option<usize>,
    /// [`SearchOptions::max_characters`].
    pub max_characters: Option<usize>,
    /// [`SearchOptions::explain`]; only with a query.
    pub explain: bool,
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RecordId>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    let known = |value: &serde_json::Value| {
        let rule = "an id must be a string or a whole number of 64 bits";
        RecordId::from_json(value).ok_or_else(|| serde::de::Error::custom(rule))
    };
    value.as_ref().map(known).transpose()
}

impl SearchRequest {
    /// What it asks of a search.
    pub fn options(&self) -> SearchOptions {
        SearchOptions {
            top: self.top,
            min_score: self.min_score,
            filter: self.filter.clone(),
            per_chunk: self.per_chunk,
            diversity: self.diversity,
            bits: self.bits,
            candidates: self.candidates,
            columns: self.columns.clone(),
            context: self.context,
            max_characters: self.max_characters,
            explain: self.explain,
        }
    }

    /// Its answer. A query needs the model; `like` does not.
    ///
    /// # Errors
    /// [`Error::Usage`] if it has neither or both of a query and `like`, if there is no model for a query, or if the
    /// id does not exist; those of [`Corpus::search`] and [`Search::nearest`].
    pub fn answer(&self, corpus: &Corpus, model: Option<&QueryModel>) -> Result<SearchAnswer> {
        let search = corpus.search(&self.options())?;
        match (&self.query, &self.like, model) {
            (Some(query), None, Some(model)) => answer_to(&search, model, query),
            (Some(_), None, None) => Err(Error::usage("a query in words needs the model of the vectors")),
            (None, Some(_), _) if self.explain => Err(without_words()),
            (None, Some(id), _) => {
                let row = corpus.row_of(id)?.ok_or_else(|| no_such_id(corpus, id))?;
                Ok(SearchAnswer { like: Some(id.clone()), ..search.answer(&search.like(row)?)? })
            }
            _ => Err(Error::usage("a request needs either a query or the id of a stored text")),
        }
    }
}

/// The answer to one query in words, with the best sentences marked.
fn answer_to(search: &Search<'_>, model: &QueryModel, query: &str) -> Result<SearchAnswer> {
    let vector = model.encode(&[query])?.vectors;
    let hits = search.nearest(&vector)?.pop().unwrap_or_default();
    let mut answer = SearchAnswer { query: Some(query.to_owned()), ..search.answer(&hits)? };
    model.mark(&vector, &mut answer.hits)?;
    if search.options.explain {
        search.explain(model, &mut answer)?;
    }
    Ok(answer)
}

/// Refuses an id that no row has.
fn no_such_id(corpus: &Corpus, id: &RecordId) -> Error {
    Error::usage_hint(
        format!("{} has no row with the id {id}", corpus.name()),
        "a number and a string are different ids; rows without ids are numbered from 0",
    )
}
