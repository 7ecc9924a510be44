//! Watches the thread of a download.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use hf_hub::api::Progress;

use super::failure::Failure;
use super::fetch::Fetch;
use crate::files::{DownloadProgress, ProgressListener};

/// How often the listener is called without news.
const TICK: Duration = Duration::from_millis(200);
/// How often the thread sends news, at most.
const NEWS: Duration = Duration::from_millis(50);

/// Messages from the thread.
pub(super) enum Sign {
    /// Bytes of a file: its name, those that are here, and all.
    Bytes(String, u64, u64),
    /// The step ended.
    Done(Box<Fetch>, Result<(), Failure>),
}

/// Waits for a step to end, as long as it makes progress and the listener does not stop it.
pub(super) fn watch(
    signs: &Receiver<Sign>,
    stall_limit: Duration,
    progress: &mut DownloadProgress,
    listener: Option<&ProgressListener>,
) -> Result<(Box<Fetch>, Result<(), Failure>), Failure> {
    let mut last = Instant::now();
    loop {
        match signs.recv_timeout(TICK.min(stall_limit)) {
            Ok(Sign::Bytes(file, bytes, total)) => {
                last = Instant::now();
                (progress.file, progress.bytes, progress.total) = (file, bytes, total);
            }
            Ok(Sign::Done(fetch, result)) => return Ok((fetch, result)),
            Err(RecvTimeoutError::Timeout) if last.elapsed() >= stall_limit => {
                return Err(Failure::of_stall(&format!("no answer for {stall_limit:?}")));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::of_stall("the download ended without a result"));
            }
        }
        if listener.is_some_and(|listener| listener.call(progress).is_break()) {
            return Err(Failure::Stopped);
        }
    }
}

/// Reports the bytes of one file.
pub(super) struct Heartbeat {
    sender: Option<Sender<Sign>>,
    file: String,
    bytes: u64,
    total: u64,
    sent: Option<Instant>,
}

impl Heartbeat {
    pub(super) fn new(sender: Option<Sender<Sign>>, file: &str) -> Self {
        Self { sender, file: file.to_owned(), bytes: 0, total: 0, sent: None }
    }

    fn send(&mut self) {
        self.sent = Some(Instant::now());
        if let Some(sender) = &self.sender {
            sender.send(Sign::Bytes(self.file.clone(), self.bytes, self.total)).ok();
        }
    }
}

impl Progress for Heartbeat {
    fn init(&mut self, size: usize, _name: &str) {
        (self.bytes, self.total) = (0, size as u64);
    }

    fn update(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        if self.sent.is_none_or(|sent| sent.elapsed() >= NEWS) {
            self.send();
        }
    }

    fn finish(&mut self) {
        self.send();
    }
}
