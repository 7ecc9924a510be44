//! Fixed-size items in an anonymous temporary file: written once, then read once, each from start to end.
//!
//! The file has no name and disappears with its handle, however the process ends.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use crate::{Error, Result};

/// Items of `N` bytes that are being written.
pub(super) struct SpillWriter<const N: usize> {
    file: BufWriter<File>,
    count: u64,
}

impl<const N: usize> SpillWriter<N> {
    pub(super) fn new() -> Result<Self> {
        let file = tempfile::tempfile().map_err(|source| failed("creating", source))?;
        Ok(Self { file: BufWriter::new(file), count: 0 })
    }

    pub(super) fn push(&mut self, item: [u8; N]) -> Result<()> {
        self.count += 1;
        self.file.write_all(&item).map_err(|source| failed("writing", source))
    }

    pub(super) fn finish(self) -> Result<Spill<N>> {
        let file = self.file.into_inner().map_err(|error| failed("writing", error.into_error()))?;
        Ok(Spill { file, count: self.count })
    }
}

/// Items of `N` bytes that were written.
pub(super) struct Spill<const N: usize> {
    file: File,
    count: u64,
}

impl<const N: usize> Spill<N> {
    pub(super) fn read(mut self) -> Result<SpillReader<N>> {
        self.file.rewind().map_err(|source| failed("reading", source))?;
        Ok(SpillReader { file: BufReader::new(self.file), left: self.count })
    }
}

/// Items of `N` bytes that are being read.
pub(super) struct SpillReader<const N: usize> {
    file: BufReader<File>,
    left: u64,
}

impl<const N: usize> SpillReader<N> {
    pub(super) fn next(&mut self) -> Result<Option<[u8; N]>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut item = [0; N];
        self.file.read_exact(&mut item).map_err(|source| failed("reading", source))?;
        Ok(Some(item))
    }
}

fn failed(action: &'static str, source: io::Error) -> Error {
    let folder = std::env::temp_dir();
    let target = format!("a temporary file for ids in {} (TMPDIR names another folder)", folder.display());
    Error::Io { action, target, source }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::{BufWriter, SpillWriter};

    #[test]
    fn items_are_read_back() {
        let mut writer = SpillWriter::new().expect("a file");
        for item in 0..5000u32 {
            writer.push(item.to_le_bytes()).expect("written");
        }
        let mut reader = writer.finish().expect("written").read().expect("read");
        for item in 0..5000u32 {
            assert_eq!(reader.next().expect("read"), Some(item.to_le_bytes()));
        }
        assert_eq!(reader.next().expect("read"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn full_disk_names_the_folder() {
        let full = File::options().write(true).open("/dev/full").expect("a device");
        let mut writer = SpillWriter { file: BufWriter::new(full), count: 0 };
        let error = (0..9000u32).find_map(|item| writer.push(item.to_le_bytes()).err()).expect("full");
        let folder = std::env::temp_dir();
        let target =
            format!("a temporary file for ids in {} (TMPDIR names another folder)", folder.display());
        assert!(error.to_string().starts_with(&format!("writing {target} failed: No space")), "{error}");
        assert_eq!(error.kind(), crate::ErrorKind::Io);
    }
}
