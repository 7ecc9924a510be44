//! The folder of an index, owned by the process that changes it.
//!
//! A change is made beside what is there, under a temporary name, synced and renamed; then a line is appended to the
//! manifest and synced. What no line records does not exist, and the next writer removes it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::manifest::{
    DeletedRecord, Entry, FileRecord, State, VolumeRecord, begin, deleted_name, is_part, volume_name,
    volume_number,
};
use super::settings::Settings;
use crate::error::phrase;
use crate::job::Existing;
use crate::search::RowSet;
use crate::vectors::folder::{COPY, LOCK, Log, MANIFEST, create, failed, is_litter, lock, names};
use crate::vectors::write::{Digest, OutputFile, is_temporary, sync_folder};
use crate::{Error, Result, Setting};

/// An index's folder that only this process changes.
#[derive(Debug)]
pub(super) struct IndexFolder {
    path: PathBuf,
    /// Holds the lock until dropped.
    lock: File,
    /// Whether it was created for an index that has not been started yet.
    is_new: bool,
}

impl IndexFolder {
    /// Opens the folder of an index that is there, and locks it.
    ///
    /// # Errors
    /// [`Error::NoInput`] if there is none; [`Error::Busy`] if another process changes it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        fs::read_dir(path).map_err(|source| Error::NoInput { path: path.to_owned(), source })?;
        // Before the lock's file is created in a folder that is something else.
        State::read(path)?;
        Ok(Self { path: path.to_owned(), lock: lock(path)?, is_new: false })
    }

    /// Creates a folder for an index, or opens one as `existing` says, and locks it. Its contents are not touched.
    ///
    /// # Errors
    /// [`Error::CannotCreate`] if it cannot be created, or has an index that must not be touched or other files;
    /// [`Error::Busy`] if another process changes it.
    pub(super) fn create(path: &Path, existing: Existing) -> Result<Self> {
        let is_new = create(path)?;
        let names = names(path).map_err(|error| cannot_create(path, error.to_string(), None))?;
        if let Some(name) = names.iter().find(|name| !is_ours(name) && !is_litter(name)) {
            let reason = format!("the folder holds {name:?}, which is not part of an index");
            return Err(cannot_create(
                path,
                reason,
                Some("name an empty folder, or one that does not exist".into()),
            ));
        }
        let has_manifest = !State::is_unstarted(path)?;
        if has_manifest && existing == Existing::Refuse {
            let hint = phrase![
                "pass ",
                Setting::Resume,
                " to continue a build, or ",
                Setting::Overwrite,
                " to start over"
            ];
            return Err(cannot_create(path, "the folder holds an index".to_owned(), Some(hint)));
        }
        if has_manifest && existing != Existing::Overwrite {
            State::read(path)?;
        }
        Ok(Self { path: path.to_owned(), lock: lock(path)?, is_new })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes an index that is to be overwritten, the manifests last.
    pub(super) fn clear(&self) -> Result<()> {
        self.remove(|name| name != LOCK && is_ours(name))
    }

    /// A number that no volume's folder has, recorded or not.
    pub(super) fn unused_volume(&self) -> Result<u64> {
        let names = names(&self.path).map_err(|error| failed("reading", &self.path, error))?;
        Ok(names.iter().filter_map(|name| volume_number(name)).max().map_or(0, |last| last.saturating_add(1)))
    }

    /// Removes volumes that were not recorded, and one that is not complete.
    pub(super) fn remove_unrecorded(&self, volumes: &[VolumeRecord]) -> Result<()> {
        let is_one = |name: &str| volumes.iter().any(|volume| volume_name(volume.volume) == name);
        self.remove(|name| is_temporary(name) || is_one(name))
    }

    /// Removes the manifests: nothing in the folder is recorded then.
    pub(super) fn remove_manifests(&self) -> Result<()> {
        self.remove(|name| [MANIFEST, COPY].contains(&name))
    }

    /// Removes what a killed process left and what is no longer recorded.
    pub(super) fn tidy(&self, state: &State) -> Result<()> {
        self.remove(|name| is_temporary(name) || is_part(name) && !state.records(name))
    }

    /// Opens the manifest for appending, after it was repaired and, in a new index, its first line written with `settings`.
    pub(super) fn start(&mut self, state: &mut State, settings: Option<Settings>) -> Result<Log> {
        self.is_new = false;
        self.tidy(state)?;
        self.log(state, settings)
    }

    /// The same, without removing what is not recorded.
    pub(super) fn log(&mut self, state: &mut State, settings: Option<Settings>) -> Result<Log> {
        self.is_new = false;
        let mut log = Log::open(&self.path, &state.log)?;
        if let Some(settings) = settings.filter(|_| state.settings.is_none()) {
            append(&mut log, state, begin(settings))?;
        }
        Ok(log)
    }

    /// Writes the file of deleted rows that follows the last one.
    pub(super) fn write_deleted(&self, state: &State, deleted: &RowSet) -> Result<DeletedRecord> {
        let name = deleted_name(state.next_deleted);
        let bytes = deleted.to_bytes();
        let mut file = OutputFile::create(&self.path.join(name), true)?;
        file.write(&bytes)?;
        file.persist()?;
        let sha256 = sha256(&bytes);
        let file = FileRecord { bytes: bytes.len() as u64, sha256 };
        Ok(DeletedRecord { number: state.next_deleted, rows: deleted.rows(), file })
    }

    fn remove(&self, chosen: impl Fn(&str) -> bool) -> Result<()> {
        let names = names(&self.path).map_err(|error| failed("reading", &self.path, error))?;
        let mut chosen: Vec<String> = names.into_iter().filter(|name| chosen(name)).collect();
        chosen.sort_by_key(|name| (name == MANIFEST, name == COPY, name.clone()));
        for name in &chosen {
            let path = self.path.join(name);
            let is_folder = path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
            let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|error| failed("removing", &path, error))?;
        }
        match chosen.is_empty() {
            true => Ok(()),
            false => sync_folder(&self.path).map_err(|error| failed("writing", &self.path, error)),
        }
    }
}

/// Closing the file releases the lock. A folder created for an index that was never started is removed.
impl Drop for IndexFolder {
    fn drop(&mut self) {
        let _ = self.lock.set_len(0);
        if self.is_new {
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Appends an entry to the manifest; it is on the disk when this returns.
pub(super) fn append(log: &mut Log, state: &mut State, entry: Entry) -> Result<()> {
    log.append(&entry)?;
    match state.add(entry) {
        true => Ok(()),
        false => Err(Error::Bug("an entry of an index's manifest was out of order".to_owned())),
    }
}

/// Writes a file of a volume that is still under its temporary name, and syncs it.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> Result<FileRecord> {
    let write = || -> io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| failed("writing", path, error))?;
    Ok(FileRecord { bytes: bytes.len() as u64, sha256: sha256(bytes) })
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Digest::of_bytes(bytes).sha256
}

fn is_ours(name: &str) -> bool {
    [MANIFEST, COPY, LOCK].contains(&name) || is_part(name) || is_temporary(name)
}

fn cannot_create(path: &Path, reason: String, hint: Option<crate::error::Phrase>) -> Error {
    Error::CannotCreate { path: path.to_owned(), reason, hint }
}
