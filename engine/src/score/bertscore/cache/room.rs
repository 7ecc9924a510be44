//! The room of a cache: a bound on the size of all packs, and counts for the report.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use super::Role;
use super::folder::{CacheOptions, cannot_create};
use super::key::NAME_DIGITS;
use super::pack::{INDEX_BYTES, Index, Pack, SUFFIX, newer_version};
use super::pack_writer::{LEAST_BYTES, PackWriter};
use super::report::CacheReport;
use crate::vectors::folder::LOCK;
use crate::{Error, Result};

/// Bytes of a pack at most, if it has more than one text. What a killed process loses are such packs.
const PACK_BYTES: u64 = 64 << 20;
/// A small cache has this many packs at least, so that not all of it is removed at once.
const LEAST_PACKS: u64 = 16;
/// How often the lock is tried again, and the pause before that: two seconds. Without it, the bound may be exceeded by
/// what other processes add at the same time, and nothing else happens.
const LOCK_ATTEMPTS: usize = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The room of a cache, as this process uses it.
#[derive(Debug)]
pub(super) struct Room {
    path: PathBuf,
    options: CacheOptions,
    state: Mutex<RoomState>,
}

#[derive(Debug, Default)]
struct RoomState {
    /// Packs that this process has read or written. It does not remove them: else a run over more texts than there is
    /// room for would remove texts before it needs them, and find none of them next time. References are worth more: they
    /// take the room of any candidates.
    in_use: HashMap<PathBuf, (Role, u64)>,
    /// The bytes of all of them, by role.
    used: [u64; Role::ALL.len()],
    /// Bytes of packs that are being written, by role.
    unfinished: [u64; Role::ALL.len()],
    report: CacheReport,
}

/// A pack on disk.
#[derive(Debug)]
pub(super) struct PackFile {
    pub(super) path: PathBuf,
    pub(super) role: Role,
    bytes: u64,
    last_use: SystemTime,
}

impl Room {
    pub(super) fn new(path: &Path, options: CacheOptions) -> Self {
        Self { path: path.to_owned(), options, state: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn state(&self) -> MutexGuard<'_, RoomState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn report(&self) -> CacheReport {
        self.state().report.clone()
    }

    /// Changes the report.
    pub(super) fn note<R>(&self, change: impl FnOnce(&mut CacheReport) -> R) -> R {
        change(&mut self.state().report)
    }

    /// Bytes at which a pack is finished.
    pub(super) fn pack_bytes(&self) -> u64 {
        PACK_BYTES.min(self.options.bytes / LEAST_PACKS)
    }

    /// Protects a pack that this process has started to use.
    pub(super) fn protect(&self, pack: &Pack) {
        let mut state = self.state();
        if state.in_use.insert(pack.path.clone(), (pack.role, pack.bytes)).is_none() {
            state.used[pack.role as usize] += pack.bytes;
        }
    }

    /// Takes room for one more entry, next to the texts that this process uses; returns the bytes that were taken, or
    /// `None` if there is no room. `is_first`: whether this entry starts a new pack.
    pub(super) fn take(&self, role: Role, entry_bytes: usize, is_first: bool) -> Option<u64> {
        let more = (entry_bytes + INDEX_BYTES) as u64 + u64::from(is_first) * LEAST_BYTES;
        let mut state = self.state();
        let next_to = role.next_to();
        let taken: u64 =
            next_to.iter().map(|role| state.used[*role as usize] + state.unfinished[*role as usize]).sum();
        let has_room = taken + more <= self.options.bytes;
        match has_room {
            true => state.unfinished[role as usize] += more,
            false => state.report.not_kept += 1,
        }
        has_room.then_some(more)
    }

    /// What a failure to write means: an error if the cache is required. Else nothing more is written, and the report says
    /// why.
    pub(super) fn fail(&self, error: Error) -> Result<()> {
        if self.options.required {
            return Err(error);
        }
        self.state().report.failure.get_or_insert_with(|| error.to_string());
        Ok(())
    }

    /// Whether writing has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.state().report.failure.is_some()
    }

    /// Completes a pack, after others have made room for it; `None` if there is none. So many of its bytes were
    /// taken.
    pub(super) fn admit(&self, writer: PackWriter, taken: u64) -> Result<Option<(Pack, Index)>> {
        let lock = self.lock();
        let has_room = self.make_room(writer.role(), writer.bytes());
        self.state().unfinished[writer.role() as usize] -= taken;
        if !has_room.map_err(|error| failed(&self.path, error))? {
            self.note(|report| report.not_kept += writer.texts());
            return Ok(None);
        }
        let (pack, index) = writer.finish()?;
        drop(lock);
        self.protect(&pack);
        Ok(Some((pack, index)))
    }

    /// Removes a pack of this process' key, which is of no more use.
    pub(super) fn remove(&self, path: &Path) {
        let _lock = self.lock();
        // Another process may have removed it.
        let _ = fs::remove_file(path);
        self.state().release(path);
    }

    /// Removes packs until the bound is respected.
    pub(super) fn shrink(&self) -> Result<()> {
        let _lock = self.lock();
        self.make_room(Role::Candidate, 0)
            .map(drop)
            .map_err(|error| cannot_create(&self.path, error.to_string()))
    }

    /// Removes packs until there is room for so many more bytes of texts with a role, those first whose last use is longest
    /// ago. If that is not possible, returns false and removes none.
    fn make_room(&self, role: Role, bytes: u64) -> io::Result<bool> {
        let mut packs = all_packs(&self.path)?;
        let total: u64 = packs.iter().map(|pack| pack.bytes).sum();
        let mut excess = (total + bytes).saturating_sub(self.options.bytes);
        if excess == 0 {
            return Ok(true);
        }
        let mut state = self.state();
        let is_in_use = |pack: &PackFile| state.in_use.contains_key(&pack.path);
        packs.retain(|pack| (!is_in_use(pack) || !role.next_to().contains(&pack.role)) && is_known(pack));
        if packs.iter().map(|pack| pack.bytes).sum::<u64>() < excess {
            return Ok(false);
        }
        packs.sort_by_cached_key(|pack| (is_in_use(pack), pack.last_use, pack.path.clone()));
        for pack in packs {
            if excess == 0 {
                break;
            }
            match fs::remove_file(&pack.path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            state.release(&pack.path);
            excess = excess.saturating_sub(pack.bytes);
        }
        Ok(true)
    }

    /// Keeps other processes from adding and removing packs, until the file is dropped.
    fn lock(&self) -> Option<File> {
        let file =
            File::options().write(true).create(true).truncate(false).open(self.path.join(LOCK)).ok()?;
        for _ in 0..LOCK_ATTEMPTS {
            match file.try_lock() {
                Ok(()) => return Some(file),
                Err(fs::TryLockError::WouldBlock) => sleep(LOCK_PAUSE),
                Err(fs::TryLockError::Error(_)) => return None,
            }
        }
        None
    }
}

impl RoomState {
    /// Forgets a pack that is gone.
    fn release(&mut self, path: &Path) {
        if let Some((role, bytes)) = self.in_use.remove(path) {
            self.used[role as usize] -= bytes;
        }
    }
}

impl Role {
    /// The roles of texts in use next to which one with this role must fit.
    fn next_to(self) -> &'static [Self] {
        match self {
            Self::Reference => &[Self::Reference],
            Self::Candidate => &Self::ALL,
        }
    }
}

/// A pack of a later version is not removed.
fn is_known(pack: &PackFile) -> bool {
    !matches!(newer_version(&pack.path), Ok(Some(_)))
}

fn all_packs(path: &Path) -> io::Result<Vec<PackFile>> {
    let mut all = Vec::new();
    for folder in key_folders(path)? {
        all.extend(packs(&folder)?);
    }
    Ok(all)
}

/// The folders of keys in a cache.
pub(super) fn key_folders(path: &Path) -> io::Result<Vec<PathBuf>> {
    let is_key = |name: &OsStr| {
        let name = name.as_encoded_bytes();
        name.len() == NAME_DIGITS && name.iter().all(u8::is_ascii_hexdigit)
    };
    let mut folders = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if is_key(&entry.file_name()) && entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// The packs in the folder of a key, in the order of their names: the latest last.
pub(super) fn packs(folder: &Path) -> io::Result<Vec<PackFile>> {
    let mut packs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let role = name.to_str().filter(|name| name.ends_with(SUFFIX)).and_then(|name| {
            Role::ALL.into_iter().find(|role| name.starts_with(&format!("{}-", role.name())))
        });
        // One that was removed meanwhile has no metadata.
        let (Some(role), Ok(metadata)) = (role, entry.metadata()) else { continue };
        let last_use = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        packs.push(PackFile { path: entry.path(), role, bytes: metadata.len(), last_use });
    }
    packs.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(packs)
}

fn failed(path: &Path, source: io::Error) -> Error {
    crate::vectors::folder::failed("making room in", path, source)
}
