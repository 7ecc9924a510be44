//! A file that the parquet crate reads at arbitrary positions, and which remembers where the system failed to
//! read: the crate turns every failure into its own message.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::text::bytes::ReadFailure;

/// The system's last error, if any.
#[derive(Debug, Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<ReadFailure>>>);

impl Failure {
    pub(super) fn take(&self) -> Option<ReadFailure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Records the system's error at `offset` and returns a copy.
    fn note(&self, offset: u64, source: io::Error) -> io::Error {
        let copy = io::Error::new(source.kind(), source.to_string());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(ReadFailure { offset, source });
        copy
    }
}

/// A Parquet file.
#[derive(Debug)]
pub(super) struct ParquetSource {
    file: Arc<File>,
    size: u64,
    failure: Failure,
}

impl ParquetSource {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), size, failure: Failure::default() })
    }

    /// The same file, for another reader.
    pub(super) fn again(&self) -> Self {
        Self { file: self.file.clone(), size: self.size, failure: Failure::default() }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn failure(&self) -> Failure {
        self.failure.clone()
    }
}

impl Length for ParquetSource {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for ParquetSource {
    type T = BufReader<Positioned>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let failure = self.failure.clone();
        Ok(BufReader::new(Positioned { file: self.file.clone(), position: start, failure }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.size);
        if end.is_none() {
            let message = format!("bytes {start} to {start} + {length} of {} are asked for", self.size);
            return Err(ParquetError::EOF(message));
        }
        let mut bytes = Vec::with_capacity(length);
        self.get_read(start)?.take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() == length {
            Ok(bytes.into())
        } else {
            Err(ParquetError::EOF(format!("the file ends {} bytes early", length - bytes.len())))
        }
    }
}

/// Reads at its own position in a file shared with other readers.
pub(super) struct Positioned {
    file: Arc<File>,
    position: u64,
    failure: Failure,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.file.read_at(buffer, self.position) {
            Ok(count) => {
                self.position += count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.failure.note(self.position, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::{ChunkReader, ParquetSource};

    #[test]
    fn bytes_behind_the_end_are_refused_before_room_is_made_for_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "0123456789").expect("written");
        let source = ParquetSource::new(File::open(path).expect("opened")).expect("a file");
        assert_eq!(source.get_bytes(3, 4).expect("inside"), "3456".as_bytes());
        assert!(source.get_bytes(3, 8).is_err());
        assert!(source.get_bytes(u64::MAX, usize::MAX).is_err());
        assert!(source.failure().take().is_none());
    }

    #[test]
    fn failure_of_the_system_is_kept_with_its_offset() {
        let folder = tempfile::tempdir().expect("a folder");
        // A folder can be opened, but not read.
        let source = ParquetSource {
            file: File::open(folder.path()).expect("opened").into(),
            size: 100,
            failure: Default::default(),
        };
        assert!(source.get_bytes(7, 4).is_err());
        let failure = source.failure().take().expect("noted");
        assert_eq!((failure.offset, failure.source.kind()), (7, std::io::ErrorKind::IsADirectory));
    }
}
