//! The signs of a volume's rows, for approximate search.
//!
//! ```text
//! bits.u8    a head, then a bit for each value: 1 if it is positive, the first value's bit the highest of a byte
//! ```

use std::ops::Range;
use std::path::Path;

use arrow_buffer::ScalarBuffer;
use nearsay_kernels::sign_bits;

use super::hashed_file::HashedFile;
use super::head::{HEAD_BYTES, Head};
use super::mapped::MappedFile;
use crate::index::manifest::{FileRecord, VolumeRecord};
use crate::{Error, Result};

/// The file of the signs.
pub(super) const BITS: &str = "bits.u8";

fn head(rows: u64, width: usize, sha256: &str) -> Result<Vec<u8>> {
    let head = Head {
        format_version: crate::index::INDEX_FORMAT_VERSION,
        dtype: "u8",
        numpy: "|u1",
        shape: [rows, width.div_ceil(8) as u64],
        order: "rows of rows.arrow, 8 signs in a byte, the first highest",
        rotation: None,
        sha256,
    };
    head.bytes()
}

/// Signs that are being written.
pub(super) struct BitsWriter {
    file: HashedFile,
    width: usize,
}

impl BitsWriter {
    /// Starts the file in the folder of a volume.
    pub(super) fn create(folder: &Path, width: usize) -> Result<Self> {
        Ok(Self { file: HashedFile::create(folder.join(BITS), HEAD_BYTES)?, width })
    }

    /// Appends rows.
    pub(super) fn write(&mut self, values: &[f32]) -> Result<()> {
        self.file.append(&sign_bits(values, self.width))
    }

    /// Completes the file of `rows` rows; appends the checksums of its blocks.
    pub(super) fn finish(self, rows: u64, blocks: &mut Vec<u64>) -> Result<FileRecord> {
        let head_of = |sha256: &str| head(rows, self.width, sha256);
        let (file, own) = self.file.finish(Some(&head_of))?;
        blocks.extend(own);
        Ok(file)
    }
}

/// Signs that are mapped.
#[derive(Debug)]
pub(super) struct Bits {
    file: MappedFile,
    row_bytes: usize,
}

impl Bits {
    /// Opens those of a recorded volume; `None` if it has none. Takes their checksums off the list.
    pub(super) fn open(
        folder: &Path,
        record: &VolumeRecord,
        width: usize,
        sums: &mut &[u8],
    ) -> Result<Option<Self>> {
        let Some(bits) = &record.bits else { return Ok(None) };
        let (head, row_bytes) = (head(record.rows, width, &bits.sha256)?, width.div_ceil(8));
        let bytes = u128::from(record.rows) * row_bytes as u128;
        let file = MappedFile::open(folder.join(BITS), bits, (&head, bytes), sums)?;
        Ok(Some(Self { file, row_bytes }))
    }

    pub(super) fn file(&self) -> &MappedFile {
        &self.file
    }

    /// The signs of some rows.
    ///
    /// # Errors
    /// [`Error::BadInput`] if a byte has changed.
    pub(super) fn of(&self, rows: Range<usize>) -> Result<ScalarBuffer<u8>> {
        let bytes = rows.start * self.row_bytes..rows.end * self.row_bytes;
        self.file.compare(bytes.clone())?;
        Ok(self.file.numbers(bytes.start, bytes.len()))
    }

    /// Checks that the signs of some rows are those of their vectors.
    ///
    /// # Errors
    /// [`Error::BadRow`] if they are not; those of [`Bits::of`].
    pub(super) fn check(&self, rows: Range<usize>, values: &[f32], width: usize) -> Result<()> {
        let (stored, expected) = (self.of(rows.clone())?, sign_bits(values, width));
        let other = stored.iter().zip(&expected).position(|(stored, expected)| stored != expected);
        let Some(byte) = other else { return Ok(()) };
        Err(Error::BadRow {
            input: self.file.path().display().to_string(),
            row: (rows.start + byte / self.row_bytes) as u64 + 1,
            rule: "its signs are not those of its vector".to_owned(),
        })
    }
}
