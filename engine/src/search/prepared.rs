//! A search that is prepared: the rows that count, and how they are ranked.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_schema::Schema;

use super::candidates::By;
use super::corpus::Corpus;
use super::filter::Filter;
use super::metric::Metric;
use super::options::SearchOptions;
use super::row_set::RowSet;
use super::scan::{Scan, Scanned};
use super::texts::Texts;
use super::{Hit, Neighbors, diversity, euclidean};
use crate::error::{phrase, shorten};
use crate::session::{Cancel, Control, Workers};
use crate::text::list_names;
use crate::vectors::Vectors;
use crate::{Error, Result, Setting};

/// Bytes of hits that are kept while a corpus is scanned for several queries.
const HITS_BYTES: usize = 32 << 20;
/// Most queries of one scan.
const MAX_QUERIES: usize = 1024;
/// Most queries of one scan that keeps all rows which reach a score.
const UNBOUNDED_QUERIES: u64 = 16;
/// Rows that such queries may keep together, 16 bytes each; one query may keep all rows.
const UNBOUNDED_ROWS: u64 = 4 << 20;

/// A search that is prepared, for any number of queries.
#[derive(Debug)]
pub struct Search<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) options: SearchOptions,
    /// The rows that pass the filter; `None` if all do.
    included: Option<RowSet>,
    matched: u64,
    /// The texts of chunks, unless each chunk is a hit.
    texts: Option<&'a Texts>,
    workers: Workers,
    control: Control,
    zeros: AtomicU64,
    zero_queries: AtomicU64,
}

impl<'a> Search<'a> {
    pub(super) fn new(corpus: &'a Corpus, options: &SearchOptions) -> Result<Self> {
        options.check(corpus.metric)?;
        let schema = corpus.source.columns()?;
        if let Some(name) = options.columns.iter().find(|name| schema.index_of(name).is_err()) {
            return Err(no_such_column(corpus, name, &schema));
        }
        if options.context.is_some() && !corpus.source.has_whole_texts() {
            return Err(Error::usage_hint(
                phrase![
                    Setting::Context,
                    format!(" needs whole texts, and {} does not store them", corpus.name())
                ],
                "search an index, which stores them",
            ));
        }
        if options.bits && corpus.source.bits().is_none() && !corpus.reading.has_signs() {
            return Err(Error::usage_hint(
                phrase![Setting::Bits, format!(" needs signs, and {} does not store them", corpus.name())],
                phrase!["build an index with ", Setting::Bits].of_earlier_step(),
            ));
        }
        if options.explain {
            corpus.check_has_texts()?;
        }
        let filter = options.filter.as_deref().map(Filter::parse).transpose()?;
        let included = filter.map(|filter| filter.rows(corpus.source.as_ref())).transpose()?;
        let texts = if options.per_chunk { None } else { corpus.texts()? };
        Ok(Self {
            corpus,
            options: options.clone(),
            matched: included.as_ref().map_or(corpus.rows, RowSet::len),
            included,
            texts,
            workers: Workers::new(None),
            control: Control::default(),
            zeros: AtomicU64::new(0),
            zero_queries: AtomicU64::new(0),
        })
    }

    /// The same search on these threads; `cancel` can stop it.
    #[must_use]
    pub fn on(self, workers: &Workers, cancel: &Cancel) -> Self {
        Self { workers: workers.clone(), control: self.control.with_cancel(cancel), ..self }
    }

    /// Rows that pass the filter.
    pub fn matched(&self) -> u64 {
        self.matched
    }

    /// Rows of zeros among those that the last call compared. Their cosine and dot product with any query is 0.
    pub fn zeros(&self) -> u64 {
        self.zeros.load(Ordering::Relaxed)
    }

    /// Queries of zeros among those of all calls. Their cosine and dot product with any row is 0.
    pub fn zero_queries(&self) -> u64 {
        self.zero_queries.load(Ordering::Relaxed)
    }

    /// For each query the rows of its hits, best first. With Euclidean distances, scores are distances.
    ///
    /// # Errors
    /// [`Error::BadInput`] if queries have another width than the corpus; if it cannot be read or has a number that is
    /// not finite; if the call is stopped.
    pub fn nearest(&self, queries: &Vectors) -> Result<Vec<Neighbors>> {
        self.check_width("the queries", queries)?;
        if self.corpus.metric != Metric::Euclidean {
            let zeros = queries.rows().filter(|query| query.iter().all(|value| *value == 0.0)).count() as u64;
            self.zero_queries.fetch_add(zeros, Ordering::Relaxed);
        }
        let queries = self.corpus.metric.of_queries(queries);
        let mut all = Vec::with_capacity(queries.len());
        let at_once = self.queries_at_once();
        for part in queries.values().chunks(at_once * queries.dim()) {
            let part = Vectors::new(part.to_vec(), queries.dim())?;
            let lists = self.found(&part, self.included.as_ref(), self.matched)?;
            for Neighbors { hits, candidates } in lists {
                all.push(Neighbors { hits: self.chosen(hits)?, candidates });
            }
        }
        Ok(all)
    }

    /// The hits for the text that has `row`, itself left out: the best for any of its chunks.
    ///
    /// # Errors
    /// As [`Search::nearest`].
    pub fn like(&self, row: u64) -> Result<Neighbors> {
        let own = self.rows_with(row)?;
        let others = self.others(own.clone());
        let rows: Vec<u64> = own.collect();
        let mut values = Vec::new();
        for batch in self.corpus.source.numbers_of(&rows)? {
            values.extend(self.corpus.reading.vectors(&batch)?.into_values());
        }
        let queries = self.corpus.metric.of_queries(&Vectors::new(values, self.corpus.dimensions())?);
        let total = others.len();
        let (mut merged, mut candidates) = (Vec::new(), 0);
        for part in queries.values().chunks(self.queries_at_once() * queries.dim()) {
            let part = Vectors::new(part.to_vec(), queries.dim())?;
            for found in self.found(&part, Some(&others), total)? {
                merged.extend(found.hits);
                candidates = total.min(candidates + found.candidates);
            }
        }
        let is_distance = self.corpus.metric == Metric::Euclidean;
        merged.sort_unstable_by(if is_distance { Hit::order_of_distances } else { Hit::order });
        let mut merged = self.first_of_each(merged);
        if !self.options.is_unbounded() {
            merged.truncate(self.options.to_find());
        }
        Ok(Neighbors { hits: self.chosen(merged)?, candidates })
    }

    /// Rows that pass the filter and are not of the text that has `row`: those that [`Search::like`] compares it with.
    ///
    /// # Errors
    /// If the corpus cannot be read.
    pub fn matched_without(&self, row: u64) -> Result<u64> {
        Ok(self.others(self.rows_with(row)?).len())
    }

    /// The rows of the text that has `row`.
    fn rows_with(&self, row: u64) -> Result<Range<u64>> {
        Ok(self.corpus.texts()?.map_or(row..row + 1, |texts| texts.around(row)))
    }

    /// The rows that pass the filter, without some.
    fn others(&self, own: Range<u64>) -> RowSet {
        let mut others = self.included.clone().unwrap_or_else(|| RowSet::all(self.corpus.rows));
        others.remove(own);
        others
    }

    /// Refuses queries of another width than the corpus'; `name` is where they come from.
    ///
    /// # Errors
    /// [`Error::BadInput`].
    pub fn check_width(&self, name: &str, queries: &Vectors) -> Result<()> {
        let (found, expected) = (queries.dim(), self.corpus.dimensions());
        if self.corpus.rows == 0 || found == expected {
            return Ok(());
        }
        let rule = format!(
            "the queries have {found} dimensions; the vectors of {} have {expected}",
            self.corpus.name()
        );
        Err(Error::BadInput { input: name.to_owned(), rule })
    }

    /// Queries that are compared in one scan of the corpus.
    pub fn queries_at_once(&self) -> usize {
        if self.options.is_unbounded() {
            return (UNBOUNDED_ROWS / self.corpus.rows.max(1)).clamp(1, UNBOUNDED_QUERIES) as usize;
        }
        // The kernel keeps up to twice as many hits of 8 bytes, and we as many of 16.
        let bytes = 32 * self.options.to_find().max(1) * self.texts.map_or(1, |_| 2);
        (HITS_BYTES / bytes).clamp(1, MAX_QUERIES)
    }

    fn scan(&self) -> Scan<'_> {
        let (source, reading) = (self.corpus.source.as_ref(), &self.corpus.reading);
        Scan { source, reading, workers: &self.workers, control: &self.control }
    }

    /// The hits of each query before the final choice: `to_find` of them, or all that reach the least score.
    fn found(&self, queries: &Vectors, included: Option<&RowSet>, total: u64) -> Result<Vec<Neighbors>> {
        if total == 0 {
            return Ok(vec![Neighbors::default(); queries.len()]);
        }
        let mut lists = match (self.options.min_score, self.texts) {
            (Some(least), _) if self.options.is_unbounded() => {
                let mut lists = self.counted(self.scan().reaching(queries, least, included)?, total);
                lists
                    .iter_mut()
                    .for_each(|list| list.hits = self.first_of_each(std::mem::take(&mut list.hits)));
                lists
            }
            (_, None) => self.best(queries, self.options.to_find(), included, total)?,
            (_, Some(texts)) => self.best_texts(queries, texts, included, total)?,
        };
        if let Some(least) = self.options.min_score {
            lists.iter_mut().for_each(|list| list.hits.retain(|hit| hit.score >= least));
        }
        Ok(lists)
    }

    /// The lists of a scan, with the rows of each whose scores were computed.
    fn counted(&self, scanned: Scanned, total: u64) -> Vec<Neighbors> {
        self.zeros.store(scanned.zeros, Ordering::Relaxed);
        let Scanned { lists, scored, .. } = scanned;
        let count = |query: usize| scored.as_ref().map_or(total, |scored| scored[query]);
        let lists = lists.into_iter().enumerate();
        lists.map(|(query, hits)| Neighbors { hits, candidates: count(query) }).collect()
    }

    /// The best rows of each query.
    fn best(
        &self,
        queries: &Vectors,
        count: usize,
        included: Option<&RowSet>,
        total: u64,
    ) -> Result<Vec<Neighbors>> {
        let rows = usize::try_from(total).unwrap_or(usize::MAX);
        let (count, scan) = (count.min(rows), self.scan());
        let is_distance = self.corpus.metric == Metric::Euclidean;
        let by = if is_distance { By::Distance } else { By::Product };
        let candidates = match self.options.bits {
            true => scan.by_signs(queries, self.options.sign_candidates().max(count).min(rows), included)?,
            false => scan.by_bytes(queries, (count, by), included)?,
        };
        let scanned = match (candidates, by) {
            (Some(candidates), By::Product) => scan.best_of(queries, &candidates, (count, included))?,
            (Some(candidates), By::Distance) => {
                euclidean::nearest_of(&scan, queries, candidates, (count, included, rows))?
            }
            (None, By::Product) => scan.best(queries, count, included)?,
            (None, By::Distance) => euclidean::nearest(&scan, queries, (count, included, rows))?,
        };
        Ok(self.counted(scanned, total))
    }

    /// The best row of each of the best texts. If the first rows are of too few texts, the corpus is scanned again
    /// without these.
    fn best_texts(
        &self,
        queries: &Vectors,
        texts: &Texts,
        included: Option<&RowSet>,
        total: u64,
    ) -> Result<Vec<Neighbors>> {
        let wanted = self.options.to_find();
        let first_count = wanted.saturating_mul(texts.rows_per_text()).min(2 * wanted);
        let mut lists = self.best(queries, first_count, included, total)?;
        for (query, Neighbors { hits: list, candidates }) in lists.iter_mut().enumerate() {
            let mut count = first_count;
            let mut is_all = list.len() < count;
            let (mut others, mut left) = (None, total);
            *list = self.first_of_each(std::mem::take(list));
            let mut new = 0;
            while list.len() < wanted && !is_all {
                let others = others.get_or_insert_with(|| {
                    included.cloned().unwrap_or_else(|| RowSet::all(self.corpus.rows))
                });
                list[new..].iter().for_each(|hit| others.remove(texts.around(hit.row as u64)));
                left = others.len().min(left);
                if left == 0 {
                    break;
                }
                new = list.len();
                let query = Vectors::new(queries[query].to_vec(), queries.dim())?;
                let found = self.best(&query, count, Some(others), left)?.pop().unwrap_or_default();
                is_all = found.len() < count;
                *candidates = total.min(*candidates + found.candidates);
                list.extend(self.first_of_each(found.hits));
                count = (2 * count).min(16 * wanted);
            }
            list.truncate(wanted);
        }
        Ok(lists)
    }

    /// The first hit of each text, if rows are chunks of texts.
    fn first_of_each(&self, mut hits: Vec<Hit>) -> Vec<Hit> {
        let mut seen = std::collections::HashSet::new();
        let key = |hit: &Hit| self.texts.map_or(hit.row as u64, |texts| texts.around(hit.row as u64).start);
        hits.retain(|hit| seen.insert(key(hit)));
        hits
    }

    /// The hits among the candidates.
    fn chosen(&self, mut candidates: Vec<Hit>) -> Result<Vec<Hit>> {
        let Some(balance) = self.options.diversity else {
            if !self.options.is_unbounded() {
                candidates.truncate(self.options.top());
            }
            return Ok(candidates);
        };
        let mut rows: Vec<u64> = candidates.iter().map(|hit| hit.row as u64).collect();
        rows.sort_unstable();
        let mut values = Vec::new();
        for batch in self.corpus.source.numbers_of(&rows)? {
            values.extend(self.corpus.reading.vectors(&batch)?.into_values());
        }
        let by_row = Vectors::new(values, self.corpus.dimensions())?;
        let place = |hit: &Hit| rows.partition_point(|row| *row < hit.row as u64);
        let values = candidates.iter().flat_map(|hit| by_row[place(hit)].iter().copied()).collect();
        let vectors = Vectors::new(values, self.corpus.dimensions())?;
        Ok(diversity::order(&candidates, &vectors, balance, self.options.top()))
    }
}

/// Refuses a column that hits cannot have.
fn no_such_column(corpus: &Corpus, name: &str, schema: &Schema) -> Error {
    let message = format!("{} has no column `{}` for its hits", corpus.name(), shorten(name));
    let known = list_names(schema.fields().iter().map(|field| field.name().as_str()));
    let hint = match schema.fields().is_empty() {
        true => phrase!["it has no columns at all: leave out ", Setting::Columns],
        false => phrase![format!("its columns are {known}")],
    };
    Error::usage_hint(message, hint)
}
