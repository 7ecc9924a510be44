//! What a cache did for a run.

use serde::Serialize;

use super::Role;

/// What a cache did for a run, since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheReport {
    /// Texts that were a reference of some pair.
    pub references: CacheCounts,
    /// The other texts.
    pub candidates: CacheCounts,
    /// Packs with damaged entries, which were not used.
    pub damaged: Vec<DamagedPack>,
    /// Texts that were encoded and not written, because all the room is taken by texts that this run uses.
    pub not_kept: u64,
    /// Why nothing more was written, if writing has failed.
    pub failure: Option<String>,
}

/// Where texts came from. A text that no longer fitted into memory when it was needed again counts twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheCounts {
    /// Texts that were read from the cache.
    pub cached: u64,
    /// Texts that were encoded.
    pub encoded: u64,
}

/// A damaged file of a cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DamagedPack {
    /// Its path.
    pub file: String,
    /// Its entries that were found damaged; `None` if its index is, and so all of them are lost.
    pub entries: Option<u64>,
    /// The rule that its index breaks.
    pub rule: Option<String>,
}

impl CacheReport {
    pub(super) fn counts(&mut self, role: Role) -> &mut CacheCounts {
        match role {
            Role::Reference => &mut self.references,
            Role::Candidate => &mut self.candidates,
        }
    }

    /// Counts a damaged entry.
    pub(super) fn add_damaged_entry(&mut self, file: String) {
        match self.damaged.iter_mut().find(|pack| pack.file == file) {
            Some(pack) => pack.entries = pack.entries.map(|entries| entries + 1),
            None => self.damaged.push(DamagedPack { file, entries: Some(1), rule: None }),
        }
    }

    /// Adds a pack that cannot be read at all.
    pub(super) fn add_damaged_pack(&mut self, file: String, rule: String) {
        self.damaged.push(DamagedPack { file, entries: None, rule: Some(rule) });
    }
}
