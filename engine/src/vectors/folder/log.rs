//! A log of entries, kept twice: the manifest of a job or an index.
//!
//! Entries are only ever appended, first to one file, then to its copy, and synced each time. A crash can
//! therefore tear only the last line of one of them. The log's state is the longer of the two runs of valid
//! lines from the start; a file that has less, or something else after it, is made equal to that before
//! anything is appended.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{failed, line};
use crate::Result;
use crate::vectors::write::sync_folder;

pub(crate) const MANIFEST: &str = "_manifest.jsonl";
pub(crate) const COPY: &str = "_manifest.copy.jsonl";

/// Damage to a file of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) path: PathBuf,
    pub(crate) what: String,
    /// Whether a crash while a line was being appended explains it.
    pub(crate) is_torn: bool,
    /// Whether the file only lacks some of the last lines.
    pub(crate) is_behind: bool,
    /// Whether lines are lost: the file has some after all that are valid in either file.
    pub(crate) loses: bool,
}

/// The lines of a log.
#[derive(Debug, Default)]
pub(crate) struct LogState {
    /// Bytes of the valid lines.
    bytes: Vec<u8>,
    /// The damage to each file.
    pub(crate) damage: Vec<Damage>,
    /// Whether a file has lines, and not even the first is valid.
    pub(crate) is_lost: bool,
}

impl LogState {
    /// Reads both files of a folder, and returns their entries in order; `None` for a line that is valid and has
    /// another kind of entry, as a later version may write. Of each line, the valid one counts; reading stops at a
    /// line that is valid in neither.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read.
    pub(crate) fn read<E: DeserializeOwned>(folder: &Path) -> Result<(Self, Vec<Option<E>>)> {
        let paths = [MANIFEST, COPY].map(|name| folder.join(name));
        let files = [read(&paths[0])?, read(&paths[1])?];
        let (mut state, mut entries) = (Self::default(), Vec::new());
        while let Some((line, entry)) = next_valid(&files, state.bytes.len()) {
            state.bytes.extend_from_slice(line);
            entries.push(entry);
        }
        for (path, file) in paths.into_iter().zip(&files) {
            state.damage.extend(damage(path, file.as_deref(), &state.bytes));
        }
        let has_lines = |file: &Option<Vec<u8>>| file.as_ref().is_some_and(|bytes| bytes.contains(&b'\n'));
        state.is_lost = state.is_new() && files.iter().any(has_lines);
        Ok((state, entries))
    }

    /// Whether there are no entries.
    pub(crate) fn is_new(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The first line as another type, if it has that.
    pub(crate) fn first<E: DeserializeOwned>(&self) -> Option<E> {
        line::decode(self.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default())
    }
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
fn next_valid<E: DeserializeOwned>(files: &[Option<Vec<u8>>; 2], start: usize) -> Option<(&[u8], Option<E>)> {
    files.iter().flatten().find_map(|bytes| {
        let line = Lines(bytes.get(start..)?).next()?;
        let body = &line[..line.len() - 1];
        line::decode::<serde_json::Value>(body).map(|_| (line, line::decode::<E>(body)))
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
    let loses = lacking.is_empty() && rest.contains(&b'\n');
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
                "line {number} of {name} is damaged in both manifests; what was recorded from there on is lost"
            ),
            false,
        ),
        Some(_) => (format!("line {number} of {name} is damaged"), false),
    };
    Some(Damage { path, what, is_torn, is_behind: found.is_some() && lacking.starts_with(rest), loses })
}

/// A log that is being appended to.
pub(crate) struct Log {
    files: [(PathBuf, File); 2],
}

impl Log {
    /// Restores both files to `state`, and opens them for appending.
    pub(crate) fn open(folder: &Path, state: &LogState) -> Result<Self> {
        let [first, copy] = [MANIFEST, COPY].map(|name| folder.join(name));
        let log = Self { files: [open(first, &state.bytes)?, open(copy, &state.bytes)?] };
        sync_folder(folder).map_err(|error| failed("writing", folder, error))?;
        Ok(log)
    }

    /// Records an entry: when this returns, it is on the disk.
    pub(crate) fn append(&mut self, entry: &impl Serialize) -> Result<()> {
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
