//! Bytes stored in an unnamed file until they can be appended after others.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::super::OutputFile;
use crate::{Error, Result};

/// Bytes moved at a time.
const BLOCK: usize = 1 << 20;

pub(super) struct Spool {
    file: BufWriter<File>,
    bytes: u64,
    /// The folder, for messages.
    folder: String,
}

impl Spool {
    /// A file in `folder` that the system removes when it is closed, however the program ends.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let folder_name = folder.display().to_string();
        let file = tempfile::tempfile_in(folder).map_err(|error| failed(&folder_name, error))?;
        Ok(Self { file: BufWriter::new(file), bytes: 0, folder: folder_name })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|error| failed(&self.folder, error))
    }

    /// Appends everything to `output`.
    pub(super) fn append_to(self, output: &mut OutputFile) -> Result<()> {
        let Self { file, bytes, folder } = self;
        let rewind = |error| failed(&folder, error);
        let mut file = file.into_inner().map_err(|error| rewind(error.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(rewind)?;
        let mut block = vec![0; BLOCK.min(bytes as usize)];
        let mut left = bytes as usize;
        while left > 0 {
            let part = &mut block[..left.min(BLOCK)];
            file.read_exact(part).map_err(rewind)?;
            output.write(part)?;
            left -= part.len();
        }
        Ok(())
    }
}

fn failed(folder: &str, source: io::Error) -> Error {
    Error::Io { action: "writing", target: format!("a temporary file in {folder}"), source }
}
