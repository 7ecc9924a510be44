//! Ids that no longer fit in memory: sorted runs on disk, of which two of a size are merged into one.
//!
//! An entry is thus rewritten as often as the number of runs can be halved, and a run's ids all differ.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::entry::Entry;
use super::spill::{Spill, SpillReader, SpillWriter};
use crate::Result;

/// Two rows with one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) first: Entry,
    pub(super) second: Entry,
}

/// The runs, from the largest to the smallest.
#[derive(Default)]
pub(super) struct Runs(Vec<Run>);

struct Run {
    entries: Spill<{ Entry::BYTES }>,
    /// How often its entries were merged: it holds 2^level times as many as a run that was not.
    level: u32,
}

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds sorted entries of different ids, and merges as far as it goes. The first two rows with one id, if
    /// a merge meets any.
    pub(super) fn push(&mut self, sorted: &[Entry]) -> Result<Option<Pair>> {
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

    fn merge_last_two(&mut self) -> Result<Option<Pair>> {
        let last = self.0.split_off(self.0.len() - 2);
        let level = last.iter().map(|run| run.level).max().unwrap_or(0) + 1;
        let mut writer = SpillWriter::new()?;
        let pair = Merge::new(last, &[])?.find_pair(|entry| writer.push(entry.to_bytes()))?;
        self.0.push(Run { entries: writer.finish()?, level });
        Ok(pair)
    }

    /// Goes through the entries of all runs and of memory, in order. The first two rows with one id, if there
    /// are any.
    pub(super) fn finish(
        &mut self,
        sorted: &[Entry],
        each: impl FnMut(Entry) -> Result<()>,
    ) -> Result<Option<Pair>> {
        Merge::new(std::mem::take(&mut self.0), sorted)?.find_pair(each)
    }
}

/// Sorted sources that are read as one.
struct Merge<'a> {
    readers: Vec<SpillReader<{ Entry::BYTES }>>,
    /// The next entry of each source, and the source; that behind the readers is `memory`.
    heads: BinaryHeap<Reverse<(Entry, usize)>>,
    memory: std::slice::Iter<'a, Entry>,
}

impl<'a> Merge<'a> {
    fn new(runs: Vec<Run>, memory: &'a [Entry]) -> Result<Self> {
        let readers = runs.into_iter().map(|run| run.entries.read()).collect::<Result<Vec<_>>>()?;
        let mut merge = Self { readers, heads: BinaryHeap::new(), memory: memory.iter() };
        (0..=merge.readers.len()).try_for_each(|source| merge.advance(source))?;
        Ok(merge)
    }

    fn advance(&mut self, source: usize) -> Result<()> {
        let entry = match self.readers.get_mut(source) {
            Some(reader) => reader.next()?.map(|bytes| Entry::from_bytes(&bytes)),
            None => self.memory.next().copied(),
        };
        self.heads.extend(entry.map(|entry| Reverse((entry, source))));
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Entry>> {
        let Some(Reverse((entry, source))) = self.heads.pop() else { return Ok(None) };
        self.advance(source).map(|()| Some(entry))
    }

    /// Goes to the end, since which of several pairs comes first here is chance; the one whose second row
    /// comes first in the input is told.
    fn find_pair(mut self, mut each: impl FnMut(Entry) -> Result<()>) -> Result<Option<Pair>> {
        let mut found: Option<Pair> = None;
        let mut last: Option<Entry> = None;
        while let Some(second) = self.next()? {
            each(second)?;
            let first = last.replace(second).filter(|first| first.key == second.key);
            let earlier = |first: Entry| Pair { first, second };
            let pair =
                first.map(earlier).filter(|pair| found.is_none_or(|it| pair.second.place < it.second.place));
            found = pair.or(found);
        }
        Ok(found)
    }
}
