//! Progress of a job, for its observer.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{JobProgress, Observer};
use crate::Result;
use crate::embed::Counts;
use crate::text::{Record, RecordStream};

/// Reports a job's progress to its observer.
pub(super) struct Reports<'a> {
    bytes_read: AtomicU64,
    bytes_total: Option<u64>,
    observer: &'a dyn Observer,
}

impl<'a> Reports<'a> {
    pub(super) fn new(records: &RecordStream, observer: &'a dyn Observer) -> Self {
        Self { bytes_read: AtomicU64::new(0), bytes_total: records.bytes_total(), observer }
    }

    /// The records of a stream; counts the bytes read.
    pub(super) fn read(&self, records: &mut RecordStream) -> impl Iterator<Item = Result<Record>> {
        std::iter::from_fn(|| {
            let record = records.next();
            self.bytes_read.store(records.bytes_read(), Ordering::Relaxed);
            record
        })
    }

    /// Sends the observer the counts from before this run and from this run.
    pub(super) fn send(&self, before: Counts, now: Counts) {
        let bytes_read = self.bytes_read.load(Ordering::Relaxed);
        self.observer.progress(&JobProgress { before, now, bytes_read, bytes_total: self.bytes_total });
    }
}
