//! Minimum-Bayes-risk decoding: of several candidates, the one with the highest expected score.
//!
//! The candidates of a row are samples of a system for one input, and each of them is a pseudo-reference for all (the
//! candidate itself among them, as in the literature and in the package mbrs):
//!
//! ```text
//! expected(i) = sum over j of weight(j) score(candidate i, reference j) / sum over j of weight(j)
//! ```
//!
//! summed in f64 in the order of j. Weights are 1 unless a field of the row has others, such as the probabilities of
//! the candidates. Of equal expected scores the first is chosen. Equal candidates have equal expected scores, to the
//! bit.
//!
//! Sources: Kumar and Byrne, "Minimum Bayes-Risk Decoding for Statistical Machine Translation", 2004; Eikema and Aziz,
//! "Is MAP Decoding All You Need?", 2020.

mod choice;
mod rows;
mod utility;

use std::sync::{Mutex, PoisonError};

use nearsay_metrics::lexical::{SetScorer, TextMetric};

pub use choice::MbrChoice;
pub use utility::Utility;

use choice::{best, expected};
use rows::{NBestRow, NBestRows};

use super::bertscore::{PairGrid, PairwiseBounds, PairwiseNotices, Scorer};
use crate::Result;
use crate::session::{Control, WindowLimits, Windows, Workers};
use crate::text::Input;

/// Rows that are in memory at a time for metrics of texts: that many, or that many bytes of text.
const TEXT_WINDOW: WindowLimits =
    WindowLimits { items: 1024, useful_bytes: 8 << 20, bytes: 8 << 20, max_tokens: usize::MAX, doublings: 0 };

/// Chooses a candidate of each row of an n-best list.
#[derive(Debug, Clone, Copy)]
pub struct Mbr<'a> {
    /// The score that is expected.
    pub utility: &'a Utility,
    /// The field with the weights of a row's candidates; `None`: they weigh the same.
    pub weights: Option<&'a str>,
    /// The threads, for a metric of texts.
    pub workers: &'a Workers,
    /// What can stop the call, for a metric of texts; a scorer has its own.
    pub control: &'a Control,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MbrSummary {
    /// Rows.
    pub rows: u64,
    /// Candidates of all rows.
    pub candidates: u64,
    /// What BERTScore noticed, if it is the score.
    pub notices: Option<PairwiseNotices>,
}

impl Mbr<'_> {
    /// Reads rows `{"id": .., "candidates": [..]}` from an input of JSON lines, and calls `each` with the choices for
    /// some rows at a time, in order.
    ///
    /// # Errors
    /// If the input cannot be read or has no rows, a row has no candidates or not one weight for each, a weight is
    /// negative, or all are 0; if the encoder or `each` fails, or the call is stopped.
    pub fn run(&self, input: &Input, mut each: impl FnMut(&[MbrChoice]) -> Result<()>) -> Result<MbrSummary> {
        let rows = NBestRows::open(input, self.weights)?;
        let mut summary = MbrSummary::default();
        match self.utility {
            Utility::BertScore(scorer) => {
                let mut notices = PairwiseNotices::default();
                for window in Windows::new(rows, scorer.limits(1)) {
                    let expected = by_bertscore(scorer, &window.items, &mut notices)?;
                    summary.add(window.items, &expected, &mut each)?;
                    window.error.map_or(Ok(()), Err)?;
                }
                summary.notices = Some(notices);
            }
            Utility::Text(metric) => {
                let idle = Mutex::default();
                for window in Windows::new(rows, TEXT_WINDOW) {
                    let score = |row: &NBestRow| self.by_texts(&**metric, &idle, row);
                    let expected = self.workers.map_short(self.control, &window.items, score)?;
                    summary.add(window.items, &expected, &mut each)?;
                    window.error.map_or(Ok(()), Err)?;
                }
            }
        }
        Ok(summary)
    }

    /// The expected scores of a row's candidates by a metric of texts. `idle` has scorers that no thread uses.
    fn by_texts<'m>(
        &self,
        metric: &'m dyn TextMetric,
        idle: &Mutex<Vec<Box<dyn SetScorer + 'm>>>,
        row: &NBestRow,
    ) -> Result<Vec<f64>> {
        let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(mut scorer) = taken.or_else(|| metric.set_scorer()) else {
            return Err(utility::not_a_utility(metric.name()));
        };
        let texts: Vec<&str> = row.candidates.iter().map(String::as_str).collect();
        scorer.prepare(&texts);
        let (mut sums, mut scores) = (vec![0.0; texts.len()], vec![0.0; texts.len()]);
        for reference in 0..texts.len() {
            self.control.check()?;
            scorer.scores(reference, &mut scores);
            let weight = row.weight(reference);
            sums.iter_mut().zip(&scores).for_each(|(sum, score)| *sum += weight * score);
        }
        idle.lock().unwrap_or_else(PoisonError::into_inner).push(scorer);
        let total = row.total_weight();
        Ok(sums.into_iter().map(|sum| sum / total).collect())
    }
}

/// The expected F1 of the candidates of some rows.
fn by_bertscore(scorer: &Scorer, rows: &[NBestRow], notices: &mut PairwiseNotices) -> Result<Vec<Vec<f64>>> {
    let grids: Vec<PairGrid<'_>> = rows
        .iter()
        .map(|row| PairGrid { candidates: &row.candidates, references: &row.candidates })
        .collect();
    let mut all: Vec<Vec<f64>> = rows.iter().map(|row| Vec::with_capacity(row.candidates.len())).collect();
    if grids.is_empty() {
        return Ok(all);
    }
    let scored = scorer.score_grids(
        &grids,
        PairwiseBounds::default(),
        |_| (),
        |band| {
            let row = &rows[band.grid];
            let of_row = band.rows().map(|scores| {
                expected(
                    scores.iter().map(|scores| f64::from(scores.f1)),
                    |at| row.weight(at),
                    row.total_weight(),
                )
            });
            all[band.grid].extend(of_row);
            Ok(())
        },
    )?;
    notices.add(&scored);
    Ok(all)
}

impl MbrSummary {
    fn add(
        &mut self,
        rows: Vec<NBestRow>,
        expected: &[Vec<f64>],
        each: &mut impl FnMut(&[MbrChoice]) -> Result<()>,
    ) -> Result<()> {
        self.rows += rows.len() as u64;
        self.candidates += rows.iter().map(|row| row.candidates.len() as u64).sum::<u64>();
        let choices: Vec<MbrChoice> =
            rows.into_iter().zip(expected).map(|(row, expected)| best(row, expected)).collect();
        if choices.is_empty() { Ok(()) } else { each(&choices) }
    }
}
