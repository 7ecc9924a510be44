//! Which input rows each shard of a job has.
//!
//! Every shard has `rows_per_shard` rows, except the last one before an end of the input. Rows that are
//! appended start a new shard, so a recorded shard never changes.

use std::num::NonZero;
use std::ops::Range;

use crate::vectors::folder::{InputEnd, ShardRecord};

/// Which input rows each shard of a job has.
#[derive(Debug, Clone)]
pub(super) struct ShardLayout {
    rows_per_shard: NonZero<u64>,
    /// The known ends of the input, in order.
    ends: Vec<InputEnd>,
}

impl ShardLayout {
    /// The layout of a job with these ends and shards. A last shard that is not full is at an end too: the
    /// run that made it was interrupted before it recorded the end.
    pub(super) fn new(rows_per_shard: NonZero<u64>, ends: &[InputEnd], shards: &[ShardRecord]) -> Self {
        let mut ends = ends.to_vec();
        let after = ends.last().map_or(0, |end| end.shards);
        let last = shards.iter().max_by_key(|shard| shard.shard).filter(|shard| shard.shard >= after);
        if let Some(last) = last.filter(|shard| shard.counts.texts < rows_per_shard.get()) {
            let input_rows = last.first_row + last.counts.texts;
            ends.push(InputEnd { input_rows, shards: last.shard + 1, input_sha256: None });
        }
        Self { rows_per_shard, ends }
    }

    /// The known ends of the input, in order.
    pub(super) fn ends(&self) -> &[InputEnd] {
        &self.ends
    }

    /// The input rows of a shard, from 0. After the last end, the input may have fewer.
    pub(super) fn rows(&self, shard: u64) -> Range<u64> {
        let before = self.ends.iter().rev().find(|end| end.shards <= shard);
        let (row, first_shard) = before.map_or((0, 0), |end| (end.input_rows, end.shards));
        let start = row.saturating_add((shard - first_shard).saturating_mul(self.rows_per_shard.get()));
        let full = start.saturating_add(self.rows_per_shard.get());
        let next = self.ends.iter().find(|end| end.shards > shard);
        start..next.map_or(full, |end| end.input_rows.clamp(start, full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::folder::RowCounts;
    use crate::vectors::write::Digest;

    fn end(input_rows: u64, shards: u64) -> InputEnd {
        InputEnd { input_rows, shards, input_sha256: None }
    }

    fn layout(ends: &[InputEnd], shards: &[(u64, u64, u64)]) -> ShardLayout {
        let record = |(shard, first_row, texts): &(u64, u64, u64)| {
            let counts = RowCounts { texts: *texts, ..RowCounts::default() };
            let file = Digest { bytes: 0, sha256: String::new() };
            ShardRecord::new(*shard, *first_row, counts, file, String::new())
        };
        let shards: Vec<ShardRecord> = shards.iter().map(record).collect();
        ShardLayout::new(NonZero::new(10).unwrap(), ends, &shards)
    }

    #[test]
    fn rows_after_an_end_start_a_new_shard() {
        let layout = layout(&[end(25, 3), end(30, 4)], &[]);
        let rows: Vec<_> = (0..6).map(|shard| layout.rows(shard)).collect();
        assert_eq!(rows, [0..10, 10..20, 20..25, 25..30, 30..40, 40..50]);
    }

    #[test]
    fn an_end_after_full_shards_changes_nothing() {
        let rows: Vec<_> = (0..4).map(|shard| layout(&[end(20, 2)], &[]).rows(shard)).collect();
        assert_eq!(rows, [0..10, 10..20, 20..30, 30..40]);
    }

    #[test]
    fn an_empty_input_has_an_empty_shard() {
        let rows: Vec<_> = (0..3).map(|shard| layout(&[end(0, 1)], &[]).rows(shard)).collect();
        assert_eq!(rows, [0..0, 0..10, 10..20]);
    }

    #[test]
    fn a_last_shard_that_is_not_full_is_at_an_end() {
        assert_eq!(layout(&[], &[(0, 0, 10), (1, 10, 3)]).ends(), [end(13, 2)]);
        assert_eq!(layout(&[], &[(0, 0, 10), (1, 10, 10)]).ends(), []);
        assert_eq!(layout(&[end(13, 2)], &[(0, 0, 10), (1, 10, 3)]).ends(), [end(13, 2)]);
        assert_eq!(layout(&[end(13, 2)], &[(1, 10, 3), (2, 13, 4)]).ends(), [end(13, 2), end(17, 3)]);
    }
}
