//! The lock of a folder that one process writes to. The system releases it when that process ends.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use super::failed;
use crate::vectors::write::sync_folder;
use crate::{Error, Result};

/// The name of the lock's file, which has the number of the process.
pub(crate) const LOCK: &str = ".nearsay-lock";
/// How often a lock is tried again, and the pause before that.
const LOCK_ATTEMPTS: usize = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Creates a folder unless it exists; returns whether it did.
///
/// # Errors
/// [`Error::CannotCreate`]; [`Error::Io`].
pub(crate) fn create(path: &Path) -> Result<bool> {
    let is_new = match fs::create_dir(path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => false,
        Err(error) => return Err(cannot_create(path, error.to_string())),
    };
    // Sync an existing folder too: the process that created it may have been killed before its sync.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_folder(parent.unwrap_or(Path::new("."))).map_err(|error| failed("writing", path, error))?;
    Ok(is_new)
}

/// Locks a folder for this process: until the file is dropped.
///
/// # Errors
/// [`Error::Busy`] if another process has the lock; [`Error::CannotCreate`].
pub(crate) fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&path).map_err(|error| cannot_create(&path, error.to_string()))?;
    match patiently(|| file.try_lock()) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(busy(folder, &mut file)),
        Err(TryLockError::Error(error)) => {
            return Err(cannot_create(&path, format!("it cannot be locked: {error}")));
        }
    }
    let number = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.write_all(number.as_bytes()))
        .map_err(|error| failed("writing", &path, error))?;
    Ok(file)
}

/// Tries for a moment: [`writer_of`] has the lock for some microseconds.
fn patiently(
    mut lock: impl FnMut() -> std::result::Result<(), TryLockError>,
) -> std::result::Result<(), TryLockError> {
    for _ in 0..LOCK_ATTEMPTS {
        match lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            result => return result,
        }
    }
    lock()
}

/// The process that writes to a folder, if any. Needs no permission to write there.
pub(crate) fn writer_of(folder: &Path) -> Option<String> {
    let mut file = File::open(folder.join(LOCK)).ok()?;
    match file.try_lock_shared() {
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

fn cannot_create(path: &Path, reason: String) -> Error {
    Error::CannotCreate { path: path.to_owned(), reason, hint: None }
}
