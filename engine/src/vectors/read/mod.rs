//! Readers of vectors: .parquet, .npy, .safetensors, .arrow and .jsonl files (also .gz or .zst), and a job's
//! folder.
//!
//! [`VectorFile::open`] reads a file's metadata; [`VectorFile::batches`] returns its rows, in order, in
//! batches. npy, safetensors and arrow are mapped: their vectors are not copied, and only pages that are
//! touched use memory. For the others one batch is in memory, and for Parquet the pages of one row group.
//!
//! Files of other programs can be read too, if they have one vector per row: Parquet and Arrow with a column
//! `embedding` of lists, jsonl with a field `embedding`, safetensors with a tensor `embeddings`, any npy of
//! two dimensions. A file that breaks its format, states wrong sizes or has a non-finite number is refused,
//! never read as something else. A job's shards must have the SHA-256 in the manifest.

mod access;
mod arrow;
mod arrow_table;
mod batch;
mod columns;
mod folder;
mod jsonl;
mod map;
mod mapped;
mod matrix;
mod npy;
mod other_level;
mod parquet;
mod safetensors;
mod source;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::AtomicBool;

pub(crate) use access::NumberBatch;
pub(crate) use arrow_table::ArrowTable;
pub(crate) use batch::StoredNumbers;
pub use batch::{NumberSlice, VectorBatch};
pub(crate) use map::map;

use super::write::OutputFormat;
use super::{Metadata, NumberType, Provenance};
use crate::text::{Fault, InputFormat, RecordId};
use crate::{Error, Result};
use arrow::ArrowFile;
use folder::JobVectors;
use jsonl::JsonlFile;
use mapped::MappedMatrix;
use parquet::ParquetVectors;
use source::{Head, RowBlock, RowBlocks, VectorSource, rows_at_once};

/// An open file of vectors, or a job's folder, which can be read repeatedly and from several threads.
///
/// ```no_run
/// # fn main() -> nearsay::Result<()> {
/// use nearsay::vectors::read::VectorFile;
///
/// let corpus = VectorFile::open("vectors.parquet".as_ref())?;
/// for batch in corpus.batches()? {
///     let batch = batch?;
///     println!("{} vectors from row {} on", batch.len(), batch.first_row());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct VectorFile {
    name: String,
    source: Box<dyn VectorSource>,
    head: Head,
    provenance: Option<Provenance>,
    is_complete: bool,
    /// Whether all numbers were read and are finite.
    is_finite: AtomicBool,
}

impl VectorFile {
    /// Opens a file, whose extension determines its format, or a job's folder.
    ///
    /// # Errors
    /// [`Error::NoInput`] if it cannot be opened; [`Error::Usage`] if its format is not known;
    /// [`Error::BadInput`] or [`Error::BadRow`] if it breaks its format's rules or has vectors of tokens;
    /// [`Error::DamagedJob`] if nothing is left of a job's manifest.
    pub fn open(path: &Path) -> Result<Self> {
        let no_input = |source| Error::NoInput { path: path.to_owned(), source };
        let metadata = path.metadata().map_err(no_input)?;
        if metadata.is_dir() {
            let job = JobVectors::open(path)?;
            let is_complete = job.is_complete();
            return Self { is_complete, ..Self::new(path, Box::new(job)) }.checked();
        }
        let format = format_of(path)?;
        // Before it is opened: opening a pipe would wait for a writer.
        if !metadata.is_file() {
            let rule = "must be a regular file".to_owned();
            return Err(Error::BadInput { input: path.display().to_string(), rule });
        }
        let file = File::open(path).map_err(no_input)?;
        Self::new(path, open(path, format, &file)?).checked()
    }

    fn new(path: &Path, source: Box<dyn VectorSource>) -> Self {
        let head = source.head();
        let (name, is_finite) = (path.display().to_string(), AtomicBool::default());
        Self { name, source, head, provenance: None, is_complete: true, is_finite }
    }

    /// With the provenance in the file's metadata, if it matches the contents.
    fn checked(mut self) -> Result<Self> {
        if is_ours(&self.head.metadata) {
            let provenance = Provenance::from_metadata(&self.name, &self.head.metadata)?;
            self.check_provenance(&provenance)?;
            self.provenance = Some(provenance);
        }
        if self.head.width.is_none()
            && let Some(first) = self.source.pieces()?.next().transpose()?
        {
            self.head.width = Some(first.numbers.len() / first.rows.max(1));
        }
        match self.head.width {
            Some(0) => {
                Err(self.bad_input("its vectors have 0 numbers; they must have at least 1".to_owned()))
            }
            _ => Ok(self),
        }
    }

    fn check_provenance(&mut self, provenance: &Provenance) -> Result<()> {
        if let Some(fault) = other_level::refused(provenance.level) {
            return Err(self.bad_input(fault));
        }
        let output_type = provenance.output_type;
        let stated = (output_type.width(provenance.dimensions)?, output_type.number_type());
        let width = *self.head.width.get_or_insert(stated.0);
        let number_type = *self.head.number_type.get_or_insert(stated.1);
        if (width, number_type) != stated {
            let rule = format!(
                "says that its vectors have {} numbers of {}; they have {width} of {number_type}",
                stated.0, stated.1
            );
            return Err(self.bad_input(rule));
        }
        Ok(())
    }

    /// The origin of the vectors. npy, jsonl and files of other programs have none.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.provenance.as_ref()
    }

    /// Number of rows; unknown for jsonl.
    pub fn rows(&self) -> Option<u64> {
        self.head.rows
    }

    /// Numbers in a row; `None` if the file has no rows and does not state it.
    pub fn width(&self) -> Option<usize> {
        self.head.width
    }

    /// The type of the numbers; `None` if the file has no rows and does not state it.
    pub fn number_type(&self) -> Option<NumberType> {
        self.head.number_type
    }

    /// Refuses vectors of bytes, which are not floats.
    ///
    /// # Errors
    /// [`Error::BadInput`].
    pub fn check_floats(&self) -> Result<()> {
        match self.number_type() {
            Some(number_type) if number_type.bytes() == 1 => {
                Err(self.bad_input("has vectors of bytes; vectors of f32 or f16 are needed".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Whether all rows of the input are here. A job's folder may lack some: it is still being written, or
    /// was written on several machines.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The rows from the first on. Each call reads them again.
    ///
    /// # Errors
    /// If the file cannot be read. Each item: [`Error::BadInput`], [`Error::BadRow`] or [`Error::DamagedJob`]
    /// if it breaks a rule there; nothing follows an error.
    pub fn batches(&self) -> Result<VectorBatches<'_>> {
        Ok(VectorBatches { file: self, pieces: self.source.pieces()?, piece: None, next: 0, row: 0 })
    }

    fn bad_input(&self, fault: impl Into<Fault>) -> Error {
        fault.into().of_input(&self.name)
    }
}

/// Rows of a [`VectorFile`], in batches.
pub struct VectorBatches<'a> {
    file: &'a VectorFile,
    pieces: RowBlocks<'a>,
    /// Rows that were read and not all returned.
    piece: Option<RowBlock>,
    /// The first of them that was not returned.
    next: usize,
    /// Rows returned so far.
    row: u64,
}

impl Iterator for VectorBatches<'_> {
    type Item = Result<VectorBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.next_batch().transpose()?;
        if batch.is_err() {
            self.pieces = Box::new(std::iter::empty());
            self.piece = None;
        }
        Some(batch)
    }
}

impl VectorBatches<'_> {
    fn next_batch(&mut self) -> Result<Option<VectorBatch>> {
        loop {
            if let Some(piece) = self.piece.take_if(|piece| self.next >= piece.rows) {
                self.row += piece.rows as u64;
            }
            match &self.piece {
                Some(piece) => {
                    let width = piece.numbers.len() / piece.rows.max(1);
                    let row_bytes = width * piece.numbers.number_type().bytes();
                    let end = piece.rows.min(self.next + rows_at_once(row_bytes));
                    let batch = self.batch(piece, width, self.next..end)?;
                    self.next = end;
                    return Ok(Some(batch));
                }
                None => match self.pieces.next().transpose()? {
                    None => return Ok(None),
                    Some(piece) => {
                        self.piece = Some(piece);
                        self.next = 0;
                    }
                },
            }
        }
    }

    fn batch(&self, piece: &RowBlock, width: usize, rows: Range<usize>) -> Result<VectorBatch> {
        let first_row = self.row + rows.start as u64;
        let bad_row =
            |row: u64, rule: String| Error::BadRow { input: self.file.name.clone(), row: row + 1, rule };
        let Head { width: expected, number_type, .. } = self.file.head;
        if expected.is_some_and(|expected| expected != width)
            || number_type.is_some_and(|expected| expected != piece.numbers.number_type())
        {
            let rule = format!(
                "its vector has {width} numbers of {}; the file has {} of {}",
                piece.numbers.number_type(),
                expected.unwrap_or(width),
                number_type.unwrap_or(piece.numbers.number_type())
            );
            return Err(bad_row(first_row, rule));
        }
        let numbers = piece.numbers.slice(rows.start * width, rows.len() * width);
        if let Some(place) = numbers.first_not_finite() {
            let rule = format!("number {} of its vector is not finite", place % width);
            return Err(bad_row(first_row + (place / width) as u64, rule));
        }
        let ids = match &piece.ids {
            Some(ids) => ids[rows].to_vec(),
            None => (first_row..).take(rows.len()).map(RecordId::Row).collect(),
        };
        Ok(VectorBatch { first_row, ids, numbers, width })
    }
}

/// The format for a name; lines may be compressed.
fn format_of(path: &Path) -> Result<OutputFormat> {
    match InputFormat::from_path(path) {
        Ok(InputFormat::Jsonl) => Ok(OutputFormat::Jsonl),
        _ => OutputFormat::of_extension(path).ok_or_else(|| unknown_format(path)),
    }
}

/// Opens a file of the given format.
fn open(path: &Path, format: OutputFormat, file: &File) -> Result<Box<dyn VectorSource>> {
    let name = path.display().to_string();
    let mapped = || {
        let mapped = map(file).map_err(|source| cannot_read(&name, source));
        mapped.and_then(|bytes| match bytes.is_empty() {
            true => Err(Error::BadInput { input: name.clone(), rule: "is empty".to_owned() }),
            false => Ok(bytes),
        })
    };
    Ok(match format {
        OutputFormat::Npy => Box::new(MappedMatrix::npy(name.clone(), &mapped()?)?),
        OutputFormat::Safetensors => Box::new(MappedMatrix::safetensors(name.clone(), &mapped()?)?),
        OutputFormat::Arrow => Box::new(ArrowFile::open(name.clone(), mapped()?)?),
        OutputFormat::Jsonl => Box::new(JsonlFile::open(path)?),
        OutputFormat::Parquet => {
            let file = file.try_clone().map_err(|source| cannot_read(&name, source))?;
            Box::new(ParquetVectors::open(name, file)?)
        }
    })
}

/// Whether the metadata is that of a [`Provenance`], complete or not.
fn is_ours(metadata: &Metadata) -> bool {
    ["instruction_set", "output_type"].iter().any(|name| metadata.contains_key(*name))
}

fn cannot_read(name: &str, source: io::Error) -> Error {
    Error::Io { action: "reading", target: name.to_owned(), source }
}

fn unknown_format(path: &Path) -> Error {
    Error::usage_hint(
        format!("the format of {} is not known by its extension", path.display()),
        "vectors are read from .parquet, .npy, .safetensors, .arrow and .jsonl files (.jsonl.gz and .jsonl.zst \
         too), and from the folder of a job",
    )
}

#[cfg(test)]
mod tests;
