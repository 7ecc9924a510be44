//! Ids that no longer fit in memory: sorted runs on disk; two runs of equal size are merged into one.
//!
//! Each entry is therefore rewritten at most log2(number of runs) times, and the ids within a run all differ.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::entry::IdEntry;
use super::spill::{Spill, SpillReader, SpillWriter};
use crate::Result;

/// Two rows with one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunPair {
    pub(super) first: IdEntry,
    pub(super) second: IdEntry,
}

/// The runs, from the largest to the smallest.
#[derive(Default)]
pub(super) struct Runs(Vec<Run>);

struct Run {
    entries: Spill<{ IdEntry::BYTES }>,
    /// How often its entries were merged: it has 2^level times as many as an unmerged run.
    level: u32,
}

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds sorted entries with different ids, and merges runs while the last two have the same level.
    /// Returns the first two rows with one id, if a merge finds any.
    pub(super) fn push(&mut self, sorted: &[IdEntry]) -> Result<Option<RunPair>> {
        let mut writer = SpillWriter::new()?;
        sorted.iter().try_for_each(|entry| writer.push(entry.to_bytes()))?;
        self.0.push(Run { entries: writer.finish()?, level: 0 });
        while let [.., a, b] = self.0.as_slice()
            && a.level == b.level
        {
            if let Some(pair) = self.merge_last_two()? {
                return Ok(Some(pair));
            }
        }
        Ok(None)
    }

    fn merge_last_two(&mut self) -> Result<Option<RunPair>> {
        let last = self.0.split_off(self.0.len() - 2);
        let level = last.iter().map(|run| run.level).max().unwrap_or(0) + 1;
        let mut writer = SpillWriter::new()?;
        let pair = Merge::new(last, &[])?.find_pair(|entry| writer.push(entry.to_bytes()))?;
        self.0.push(Run { entries: writer.finish()?, level });
        Ok(pair)
    }

    /// Goes through the entries of all runs and of memory, in order. Returns the first two rows with one id,
    /// if any.
    pub(super) fn finish(
        &mut self,
        sorted: &[IdEntry],
        each: impl FnMut(IdEntry) -> Result<()>,
    ) -> Result<Option<RunPair>> {
        Merge::new(std::mem::take(&mut self.0), sorted)?.find_pair(each)
    }
}

/// Sorted sources that are read as one.
struct Merge<'a> {
    readers: Vec<SpillReader<{ IdEntry::BYTES }>>,
    /// The next entry of each source, and the source; the one after the readers is `memory`.
    heads: BinaryHeap<Reverse<(IdEntry, usize)>>,
    memory: std::slice::Iter<'a, IdEntry>,
}

impl<'a> Merge<'a> {
    fn new(runs: Vec<Run>, memory: &'a [IdEntry]) -> Result<Self> {
        let readers = runs.into_iter().map(|run| run.entries.read()).collect::<Result<Vec<_>>>()?;
        let mut merge = Self { readers, heads: BinaryHeap::new(), memory: memory.iter() };
        (0..=merge.readers.len()).try_for_each(|source| merge.advance(source))?;
        Ok(merge)
    }

    fn advance(&mut self, source: usize) -> Result<()> {
        let entry = match self.readers.get_mut(source) {
            Some(reader) => reader.next()?.map(|bytes| IdEntry::from_bytes(&bytes)),
            None => self.memory.next().copied(),
        };
        self.heads.extend(entry.map(|entry| Reverse((entry, source))));
        Ok(())
    }

    fn next(&mut self) -> Result<Option<IdEntry>> {
        let Some(Reverse((entry, source))) = self.heads.pop() else { return Ok(None) };
        self.advance(source).map(|()| Some(entry))
    }

    /// Goes to the end, since the order in which pairs are found is random; returns the pair whose second row
    /// comes first in the input.
    fn find_pair(mut self, mut each: impl FnMut(IdEntry) -> Result<()>) -> Result<Option<RunPair>> {
        let mut found: Option<RunPair> = None;
        let mut last: Option<IdEntry> = None;
        while let Some(second) = self.next()? {
            each(second)?;
            let first = last.replace(second).filter(|first| first.key == second.key);
            let earlier = |first: IdEntry| RunPair { first, second };
            let pair =
                first.map(earlier).filter(|pair| found.is_none_or(|it| pair.second.place < it.second.place));
            found = pair.or(found);
        }
        Ok(found)
    }
}
