//! The file in a job's folder that shows how far its process is.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io};

use super::JobProgress;
use crate::embed::Counts;
use crate::vectors::folder::{RunStatus, STATUS, failed};
use crate::vectors::write::replace;
use crate::{Error, Result};

/// Time between updates.
const INTERVAL: Duration = Duration::from_secs(2);

/// The status file of a running job. It is replaced in one step, so a reader always finds a whole one.
pub(super) struct StatusFile {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    status: RunStatus,
    /// What earlier runs have made.
    recorded: Counts,
    /// When it was written last.
    written: Instant,
    /// Why it could not be written.
    failure: Option<io::Error>,
}

impl StatusFile {
    /// Writes the first status. Earlier runs have made `recorded`, and need not make it again.
    ///
    /// # Errors
    /// [`Error::Io`]: a folder in which this file cannot be written has no room for shards either.
    pub(super) fn create(folder: &Path, recorded: Counts) -> Result<Self> {
        let now = seconds_since_1970();
        let status = RunStatus {
            process: std::process::id(),
            host: host(),
            started: now,
            updated: now,
            texts: recorded.texts,
            tokens: recorded.tokens,
            ..RunStatus::default()
        };
        let state = State { status, recorded, written: Instant::now(), failure: None };
        let file = Self { path: folder.join(STATUS), state: Mutex::new(state) };
        file.write(&mut file.lock());
        file.check()?;
        Ok(file)
    }

    /// Replaces the status, unless that was done less than two seconds ago. May be called from any thread.
    pub(super) fn update(&self, progress: &JobProgress) {
        let mut state = self.lock();
        // Not `progress.before`, which grows while a run reads what earlier ones have embedded.
        let counts = state.recorded + progress.now;
        let status = &mut state.status;
        (status.texts, status.tokens) = (counts.texts, counts.tokens);
        (status.texts_total, status.total_is_exact) = (progress.texts_total, progress.total_is_exact);
        status.texts_per_second = progress.texts_per_second;
        status.tokens_per_second = progress.tokens_per_second;
        status.seconds_left = progress.left.map(|left| left.as_secs_f64());
        if state.written.elapsed() >= INTERVAL {
            self.write(&mut state);
        }
    }

    /// The failure of an update, if one failed.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn check(&self) -> Result<()> {
        match self.lock().failure.take() {
            Some(error) => Err(failed("writing", &self.path, error)),
            None => Ok(()),
        }
    }

    /// Records why the run ended before the job was complete. This may fail too, as on a full disk.
    pub(super) fn end_with(&self, error: &Error) {
        let mut state = self.lock();
        state.status.error = Some(error.to_string());
        state.status.seconds_left = None;
        self.write(&mut state);
    }

    /// Removes it: the job is complete.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn remove(&self) -> Result<()> {
        fs::remove_file(&self.path).map_err(|error| failed("removing", &self.path, error))
    }

    fn write(&self, state: &mut State) {
        state.status.updated = seconds_since_1970();
        state.written = Instant::now();
        let written = serde_json::to_vec(&state.status)
            .map_err(io::Error::other)
            .and_then(|bytes| replace(&self.path, &bytes));
        if let Err(error) = written {
            state.failure.get_or_insert(error);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// This machine's name, if the system has a file with it.
fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::folder::RowCounts;

    #[test]
    fn it_shows_the_progress_and_the_error_and_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let read = || RunStatus::read(folder.path()).unwrap();
        let recorded = Counts::from(RowCounts { texts: 3, ..RowCounts::default() });
        let file = StatusFile::create(folder.path(), recorded).unwrap();
        let first = read().expect("a status");
        assert_eq!((first.process, first.texts), (std::process::id(), 3));
        let mut progress = JobProgress::default();
        (progress.before.texts, progress.now.texts, progress.texts_total) = (1, 4, Some(10));
        file.update(&progress);
        assert_eq!(read(), Some(first.clone()), "it is too early");
        file.end_with(&Error::Cancelled);
        let last = read().expect("a status");
        assert_eq!((last.texts, last.texts_total, last.error.as_deref()), (7, Some(10), Some("cancelled")));
        assert_eq!(last.started, first.started);
        file.remove().unwrap();
        assert_eq!(read(), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_status_of_another_version_or_none_is_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(STATUS), "{\"process\":").unwrap();
        assert_eq!(RunStatus::read(folder.path()).unwrap(), None);
        fs::write(folder.path().join(STATUS), r#"{"process": 7, "news": 1}"#).unwrap();
        assert_eq!(RunStatus::read(folder.path()).unwrap().map(|status| status.process), Some(7));
    }

    #[test]
    fn a_failure_is_kept_until_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = StatusFile::create(folder.path(), Counts::default()).unwrap();
        fs::remove_file(folder.path().join(STATUS)).unwrap();
        fs::remove_dir(folder.path()).unwrap();
        file.end_with(&Error::Cancelled);
        assert_eq!(file.check().unwrap_err().kind(), crate::ErrorKind::Io);
        assert!(file.check().is_ok());
        fs::create_dir(folder.path()).unwrap();
    }
}
