//! Writes a pack, entry by entry.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::Role;
use super::entry::TextId;
use super::pack::{FOOT_BYTES, INDEX_BYTES, Index, Pack, SUFFIX};
use crate::Result;
use crate::vectors::write::{HEAD_BYTES, OutputFile};

/// Bytes of a pack without entries.
pub(super) const LEAST_BYTES: u64 = (HEAD_BYTES + FOOT_BYTES) as u64;

/// A pack that is being written under a temporary name.
pub(super) struct PackWriter {
    role: Role,
    file: OutputFile,
    head: Vec<u8>,
    index: Index,
    /// Where the next entry starts.
    end: u64,
}

impl std::fmt::Debug for PackWriter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PackWriter").field("file", &self.file.target()).finish_non_exhaustive()
    }
}

impl PackWriter {
    /// A pack in `folder` with this head.
    pub(super) fn create(folder: &Path, role: Role, head: &[u8]) -> Result<Self> {
        let mut file = OutputFile::create(&unused_path(folder, role), false)?;
        file.write(head)?;
        Ok(Self { role, file, head: head.to_owned(), index: Index::new(), end: HEAD_BYTES as u64 })
    }

    /// Appends an entry.
    pub(super) fn add(&mut self, id: TextId, entry: &[u8]) -> Result<()> {
        self.file.write(entry)?;
        let start = self.end;
        self.end += entry.len() as u64;
        self.index.push((id, start..self.end));
        Ok(())
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// The bytes of the finished pack.
    pub(super) fn bytes(&self) -> u64 {
        self.end + (self.index.len() * INDEX_BYTES + FOOT_BYTES) as u64
    }

    /// The number of its texts.
    pub(super) fn texts(&self) -> u64 {
        self.index.len() as u64
    }

    /// Completes the pack: it is on the disk, under its name, when this returns.
    pub(super) fn finish(mut self) -> Result<(Pack, Index)> {
        let bytes = self.bytes();
        let index: Vec<u8> = self
            .index
            .iter()
            .flat_map(|(id, place)| id.iter().copied().chain((place.end - place.start).to_le_bytes()))
            .collect();
        let count = self.texts().to_le_bytes();
        let digest =
            Sha256::new().chain_update(&self.head).chain_update(&index).chain_update(count).finalize();
        for part in [&index, &count[..], &digest] {
            self.file.write(part)?;
        }
        let path = self.file.target().to_owned();
        self.file.persist()?;
        Ok((Pack::written(path, self.role, bytes), self.index))
    }
}

/// A path that no other pack has: of the time, this process and a count. Names are in the order of the time.
fn unused_path(folder: &Path, role: Role) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    folder.join(format!("{}-{time:016x}-{process:x}-{count:x}{SUFFIX}", role.name()))
}
