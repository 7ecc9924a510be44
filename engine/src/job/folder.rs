//! A job's folder: made or opened, locked, and cleared of what a killed process left in it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::manifest::{COPY, MANIFEST};
use super::record::is_shard_name;
use crate::output::{is_temporary, sync_folder};
use crate::{Error, Result};

const LOCK: &str = ".nearsay-lock";

/// What may be done with a folder that holds a job already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Nothing.
    Refuse,
    /// It is continued.
    Resume,
    /// It is removed first.
    Overwrite,
}

/// A job's folder, which this process alone writes to.
#[derive(Debug)]
pub struct JobFolder {
    path: PathBuf,
    /// Locked as long as this lives.
    lock: File,
}

impl JobFolder {
    /// Makes the folder, or opens one that holds a job, and locks it.
    ///
    /// # Errors
    /// [`Error::CannotCreate`] when it cannot be made, holds a job that is not to be touched, or holds something else;
    /// [`Error::Busy`] when another process writes to it.
    pub fn open(path: &Path, existing: Existing) -> Result<Self> {
        make(path)?;
        let names = names(path)?;
        if let Some(name) = names.iter().find(|name| !is_ours(name)) {
            let reason = format!("the folder holds {name:?}, which is no part of a job");
            return Err(cannot_create(
                path,
                reason,
                Some("name an empty folder, or one that does not exist"),
            ));
        }
        let holds_job = names.iter().any(|name| name == MANIFEST || name == COPY || is_shard_name(name));
        if holds_job && existing == Existing::Refuse {
            let hint = "pass --resume to continue it, or --overwrite to begin again";
            return Err(cannot_create(path, "the folder holds a job".to_owned(), Some(hint)));
        }
        let folder = Self { path: path.to_owned(), lock: lock(path)? };
        folder.remove(|name| is_temporary(name) || existing == Existing::Overwrite && name != LOCK)?;
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes files of the job; the manifest first, so that no shard is recorded that is not there.
    fn remove(&self, chosen: impl Fn(&str) -> bool) -> Result<()> {
        let mut chosen: Vec<String> = names(&self.path)?.into_iter().filter(|name| chosen(name)).collect();
        chosen.sort_by_key(|name| (!name.starts_with("_manifest"), name.clone()));
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

/// The lock is freed with the file; that it says nobody's number afterwards is a courtesy.
impl Drop for JobFolder {
    fn drop(&mut self) {
        let _ = self.lock.set_len(0);
    }
}

fn make(path: &Path) -> Result<()> {
    match fs::create_dir(path) {
        Ok(()) => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            sync_folder(parent.unwrap_or(Path::new("."))).map_err(|error| failed("writing", path, error))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(cannot_create(path, error.to_string(), None)),
    }
}

/// The names in a folder.
pub(super) fn names(path: &Path) -> Result<Vec<String>> {
    let unreadable = |error: io::Error| cannot_create(path, error.to_string(), None);
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
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

/// Who writes to a folder, if anybody does.
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

/// What the process that holds a lock has written to it.
fn process(lock: &mut File) -> String {
    let mut number = String::new();
    // It may not have been written yet.
    let _ = lock.read_to_string(&mut number);
    match number.trim() {
        "" => "another process".to_owned(),
        number => format!("process {number}"),
    }
}

fn cannot_create(path: &Path, reason: String, hint: Option<&str>) -> Error {
    Error::CannotCreate { path: path.to_owned(), reason, hint: hint.map(str::to_owned) }
}

pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { action, target: path.display().to_string(), source }
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
        assert_eq!(error.exit_code(), 75);
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
            assert_eq!(error.exit_code(), 73);
            assert!(error.to_string().contains("thesis.txt"), "{error}");
        }
        assert!(folder.path().join("thesis.txt").exists());
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_the_job_only_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), "x").unwrap();
        ["part-00000.parquet", MANIFEST, ".nearsay-a1b2c3.part"].into_iter().for_each(write);
        assert_eq!(JobFolder::open(folder.path(), Existing::Refuse).unwrap_err().exit_code(), 73);
        drop(JobFolder::open(folder.path(), Existing::Resume).unwrap());
        assert_eq!(names(folder.path()).unwrap(), [LOCK, MANIFEST, "part-00000.parquet"]);
        drop(JobFolder::open(folder.path(), Existing::Overwrite).unwrap());
        assert_eq!(names(folder.path()).unwrap(), [LOCK]);
    }
}
