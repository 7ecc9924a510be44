//! The first records of the input, read before the others: they tell the types of columns, calibrate bytes, and are a dry run's sample.

use std::vec::IntoIter;

use nearsay::Result;
use nearsay::text::{Record, RecordStream};

use super::progress::EmbedProgress;

/// Bytes of text after which no more is taken.
const MAX_BYTES: usize = 64 << 20;

/// The first records of the input. Where reading failed, the failure is the last.
pub(crate) struct Head {
    results: Vec<Result<Record>>,
    /// Whether there is nothing behind them.
    pub(crate) is_all: bool,
}

impl Head {
    /// Takes up to `count` records.
    pub(crate) fn take(records: &mut RecordStream, count: usize) -> Self {
        let mut head = Self { results: Vec::new(), is_all: false };
        let mut bytes = 0;
        while head.results.len() < count && bytes < MAX_BYTES && !head.is_all {
            match records.next() {
                None => head.is_all = true,
                Some(result) => {
                    bytes += result.as_ref().map_or(0, |record| record.text.len() + record.kept.bytes());
                    head.is_all = result.is_err();
                    head.results.push(result);
                }
            }
        }
        head
    }

    /// Fails where not even the first record could be read: then nothing is begun.
    ///
    /// # Errors
    /// What reading it failed by.
    pub(crate) fn expect_any(mut self) -> Result<Self> {
        match self.results.first() {
            Some(Err(_)) => self.results.remove(0).map(|_| self),
            _ => Ok(self),
        }
    }

    /// The records, those before a failure.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.results.iter().filter_map(|result| result.as_ref().ok())
    }

    /// The records.
    ///
    /// # Errors
    /// The failure that reading them ended with.
    pub(crate) fn into_records(self) -> Result<Vec<Record>> {
        self.results.into_iter().collect()
    }
}

/// The whole input from its first record on; tells the progress how far it was read.
pub(crate) struct Reading<'a> {
    head: IntoIter<Result<Record>>,
    rest: &'a mut RecordStream,
    progress: &'a EmbedProgress,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(head: Head, rest: &'a mut RecordStream, progress: &'a EmbedProgress) -> Self {
        Self { head: head.results.into_iter(), rest, progress }
    }
}

impl Iterator for Reading<'_> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.head.next().or_else(|| self.rest.next());
        self.progress.read(self.rest.bytes_read());
        record
    }
}
