//! Runs of rows that follow each other in the order of the index and in one volume.

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;

use crate::index::columns::NUMBER;
use crate::index::volume::Volume;
use crate::search::RowSet;
use crate::{Error, Result};

/// Rows that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::index) struct Run {
    /// The number of the first row in the index.
    pub(in crate::index) first: u64,
    /// The volume, by its place in the manifest.
    pub(in crate::index) volume: usize,
    /// The first row in the volume.
    pub(in crate::index) start: u64,
    /// Number of rows.
    pub(in crate::index) rows: u64,
}

/// A volume's live rows that are not in a run yet.
struct Cursor {
    volume: usize,
    /// Ranges of live rows, in reverse: the next one is the last.
    live: Vec<(u64, u64)>,
    /// The number of the text of each row; `None` if no other volume has texts between this one's.
    numbers: Option<Vec<u64>>,
    first_number: u64,
}

impl Cursor {
    /// The number of the next row's text.
    fn next_number(&self) -> Option<u64> {
        let (start, _) = self.live.last()?;
        Some(self.numbers.as_ref().map_or(self.first_number, |numbers| numbers[*start as usize]))
    }

    /// Takes the next rows whose numbers are below `limit`, as far as they are together.
    fn take(&mut self, limit: Option<u64>) -> Option<(u64, u64)> {
        let (start, end) = self.live.pop()?;
        let stop = match (&self.numbers, limit) {
            (Some(numbers), Some(limit)) => {
                start + numbers[start as usize..end as usize].partition_point(|number| *number < limit) as u64
            }
            _ => end,
        };
        if stop < end {
            self.live.push((stop, end));
        }
        Some((start, stop))
    }
}

/// The live rows of all volumes, by their texts' numbers: a merge of the volumes, each of which is in order.
pub(super) fn of(volumes: &[Volume], deleted: &RowSet) -> Result<Vec<Run>> {
    let mut cursors = Vec::new();
    let mut before = 0;
    for (index, volume) in volumes.iter().enumerate() {
        let record = volume.record();
        let mut live = live_ranges(deleted, before, record.rows);
        before += record.rows;
        live.reverse();
        let Some((first, last)) = record.numbers.filter(|_| !live.is_empty()) else { continue };
        let meets = |(number, other): (usize, &Volume)| {
            number != index
                && other
                    .record()
                    .numbers
                    .is_some_and(|(other_first, other_last)| other_first <= last && first <= other_last)
        };
        let numbers = volumes.iter().enumerate().any(meets).then(|| numbers(volume)).transpose()?;
        cursors.push(Cursor { volume: index, live, numbers, first_number: first });
    }
    let mut runs: Vec<Run> = Vec::new();
    while let Some((number, at)) = smallest(&cursors, None) {
        let next_other = smallest(&cursors, Some(at)).map(|(number, _)| number);
        if next_other == Some(number) {
            let rule = format!("two volumes have the text with number {number}");
            return Err(Error::BadInput { input: "the index".to_owned(), rule });
        }
        let volume = cursors[at].volume;
        while let Some((start, end)) = cursors[at].take(next_other).filter(|(start, end)| start < end) {
            let first = runs.last().map_or(0, |run| run.first + run.rows);
            match runs.last_mut().filter(|run| run.volume == volume && run.start + run.rows == start) {
                Some(run) => run.rows += end - start,
                None => runs.push(Run { first, volume, start, rows: end - start }),
            }
        }
    }
    Ok(runs)
}

/// The smallest number of a next row, and its cursor.
fn smallest(cursors: &[Cursor], except: Option<usize>) -> Option<(u64, usize)> {
    let others = cursors.iter().enumerate().filter(|(at, _)| Some(*at) != except);
    others.filter_map(|(at, cursor)| Some((cursor.next_number()?, at))).min()
}

/// Ranges of rows that are not deleted, among `rows` rows from `before` on.
fn live_ranges(deleted: &RowSet, before: u64, rows: u64) -> Vec<(u64, u64)> {
    let (mut ranges, mut row) = (Vec::new(), before);
    let end = before + rows;
    while row < end {
        let next = if deleted.contains(row) { Some(row) } else { deleted.after(row) };
        let next = next.unwrap_or(end).min(end);
        if row < next {
            ranges.push((row - before, next - before));
        }
        row = next + 1;
    }
    ranges
}

/// The number of each row's text, which must not fall.
fn numbers(volume: &Volume) -> Result<Vec<u64>> {
    let mut numbers: Vec<u64> = Vec::new();
    for batch in volume.batches(&[NUMBER])? {
        let (_, batch) = batch?;
        let column = batch.column(0).as_primitive_opt::<UInt64Type>();
        numbers.extend(column.ok_or_else(|| Error::Bug("numbers of an index".to_owned()))?.values());
    }
    match numbers.is_sorted() {
        true => Ok(numbers),
        false => Err(Error::BadInput {
            input: format!("volume {}", volume.record().volume),
            rule: "the numbers of its texts are not in order".to_owned(),
        }),
    }
}
