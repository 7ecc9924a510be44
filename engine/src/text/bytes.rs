//! The raw bytes of an input: counted, and with the offset of a failure.

use std::error;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;

/// Bytes of an input that were read so far, before decompression.
#[derive(Clone, Default)]
pub(super) struct Taken(Arc<AtomicU64>);

impl Taken {
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts bytes read, retries when a signal interrupts, and puts the offset into errors, which sets them
/// apart from those of a decoder on top.
pub(super) struct InputBytes {
    reader: Box<dyn BufRead + Send>,
    taken: Taken,
}

impl InputBytes {
    pub(super) fn new(reader: Box<dyn BufRead + Send>, taken: Taken) -> Self {
        Self { reader, taken }
    }
}

impl BufRead for InputBytes {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.reader.fill_buf() {
                Ok([]) => return Ok(&[]),
                // Called again below, since the bytes borrowed here may not leave the loop.
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(ReadFailure { offset: self.taken.bytes(), source }.into()),
            }
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
        self.taken.0.fetch_add(amount as u64, Ordering::Relaxed);
    }
}

impl Read for InputBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// The system could not read the bytes at `offset`.
#[derive(Debug)]
pub(super) struct ReadFailure {
    pub(super) offset: u64,
    pub(super) source: io::Error,
}

impl ReadFailure {
    /// Extracts it from the error that a decoder passed on.
    ///
    /// # Errors
    /// The error itself if it is the decoder's own.
    pub(super) fn out_of(error: io::Error) -> Result<Self, io::Error> {
        error.downcast()
    }

    pub(super) fn into_error(self, input: &str) -> Error {
        let target = format!("{input} at byte {}", self.offset);
        Error::Io { action: "reading", target, source: self.source }
    }
}

impl fmt::Display for ReadFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at byte {}", self.source, self.offset)
    }
}

impl error::Error for ReadFailure {}

impl From<ReadFailure> for io::Error {
    fn from(failure: ReadFailure) -> Self {
        Self::new(failure.source.kind(), failure)
    }
}
