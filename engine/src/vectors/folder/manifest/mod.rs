//! The manifest of a job: a log of its settings, its shards and the ends of its input.

use std::path::Path;

use super::FORMAT_VERSION;
use super::log::LogState;
use super::record::{InputEnd, ManifestEntry, ShardRecord, file_name, is_shard_name};
use super::{failed, names};
use crate::vectors::Metadata;
use crate::{Error, Result};

/// The contents of a folder's manifest.
#[derive(Debug, Default)]
pub(crate) struct ManifestState {
    /// How the job was started; `None` if nothing has been recorded yet.
    pub(crate) settings: Option<Metadata>,
    pub(crate) shards: Vec<ShardRecord>,
    /// The ends of the input at which all shards were recorded, in order.
    pub(crate) ends: Vec<InputEnd>,
    /// Its lines.
    pub(crate) log: LogState,
}

impl ManifestState {
    /// Whether nothing has been recorded yet.
    pub(crate) fn is_new(&self) -> bool {
        self.log.is_new()
    }

    /// The last end, unless shards after it are recorded: then rows are being appended.
    pub(crate) fn end(&self) -> Option<&InputEnd> {
        self.ends.last().filter(|end| self.shards.iter().all(|shard| shard.shard < end.shards))
    }

    /// Reads a folder's manifest.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let (log, entries) = LogState::read(folder)?;
        let mut state = Self { log, ..Self::default() };
        for entry in entries {
            match entry {
                Some(entry) => state.add(entry, folder)?,
                // From a later version: valid, but unknown.
                None => state.check_version(folder)?,
            }
        }
        state.check_version(folder)?;
        // Before a shard is written, the first line is.
        let is_lost = state.log.is_lost || !state.log.is_new();
        if state.settings.is_none() && (is_lost || holds_shards(folder)?) {
            let rule = "the first line of _manifest.jsonl is damaged, and that of its copy too: nothing says how the job was started";
            return Err(Error::DamagedJob { path: folder.to_owned(), rule: rule.to_owned() });
        }
        Ok(state)
    }

    /// Refuses a folder of a later version.
    fn check_version(&self, folder: &Path) -> Result<()> {
        #[derive(serde::Deserialize)]
        struct Begin {
            begin: Version,
        }
        #[derive(serde::Deserialize)]
        struct Version {
            #[serde(default)]
            kind: Option<String>,
            format_version: u32,
        }
        match self.log.first() {
            Some(Begin { begin: Version { kind: Some(kind), .. } }) => Err(Error::BadInput {
                input: folder.display().to_string(),
                rule: format!("the folder holds an {kind}, not a job"),
            }),
            Some(Begin { begin }) if begin.format_version != FORMAT_VERSION => Err(Error::BadInput {
                input: folder.display().to_string(),
                rule: format!(
                    "the job's format version is {}; this program reads version {FORMAT_VERSION}",
                    begin.format_version
                ),
            }),
            _ => Ok(()),
        }
    }

    fn add(&mut self, entry: ManifestEntry, folder: &Path) -> Result<()> {
        match entry {
            ManifestEntry::Begin { settings, .. } if self.settings.is_none() => {
                self.settings = Some(settings)
            }
            // The file's name is not trusted as a path.
            ManifestEntry::Shard(shard) if shard.file != file_name(shard.shard) => {
                let rule = format!("the manifest has the file {:?} for shard {}", shard.file, shard.shard);
                return Err(Error::BadInput { input: folder.display().to_string(), rule });
            }
            // After the end, too: a shard whose line was damaged in both files is written and recorded again.
            ManifestEntry::Shard(shard) if self.settings.is_some() => self.shards.push(shard),
            ManifestEntry::End(end) if self.settings.is_some() && self.may_follow(&end) => {
                self.ends.push(end)
            }
            _ => {
                let rule = "the manifest's entries are not in an order that this program writes".to_owned();
                return Err(Error::BadInput { input: folder.display().to_string(), rule });
            }
        }
        Ok(())
    }

    /// Whether an input that ended as recorded may have grown to this end.
    fn may_follow(&self, end: &InputEnd) -> bool {
        end.shards > 0
            && self.ends.last().is_none_or(|last| {
                last.input_rows < end.input_rows && last.shards < end.shards || last == end
            })
    }
}

/// Whether a folder has files with the names of shards.
fn holds_shards(folder: &Path) -> Result<bool> {
    let names = names(folder).map_err(|source| failed("reading", folder, source))?;
    Ok(names.iter().any(|name| is_shard_name(name)))
}

#[cfg(test)]
mod tests;
