//! Which ids have occurred, and where, in bounded memory.
//!
//! The latest ids are in a table, at most [`MAX_IN_MEMORY`]: a duplicate among them is found at once. A full
//! table is sorted and goes to disk as a run (`runs`); a duplicate there is found when runs are merged, or at
//! the latest when the input ends. For each id its key and place are kept, not the id itself (`entry`): two
//! different strings are mistaken for one with a probability of n^2 / 2^128, 10^-20 for 10^9 rows. Rows
//! without an id are counted, as ranges (`counted`).

mod counted;
mod entry;
mod runs;
mod spill;

use std::collections::HashMap;

use counted::Counted;
use entry::{IdEntry, Key, KeyMaker, Place};
use runs::{RunPair, Runs};

use super::{Input, RecordId};
use crate::error::shorten;
use crate::{Error, Result};

/// Maximum ids in memory: 26 MB of table, and 12 MB more while it is sorted.
const MAX_IN_MEMORY: usize = 1 << 19;

/// Every id that has occurred.
pub(crate) struct SeenIds {
    limit: usize,
    keys: KeyMaker,
    latest: HashMap<Key, Place>,
    runs: Runs,
    counted: Counted,
}

impl Default for SeenIds {
    fn default() -> Self {
        Self::with_limit(MAX_IN_MEMORY)
    }
}

impl SeenIds {
    /// Keeps at most `limit` ids in memory, and the same number of ranges of counted rows.
    fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            keys: KeyMaker::default(),
            latest: HashMap::new(),
            runs: Runs::default(),
            counted: Counted::new(limit),
        }
    }

    /// Records the id of a row of one of `inputs`.
    ///
    /// # Errors
    /// [`Error::BadRow`] with both rows if it is seen to have occurred, [`Error::Io`] if a temporary file
    /// fails.
    pub(crate) fn insert(&mut self, id: &RecordId, input: usize, row: u64, inputs: &[Input]) -> Result<()> {
        let (key, place) = (self.keys.key(id), Place::new(input, row));
        if let RecordId::Row(position) = id {
            self.counted.push(*position)?;
            return self
                .latest
                .get(&key)
                .map_or(Ok(()), |first| Err(taken(*position, *first, place, inputs)));
        }
        if key.as_number().is_some_and(|number| self.counted.contains(number)) {
            return Err(counted(id, "an earlier", place, inputs));
        }
        if let Some(first) = self.latest.insert(key, place) {
            let id = id.to_string();
            return Err(twice(&format!("id {}", shorten(&id)), first, place, inputs));
        }
        if self.latest.len() < self.limit { Ok(()) } else { self.spill(inputs) }
    }

    fn spill(&mut self, inputs: &[Input]) -> Result<()> {
        let pair = self.runs.push(&sorted(&mut self.latest))?;
        pair.map_or(Ok(()), |pair| Err(met(pair, inputs)))
    }

    /// Finds duplicates that only the whole input shows. Call it once, after the last row.
    ///
    /// # Errors
    /// Those of [`insert`](Self::insert).
    pub(crate) fn finish(&mut self, inputs: &[Input]) -> Result<()> {
        if self.runs.is_empty() && self.counted.is_whole() {
            return Ok(());
        }
        let counted_rows = std::mem::replace(&mut self.counted, Counted::new(self.limit));
        let mut counted_rows = counted_rows.into_ascending()?;
        let mut clash: Option<IdEntry> = None;
        let pair = self.runs.finish(&sorted(&mut self.latest), |entry| {
            let is_clash = entry.key.as_number().map_or(Ok(false), |number| counted_rows.contains(number))?;
            let is_earlier = clash.is_none_or(|clash| entry.place < clash.place);
            clash = if is_clash && is_earlier { Some(entry) } else { clash };
            Ok(())
        })?;
        match (pair, clash) {
            (Some(pair), _) => Err(met(pair, inputs)),
            (None, Some(IdEntry { key, place })) => {
                let id = RecordId::Number(key.as_number().unwrap_or_default().into());
                Err(counted(&id, "another", place, inputs))
            }
            (None, None) => Ok(()),
        }
    }
}

/// Empties a table into its entries, in order.
fn sorted(table: &mut HashMap<Key, Place>) -> Vec<IdEntry> {
    let mut entries: Vec<IdEntry> = table.drain().map(|(key, place)| IdEntry { key, place }).collect();
    entries.sort_unstable();
    entries
}

fn bad_row(place: Place, inputs: &[Input], rule: String) -> Error {
    Error::BadRow { input: name(place, inputs), row: place.row(), rule }
}

fn name(place: Place, inputs: &[Input]) -> String {
    inputs.get(place.input()).map_or_else(|| "an input".to_owned(), Input::to_string)
}

fn twice(what: &str, first: Place, second: Place, inputs: &[Input]) -> Error {
    let rule = format!("{what} occurs twice; it is first in {}, row {}", name(first, inputs), first.row());
    bad_row(second, inputs, rule)
}

/// The error for two rows with the same id that were found on disk, where only a hash of a string is kept.
fn met(pair: RunPair, inputs: &[Input]) -> Error {
    let what = pair.first.key.as_number().map_or("its id".to_owned(), |number| format!("id {number}"));
    twice(&what, pair.first.place, pair.second.place, inputs)
}

/// A number that is also the position of a row without an id.
fn counted(id: &RecordId, which: &str, place: Place, inputs: &[Input]) -> Error {
    let rule = format!(
        "id {id} occurs twice; {which} row has no id, and its row number, used as its id, is {id} (from 0)"
    );
    bad_row(place, inputs, rule)
}

/// A row without an id whose position is the id of an earlier row.
fn taken(position: u64, first: Place, place: Place, inputs: &[Input]) -> Error {
    let rule = format!(
        "the row has no id, and its row number, used as its id, is {position} (from 0); that id is in {}, row {}",
        name(first, inputs),
        first.row()
    );
    bad_row(place, inputs, rule)
}

#[cfg(test)]
mod tests;
