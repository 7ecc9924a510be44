//! The statistics of many rows of texts in memory, on several threads.

use std::sync::{Mutex, PoisonError};

use super::{ReferenceCount, RowScorer, TextMetric};
use crate::statistics::{Sample, in_parallel};

/// Rows that a thread scores at a time.
const ROWS_PER_TASK: usize = 32;

/// Candidates and streams of references. Row i is candidate i with text i of each stream, which is `None` if it is
/// missing.
#[derive(Debug, Clone, Copy)]
pub struct Corpus<'a> {
    /// One per row.
    pub candidates: &'a [&'a str],
    /// Streams with a text, or none, per row.
    pub references: &'a [Vec<Option<&'a str>>],
}

impl<'a> Corpus<'a> {
    /// How many references the rows have.
    pub fn reference_count(&self) -> ReferenceCount {
        let mut counts = (0..self.candidates.len()).map(|row| self.present(row).count());
        let first = counts.next().unwrap_or(self.references.len());
        if counts.all(|count| count == first) {
            ReferenceCount::Fixed(first)
        } else {
            ReferenceCount::Variable
        }
    }

    /// The first row that has no reference.
    pub fn first_without_reference(&self) -> Option<usize> {
        (0..self.candidates.len()).find(|row| self.present(*row).next().is_none())
    }

    /// The statistics of all rows, in their order; they do not depend on the number of threads. `None` if `may_go_on`,
    /// which is asked every 32 rows, returned false.
    pub fn statistics(
        &self,
        metric: &dyn TextMetric,
        threads: usize,
        may_go_on: impl Fn() -> bool + Sync,
    ) -> Option<Sample> {
        let columns = metric.statistics().len();
        let idle: Mutex<Vec<Box<dyn RowScorer + '_>>> = Mutex::default();
        let starts: Vec<usize> = (0..self.candidates.len()).step_by(ROWS_PER_TASK).collect();
        let parts = in_parallel(&starts, threads, |start| {
            if !may_go_on() {
                return None;
            }
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut scorer = taken.unwrap_or_else(|| metric.row_scorer());
            let part = self.part(scorer.as_mut(), *start, columns);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(scorer);
            Some(part)
        });
        let parts: Option<Vec<Vec<f64>>> = parts.into_iter().collect();
        parts.map(|parts| Sample::from_values(columns, parts.concat()))
    }

    /// The statistics of the rows of one task.
    fn part(&self, scorer: &mut dyn RowScorer, start: usize, columns: usize) -> Vec<f64> {
        let end = (start + ROWS_PER_TASK).min(self.candidates.len());
        let mut values = vec![0.0; (end - start) * columns];
        let mut references = Vec::with_capacity(self.references.len());
        for (row, statistics) in (start..end).zip(values.chunks_exact_mut(columns)) {
            references.clear();
            references.extend(self.present(row));
            scorer.prepare(&references);
            scorer.statistics(self.candidates[row], statistics);
        }
        values
    }

    /// The references that a row has.
    fn present(&self, row: usize) -> impl Iterator<Item = &'a str> {
        self.references.iter().filter_map(move |stream| stream.get(row).copied().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexical::{MetricSpec, text_metric};

    #[test]
    fn rows_have_the_statistics_that_they_have_alone() {
        let texts: Vec<String> = (0..100).map(|row| format!("a cat {} sat on {row} mats", row % 7)).collect();
        let candidates: Vec<&str> = texts.iter().map(String::as_str).collect();
        let first = (0..100).map(|row| Some(candidates[row * 3 % 100])).collect();
        let second = (0..100).map(|row| (row % 4 != 0).then(|| candidates[row * 7 % 100])).collect();
        let streams: [Vec<Option<&str>>; 2] = [first, second];
        let corpus = Corpus { candidates: &candidates, references: &streams };
        assert_eq!(corpus.reference_count(), ReferenceCount::Variable);
        for spec in ["bleu", "chrf++", "ter", "rougeL(stem=yes)"] {
            let metric = text_metric(&spec.parse::<MetricSpec>().unwrap()).unwrap();
            let mut scorer = metric.row_scorer();
            let mut row = vec![0.0; metric.statistics().len()];
            for threads in [1, 3] {
                let sample = corpus.statistics(metric.as_ref(), threads, || true).unwrap();
                assert_eq!(sample.len(), 100);
                for (at, found) in sample.rows().enumerate() {
                    let references: Vec<&str> = streams.iter().filter_map(|stream| stream[at]).collect();
                    scorer.prepare(&references);
                    scorer.statistics(candidates[at], &mut row);
                    assert_eq!(found, row, "{spec}, row {at}");
                }
            }
            assert_eq!(corpus.statistics(metric.as_ref(), 2, || false), None);
        }
    }

    #[test]
    fn references_are_counted() {
        let counts = |streams: &[Vec<Option<&str>>]| {
            let corpus = Corpus { candidates: &["a", "b"], references: streams };
            (corpus.reference_count(), corpus.first_without_reference())
        };
        let (both, one, none) = (vec![Some(""), Some("y")], vec![None, Some("z")], vec![None, None]);
        assert_eq!(counts(&[both.clone(), both.clone()]), (ReferenceCount::Fixed(2), None));
        assert_eq!(counts(&[both.clone(), none.clone()]), (ReferenceCount::Fixed(1), None));
        assert_eq!(counts(&[both, one.clone()]), (ReferenceCount::Variable, None));
        assert_eq!(counts(&[none, one]), (ReferenceCount::Variable, Some(0)));
        assert_eq!(counts(&[]), (ReferenceCount::Fixed(0), Some(0)));
    }
}
