//! One pass over all rows for all metrics of texts.

use std::sync::{Mutex, PoisonError};

use nearsay_metrics::lexical::{RowScorer, TextMetric};

use crate::Result;
use crate::score::{PairSource, ScoreRow};
use crate::session::{Control, Workers};

/// Rows that a thread scores at a time.
const ROWS_PER_TASK: usize = 32;
/// Rows and bytes of text that are in memory at a time, at most, with one row more.
const ROWS_PER_BLOCK: usize = 4096;
const BYTES_PER_BLOCK: usize = 8 << 20;

/// The statistics of some systems by some metrics. The references of a row are prepared once for all systems.
pub(super) struct TextPass<'a> {
    pub(super) metrics: &'a [&'a dyn TextMetric],
    /// For each metric, the systems to score.
    pub(super) systems: &'a [Vec<usize>],
    pub(super) workers: &'a Workers,
    pub(super) control: &'a Control,
}

/// The row scorers of one thread.
type Scorers<'a> = Vec<Box<dyn RowScorer + 'a>>;

impl TextPass<'_> {
    /// Calls `each` with the statistics of a block of rows: row by row, metric by metric, system by system.
    pub(super) fn run(&self, source: &PairSource, mut each: impl FnMut(&[f64], usize)) -> Result<()> {
        let idle: Mutex<Vec<Scorers<'_>>> = Mutex::default();
        let mut rows = source.rows()?;
        loop {
            let block = next_block(&mut rows)?;
            if block.is_empty() {
                return Ok(());
            }
            let tasks: Vec<&[ScoreRow]> = block.chunks(ROWS_PER_TASK).collect();
            let statistics = self.workers.map(self.control, &tasks, |rows| {
                let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let mut scorers = taken.unwrap_or_else(|| self.scorers());
                let statistics = self.statistics(&mut scorers, rows);
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(scorers);
                Ok(statistics)
            })?;
            statistics.iter().zip(&tasks).for_each(|(statistics, rows)| each(statistics, rows.len()));
        }
    }

    fn scorers(&self) -> Scorers<'_> {
        self.metrics.iter().map(|metric| metric.row_scorer()).collect()
    }

    fn statistics(&self, scorers: &mut Scorers<'_>, rows: &[ScoreRow]) -> Vec<f64> {
        let widths: Vec<usize> = self.metrics.iter().map(|metric| metric.statistics().len()).collect();
        let per_row: usize =
            widths.iter().zip(self.systems).map(|(width, systems)| width * systems.len()).sum();
        let mut all = vec![0.0; rows.len() * per_row];
        let mut free = all.as_mut_slice();
        for row in rows {
            let references: Vec<&str> = row.present().collect();
            for ((scorer, width), systems) in scorers.iter_mut().zip(&widths).zip(self.systems) {
                if systems.is_empty() {
                    continue;
                }
                scorer.prepare(&references);
                for system in systems {
                    let (statistics, rest) = std::mem::take(&mut free).split_at_mut(*width);
                    scorer.statistics(&row.candidates[*system], statistics);
                    free = rest;
                }
            }
        }
        all
    }
}

/// The next rows, as many as fit into a block.
pub(super) fn next_block(rows: &mut impl Iterator<Item = Result<ScoreRow>>) -> Result<Vec<ScoreRow>> {
    let (mut block, mut bytes) = (Vec::new(), 0);
    while block.len() < ROWS_PER_BLOCK && bytes < BYTES_PER_BLOCK {
        let Some(row) = rows.next().transpose()? else { break };
        bytes += row.candidates.iter().map(String::len).chain(row.present().map(str::len)).sum::<usize>();
        block.push(row);
    }
    Ok(block)
}
