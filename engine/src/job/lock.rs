//! A job's folder, owned by one process: created or opened, locked, and cleared of a killed process's
//! leftovers.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Phrase, phrase};
use crate::vectors::folder::{self, COPY, MANIFEST, failed, is_shard_name};
use crate::vectors::write::{is_temporary, sync_folder};
use crate::{Error, Result, Setting};

const LOCK: &str = ".nearsay-lock";

/// How to treat an existing output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Existing {
    /// Leave it alone and return an error.
    #[default]
    Refuse,
    /// Resume the job in the folder, or start one if there is none.
    Resume,
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
        let is_new = make(path)?;
        let names = names(path)?;
        if let Some(name) = names.iter().find(|name| !is_ours(name)) {
            let reason = format!("the folder holds {name:?}, which is not part of a job");
            let hint = "name an empty folder, or one that does not exist".into();
            return Err(cannot_create(path, reason, Some(hint)));
        }
        names.iter().try_for_each(|name| expect_regular(&path.join(name)))?;
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

    /// Prepares for the job's first write: removes a killed process's leftovers, and a job to be overwritten.
    pub(super) fn start(&mut self) -> Result<()> {
        self.is_new = false;
        let is_overwritten = self.is_overwritten();
        self.remove(|name| is_temporary(name) || is_overwritten && name != LOCK)
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

/// Creates the folder if there is none; returns whether it did.
fn make(path: &Path) -> Result<bool> {
    let is_new = match fs::create_dir(path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => false,
        Err(error) => return Err(cannot_create(path, error.to_string(), None)),
    };
    // Sync an existing folder too: the process that created it may have been killed before its sync.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_folder(parent.unwrap_or(Path::new("."))).map_err(|error| failed("writing", path, error))?;
    Ok(is_new)
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
    [MANIFEST, COPY, LOCK].contains(&name) || is_shard_name(name) || is_temporary(name)
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&path).map_err(|error| cannot_create(&path, error.to_string(), None))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(busy(folder, &mut file)),
        Err(TryLockError::Error(error)) => {
            return Err(cannot_create(&path, format!("it cannot be locked: {error}"), None));
        }
    }
    let number = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.write_all(number.as_bytes()))
        .map_err(|error| failed("writing", &path, error))?;
    Ok(file)
}

/// The process that writes to a folder, if any.
pub(super) fn writer_of(folder: &Path) -> Option<String> {
    let mut file = File::options().read(true).write(true).open(folder.join(LOCK)).ok()?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Some(process(&mut file)),
        _ => None,
    }
}

fn busy(folder: &Path, lock: &mut File) -> Error {
    Error::Busy { path: folder.to_owned(), process: process(lock) }
}

/// The process that holds a lock, from the number in the lock file.
fn process(lock: &mut File) -> String {
    let mut number = String::new();
    // It may not have been written yet.
    let _ = lock.read_to_string(&mut number);
    match number.trim() {
        "" => "another process".to_owned(),
        number => format!("process {number}"),
    }
}

fn cannot_create(path: &Path, reason: String, hint: Option<Phrase>) -> Error {
    Error::CannotCreate { path: path.to_owned(), reason, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job");
        let first = JobFolder::open(&path, Existing::Refuse).unwrap();
        let error = JobFolder::open(&path, Existing::Resume).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::TryAgain);
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        assert_eq!(writer_of(&path), Some(format!("process {}", std::process::id())));
        drop(first);
        assert_eq!(writer_of(&path), None);
        assert!(JobFolder::open(&path, Existing::Resume).is_ok());
    }

    #[test]
    fn a_folder_with_anything_else_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
        for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
            let error = JobFolder::open(folder.path(), existing).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::CannotCreate);
            assert!(error.to_string().contains("thesis.txt"), "{error}");
        }
        assert!(folder.path().join("thesis.txt").exists());
    }

    #[test]
    fn what_a_killed_process_left_is_removed_when_the_job_starts_and_the_job_only_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), "x").unwrap();
        ["part-00000.parquet", MANIFEST, ".nearsay-a1b2c3.part"].into_iter().for_each(write);
        assert_eq!(
            JobFolder::open(folder.path(), Existing::Refuse).unwrap_err().kind(),
            crate::ErrorKind::CannotCreate
        );
        let whole = names(folder.path()).unwrap();
        drop(JobFolder::open(folder.path(), Existing::Overwrite).unwrap());
        assert!(whole.iter().all(|name| names(folder.path()).unwrap().contains(name)), "nothing was started");
        JobFolder::open(folder.path(), Existing::Resume).unwrap().start().unwrap();
        assert_eq!(names(folder.path()).unwrap(), [LOCK, MANIFEST, "part-00000.parquet"]);
        JobFolder::open(folder.path(), Existing::Overwrite).unwrap().start().unwrap();
        assert_eq!(names(folder.path()).unwrap(), [LOCK]);
    }

    #[test]
    fn a_folder_for_a_job_that_never_started_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job");
        drop(JobFolder::open(&path, Existing::Refuse).unwrap());
        assert!(!path.exists());
        fs::create_dir(&path).unwrap();
        drop(JobFolder::open(&path, Existing::Refuse).unwrap());
        assert!(path.exists(), "it was there before");
    }

    #[test]
    fn shards_without_a_manifest_are_somebody_elses() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("part-00000.parquet"), "x").unwrap();
        for existing in [Existing::Refuse, Existing::Resume] {
            let error = JobFolder::open(folder.path(), existing).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::CannotCreate);
            assert!(error.to_string().contains("no manifest"), "{error}");
        }
        assert!(JobFolder::open(folder.path(), Existing::Overwrite).is_ok());
    }

    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, outside) = (folder.path().join("job"), folder.path().join("thesis"));
        fs::write(&outside, "years of work").unwrap();
        for name in [LOCK, MANIFEST, COPY, "part-00000.parquet"] {
            fs::create_dir(&path).unwrap();
            std::os::unix::fs::symlink(&outside, path.join(name)).unwrap();
            for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
                assert_eq!(
                    JobFolder::open(&path, existing).unwrap_err().kind(),
                    crate::ErrorKind::CannotCreate,
                    "{name}"
                );
            }
            fs::remove_dir_all(&path).unwrap();
        }
        assert_eq!(fs::read(&outside).unwrap(), b"years of work");
    }
}
