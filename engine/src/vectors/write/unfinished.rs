//! Temporary files now on disk.
//!
//! A program that must exit at once, while its main thread waits for input that never arrives, cannot drop
//! that thread's values. So the paths are kept here, for the whole process, and [`remove_unfinished`] removes
//! the files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static PATHS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A temporary file that exists as long as this value.
pub(super) struct Unfinished(PathBuf);

impl Unfinished {
    pub(super) fn new(path: &Path) -> Self {
        paths().insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        paths().remove(&self.0);
    }
}

/// Removes every temporary file of an unfinished output. For programs that are about to exit: anything
/// written to such an output afterwards is lost.
pub fn remove_unfinished() {
    for path in std::mem::take(&mut *paths()) {
        // The program ends whether this works or not.
        let _ = std::fs::remove_file(path);
    }
}

fn paths() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}
