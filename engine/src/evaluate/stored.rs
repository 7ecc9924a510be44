//! Retrieval from vectors that are stored: an index, a job's folder or a file, as `search` searches them.
//!
//! A document is a text, found by its best chunk. Its id in judgements and runs is the stored one, a number as it is
//! written. Of equal scores at the last rank the higher ids are taken, as from a [`Corpus`](super::Corpus), so the same
//! texts with the same vectors have the same measures.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use nearsay_metrics::ranking::best_first;

use super::beir::Queries;
use super::judgements::Judgements;
use super::retrieve::{DEPTH, Retrieved};
use super::run::Run;
use crate::embed::Embedder;
use crate::error::shorten;
use crate::search::{Corpus, Hit, MAX_TOP, Metric, QueryModel, Search, SearchOptions};
use crate::session::{Cancel, Workers};
use crate::vectors::Vectors;
use crate::{Error, Result};

/// Rows whose ids are read together.
const ROWS_AT_ONCE: u64 = 1 << 16;

/// Stored vectors, and the model that their queries are embedded with.
#[derive(Debug)]
pub struct StoredRetriever<'a> {
    corpus: &'a Corpus,
    model: &'a QueryModel,
    workers: Workers,
    cancel: Cancel,
}

impl<'a> StoredRetriever<'a> {
    /// Searches `corpus` for queries that `model` embeds.
    pub fn new(corpus: &'a Corpus, model: &'a QueryModel) -> Self {
        Self { corpus, model, workers: Workers::new(None), cancel: Cancel::default() }
    }

    /// The same on these threads; `cancel` can stop its calls.
    #[must_use]
    pub fn on(self, workers: &Workers, cancel: &Cancel) -> Self {
        Self { workers: workers.clone(), cancel: cancel.clone(), ..self }
    }

    /// The embedders of queries and of documents.
    pub(super) fn embedders(&self) -> [&Embedder; 2] {
        self.model.embedders()
    }

    /// How vectors are compared.
    pub fn metric(&self) -> Metric {
        self.corpus.metric()
    }

    /// Judgements of relevant documents that are not stored.
    ///
    /// # Errors
    /// If the corpus cannot be read.
    pub fn relevant_outside(&self, judgements: &Judgements) -> Result<u64> {
        let judged = judgements.queries().iter().flat_map(|query| query.documents());
        let mut missing: HashSet<&str> = judged.map(|(document, _)| document).collect();
        for first in (0..self.corpus.rows()).step_by(ROWS_AT_ONCE as usize) {
            let rows: Vec<u64> = (first..self.corpus.rows().min(first + ROWS_AT_ONCE)).collect();
            for id in self.corpus.source.ids_of(&rows)? {
                missing.remove(&*id.text());
            }
        }
        Ok(judgements.relevant_outside(|document| !missing.contains(document)))
    }

    /// The best 1000 documents for each of `queries`.
    ///
    /// # Errors
    /// If the tokenizer or the encoder fails, the corpus cannot be read, two documents have ids that are written alike,
    /// or the call is stopped.
    pub fn retrieve(&self, queries: &Queries) -> Result<Retrieved> {
        let embedded = self.model.encode(&queries.texts)?;
        let lists = self.found(&embedded.vectors)?;
        let documents = Documents::of(self.corpus, &lists)?;
        let mut ranked = Vec::with_capacity(lists.len());
        for (id, list) in queries.ids.iter().zip(lists) {
            ranked.push((id.clone(), documents.ranking(self.corpus, &list)?));
        }
        Ok(Retrieved {
            documents: self.corpus.num_texts()?,
            run: Run::new(documents.ids, ranked),
            truncated_documents: None,
            truncated_queries: embedded.notices.truncated.count,
        })
    }

    /// For each query its best rows, and all others whose score is that of the last one.
    fn found(&self, queries: &Vectors) -> Result<Vec<Vec<Hit>>> {
        let options = SearchOptions { top: Some(DEPTH + 1), ..SearchOptions::default() };
        let found = self.search(&options)?.nearest(queries)?;
        let mut lists: Vec<Vec<Hit>> = found.into_iter().map(|found| found.hits).collect();
        for (list, query) in lists.iter_mut().zip(queries.rows()) {
            let Some(&[Hit { score: last, .. }, Hit { score: next, .. }]) = list.get(DEPTH - 1..=DEPTH)
            else {
                continue;
            };
            if last != next {
                list.truncate(DEPTH);
                continue;
            }
            let query = Vectors::new(query.to_vec(), queries.dim())?;
            *list = self.search(&self.up_to(last))?.nearest(&query)?.pop().unwrap_or_default().hits;
        }
        Ok(lists)
    }

    /// Options that find all rows with this score or a better one; of distances, at least the best 10,000.
    fn up_to(&self, score: f32) -> SearchOptions {
        match self.metric() {
            Metric::Euclidean => SearchOptions { top: Some(MAX_TOP), ..SearchOptions::default() },
            Metric::Cosine | Metric::Dot => {
                SearchOptions { min_score: Some(score), ..SearchOptions::default() }
            }
        }
    }

    fn search(&self, options: &SearchOptions) -> Result<Search<'_>> {
        Ok(self.corpus.search(options)?.on(&self.workers, &self.cancel))
    }
}

/// The documents that were found.
struct Documents {
    ids: Vec<Box<str>>,
    /// For each row that was found the place of its document's id.
    places: HashMap<u64, u32>,
}

impl Documents {
    fn of(corpus: &Corpus, lists: &[Vec<Hit>]) -> Result<Self> {
        let mut rows: Vec<u64> = lists.iter().flatten().map(|hit| hit.row as u64).collect();
        rows.sort_unstable();
        rows.dedup();
        let (mut by_id, mut places) = (HashMap::<Box<str>, u32>::new(), HashMap::with_capacity(rows.len()));
        for rows in rows.chunks(ROWS_AT_ONCE as usize) {
            for (row, id) in rows.iter().zip(corpus.source.ids_of(rows)?) {
                let next = by_id.len() as u32;
                places.insert(*row, *by_id.entry(id.text().into()).or_insert(next));
            }
        }
        let mut ids: Vec<(u32, Box<str>)> = by_id.into_iter().map(|(id, place)| (place, id)).collect();
        ids.sort_unstable();
        Ok(Self { ids: ids.into_iter().map(|(_, id)| id).collect(), places })
    }

    /// The places of a query's best documents with their scores, best first; of equal scores the higher id first.
    fn ranking(&self, corpus: &Corpus, hits: &[Hit]) -> Result<Vec<(u32, f64)>> {
        let sign = if corpus.metric() == Metric::Euclidean { -1.0 } else { 1.0 };
        let mut ranking: Vec<(u32, f64)> =
            hits.iter().map(|hit| (self.places[&(hit.row as u64)], sign * f64::from(hit.score))).collect();
        let mut seen = HashSet::new();
        if let Some((place, _)) = ranking.iter().find(|(place, _)| !seen.insert(*place)) {
            let id = shorten(&self.ids[*place as usize]);
            let rule = format!("two of its texts have the id {id:?} as judgements write it");
            return Err(Error::BadInput { input: corpus.name().to_owned(), rule });
        }
        ranking.sort_unstable_by(|left, right| self.order(left, right));
        ranking.truncate(DEPTH);
        Ok(ranking)
    }

    fn order(&self, left: &(u32, f64), right: &(u32, f64)) -> Ordering {
        best_first((left.1, &self.ids[left.0 as usize]), (right.1, &self.ids[right.0 as usize]))
    }
}

#[cfg(test)]
mod tests;
