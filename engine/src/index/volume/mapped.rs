//! A file of a volume, mapped: its head, and parts that are compared with their checksums when they are first read.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};

use super::checksums::Checksums;
use super::head::HEAD_BYTES;
use crate::index::folder::sha256;
use crate::index::manifest::FileRecord;
use crate::vectors::folder::failed;
use crate::vectors::read::map;
use crate::{Error, Result};

/// A file with a head.
#[derive(Debug)]
pub(super) struct MappedFile {
    path: PathBuf,
    bytes: Buffer,
    sums: Checksums,
}

impl MappedFile {
    /// Opens a recorded file with this head, whose other bytes must be `body_bytes`; takes its checksums off the list.
    pub(super) fn open(
        path: PathBuf,
        record: &FileRecord,
        (head, body_bytes): (&[u8], u128),
        sums: &mut &[u8],
    ) -> Result<Self> {
        let expected = body_bytes + HEAD_BYTES as u128;
        if u128::from(record.bytes) != expected {
            let rule = format!("its rows have {expected} bytes; the manifest has {}", record.bytes);
            return Err(bad(&path, rule));
        }
        let bytes = mapped(&path, record)?;
        if bytes[..HEAD_BYTES] != *head {
            return Err(bad(&path, "its head is not as the manifest has it".to_owned()));
        }
        let Some((own, rest)) = Checksums::split(sums, bytes.len() - HEAD_BYTES) else {
            return Err(bad(&path, "it has too few checksums".to_owned()));
        };
        *sums = rest;
        Ok(Self { path, bytes, sums: own })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Compares the parts with bytes of a range after the head that were not compared before; returns whether there
    /// were any.
    ///
    /// # Errors
    /// [`Error::BadInput`] if a byte has changed.
    pub(super) fn compare(&self, range: Range<usize>) -> Result<bool> {
        let compared = self.sums.compare(&self.bytes[HEAD_BYTES..], range);
        compared.map_err(|block| changed(&self.path, block))
    }

    /// Numbers where they are: `count` from byte `start` after the head on.
    pub(super) fn numbers<T: ArrowNativeType>(&self, start: usize, count: usize) -> ScalarBuffer<T> {
        ScalarBuffer::new(self.bytes.slice(HEAD_BYTES + start), 0, count)
    }

    /// The problem with its bytes, if there is one.
    pub(super) fn problem(&self, record: &FileRecord) -> Option<String> {
        digest_problem(&self.path, &self.bytes[HEAD_BYTES..], record)
    }
}

/// The problem if bytes have another SHA-256 than is recorded.
pub(super) fn digest_problem(path: &Path, bytes: &[u8], record: &FileRecord) -> Option<String> {
    let (found, expected) = (sha256(bytes), &record.sha256);
    (found != *expected)
        .then(|| format!("{}: its SHA-256 is {found}; the manifest has {expected}", path.display()))
}

/// A file that must be as long as recorded.
pub(super) fn mapped(path: &Path, record: &FileRecord) -> Result<Buffer> {
    let metadata = path.symlink_metadata().map_err(|error| failed("reading", path, error))?;
    if !metadata.is_file() {
        return Err(bad(path, "it is not a regular file".to_owned()));
    }
    if metadata.len() != record.bytes {
        return Err(bad(path, format!("it has {} bytes; the manifest has {}", metadata.len(), record.bytes)));
    }
    if record.bytes == 0 {
        return Ok(Buffer::default());
    }
    File::open(path).and_then(|file| map(&file)).map_err(|error| failed("reading", path, error))
}

pub(super) fn changed(path: &Path, block: usize) -> Error {
    bad(
        path,
        format!("its checksum differs from the recorded one in MiB {block} (from 0): bytes have changed"),
    )
}

pub(super) fn bad(path: &Path, rule: String) -> Error {
    Error::BadInput { input: path.display().to_string(), rule }
}
