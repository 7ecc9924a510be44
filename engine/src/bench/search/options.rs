//! Options of a measurement of searches.

use std::time::Duration;

use super::rows::RowType;
use super::vectors::SearchVectors;
use crate::search::MAX_TOP;
use crate::{Error, Result};

/// Options of a measurement of searches.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SearchBenchOptions {
    /// Types of rows to measure, in this order.
    pub types: Vec<RowType>,
    /// Numbers of queries that are searched together.
    pub queries: Vec<usize>,
    /// Hits per query.
    pub top: usize,
    /// The shortest time to spend on each figure.
    pub time: Duration,
    /// The commit that the calling program was built from, for the report.
    pub commit: Option<String>,
}

impl Default for SearchBenchOptions {
    fn default() -> Self {
        Self {
            types: RowType::ALL.to_vec(),
            queries: vec![1, 10, 32, 100, 1000],
            top: 10,
            time: Duration::from_secs(2),
            commit: None,
        }
    }
}

impl SearchBenchOptions {
    /// The most queries that are searched together.
    pub fn most_queries(&self) -> usize {
        self.queries.iter().copied().max().unwrap_or(0)
    }

    pub(super) fn check(&self, vectors: &SearchVectors) -> Result<()> {
        if !(1..=MAX_TOP).contains(&self.top) {
            return Err(Error::usage(format!(
                "a search is for 1 to {MAX_TOP} hits per query, got {}",
                self.top
            )));
        }
        let most = vectors.num_queries();
        match self.queries.iter().find(|count| !(1..=most).contains(*count)) {
            None => Ok(()),
            Some(count) => {
                let rule =
                    format!("a number of queries must be 1 to {most}, as many as there are, got {count}");
                Err(Error::usage(rule))
            }
        }
    }
}
