//! The manifest of an index: a log of its settings and of every change, each of which is one line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::vectors::folder::{COPY, LogState, MANIFEST, failed};
use crate::{Error, Result};

/// The version of the folder's layout and manifest.
pub const INDEX_FORMAT_VERSION: u32 = 1;
/// What the first line of an index's manifest says it is.
const KIND: &str = "index";
/// How the manifest of an index starts.
const FIRST: &str = "{\"entry\":{\"begin\":{\"kind\":\"index\"";

/// An entry of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// The first one: how the index was started.
    Begin { kind: String, format_version: u32, settings: Box<Settings> },
    /// A volume is added, and rows of others are deleted, which its texts replace.
    Volume { volume: Box<VolumeRecord>, deleted: Option<DeletedRecord> },
    /// Rows are deleted.
    Delete { deleted: DeletedRecord },
    /// These volumes have the rows of all volumes before.
    Compact { volumes: Vec<VolumeRecord>, deleted: Option<DeletedRecord> },
    /// A build or an update is finished; what its inputs were.
    End { inputs: Vec<InputRecord> },
}

/// A volume, whose files never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VolumeRecord {
    /// Its number, from 0. Numbers are not used again.
    pub volume: u64,
    /// Texts in it.
    pub texts: u64,
    /// Rows: one for each chunk.
    pub rows: u64,
    /// Rows of zeros.
    pub zeros: u64,
    /// The numbers of the first and the last text; `None` without texts.
    pub numbers: Option<(u64, u64)>,
    /// The file of the rows.
    pub table: FileRecord,
    /// The file of the vectors; the SHA-256 is that of the numbers after its head.
    pub vectors: FileRecord,
    /// The rows as bytes, if it has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codes: Option<CodesRecord>,
    /// The file of the signs, if it has one; the SHA-256 is that of the bytes after its head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<FileRecord>,
    /// The checksums of all files' parts.
    pub checksums: FileRecord,
}

/// A file's length and checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileRecord {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
}

/// The file of the deleted rows: a bit for each row of all volumes, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeletedRecord {
    pub(super) number: u64,
    /// Rows that have a bit; later ones are not deleted.
    pub(super) rows: u64,
    pub(super) file: FileRecord,
}

/// An input, as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputRecord {
    /// The name it was given by.
    pub name: String,
    /// Its place without links; `None` if it is not a regular file.
    pub path: Option<String>,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified: i64,
}

/// The contents of an index's manifest.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) log: LogState,
    pub(super) settings: Option<Settings>,
    pub(super) volumes: Vec<VolumeRecord>,
    pub(super) deleted: Option<DeletedRecord>,
    pub(super) inputs: BTreeMap<String, InputRecord>,
    /// Whether the last build or update has come to its end.
    pub(super) is_complete: bool,
    /// The next numbers of a volume, and of a file of deleted rows.
    pub(super) next_volume: u64,
    pub(super) next_deleted: u64,
}

impl State {
    /// Whether a folder has nothing of a manifest but the torn first line of an index's, or not even that: the process
    /// that started it was killed, and nothing was ever committed.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read.
    pub(super) fn is_unstarted(folder: &Path) -> Result<bool> {
        let (log, _) = LogState::read::<serde_json::Value>(folder)?;
        let is_torn = |name: &&str| {
            start_of(&folder.join(name)).unwrap_or(None).is_none_or(|start| FIRST.starts_with(&start))
        };
        Ok(log.is_new() && !log.is_lost && [MANIFEST, COPY].iter().all(is_torn))
    }

    /// Reads the manifest of an index.
    ///
    /// # Errors
    /// [`Error::BadInput`] if the folder has none, or one that is damaged in both copies;
    /// [`Error::OtherIndex`] if a later version wrote it.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct First {
            begin: FirstEntry,
        }
        #[derive(Deserialize)]
        struct FirstEntry {
            #[serde(default)]
            kind: String,
            format_version: u32,
        }
        let (log, entries) = LogState::read(folder)?;
        let broken =
            |rule: &str| Err(Error::BadInput { input: folder.display().to_string(), rule: rule.to_owned() });
        match log.first::<First>() {
            None if log.is_lost || !log.is_new() => {
                return broken("the first line of _manifest.jsonl is damaged, and that of its copy too");
            }
            None => return broken("the folder is not an index: _manifest.jsonl is missing or empty"),
            Some(First { begin }) if begin.kind != KIND => {
                return broken("the folder is a job's, not an index");
            }
            Some(First { begin }) if begin.format_version != INDEX_FORMAT_VERSION => {
                return Err(Error::OtherIndex {
                    path: folder.to_owned(),
                    setting: "format version".to_owned(),
                    recorded: begin.format_version.to_string(),
                    asked: format!("{INDEX_FORMAT_VERSION} in this program"),
                });
            }
            Some(_) => {}
        }
        let lost = log.damage.iter().find(|damage| !damage.is_torn && !damage.is_behind && damage.loses);
        if let Some(damage) = lost {
            return broken(&damage.what);
        }
        let mut state = Self { log, ..Self::default() };
        for entry in entries {
            let Some(entry) = entry else { return broken("the manifest has an entry that is not known") };
            if !state.add(entry) {
                return broken("the manifest's entries are not in an order that this program writes");
            }
        }
        Ok(state)
    }

    /// Follows an entry; false if it cannot be there.
    pub(super) fn add(&mut self, entry: Entry) -> bool {
        let was_started = self.settings.is_some();
        match entry {
            Entry::Begin { settings, .. } => {
                self.settings = Some(*settings);
                return !was_started;
            }
            Entry::Volume { volume, deleted } => {
                self.is_complete = false;
                self.next_volume = self.next_volume.max(volume.volume.saturating_add(1));
                self.volumes.push(*volume);
                if deleted.is_some() {
                    self.set_deleted(deleted);
                }
            }
            Entry::Delete { deleted } => self.set_deleted(Some(deleted)),
            Entry::Compact { volumes, deleted } => {
                for volume in &volumes {
                    self.next_volume = self.next_volume.max(volume.volume.saturating_add(1));
                }
                self.volumes = volumes;
                self.set_deleted(deleted);
            }
            Entry::End { inputs } => {
                self.inputs = inputs.into_iter().map(|input| (input.name.clone(), input)).collect();
                self.is_complete = true;
            }
        }
        was_started
    }

    fn set_deleted(&mut self, deleted: Option<DeletedRecord>) {
        self.next_deleted = deleted.as_ref().map_or(self.next_deleted, |it| it.number.saturating_add(1));
        self.deleted = deleted;
    }

    /// Whether a name in the folder is one of a recorded file or folder.
    pub(super) fn records(&self, name: &str) -> bool {
        self.volumes.iter().any(|volume| volume_name(volume.volume) == name)
            || self.deleted.as_ref().is_some_and(|deleted| deleted_name(deleted.number) == name)
    }
}

/// Whether a file starts as the manifest of an index.
///
/// # Errors
/// [`Error::Io`] if it is there and cannot be read.
pub(super) fn begins_an_index(path: &Path) -> Result<bool> {
    Ok(start_of(path)?.is_some_and(|start| start == FIRST))
}

/// The first bytes of a file, as many as [`FIRST`] has or fewer; `None` if there is no such file.
fn start_of(path: &Path) -> Result<Option<String>> {
    let mut found = Vec::new();
    let Ok(file) = File::open(path) else { return Ok(None) };
    match file.take(FIRST.len() as u64).read_to_end(&mut found) {
        Ok(_) => Ok(String::from_utf8(found).ok()),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(None),
        Err(error) => Err(failed("reading", path, error)),
    }
}

/// The first entry of an index.
pub(super) fn begin(settings: Settings) -> Entry {
    Entry::Begin { kind: KIND.to_owned(), format_version: INDEX_FORMAT_VERSION, settings: Box::new(settings) }
}

/// The rows of a volume as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CodesRecord {
    /// The file; the SHA-256 is that of the bytes after its head.
    pub file: FileRecord,
    /// The seed of the rows' rotation, if they were rotated.
    pub rotation: Option<u64>,
}

/// The name of a volume's folder.
pub(super) fn volume_name(number: u64) -> String {
    format!("volume-{number:05}")
}

/// The number of a volume's folder; `None` for another name.
pub(super) fn volume_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix("volume-")?.parse().ok()?;
    (volume_name(number) == name).then_some(number)
}

/// The name of a file of deleted rows.
pub(super) fn deleted_name(number: u64) -> String {
    format!("deleted-{number:05}.bits")
}

/// Whether a name in a folder is one that an index writes, recorded or not.
pub(super) fn is_part(name: &str) -> bool {
    let number = |text: &str| text.parse::<u64>().ok();
    let bits = name.strip_prefix("deleted-").and_then(|rest| rest.strip_suffix(".bits")).and_then(number);
    volume_number(name).is_some() || bits.is_some_and(|it| deleted_name(it) == name)
}
