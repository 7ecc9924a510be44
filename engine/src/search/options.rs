//! What is asked of a search.

use super::metric::Metric;
use crate::error::{Phrase, phrase};
use crate::{Error, Result, Setting};

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
    /// Whether to explain the hits of a query in words, which needs texts: see
    /// [`Search::explain`](super::Search::explain).
    pub explain: bool,
}

impl SearchOptions {
    /// Checks that they do not contradict each other or the metric.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn check(&self, metric: Metric) -> Result<()> {
        self.top.map_or(Ok(()), check_top)?;
        let refuse = |message: Phrase| Err(Error::usage(message));
        if let Some(score) = self.min_score.filter(|score| !score.is_finite()) {
            return refuse(phrase![Setting::MinScore, format!(" must be a finite number, got {score}")]);
        }
        if let Some(balance) = self.diversity.filter(|balance| !(0.0..=1.0).contains(balance)) {
            return refuse(phrase![
                Setting::Diversity,
                format!(" must be a number from 0 to 1, got {balance}")
            ]);
        }
        if self.bits && self.is_unbounded() {
            let rule = " needs a number of hits: set ";
            return refuse(phrase![Setting::Bits, rule, Setting::Top, " next to ", Setting::MinScore]);
        }
        if metric == Metric::Euclidean && self.min_score.is_some() {
            let rule = " cannot be used with the metric euclidean: the smallest distance is the best";
            return refuse(phrase![Setting::MinScore, rule]);
        }
        if metric == Metric::Euclidean && self.diversity.is_some() {
            let rule = " cannot be used with the metric euclidean: it balances scores with cosines";
            return refuse(phrase![Setting::Diversity, rule]);
        }
        self.check_candidates()
    }

    fn check_candidates(&self) -> Result<()> {
        let Some(count) = self.candidates else { return Ok(()) };
        if self.diversity.is_none() && !self.bits {
            let without = phrase![" has no effect without ", Setting::Diversity, " or ", Setting::Bits];
            return Err(Error::usage(phrase![Setting::Candidates, without]));
        }
        let top = self.top();
        if !(top..=MAX_TOP).contains(&count) {
            let rule = format!(" must be {top} to {MAX_TOP}, at least the number of hits (");
            return Err(Error::usage(phrase![
                Setting::Candidates,
                rule,
                Setting::Top,
                format!("), got {count}")
            ]));
        }
        Ok(())
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

/// Checks a number of hits per query.
///
/// # Errors
/// [`Error::Usage`].
pub(crate) fn check_top(top: usize) -> Result<()> {
    if (1..=MAX_TOP).contains(&top) {
        return Ok(());
    }
    Err(Error::usage(phrase![Setting::Top, format!(" must be 1 to {MAX_TOP} hits per query, got {top}")]))
}
