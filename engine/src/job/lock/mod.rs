//! A job's folder, owned by one process: created or opened, locked, and cleared of a killed process's
//! leftovers.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Phrase, phrase};
use crate::vectors::folder::{
    self, COPY, LOCK, MANIFEST, STATUS, create, failed, is_litter, is_shard_name, lock,
};
use crate::vectors::write::{is_temporary, sync_folder};
use crate::{Error, Result, Setting};

/// How to treat an existing output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Existing {
    /// Leave it alone and return an error.
    #[default]
    Refuse,
    /// Resume the job in the folder, or start one if there is none.
    Resume,
    /// The same, and embed the rows by which the input of a finished job has grown.
    Append,
    /// Replace it.
    Overwrite,
}

/// A job's folder that only this process writes to.
#[derive(Debug)]
pub struct JobFolder {
    path: PathBuf,
    /// Holds the lock until dropped.
    lock: File,
    existing: Existing,
    /// Whether it was created for a job that has not started yet.
    is_new: bool,
}

impl JobFolder {
    /// Creates the folder, or opens one with a job, and locks it. Its contents are not touched.
    ///
    /// # Errors
    /// [`Error::CannotCreate`] if it cannot be created, has a job that must not be touched, or has other
    /// files; [`Error::Busy`] if another process writes to it.
    pub fn open(path: &Path, existing: Existing) -> Result<Self> {
        let is_new = create(path)?;
        let names = names(path)?;
        if let Some(name) = names.iter().find(|name| !is_ours(name) && !is_litter(name)) {
            let reason = format!("the folder holds {name:?}, which is not part of a job");
            let hint = "name an empty folder, or one that does not exist".into();
            return Err(cannot_create(path, reason, Some(hint)));
        }
        names.iter().filter(|name| is_ours(name)).try_for_each(|name| expect_regular(&path.join(name)))?;
        let has_manifest = names.iter().any(|name| name == MANIFEST || name == COPY);
        if has_manifest && existing == Existing::Refuse {
            let hint = phrase![
                "pass ",
                Setting::Resume,
                " to continue it, or ",
                Setting::Overwrite,
                " to start over"
            ];
            return Err(cannot_create(path, "the folder holds a job".to_owned(), Some(hint)));
        }
        let shard = names.iter().find(|name| is_shard_name(name));
        if let Some(name) = shard.filter(|_| !has_manifest && existing != Existing::Overwrite) {
            let reason = format!("the folder holds {name}, and no manifest that says what it is");
            let hint = phrase!["name another folder, or pass ", Setting::Overwrite, " to remove such files"];
            return Err(cannot_create(path, reason, Some(hint)));
        }
        Ok(Self { path: path.to_owned(), lock: lock(path)?, existing, is_new })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether an existing job is started over.
    pub(super) fn is_overwritten(&self) -> bool {
        self.existing == Existing::Overwrite
    }

    /// Whether rows by which the input has grown are embedded.
    pub(super) fn appends(&self) -> bool {
        self.existing == Existing::Append
    }

    /// Prepares for the job's first write: removes a killed process's leftovers, and a job to be overwritten.
    pub(super) fn start(&mut self) -> Result<()> {
        self.is_new = false;
        let is_overwritten = self.is_overwritten();
        self.remove(|name| {
            is_temporary(name) || name == STATUS || is_overwritten && is_ours(name) && name != LOCK
        })
    }

    /// Removes unrecorded shards and returns their names.
    pub(super) fn remove_unrecorded(&self, is_recorded: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let is_stray = |name: &str| is_shard_name(name) && !is_recorded(name);
        let strays = names(&self.path)?.into_iter().filter(|name| is_stray(name)).collect();
        self.remove(is_stray)?;
        Ok(strays)
    }

    /// Removes files of the job, the manifests last: a crash in between leaves a job without its shards, not
    /// shards without a manifest.
    fn remove(&self, chosen: impl Fn(&str) -> bool) -> Result<()> {
        let mut chosen: Vec<String> = names(&self.path)?.into_iter().filter(|name| chosen(name)).collect();
        chosen.sort_by_key(|name| (name == MANIFEST, name == COPY, name.clone()));
        for name in &chosen {
            let file = self.path.join(name);
            fs::remove_file(&file).map_err(|source| failed("removing", &file, source))?;
        }
        if chosen.is_empty() {
            Ok(())
        } else {
            sync_folder(&self.path).map_err(|error| failed("writing", &self.path, error))
        }
    }
}

/// Closing the file releases the lock; clearing the process number is a courtesy. A folder created for a job
/// that never started is removed.
impl Drop for JobFolder {
    fn drop(&mut self) {
        let _ = self.lock.set_len(0);
        if self.is_new {
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Rejects anything but a regular file, such as a link out of the folder. A file that is gone is fine: the
/// process with the lock has just finished a shard.
fn expect_regular(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(cannot_create(path, "it is not a regular file".to_owned(), None)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("reading", path, error)),
    }
}

/// The names in a folder.
pub(super) fn names(path: &Path) -> Result<Vec<String>> {
    folder::names(path).map_err(|error| cannot_create(path, error.to_string(), None))
}

fn is_ours(name: &str) -> bool {
    [MANIFEST, COPY, LOCK, STATUS].contains(&name) || is_shard_name(name) || is_temporary(name)
}

fn cannot_create(path: &Path, reason: String, hint: Option<Phrase>) -> Error {
    Error::CannotCreate { path: path.to_owned(), reason, hint }
}

#[cfg(test)]
mod tests;
