//! A pack: encoded texts in a file that never changes.
//!
//! ```text
//! 4,096 bytes  the head: JSON, of which `format_version` is the first key, and blanks
//!              the entries, one after the other
//!              the index: for each entry the SHA-256 of its text, and its bytes (8 bytes)
//!     8 bytes  the number of entries
//!    32 bytes  SHA-256 of the head, the index and the number of entries
//! ```
//!
//! Head and index are checked when a pack is opened, and an entry each time it is read.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::Role;
use super::entry::{DIGEST_BYTES, ENTRY_HEAD_BYTES, TextId};
use super::key::FORMAT_VERSION;
use crate::vectors::write::HEAD_BYTES;

/// The end of a pack's name.
pub(super) const SUFFIX: &str = ".pack";
/// Bytes of an entry in the index.
pub(super) const INDEX_BYTES: usize = DIGEST_BYTES + 8;
/// Bytes after the index.
pub(super) const FOOT_BYTES: usize = 8 + DIGEST_BYTES;

/// The texts of a pack, and where their entries are.
pub(super) type Index = Vec<(TextId, Range<u64>)>;

/// A pack whose head and index are intact.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) path: PathBuf,
    pub(super) role: Role,
    pub(super) bytes: u64,
    is_used: AtomicBool,
    is_spoiled: AtomicBool,
}

/// Why a pack cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Another process has removed it.
    Gone,
    /// It has texts of another key.
    OtherKey,
    /// A later version has written it.
    Newer(u64),
    /// It breaks this rule.
    Damaged(String),
}

impl Pack {
    /// A pack that this process has written.
    pub(super) fn written(path: PathBuf, role: Role, bytes: u64) -> Self {
        let (is_used, is_spoiled) = (AtomicBool::new(true), AtomicBool::new(false));
        Self { path, role, bytes, is_used, is_spoiled }
    }

    /// Opens a pack that must have this head.
    pub(super) fn open(path: &Path, role: Role, head: &[u8]) -> Result<(Self, Index), Unusable> {
        let metadata = path.symlink_metadata().map_err(unusable)?;
        if !metadata.is_file() {
            return Err(Unusable::Damaged("it is not a regular file".to_owned()));
        }
        if let Some(newer) = newer_version(path).map_err(unusable)? {
            return Err(Unusable::Newer(newer));
        }
        let index = read_index(&File::open(path).map_err(unusable)?, metadata.len(), head)?;
        let (is_used, is_spoiled) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok((Self { path: path.to_owned(), role, bytes: metadata.len(), is_used, is_spoiled }, index))
    }

    /// The texts of a pack that was opened before.
    pub(super) fn index(&self, head: &[u8]) -> Result<Index, Unusable> {
        read_index(&File::open(&self.path).map_err(unusable)?, self.bytes, head)
    }

    /// The bytes of an entry, unchecked.
    pub(super) fn read(&self, entry: &Range<u64>) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; (entry.end - entry.start) as usize];
        File::open(&self.path)?.read_exact_at(&mut bytes, entry.start)?;
        Ok(bytes)
    }

    /// Records that it is used, in its modification time; returns whether this is the first use.
    pub(super) fn start_use(&self) -> bool {
        let is_first = !self.is_used.swap(true, Ordering::Relaxed);
        if is_first && let Ok(file) = File::open(&self.path) {
            // Another user's pack keeps its time, and goes earlier.
            let _ = file.set_modified(SystemTime::now());
        }
        is_first
    }

    /// Records that an entry is damaged.
    pub(super) fn spoil(&self) {
        self.is_spoiled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_spoiled(&self) -> bool {
        self.is_spoiled.load(Ordering::Relaxed)
    }
}

/// The version of a pack's format if it is newer than this program's.
pub(super) fn newer_version(path: &Path) -> io::Result<Option<u64>> {
    let mut start = Vec::with_capacity(HEAD_BYTES);
    File::open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut start)?;
    let mut values = serde_json::Deserializer::from_slice(&start).into_iter::<serde_json::Value>();
    let head = values.next().and_then(Result::ok);
    let version = head.and_then(|head| head.get("format_version")?.as_u64());
    Ok(version.filter(|version| *version > FORMAT_VERSION))
}

fn read_index(file: &File, bytes: u64, expected_head: &[u8]) -> Result<Index, Unusable> {
    let damaged = |rule: String| Unusable::Damaged(rule);
    let least = (HEAD_BYTES + FOOT_BYTES) as u64;
    if bytes < least {
        return Err(damaged(format!("it must have at least {least} bytes, got {bytes}")));
    }
    let read = |bytes: usize, start: u64| {
        let mut part = vec![0; bytes];
        file.read_exact_at(&mut part, start).map(|()| part).map_err(unusable)
    };
    let foot = read(FOOT_BYTES, bytes - FOOT_BYTES as u64)?;
    let (count, digest) = foot.split_at(8);
    let entries = number(count);
    let index_bytes = entries.checked_mul(INDEX_BYTES as u64).filter(|index| *index <= bytes - least);
    let Some(index_bytes) = index_bytes else {
        return Err(damaged("its end is damaged or cut off".to_owned()));
    };
    let end = bytes - FOOT_BYTES as u64 - index_bytes;
    let (head, index) = (read(HEAD_BYTES, 0)?, read(index_bytes as usize, end)?);
    let found = Sha256::new().chain_update(&head).chain_update(&index).chain_update(count).finalize();
    if found[..] != *digest {
        return Err(damaged("its index does not have the recorded SHA-256".to_owned()));
    }
    if head != expected_head {
        return Err(Unusable::OtherKey);
    }
    places(&index, end).ok_or_else(|| damaged(format!("its entries do not have {end} bytes")))
}

/// The places of entries that must end at byte `end`.
fn places(index: &[u8], end: u64) -> Option<Index> {
    let mut next = HEAD_BYTES as u64;
    let mut places = Index::with_capacity(index.len() / INDEX_BYTES);
    for entry in index.as_chunks::<INDEX_BYTES>().0 {
        let (id, bytes) = entry.split_first_chunk::<DIGEST_BYTES>()?;
        let bytes = Some(number(bytes)).filter(|bytes| *bytes >= ENTRY_HEAD_BYTES as u64)?;
        let start = next;
        next = start.checked_add(bytes).filter(|next| *next <= end)?;
        places.push((*id, start..next));
    }
    (next == end).then_some(places)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn unusable(error: io::Error) -> Unusable {
    match error.kind() {
        ErrorKind::NotFound => Unusable::Gone,
        _ => Unusable::Damaged(error.to_string()),
    }
}
