//! Reads a volume: both files are mapped, and a block is compared with its checksum when it is first read.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_schema::SchemaRef;
use half::bf16;

use super::checksums::{BLOCK_BYTES, Checksums};
use super::head::{HEAD_BYTES, head};
use super::{CHECKSUMS, TABLE, vectors_name};
use crate::index::columns;
use crate::index::folder::sha256;
use crate::index::manifest::{FileRecord, VolumeRecord, volume_name};
use crate::index::settings::StoredType;
use crate::vectors::folder::failed;
use crate::vectors::read::{ArrowTable, StoredNumbers, map};
use crate::vectors::write::Digest;
use crate::{Error, Result};

/// A file of rows up to this size is compared when it is opened.
const COMPARED_WHOLE: usize = 16 << 20;

/// A volume whose files are mapped.
#[derive(Debug)]
pub(crate) struct Volume {
    folder: PathBuf,
    record: VolumeRecord,
    stored: StoredType,
    width: usize,
    vectors: Buffer,
    vector_sums: Checksums,
    rows: Buffer,
    row_sums: Checksums,
    table: ArrowTable,
}

impl Volume {
    /// Opens a recorded volume of the index in `index`, whose vectors have `width` numbers.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read; [`Error::BadInput`] if one is not as recorded.
    pub(crate) fn open(
        index: &Path,
        record: &VolumeRecord,
        (stored, width): (StoredType, usize),
    ) -> Result<Self> {
        let folder = index.join(volume_name(record.volume));
        let expected = (record.rows as u128) * (width as u128) * stored.bytes() as u128 + HEAD_BYTES as u128;
        let name = vectors_name(stored);
        if u128::from(record.vectors.bytes) != expected {
            return Err(bad(
                &folder.join(&name),
                format!(
                    "{} rows of {width} numbers have {expected} bytes; the manifest has {}",
                    record.rows, record.vectors.bytes
                ),
            ));
        }
        let vectors = mapped(&folder.join(&name), &record.vectors)?;
        if vectors[..HEAD_BYTES] != *head(stored, record.rows, width, &record.vectors.sha256)? {
            return Err(bad(&folder.join(&name), "its head is not as the manifest has it".to_owned()));
        }
        let rows = mapped(&folder.join(TABLE), &record.table)?;
        let sums = mapped(&folder.join(CHECKSUMS), &record.checksums)?;
        if sha256(&sums) != record.checksums.sha256 {
            return Err(bad(&folder.join(CHECKSUMS), "its SHA-256 is not the recorded one".to_owned()));
        }
        let split = Checksums::split(&sums, vectors.len() - HEAD_BYTES)
            .and_then(|(vector_sums, rest)| Some((vector_sums, Checksums::split(rest, rows.len())?)));
        let Some((vector_sums, (row_sums, []))) = split else {
            return Err(bad(&folder.join(CHECKSUMS), "it has another number of checksums".to_owned()));
        };
        let tail = if rows.len() > COMPARED_WHOLE { rows.len() - BLOCK_BYTES } else { 0 };
        compared(&folder.join(TABLE), &row_sums, &rows, tail..rows.len())?;
        let table = ArrowTable::open(folder.join(TABLE).display().to_string(), rows.clone())?;
        if table.rows() != record.rows || !columns::is_index(table.schema()) {
            let rule =
                format!("it has {} rows or other columns; the manifest has {}", table.rows(), record.rows);
            return Err(bad(&folder.join(TABLE), rule));
        }
        let record = record.clone();
        Ok(Self { folder, record, stored, width, vectors, vector_sums, rows, row_sums, table })
    }

    pub(crate) fn record(&self) -> &VolumeRecord {
        &self.record
    }

    /// Its columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        self.table.schema()
    }

    /// The numbers of some rows; those of bf16 become f32, which holds them exactly.
    ///
    /// # Errors
    /// [`Error::BadInput`] if a byte has changed or a number is not finite.
    pub(crate) fn numbers(&self, rows: Range<u64>) -> Result<StoredNumbers> {
        let row_bytes = self.width * self.stored.bytes();
        let bytes = rows.start as usize * row_bytes..rows.end as usize * row_bytes;
        let path = || self.folder.join(vectors_name(self.stored));
        let numbers = &self.vectors[HEAD_BYTES..];
        let is_new = self.vector_sums.compare(numbers, bytes.clone());
        let is_new = is_new.map_err(|block| changed(&path(), block))?;
        let (first, count) = (rows.start as usize * self.width, bytes.len() / self.stored.bytes());
        let own = self.vectors.slice(HEAD_BYTES);
        let found = match self.stored {
            StoredType::F32 => StoredNumbers::F32(ScalarBuffer::new(own, first, count)),
            StoredType::F16 => StoredNumbers::F16(ScalarBuffer::new(own, first, count)),
            StoredType::Bf16 => {
                let bits: ScalarBuffer<u16> = ScalarBuffer::new(own, first, count);
                StoredNumbers::F32(bits.iter().map(|bits| bf16::from_bits(*bits).to_f32()).collect())
            }
        };
        match found.first_not_finite().filter(|_| is_new) {
            None => Ok(found),
            Some(place) => {
                let row = rows.start + (place / self.width.max(1)) as u64;
                Err(Error::BadRow {
                    input: path().display().to_string(),
                    row: row + 1,
                    rule: format!("number {} of its vector is not finite", place % self.width.max(1)),
                })
            }
        }
    }

    /// The columns of these names of some rows, which are in ascending order.
    ///
    /// # Errors
    /// [`Error::BadInput`] if a byte has changed or they cannot be read.
    pub(crate) fn select(&self, rows: &[u64], names: &[&str]) -> Result<RecordBatch> {
        let roots = self.roots(names)?;
        if rows.is_empty() {
            return Ok(RecordBatch::new_empty(SchemaRef::new(self.schema().project(&roots)?)));
        }
        let mut first = 0;
        for (batch, count) in self.table.batch_rows().iter().enumerate() {
            let place = rows.partition_point(|row| *row < first);
            if rows.get(place).is_some_and(|row| *row < first + count) {
                self.compare_batch(batch)?;
            }
            first += count;
        }
        self.table.select(rows, &roots)
    }

    /// The columns of these names, a batch of rows at a time, with the number of its first row.
    ///
    /// # Errors
    /// As [`Volume::select`].
    pub(crate) fn batches<'a>(
        &'a self,
        names: &[&str],
    ) -> Result<impl Iterator<Item = Result<(u64, RecordBatch)>> + Send + 'a> {
        let decoder = self.table.decoder(&self.roots(names)?)?;
        let mut first = 0;
        Ok(self.table.batch_rows().iter().enumerate().map(move |(batch, count)| {
            self.compare_batch(batch)?;
            let rows = self.table.made(&decoder, batch, Ok)?;
            let start = first;
            first += count;
            Ok((start, rows))
        }))
    }

    /// The columns of these names of the batch that has `row`, and the number of its first row.
    ///
    /// # Errors
    /// As [`Volume::select`].
    pub(crate) fn batch_with(&self, row: u64, names: &[&str]) -> Result<(u64, RecordBatch)> {
        let decoder = self.table.decoder(&self.roots(names)?)?;
        let mut first = 0;
        for (batch, count) in self.table.batch_rows().iter().enumerate() {
            if row < first + count {
                self.compare_batch(batch)?;
                return Ok((first, self.table.made(&decoder, batch, Ok)?));
            }
            first += count;
        }
        Err(Error::Bug("a row that a volume lacks".to_owned()))
    }

    fn compare_batch(&self, batch: usize) -> Result<()> {
        let range = self.table.batch_bytes(batch);
        compared(&self.folder.join(TABLE), &self.row_sums, &self.rows, range)
    }

    /// The indices of columns in the file's order.
    fn roots(&self, names: &[&str]) -> Result<Vec<usize>> {
        let mut roots = Vec::new();
        for name in names {
            roots.push(self.schema().index_of(name)?);
        }
        roots.sort_unstable();
        roots.dedup();
        Ok(roots)
    }

    /// Compares every byte with what is recorded; returns what differs.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read.
    pub(crate) fn verify(
        index: &Path,
        record: &VolumeRecord,
        kind: (StoredType, usize),
    ) -> Result<Vec<String>> {
        let folder = index.join(volume_name(record.volume));
        let mut problems = Vec::new();
        let volume = match Self::open(index, record, kind) {
            Ok(volume) => volume,
            Err(Error::Io { source, action, target }) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Io { source, action, target });
            }
            Err(error) => return Ok(vec![error.to_string()]),
        };
        let files = [
            (folder.join(TABLE), &volume.rows[..], &record.table),
            (folder.join(vectors_name(kind.0)), &volume.vectors[HEAD_BYTES..], &record.vectors),
        ];
        for (path, bytes, recorded) in files {
            let found = Digest::of_bytes(bytes).sha256;
            if found != recorded.sha256 {
                let expected = &recorded.sha256;
                problems
                    .push(format!("{}: its SHA-256 is {found}; the manifest has {expected}", path.display()));
            }
        }
        let read = volume.numbers(0..record.rows).map(drop);
        problems.extend(read.err().map(|error| error.to_string()));
        let names: Vec<&str> = volume.schema().fields().iter().map(|field| field.name().as_str()).collect();
        for batch in volume.batches(&names)? {
            problems.extend(batch.err().map(|error| error.to_string()));
        }
        Ok(problems)
    }
}

/// Maps a file after its size was compared with the recorded one.
fn mapped(path: &Path, record: &FileRecord) -> Result<Buffer> {
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

fn compared(path: &Path, sums: &Checksums, file: &[u8], range: Range<usize>) -> Result<()> {
    sums.compare(file, range).map(drop).map_err(|block| changed(path, block))
}

fn changed(path: &Path, block: usize) -> Error {
    bad(
        path,
        format!("its checksum differs from the recorded one in MiB {block} (from 0): bytes have changed"),
    )
}

fn bad(path: &Path, rule: String) -> Error {
    Error::BadInput { input: path.display().to_string(), rule }
}
