//! Progress of a job, for its observer and its status file.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::status_file::StatusFile;
use super::{JobProgress, Observer, Part};
use crate::Result;
use crate::embed::Counts;
use crate::text::{Record, RecordStream};

/// Time after which a speed says something about the time left.
const WARM_UP: Duration = Duration::from_secs(2);

/// Reports a job's progress to its observer.
pub(super) struct Reports<'a> {
    observer: &'a dyn Observer,
    part: Part,
    bytes_read: AtomicU64,
    bytes_total: Option<u64>,
    /// Rows read from the input, those read ahead included, and whether that is all.
    rows_read: AtomicU64,
    is_read: AtomicBool,
    /// When the first progress of this run was sent.
    start: Mutex<Option<Instant>>,
    status: OnceLock<StatusFile>,
}

impl<'a> Reports<'a> {
    pub(super) fn new(records: &RecordStream, part: Part, observer: &'a dyn Observer) -> Self {
        Self {
            observer,
            part,
            bytes_read: AtomicU64::new(0),
            bytes_total: records.bytes_total(),
            rows_read: AtomicU64::new(0),
            is_read: AtomicBool::new(false),
            start: Mutex::default(),
            status: OnceLock::new(),
        }
    }

    /// The records of a stream; counts rows and bytes.
    pub(super) fn read(&self, records: &mut RecordStream) -> impl Iterator<Item = Result<Record>> {
        std::iter::from_fn(|| {
            let record = records.next();
            self.bytes_read.store(records.bytes_read(), Ordering::Relaxed);
            if !self.is_read.load(Ordering::Relaxed) {
                self.rows_read.store(RecordStream::position(records), Ordering::Relaxed);
                self.is_read.store(records.is_all_ahead(), Ordering::Relaxed);
            }
            record
        })
    }

    /// Sets the rows of the whole input, which have been counted.
    pub(super) fn set_rows(&self, rows: u64) {
        self.rows_read.store(rows, Ordering::Relaxed);
        self.is_read.store(true, Ordering::Relaxed);
    }

    /// Writes the progress to `status` too.
    pub(super) fn set_status(&self, status: StatusFile) {
        // There is one job, and so one status.
        let _ = self.status.set(status);
    }

    /// The status file, if there is one.
    pub(super) fn status(&self) -> Option<&StatusFile> {
        self.status.get()
    }

    /// Sends the counts from before this run and from this run.
    pub(super) fn send(&self, before: Counts, now: Counts) {
        let start =
            *self.start.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
        let mut progress = JobProgress {
            before,
            now,
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            bytes_total: self.bytes_total,
            ..JobProgress::default()
        };
        (progress.texts_total, progress.total_is_exact) = self.texts_total();
        progress.time(start.elapsed(), WARM_UP);
        self.observer.progress(&progress);
        if let Some(status) = self.status.get() {
            status.update(&progress);
        }
    }

    /// The texts of this machine's part, and whether they were counted. Before the input was read to its end
    /// they are estimated from the size of the rows so far.
    fn texts_total(&self) -> (Option<u64>, bool) {
        let (rows, bytes) = (self.rows_read.load(Ordering::Relaxed), self.bytes_read.load(Ordering::Relaxed));
        let is_exact = self.is_read.load(Ordering::Relaxed);
        let all = match self.bytes_total {
            _ if is_exact => Some(rows),
            Some(total) if bytes > 0 => Some((rows as f64 * (total as f64 / bytes as f64).max(1.0)) as u64),
            _ => None,
        };
        (all.map(|all| all.div_ceil(self.part.count())), is_exact && self.part.is_whole())
    }
}
