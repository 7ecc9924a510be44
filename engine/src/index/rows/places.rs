//! Rows where they are stored, which a scan of codes follows: volume by volume, deleted ones and all.

use super::{IndexRows, Run};
use crate::index::volume::Volume;
use crate::search::{CodeBatch, InOrder, RowSet};

/// Rows of a batch at most: whole panels of codes.
const BATCH_ROWS: u64 = 1 << 16;

impl IndexRows {
    /// The codes of all volumes; `None` if one has none.
    pub(super) fn stored_codes(&self) -> Option<InOrder<'_, CodeBatch>> {
        let has_codes = |volume: &Volume| volume.record().codes.is_some();
        if self.volumes.is_empty() || !self.volumes.iter().all(has_codes) {
            return None;
        }
        let mut parts = Vec::new();
        for (index, volume) in self.volumes.iter().enumerate() {
            let (before, rows) = (self.first_places[index], volume.record().rows);
            let starts = (0..rows).step_by(BATCH_ROWS as usize);
            parts.extend(starts.map(|start| (volume, start..rows.min(start + BATCH_ROWS), before + start)));
        }
        let read = |(volume, rows, place): (&Volume, _, _)| volume.codes(rows, place).transpose();
        Some(Box::new(parts.into_iter().filter_map(read)))
    }

    /// The places of some rows, or of all; `None` if nothing is deleted and all are meant.
    pub(super) fn stored_places(&self, rows: Option<&RowSet>) -> Option<RowSet> {
        let total = self.deleted.rows();
        if rows.is_none() && self.rows == total {
            return None;
        }
        let mut places = RowSet::none(total);
        for run in &self.runs {
            let first = self.first_places[run.volume] + run.start;
            // A part at a time, so that a long run is not copied whole.
            for start in (0..run.rows).step_by(BATCH_ROWS as usize) {
                let count = BATCH_ROWS.min(run.rows - start) as usize;
                let part = match rows {
                    Some(rows) => rows.part(run.first + start, count),
                    None => RowSet::all(count as u64).part(0, count),
                };
                places.insert_part(first + start, &part);
            }
        }
        Some(places)
    }

    /// The row at a place.
    pub(super) fn row_at_place(&self, place: u64) -> Option<u64> {
        let by_place = self.by_place.get_or_init(|| {
            let place = |run: &Run| self.first_places[run.volume] + run.start;
            let mut runs: Vec<(u64, Run)> = self.runs.iter().map(|run| (place(run), *run)).collect();
            runs.sort_unstable_by_key(|(place, _)| *place);
            runs
        });
        let (first, run) = by_place[..by_place.partition_point(|(first, _)| *first <= place)].last()?;
        Some(run.first + (place - first)).filter(|row| *row < run.first + run.rows)
    }
}
