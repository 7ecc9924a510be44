//! The manifest of a job, kept twice.
//!
//! Entries are only ever appended, first to one file, then to its copy, each time synced. What a crash tears is therefore the last
//! line of one of them. The job's state is the longer of the two runs of valid lines from the start; a file that has less, or something
//! else behind it, is made equal to that before the job goes on.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::FORMAT_VERSION;
use super::folder::failed;
use super::line;
use super::record::{Entry, ShardRecord};
use crate::output::{Metadata, sync_folder};
use crate::{Error, Result};

pub(super) const MANIFEST: &str = "_manifest.jsonl";
pub(super) const COPY: &str = "_manifest.copy.jsonl";

/// What a folder's manifest says.
#[derive(Debug, Default)]
pub(super) struct State {
    /// How the job was begun; none where nothing was recorded yet.
    pub(super) settings: Option<Metadata>,
    pub(super) shards: Vec<ShardRecord>,
    /// Rows of the whole input, and the shards that it makes, once all of them are recorded.
    pub(super) end: Option<(u64, u64)>,
    /// Bytes of the valid lines.
    bytes: Vec<u8>,
    /// What is wrong with each file.
    pub(super) damage: Vec<Damage>,
}

/// What is wrong with a file of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) path: PathBuf,
    pub(super) what: String,
    /// Whether a crash while a line was appended explains it.
    pub(super) is_torn: bool,
}

impl State {
    /// Whether nothing was recorded yet.
    pub(super) fn is_new(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Reads both files.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let paths = [MANIFEST, COPY].map(|name| folder.join(name));
        let files = [Lines::read(&paths[0])?, Lines::read(&paths[1])?];
        let better = usize::from(files[1].valid.len() > files[0].valid.len());
        let mut state = Self { bytes: files[better].valid.clone(), ..Self::default() };
        state.check_version(folder)?;
        for (path, file) in paths.into_iter().zip(&files) {
            state.damage.extend(file.damage(path, &files[better]));
        }
        for entry in files[better].entries.clone() {
            state.add(entry, folder)?;
        }
        if state.settings.is_none() && files.iter().any(|file| file.rest.contains(&b'\n')) {
            let rule = "the first line of _manifest.jsonl is damaged, and that of its copy too: nothing says how the job was begun";
            return Err(Error::DamagedJob { path: folder.to_owned(), rule: rule.to_owned() });
        }
        Ok(state)
    }

    /// A folder of a later version is not looked at any further.
    fn check_version(&self, folder: &Path) -> Result<()> {
        #[derive(serde::Deserialize)]
        struct Begin {
            begin: Version,
        }
        #[derive(serde::Deserialize)]
        struct Version {
            format_version: u32,
        }
        let first = self.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        match line::decode::<Begin>(first) {
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

    fn add(&mut self, entry: Entry, folder: &Path) -> Result<()> {
        match entry {
            Entry::Begin { settings, .. } if self.settings.is_none() => self.settings = Some(settings),
            Entry::Shard(shard) if self.settings.is_some() && self.end.is_none() => self.shards.push(shard),
            Entry::End { input_rows, shards } if self.settings.is_some() => {
                self.end = Some((input_rows, shards))
            }
            _ => {
                let rule = "the manifest's entries are not in an order that this program writes".to_owned();
                return Err(Error::BadInput { input: folder.display().to_string(), rule });
            }
        }
        Ok(())
    }
}

/// The lines of one file.
#[derive(Default)]
struct Lines {
    exists: bool,
    entries: Vec<Entry>,
    /// The bytes of the valid lines at the start.
    valid: Vec<u8>,
    /// What stands behind them.
    rest: Vec<u8>,
}

impl Lines {
    fn read(path: &Path) -> Result<Self> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed("reading", path, error)),
        };
        let mut lines = Self { exists: true, ..Self::default() };
        let mut start = 0;
        while let Some(length) = bytes[start..].iter().position(|byte| *byte == b'\n') {
            let line = &bytes[start..start + length];
            match line::decode::<Entry>(line) {
                Some(entry) => lines.entries.push(entry),
                // An entry of a later version is as valid as it is unknown.
                None if lines.entries.is_empty() && line::decode::<serde_json::Value>(line).is_some() => {}
                None => break,
            }
            start += length + 1;
        }
        lines.valid = bytes[..start].to_vec();
        lines.rest = bytes[start..].to_vec();
        Ok(lines)
    }

    /// What is wrong with this file, of which `better` has the job's state.
    fn damage(&self, path: PathBuf, better: &Self) -> Option<Damage> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = self.entries.len() + 1;
        let one_behind = better.entries.len() <= self.entries.len() + 1;
        let lacking = better.valid.get(self.valid.len()..).unwrap_or_default();
        let (what, is_torn) = if !self.exists {
            (format!("{name} is missing"), one_behind && better.entries.len() <= 1)
        } else if !better.valid.starts_with(&self.valid) {
            (format!("{name} is of another job than the other manifest"), false)
        } else if !self.rest.is_empty() {
            let is_torn = match lacking.is_empty() {
                true => !self.rest.contains(&b'\n'),
                false => one_behind && lacking.starts_with(&self.rest),
            };
            (
                format!("line {number} of {name} is {}", if is_torn { "incomplete" } else { "damaged" }),
                is_torn,
            )
        } else if self.valid.len() < better.valid.len() {
            (format!("{name} ends before line {number}"), one_behind)
        } else {
            return None;
        };
        (better.exists || self.exists).then_some(Damage { path, what, is_torn })
    }
}

/// The manifest of a job that is being written.
pub(super) struct Manifest {
    files: [(PathBuf, File); 2],
}

impl Manifest {
    /// Brings both files to `state`, and opens them to be appended to.
    pub(super) fn open(folder: &Path, state: &State) -> Result<Self> {
        let [first, copy] = [MANIFEST, COPY].map(|name| folder.join(name));
        let manifest = Self { files: [open(first, &state.bytes)?, open(copy, &state.bytes)?] };
        sync_folder(folder).map_err(|error| failed("writing", folder, error))?;
        Ok(manifest)
    }

    /// Records an entry: when this returns, it is on the disk.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<()> {
        let line = line::encode(entry)?;
        for (path, file) in &mut self.files {
            file.write_all(line.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(|error| failed("writing", path, error))?;
        }
        Ok(())
    }
}

/// A file that holds `bytes`, in what way it may have differed.
fn open(path: PathBuf, bytes: &[u8]) -> Result<(PathBuf, File)> {
    let opened = || -> io::Result<File> {
        let mut file = File::options().create(true).append(true).open(&path)?;
        let found = fs::read(&path)?;
        if found != bytes {
            let common = found.iter().zip(bytes).take_while(|(left, right)| left == right).count();
            file.set_len(common as u64)?;
            file.write_all(&bytes[common..])?;
            file.sync_all()?;
        }
        Ok(file)
    };
    match opened() {
        Ok(file) => Ok((path, file)),
        Err(error) => Err(failed("writing", &path, error)),
    }
}

#[cfg(test)]
mod tests;
