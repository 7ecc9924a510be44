//! The SHA-256 of written bytes, computed on the way.

use std::fs::File;
use std::io::{self, BufReader, Write};

use sha2::{Digest as _, Sha256};

/// Bytes read at a time.
const READ_BYTES: usize = 1 << 20;

/// The length and checksum of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
}

impl Digest {
    /// Of an open file, from its position on.
    ///
    /// # Errors
    /// The system's error if it cannot be read.
    pub fn of(file: &File) -> io::Result<Self> {
        let mut digester = DigestWriter::new(io::sink());
        io::copy(&mut BufReader::with_capacity(READ_BYTES, file), &mut digester)?;
        Ok(digester.into_parts().1)
    }

    /// Of bytes in memory.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, sha256: hexadecimal(&Sha256::digest(bytes)) }
    }
}

/// Passes bytes on and digests them.
pub(super) struct DigestWriter<W> {
    writer: W,
    bytes: u64,
    sha256: Sha256,
}

impl<W: Write> DigestWriter<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer, bytes: 0, sha256: Sha256::new() }
    }

    pub(super) fn into_parts(self) -> (W, Digest) {
        (self.writer, Digest { bytes: self.bytes, sha256: hexadecimal(&self.sha256.finalize()) })
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.bytes += written as u64;
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts at most three bytes per call.
    struct Short(Vec<u8>);

    impl Write for Short {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(3);
            self.0.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_was_taken_is_digested() {
        let mut writer = DigestWriter::new(Short(Vec::new()));
        writer.write_all(b"abcdefgh").expect("written");
        let (Short(written), digest) = writer.into_parts();
        assert_eq!((written.as_slice(), digest.bytes), (b"abcdefgh".as_slice(), 8));
        // From `printf abcdefgh | sha256sum`.
        assert_eq!(digest.sha256, "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab");
    }
}
