//! What is asked of a search.

use super::metric::Metric;
use crate::{Error, Result};

/// Hits per query unless [`SearchOptions::top`] is set.
pub(super) const DEFAULT_TOP: usize = 10;
/// Most hits per query that can be asked for.
pub const MAX_TOP: usize = 10_000;
/// Candidates that `diversity` orders or signs find, unless there is a number.
pub(super) const DEFAULT_CANDIDATES: usize = 100;

/// What is asked of a search.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SearchOptions {
    /// Hits per query at most; `None`: all that reach `min_score`, or 10 without it.
    pub top: Option<usize>,
    /// The least score of a hit.
    pub min_score: Option<f32>,
    /// An SQL expression over the corpus' columns; only rows for which it is true are searched.
    pub filter: Option<String>,
    /// Whether each chunk of a text is a hit of its own, and not its best one alone.
    pub per_chunk: bool,
    /// Balances nearness with difference from better hits (maximal marginal relevance, Carbonell and Goldstein
    /// 1998): at each place the hit with the largest L x score - (1 - L) x its greatest cosine to a better one.
    /// From 0 to 1, which changes nothing.
    pub diversity: Option<f32>,
    /// Whether candidates are found by their signs: fast, and approximate.
    pub bits: bool,
    /// The best hits that `diversity` orders, and rows that are found by their signs; `None`: 100, or `top` if that is
    /// more.
    pub candidates: Option<usize>,
    /// The columns that hits have.
    pub columns: Vec<String>,
    /// Characters of the text on both sides of a hit's chunk; only of an index, which has whole texts.
    pub context: Option<usize>,
    /// The most characters that the texts of one answer have together.
    pub max_characters: Option<usize>,
    /// Whether hits of a query in words are to be explained, which needs texts: see
    /// [`Search::explain`](super::Search::explain).
    pub explain: bool,
}

impl SearchOptions {
    /// Checks that they do not contradict each other or the metric.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn check(&self, metric: Metric) -> Result<()> {
        let refuse = |message: String| Err(Error::usage(message));
        if let Some(top) = self.top.filter(|top| !(1..=MAX_TOP).contains(top)) {
            return refuse(format!("a search is for 1 to {MAX_TOP} hits per query, got {top}"));
        }
        if let Some(score) = self.min_score.filter(|score| !score.is_finite()) {
            return refuse(format!("the least score must be a finite number, got {score}"));
        }
        if let Some(balance) = self.diversity.filter(|balance| !(0.0..=1.0).contains(balance)) {
            return refuse(format!("the balance of nearness and difference is from 0 to 1, got {balance}"));
        }
        if self.bits && self.is_unbounded() {
            return refuse("a search by signs has a number of hits, and not only a least score".to_owned());
        }
        if metric == Metric::Euclidean && self.min_score.is_some() {
            return refuse("euclidean distances have no least score: the smallest is the best".to_owned());
        }
        if metric == Metric::Euclidean && self.diversity.is_some() {
            return refuse("euclidean distances cannot be balanced with cosines".to_owned());
        }
        match self.candidates {
            Some(_) if self.diversity.is_none() && !self.bits => refuse(
                "candidates are for diversity or a search by signs, which are not asked for".to_owned(),
            ),
            Some(count) if !(self.top()..=MAX_TOP).contains(&count) => {
                let top = self.top();
                refuse(format!(
                    "candidates must be {top} to {MAX_TOP}, at least as many as hits, got {count}"
                ))
            }
            _ => Ok(()),
        }
    }

    /// Hits per query at most, if the number is bounded.
    pub(super) fn top(&self) -> usize {
        self.top.unwrap_or(DEFAULT_TOP)
    }

    /// Rows that are found by their signs.
    pub(super) fn sign_candidates(&self) -> usize {
        self.candidates.unwrap_or(DEFAULT_CANDIDATES)
    }

    /// Whether every row that reaches the least score is a hit.
    pub(super) fn is_unbounded(&self) -> bool {
        self.top.is_none() && self.min_score.is_some() && self.diversity.is_none()
    }

    /// Hits to find before they are ordered by difference.
    pub(super) fn to_find(&self) -> usize {
        match self.diversity {
            Some(_) => self.candidates.unwrap_or(DEFAULT_CANDIDATES.max(self.top())),
            None => self.top(),
        }
    }
}
