//! Options of a measurement of searches.

use std::time::Duration;

use nearsay_kernels::ByteCodes;

use super::rows::RowType;
use super::vectors::SearchVectors;
use crate::error::phrase;
use crate::search::check_top;
use crate::{Error, Result, Setting};

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

    /// Checks that rows of every type can have so many values.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn check_dimensions(&self, dimensions: usize) -> Result<()> {
        let most = ByteCodes::MOST_DIM;
        if dimensions <= most || !self.types.contains(&RowType::Bytes) {
            return Ok(());
        }
        let rule = format!(" is for rows of at most {most} dimensions, got {dimensions}");
        Err(Error::usage_hint(
            phrase![(Setting::Types, RowType::Bytes.name()), rule],
            phrase![
                "measure rows of fewer ",
                Setting::Dimensions,
                ", or leave bytes out of ",
                Setting::Types
            ],
        ))
    }

    pub(super) fn check(&self, vectors: &SearchVectors) -> Result<()> {
        check_top(self.top)?;
        self.check_dimensions(vectors.dim())?;
        let most = vectors.num_queries();
        for count in &self.queries {
            let rule = match *count {
                0 => " must be 1 or more, got 0".to_owned(),
                count if count > most => {
                    format!(" must be 1 to {most}, the number of queries in the file, got {count}")
                }
                _ => continue,
            };
            return Err(Error::usage(phrase![Setting::Queries, rule]));
        }
        Ok(())
    }
}
