//! A file that is digested while it is written.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::checksums::{BLOCK_BYTES, checksum};
use crate::Result;
use crate::index::manifest::FileRecord;
use crate::vectors::folder::failed;
use crate::vectors::write::hexadecimal;

/// A file whose bytes after a head are digested, whole and by block.
pub(super) struct HashedFile {
    path: PathBuf,
    file: BufWriter<File>,
    head_bytes: usize,
    bytes: u64,
    sha256: Sha256,
    /// The bytes of the block that is not full yet.
    block: Vec<u8>,
    blocks: Vec<u64>,
}

/// The head of a file whose other bytes have this SHA-256.
pub(super) type HeadOf<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>>;

impl HashedFile {
    /// A new file with room for a head.
    pub(super) fn create(path: PathBuf, head_bytes: usize) -> Result<Self> {
        let open = || -> io::Result<BufWriter<File>> {
            let mut file = BufWriter::with_capacity(BLOCK_BYTES, File::create_new(&path)?);
            file.write_all(&vec![b' '; head_bytes])?;
            Ok(file)
        };
        let file = open().map_err(|error| failed("creating", &path, error))?;
        let (block, blocks, sha256) = (Vec::with_capacity(BLOCK_BYTES), Vec::new(), Sha256::new());
        Ok(Self { path, file, head_bytes, bytes: 0, sha256, block, blocks })
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes).map_err(|error| failed("writing", &self.path, error))
    }

    /// Writes the head and syncs the file; returns its record and the blocks' checksums.
    pub(super) fn finish(mut self, head: Option<HeadOf<'_>>) -> Result<(FileRecord, Vec<u64>)> {
        if !self.block.is_empty() {
            self.blocks.push(checksum(&self.block));
        }
        let sha256 = hexadecimal(&self.sha256.finalize());
        let head = head.map(|head| head(&sha256)).transpose()?;
        let close = || -> io::Result<()> {
            if let Some(head) = head {
                self.file.seek(SeekFrom::Start(0))?;
                self.file.write_all(&head)?;
            }
            self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        };
        close().map_err(|error| failed("writing", &self.path, error))?;
        Ok((FileRecord { bytes: self.bytes + self.head_bytes as u64, sha256 }, self.blocks))
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        let mut rest = &bytes[..written];
        self.sha256.update(rest);
        self.bytes += written as u64;
        while !rest.is_empty() {
            let (part, later) = rest.split_at(rest.len().min(BLOCK_BYTES - self.block.len()));
            self.block.extend_from_slice(part);
            if self.block.len() == BLOCK_BYTES {
                self.blocks.push(checksum(&self.block));
                self.block.clear();
            }
            rest = later;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
