//! Reads a volume: both files are mapped, and a block is compared with its checksum when it is first read.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_ipc::reader::FileDecoder;
use arrow_schema::SchemaRef;
use half::bf16;

use super::bits::Bits;
use super::checksums::{BLOCK_BYTES, Checksums};
use super::codes::Codes;
use super::head::vectors_head;
use super::mapped::{MappedFile, bad, changed, digest_problem, mapped};
use super::{CHECKSUMS, TABLE, VolumeKind, vectors_name};
use crate::index::columns;
use crate::index::folder::sha256;
use crate::index::manifest::{VolumeRecord, volume_name};
use crate::index::settings::StoredType;
use crate::search::CodeBatch;
use crate::vectors::read::{ArrowTable, StoredNumbers};
use crate::{Error, Result};

/// A file of rows up to this size is compared when it is opened.
const COMPARED_WHOLE: usize = 16 << 20;

/// Rows that are checked together: whole panels of codes.
const CHECKED_ROWS: usize = 4096;

/// A volume whose files are mapped.
#[derive(Debug)]
pub(crate) struct Volume {
    folder: PathBuf,
    record: VolumeRecord,
    kind: VolumeKind,
    vectors: MappedFile,
    codes: Option<Codes>,
    bits: Option<Bits>,
    rows: Buffer,
    row_sums: Checksums,
    table: ArrowTable,
    /// The first row of each batch of the table, and after them the number of rows.
    batch_starts: Vec<u64>,
}

impl Volume {
    /// Opens a recorded volume of the index in `index`.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read; [`Error::BadInput`] if one is not as recorded.
    pub(crate) fn open(index: &Path, record: &VolumeRecord, kind: VolumeKind) -> Result<Self> {
        let folder = index.join(volume_name(record.volume));
        let sums = mapped(&folder.join(CHECKSUMS), &record.checksums)?;
        if sha256(&sums) != record.checksums.sha256 {
            return Err(bad(&folder.join(CHECKSUMS), "its SHA-256 is not the recorded one".to_owned()));
        }
        let mut sums: &[u8] = &sums;
        let bytes = u128::from(record.rows) * (kind.width as u128) * kind.stored.bytes() as u128;
        let head = vectors_head(kind, record.rows, &record.vectors.sha256)?;
        let path = folder.join(vectors_name(kind.stored));
        let vectors = MappedFile::open(path, &record.vectors, (&head, bytes), &mut sums)?;
        let rows = mapped(&folder.join(TABLE), &record.table)?;
        let row_sums = Checksums::split(sums, rows.len());
        let (row_sums, mut sums) =
            row_sums.ok_or_else(|| bad(&folder.join(TABLE), "it has too few checksums".to_owned()))?;
        let codes = Codes::open(&folder, record, kind.width, &mut sums)?;
        let bits = Bits::open(&folder, record, kind.width, &mut sums)?;
        if !sums.is_empty() {
            return Err(bad(&folder.join(CHECKSUMS), "it has too many checksums".to_owned()));
        }
        let tail = if rows.len() > COMPARED_WHOLE { rows.len() - BLOCK_BYTES } else { 0 };
        compared(&folder.join(TABLE), &row_sums, &rows, tail..rows.len())?;
        let table = ArrowTable::open(folder.join(TABLE).display().to_string(), rows.clone())?;
        if table.rows() != record.rows || !columns::is_index(table.schema()) {
            let rule =
                format!("it has {} rows or other columns; the manifest has {}", table.rows(), record.rows);
            return Err(bad(&folder.join(TABLE), rule));
        }
        let record = record.clone();
        let mut batch_starts = vec![0];
        for count in table.batch_rows() {
            batch_starts.push(batch_starts[batch_starts.len() - 1] + count);
        }
        Ok(Self { folder, record, kind, vectors, codes, bits, rows, row_sums, table, batch_starts })
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
        let VolumeKind { stored, width, .. } = self.kind;
        let row_bytes = width * stored.bytes();
        let bytes = rows.start as usize * row_bytes..rows.end as usize * row_bytes;
        let is_new = self.vectors.compare(bytes.clone())?;
        let (first, count) = (bytes.start, bytes.len() / stored.bytes());
        let found = match stored {
            StoredType::F32 => StoredNumbers::F32(self.vectors.numbers(first, count)),
            StoredType::F16 => StoredNumbers::F16(self.vectors.numbers(first, count)),
            StoredType::Bf16 => {
                let bits: ScalarBuffer<u16> = self.vectors.numbers(first, count);
                StoredNumbers::F32(bits.iter().map(|bits| bf16::from_bits(*bits).to_f32()).collect())
            }
        };
        match found.first_not_finite().filter(|_| is_new) {
            None => Ok(found),
            Some(place) => {
                let row = rows.start + (place / width.max(1)) as u64;
                Err(Error::BadRow {
                    input: self.vectors.path().display().to_string(),
                    row: row + 1,
                    rule: format!("number {} of its vector is not finite", place % width.max(1)),
                })
            }
        }
    }

    /// Appends the vectors of some rows as f32.
    ///
    /// # Errors
    /// As [`Volume::numbers`].
    pub(crate) fn append_vectors(&self, rows: Range<u64>, values: &mut Vec<f32>) -> Result<()> {
        let appended = self.numbers(rows)?.as_slice().append_to(values);
        appended.ok_or_else(|| Error::Bug("vectors of an index are bytes".to_owned()))
    }

    /// The codes of some rows from a panel's first on; `None` if it has none. The first of them has the number
    /// `first_place` among all rows.
    ///
    /// # Errors
    /// [`Error::BadInput`] if a byte has changed.
    pub(crate) fn codes(&self, rows: Range<u64>, first_place: u64) -> Result<Option<CodeBatch>> {
        let rows = rows.start as usize..rows.end as usize;
        self.codes.as_ref().map(|codes| codes.batch(rows, first_place)).transpose()
    }

    /// The signs of some rows, eight in a byte; `None` if it has none.
    ///
    /// # Errors
    /// As [`Volume::codes`].
    pub(crate) fn signs(&self, rows: Range<u64>) -> Result<Option<ScalarBuffer<u8>>> {
        let rows = rows.start as usize..rows.end as usize;
        self.bits.as_ref().map(|bits| bits.of(rows)).transpose()
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
        let mut left = rows;
        while let Some(row) = left.first() {
            let batch = self.batch_of(*row)?;
            self.compare_batch(batch)?;
            let end = self.batch_starts[batch + 1];
            left = &left[left.partition_point(|row| *row < end)..];
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

    /// A decoder of the columns of these names, for [`Volume::batch_with`]. Making one reads the whole footer.
    ///
    /// # Errors
    /// As [`Volume::select`].
    pub(crate) fn decoder(&self, names: &[&str]) -> Result<FileDecoder> {
        self.table.decoder(&self.roots(names)?)
    }

    /// The decoder's columns of the batch that has `row`, and the number of its first row.
    ///
    /// # Errors
    /// As [`Volume::select`].
    pub(crate) fn batch_with(&self, row: u64, decoder: &FileDecoder) -> Result<(u64, RecordBatch)> {
        let batch = self.batch_of(row)?;
        self.compare_batch(batch)?;
        Ok((self.batch_starts[batch], self.table.made(decoder, batch, Ok)?))
    }

    /// The number of the batch that has a row.
    fn batch_of(&self, row: u64) -> Result<usize> {
        let batch = self.batch_starts.partition_point(|start| *start <= row).checked_sub(1);
        let batch = batch.filter(|batch| *batch < self.table.batch_rows().len());
        batch.ok_or_else(|| Error::Bug("a row that a volume lacks".to_owned()))
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

    /// Reads all vectors, and checks that codes and signs match them.
    fn check_numbers(&self) -> Result<()> {
        for start in (0..self.record.rows).step_by(CHECKED_ROWS) {
            let rows = start..self.record.rows.min(start + CHECKED_ROWS as u64);
            let mut values = Vec::new();
            self.append_vectors(rows.clone(), &mut values)?;
            let rows = rows.start as usize..rows.end as usize;
            if let Some(codes) = &self.codes {
                codes.check(rows.clone(), &values)?;
            }
            if let Some(bits) = &self.bits {
                bits.check(rows, &values, self.kind.width)?;
            }
        }
        Ok(())
    }

    /// Compares every byte with what is recorded; returns what differs.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read.
    pub(crate) fn verify(index: &Path, record: &VolumeRecord, kind: VolumeKind) -> Result<Vec<String>> {
        let folder = index.join(volume_name(record.volume));
        let mut problems = Vec::new();
        let volume = match Self::open(index, record, kind) {
            Ok(volume) => volume,
            Err(Error::Io { source, action, target }) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Io { source, action, target });
            }
            Err(error) => return Ok(vec![error.to_string()]),
        };
        problems.extend(digest_problem(&folder.join(TABLE), &volume.rows, &record.table));
        problems.extend(volume.vectors.problem(&record.vectors));
        let codes = volume.codes.as_ref().zip(record.codes.as_ref());
        problems.extend(codes.and_then(|(codes, record)| codes.file().problem(&record.file)));
        let bits = volume.bits.as_ref().zip(record.bits.as_ref());
        problems.extend(bits.and_then(|(bits, record)| bits.file().problem(record)));
        problems.extend(volume.check_numbers().err().map(|error| error.to_string()));
        let names: Vec<&str> = volume.schema().fields().iter().map(|field| field.name().as_str()).collect();
        for batch in volume.batches(&names)? {
            problems.extend(batch.err().map(|error| error.to_string()));
        }
        Ok(problems)
    }
}

/// Compares parts of a file without a head.
fn compared(path: &Path, sums: &Checksums, file: &[u8], range: Range<usize>) -> Result<()> {
    sums.compare(file, range).map(drop).map_err(|block| changed(path, block))
}
