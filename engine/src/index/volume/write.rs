//! Writes a volume under a temporary name, and renames it when it is complete.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, FixedSizeBinaryArray, RecordBatch, StringArray, UInt64Array};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::concat::concat_batches;
use half::{bf16, f16};

use super::bits::BitsWriter;
use super::codes::CodesWriter;
use super::hashed_file::HashedFile;
use super::head::{HEAD_BYTES, vectors_head};
use super::{CHECKSUMS, TABLE, VolumeKind, vectors_name};
use crate::index::StoredType;
use crate::index::folder::write_synced;
use crate::index::manifest::{VolumeRecord, volume_name};
use crate::vectors::folder::failed;
use crate::vectors::write::sync_folder;
use crate::{Error, Result};

/// Rows of a batch of rows.arrow at most.
const BATCH_ROWS: usize = 4096;
/// Bytes of a batch of rows.arrow, about: fewer rows if their texts are long.
const BATCH_BYTES: usize = 8 << 20;

/// What a volume's rows are about a text, besides what its vectors come with.
#[derive(Debug, Clone)]
pub(crate) struct TextHead {
    pub(crate) number: u64,
    /// Whether the text has an id; without one, its place is its id.
    pub(crate) has_id: bool,
    pub(crate) text: Option<String>,
    pub(crate) text_sha256: [u8; 32],
    pub(crate) record_sha256: [u8; 32],
    pub(crate) input: Arc<str>,
}

/// The texts whose rows a writer is about to get, in their order.
pub(crate) type TextHeads = Arc<Mutex<VecDeque<TextHead>>>;

/// Rows of an index in the columns of its schema, and their vectors.
pub(crate) struct VolumeRows {
    pub(crate) rows: RecordBatch,
    /// Row after row.
    pub(crate) vectors: Vec<f32>,
}

/// A volume that is being written.
pub(crate) struct VolumeWriter {
    folder: PathBuf,
    target: PathBuf,
    number: u64,
    kind: VolumeKind,
    table: FileWriter<HashedFile>,
    /// Rows that are not written yet: a batch costs as much to read as hundreds of rows.
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    pending_bytes: usize,
    vectors: HashedFile,
    codes: Option<CodesWriter>,
    bits: Option<BitsWriter>,
    texts: u64,
    rows: u64,
    zeros: u64,
    numbers: Option<(u64, u64)>,
}

impl VolumeWriter {
    /// Starts volume `number` of the index in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn create(folder: &Path, number: u64, schema: &SchemaRef, kind: VolumeKind) -> Result<Self> {
        let target = folder.join(volume_name(number));
        let temporary = folder.join(format!(".nearsay-{}.part", volume_name(number)));
        let fresh = || match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir(&temporary),
        };
        fresh().map_err(|error| failed("creating", &temporary, error))?;
        let table = HashedFile::create(temporary.join(TABLE), 0)?;
        let vectors = HashedFile::create(temporary.join(vectors_name(kind.stored)), HEAD_BYTES)?;
        let codes = kind.has_codes().then(|| CodesWriter::create(&temporary, kind)).transpose()?;
        let bits = kind.has_bits().then(|| BitsWriter::create(&temporary, kind.width)).transpose()?;
        let table = FileWriter::try_new(table, schema).map_err(|error| table_failed(&target, error))?;
        let (texts, rows, zeros, numbers) = (0, 0, 0, None);
        Ok(Self {
            folder: temporary,
            target,
            number,
            kind,
            table,
            pending: Vec::new(),
            pending_rows: 0,
            pending_bytes: 0,
            vectors,
            codes,
            bits,
            texts,
            rows,
            zeros,
            numbers,
        })
    }

    /// Appends rows; whole texts, or the next chunks of the last one.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::BeyondOutputType`] if a value is too large for the stored type.
    pub(crate) fn write(&mut self, part: &VolumeRows) -> Result<()> {
        let rows = &part.rows;
        if part.vectors.len() != rows.num_rows() * self.kind.width {
            return Err(Error::Bug("rows of an index without their vectors".to_owned()));
        }
        self.collect(rows)?;
        self.count(rows)?;
        let is_zero = |row: &&[f32]| row.iter().all(|value| *value == 0.0);
        self.zeros += part.vectors.chunks_exact(self.kind.width.max(1)).filter(is_zero).count() as u64;
        self.vectors.append(&stored_bytes(self.kind.stored, &part.vectors)?)?;
        let values = as_stored(self.kind.stored, &part.vectors);
        if let Some(codes) = &mut self.codes {
            codes.write(&values)?;
        }
        match &mut self.bits {
            Some(bits) => bits.write(&values),
            None => Ok(()),
        }
    }

    /// Adds rows to those of the next batches, and writes the batches that are full.
    fn collect(&mut self, rows: &RecordBatch) -> Result<()> {
        let mut first = 0;
        while first < rows.num_rows() {
            let count = (rows.num_rows() - first).min(BATCH_ROWS - self.pending_rows);
            let part = rows.slice(first, count);
            first += count;
            let sizes = part.columns().iter().map(|column| column.to_data().get_slice_memory_size());
            let bytes = sizes.sum::<Result<usize, ArrowError>>()?;
            // Joined texts must not exceed the 2 GiB of a column's offsets.
            if bytes >= BATCH_BYTES {
                self.write_pending()?;
            }
            self.pending_bytes += bytes;
            self.pending_rows += count;
            self.pending.push(part);
            if self.pending_rows == BATCH_ROWS || self.pending_bytes >= BATCH_BYTES {
                self.write_pending()?;
            }
        }
        Ok(())
    }

    /// Writes the collected rows as one batch.
    fn write_pending(&mut self) -> Result<()> {
        let batch = match std::mem::take(&mut self.pending).as_slice() {
            [] => return Ok(()),
            [batch] => batch.clone(),
            parts => concat_batches(&parts[0].schema(), parts)?,
        };
        (self.pending_rows, self.pending_bytes) = (0, 0);
        self.table.write(&batch).map_err(|error| table_failed(&self.target, error))
    }

    fn count(&mut self, rows: &RecordBatch) -> Result<()> {
        use arrow_array::cast::AsArray;
        use arrow_array::types::{UInt32Type, UInt64Type};
        let column = |name: &str| {
            rows.column_by_name(name).ok_or_else(|| Error::Bug(format!("rows of an index without `{name}`")))
        };
        let numbers = column(crate::index::columns::NUMBER)?.as_primitive::<UInt64Type>().clone();
        let chunks = column(crate::index::columns::PLACE[0])?.as_primitive::<UInt32Type>().clone();
        for (number, chunk) in numbers.values().iter().zip(chunks.values()) {
            let first = self.numbers.map_or(*number, |(first, _)| first);
            if self.numbers.is_some_and(|(_, last)| last > *number) {
                return Err(Error::Bug("texts of a volume are not in their order".to_owned()));
            }
            self.numbers = Some((first, *number));
            self.texts += u64::from(*chunk == 0);
        }
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    /// Completes the volume: syncs its files, gives it its name, and syncs that.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn finish(mut self) -> Result<VolumeRecord> {
        self.write_pending()?;
        let table = self.table.into_inner().map_err(|error| table_failed(&self.target, error))?;
        let (table, table_blocks) = table.finish(None)?;
        let (kind, rows) = (self.kind, self.rows);
        let head_of = move |sha256: &str| vectors_head(kind, rows, sha256);
        let (vectors, mut blocks) = self.vectors.finish(Some(&head_of))?;
        blocks.extend(table_blocks);
        let codes = self.codes.map(|codes| codes.finish(rows, &mut blocks)).transpose()?;
        let bits = self.bits.map(|bits| bits.finish(rows, &mut blocks)).transpose()?;
        let sums: Vec<u8> = blocks.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        let checksums = write_synced(&self.folder.join(CHECKSUMS), &sums)?;
        let parent = self.target.parent().unwrap_or(Path::new("."));
        sync_folder(&self.folder)
            .and_then(|()| fs::rename(&self.folder, &self.target))
            .and_then(|()| sync_folder(parent))
            .map_err(|error| failed("writing", &self.target, error))?;
        let (volume, texts, zeros, numbers) = (self.number, self.texts, self.zeros, self.numbers);
        Ok(VolumeRecord { volume, texts, rows, zeros, numbers, table, vectors, codes, bits, checksums })
    }
}

/// Numbers as they are stored.
fn stored_bytes(stored: StoredType, values: &[f32]) -> Result<Vec<u8>> {
    let beyond = |value: f32| Error::BeyondOutputType { what: format!("{value} as {}", stored.name()) };
    let mut bytes = Vec::with_capacity(values.len() * stored.bytes());
    for value in values {
        match stored {
            StoredType::F32 => bytes.extend_from_slice(&value.to_le_bytes()),
            StoredType::F16 => {
                let number = f16::from_f32(*value);
                if !number.is_finite() {
                    return Err(beyond(*value));
                }
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            StoredType::Bf16 => {
                let number = bf16::from_f32(*value);
                if !number.is_finite() {
                    return Err(beyond(*value));
                }
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
    }
    Ok(bytes)
}

/// The values that will be read again.
fn as_stored(stored: StoredType, values: &[f32]) -> Cow<'_, [f32]> {
    match stored {
        StoredType::F32 => Cow::Borrowed(values),
        StoredType::F16 => values.iter().map(|value| f16::from_f32(*value).to_f32()).collect(),
        StoredType::Bf16 => values.iter().map(|value| bf16::from_f32(*value).to_f32()).collect(),
    }
}

/// The columns of an index that come from the texts' heads: `number`, `text`, both checksums and `input`. A row whose
/// chunk is 0 is the first of the next text.
pub(crate) fn head_columns(
    chunks: &[u32],
    heads: &TextHeads,
    current: &mut Option<TextHead>,
) -> Result<([ArrayRef; 5], Vec<bool>)> {
    let mut heads = heads.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut numbers, mut texts, mut inputs, mut have_ids) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut text_sums, mut record_sums) = (Vec::new(), Vec::new());
    for chunk in chunks {
        let mut text = None;
        if *chunk == 0 {
            let mut next = heads.pop_front();
            text = next.as_mut().and_then(|head| head.text.take());
            *current = next;
        }
        let head =
            current.as_ref().ok_or_else(|| Error::Bug("a row of an index without a text".to_owned()))?;
        numbers.push(head.number);
        texts.push(text);
        text_sums.push(head.text_sha256);
        record_sums.push(head.record_sha256);
        inputs.push(Arc::clone(&head.input));
        have_ids.push(head.has_id);
    }
    let sums = |sums: &[[u8; 32]]| -> Result<ArrayRef> {
        Ok(match sums.is_empty() {
            true => arrow_array::new_empty_array(&arrow_schema::DataType::FixedSizeBinary(32)),
            false => Arc::new(FixedSizeBinaryArray::try_from_iter(sums.iter())?),
        })
    };
    let columns: [ArrayRef; 5] = [
        Arc::new(UInt64Array::from(numbers)),
        Arc::new(StringArray::from(texts)),
        sums(&text_sums)?,
        sums(&record_sums)?,
        Arc::new(StringArray::from_iter_values(inputs)),
    ];
    Ok((columns, have_ids))
}

fn table_failed(target: &Path, error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, source) => failed("writing", target, source),
        error => error.into(),
    }
}
