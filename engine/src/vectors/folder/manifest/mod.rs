//! The manifest of a job, kept twice.
//!
//! Entries are only ever appended, first to one file, then to its copy, and synced each time. A crash can
//! therefore tear only the last line of one of them. The job's state is the longer of the two runs of valid
//! lines from the start; a file that has less, or something else after it, is made equal to that before the
//! job continues.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::FORMAT_VERSION;
use super::record::{InputEnd, ManifestEntry, ShardRecord, file_name, is_shard_name};
use super::{failed, line};
use crate::vectors::Metadata;
use crate::vectors::write::sync_folder;
use crate::{Error, Result};

pub(crate) const MANIFEST: &str = "_manifest.jsonl";
pub(crate) const COPY: &str = "_manifest.copy.jsonl";

/// The contents of a folder's manifest.
#[derive(Debug, Default)]
pub(crate) struct ManifestState {
    /// How the job was started; `None` if nothing has been recorded yet.
    pub(crate) settings: Option<Metadata>,
    pub(crate) shards: Vec<ShardRecord>,
    /// The ends of the input at which all shards were recorded, in order.
    pub(crate) ends: Vec<InputEnd>,
    /// Bytes of the valid lines.
    bytes: Vec<u8>,
    /// The damage to each file.
    pub(crate) damage: Vec<Damage>,
}

/// Damage to a file of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) path: PathBuf,
    pub(crate) what: String,
    /// Whether a crash while a line was being appended explains it.
    pub(crate) is_torn: bool,
    /// Whether the file only lacks some of the last lines.
    pub(crate) is_behind: bool,
}

impl ManifestState {
    /// Whether nothing has been recorded yet.
    pub(crate) fn is_new(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The last end, unless shards after it are recorded: then rows are being appended.
    pub(crate) fn end(&self) -> Option<&InputEnd> {
        self.ends.last().filter(|end| self.shards.iter().all(|shard| shard.shard < end.shards))
    }

    /// Reads both files. Of each line, the valid one counts; reading stops at a line that is valid in
    /// neither.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let paths = [MANIFEST, COPY].map(|name| folder.join(name));
        let files = [read(&paths[0])?, read(&paths[1])?];
        let mut state = Self::default();
        while let Some((line, entry)) = next_valid(&files, state.bytes.len()) {
            state.bytes.extend_from_slice(line);
            match entry {
                Some(entry) => state.add(entry, folder)?,
                // From a later version: valid, but unknown.
                None => state.check_version(folder)?,
            }
        }
        state.check_version(folder)?;
        for (path, file) in paths.into_iter().zip(&files) {
            state.damage.extend(damage(path, file.as_deref(), &state.bytes));
        }
        let is_lost = |file: &Option<Vec<u8>>| file.as_ref().is_some_and(|bytes| bytes.contains(&b'\n'));
        // Before a shard is written, the first line is.
        if state.settings.is_none() && (files.iter().any(is_lost) || holds_shards(folder)?) {
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
    let entries = fs::read_dir(folder).map_err(|source| failed("reading", folder, source))?;
    for entry in entries {
        let name = entry.map_err(|source| failed("reading", folder, source))?.file_name();
        if name.to_str().is_some_and(is_shard_name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The bytes of a file; `None` if it does not exist.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("reading", path, error)),
    }
}

/// Complete lines, each with its end.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == b'\n')? + 1;
        let (line, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(line)
    }
}

/// The line at byte `start` of either file that is intact, and its entry unless a later version wrote it.
/// Both files have the same bytes at the same positions.
fn next_valid(files: &[Option<Vec<u8>>; 2], start: usize) -> Option<(&[u8], Option<ManifestEntry>)> {
    files.iter().flatten().find_map(|bytes| {
        let line = Lines(bytes.get(start..)?).next()?;
        let body = &line[..line.len() - 1];
        line::decode::<serde_json::Value>(body).map(|_| (line, line::decode::<ManifestEntry>(body)))
    })
}

/// The damage to a file that should contain `expected`.
fn damage(path: PathBuf, found: Option<&[u8]>, expected: &[u8]) -> Option<Damage> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = found.unwrap_or_default();
    let equal = Lines(bytes).zip(Lines(expected)).take_while(|(line, other)| line == other);
    let (lines, common) = equal.fold((0, 0), |(lines, common), (line, _)| (lines + 1, common + line.len()));
    let (rest, lacking) = (&bytes[common..], &expected[common..]);
    let is_one_behind = Lines(lacking).count() <= 1;
    let number = lines + 1;
    let (what, is_torn) = match found {
        _ if bytes == expected && (found.is_some() || expected.is_empty()) => return None,
        None => (format!("{name} is missing"), is_one_behind),
        Some(_) if rest.is_empty() => (format!("{name} ends before line {number}"), is_one_behind),
        Some(_) if lacking.is_empty() && !rest.contains(&b'\n') => {
            (format!("line {number} of {name} is incomplete"), true)
        }
        Some(_) if is_one_behind && lacking.starts_with(rest) => {
            (format!("line {number} of {name} is incomplete"), true)
        }
        Some(_) if lacking.is_empty() => (
            format!(
                "line {number} of {name} is damaged in both manifests; the shards from there on are not recorded"
            ),
            false,
        ),
        Some(_) => (format!("line {number} of {name} is damaged"), false),
    };
    Some(Damage { path, what, is_torn, is_behind: found.is_some() && lacking.starts_with(rest) })
}

/// The manifest of a job in progress.
pub(crate) struct Manifest {
    files: [(PathBuf, File); 2],
}

impl Manifest {
    /// Restores both files to `state`, and opens them for appending.
    pub(crate) fn open(folder: &Path, state: &ManifestState) -> Result<Self> {
        let [first, copy] = [MANIFEST, COPY].map(|name| folder.join(name));
        let manifest = Self { files: [open(first, &state.bytes)?, open(copy, &state.bytes)?] };
        sync_folder(folder).map_err(|error| failed("writing", folder, error))?;
        Ok(manifest)
    }

    /// Records an entry: when this returns, it is on the disk.
    pub(crate) fn append(&mut self, entry: &ManifestEntry) -> Result<()> {
        let line = line::encode(entry)?;
        for (path, file) in &mut self.files {
            file.write_all(line.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(|error| failed("writing", path, error))?;
        }
        Ok(())
    }
}

/// Opens a file and makes its contents `bytes`, however it differed.
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
