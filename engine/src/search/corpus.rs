//! Vectors that are opened for search.

use std::path::Path;
use std::sync::OnceLock;

use arrow_schema::DataType;

use super::metric::Metric;
use super::options::SearchOptions;
use super::prepared::Search;
use super::source::RowSource;
use super::texts::Texts;
use super::values::RowReading;
use crate::Result;
use crate::text::RecordId;
use crate::vectors::Provenance;
use crate::vectors::read::VectorFile;
use crate::vectors::rows::CHUNK_TEXT;
use crate::vectors::schema::ID;

/// The column of a text that was kept under the readers' default name.
pub(super) const TEXT: &str = "text";

/// Vectors that are opened for search: a file or a job's folder. Files are mapped where their format allows it; of
/// others a part is in memory at a time.
#[derive(Debug)]
pub struct Corpus {
    pub(crate) source: Box<dyn RowSource>,
    pub(super) rows: u64,
    pub(super) metric: Metric,
    pub(super) reading: RowReading,
    pub(crate) text_column: Option<&'static str>,
    texts: OnceLock<Option<Texts>>,
}

impl Corpus {
    /// Opens a .parquet, .arrow, .safetensors or .npy file of vectors, or a job's folder.
    ///
    /// # Errors
    /// As [`VectorFile::open`]; [`Error::BadInput`](crate::Error::BadInput) for bytes without provenance, and
    /// [`Error::Usage`](crate::Error::Usage) for a format that cannot be searched.
    pub fn open(path: &Path, metric: Metric) -> Result<Self> {
        Self::new(Box::new(VectorFile::open(path)?), metric)
    }

    /// Rows that are opened for search.
    ///
    /// # Errors
    /// As [`Corpus::open`].
    pub(crate) fn new(source: Box<dyn RowSource>, metric: Metric) -> Result<Self> {
        let (rows, reading) = (source.rows()?, RowReading::of(source.as_ref(), metric)?);
        let columns = source.columns()?;
        let is_string = |name: &&str| {
            let field = columns.field_with_name(name).ok();
            field.is_some_and(|field| {
                matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
            })
        };
        let text_column = [CHUNK_TEXT, TEXT].into_iter().find(is_string);
        Ok(Self { source, rows, metric, reading, text_column, texts: OnceLock::new() })
    }

    /// The name in messages.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Inputs that have changed since they were read. Files of vectors do not record them.
    pub fn stale(&self) -> &[String] {
        self.source.stale()
    }

    /// Damage that was avoided by reading a copy.
    pub fn damage(&self) -> &[String] {
        self.source.damage()
    }

    /// How rows are compared with queries.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Values in a query.
    pub fn dimensions(&self) -> usize {
        self.reading.dim()
    }

    /// The origin of the vectors. .npy files and files of other programs have none.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.source.provenance()
    }

    /// Whether all rows of the input are here; a job may still be running.
    pub fn is_complete(&self) -> bool {
        self.source.is_complete()
    }

    /// Whether rows are compared by the values that were stored; bytes and bits only approximate the vectors.
    pub fn is_exact(&self) -> bool {
        self.reading.is_exact()
    }

    /// Whether rows have ids; without them, the number of a row, from 0, is its id.
    ///
    /// # Errors
    /// If the corpus cannot be read.
    pub fn has_ids(&self) -> Result<bool> {
        let first = if self.rows == 0 { Vec::new() } else { self.source.ids_of(&[0])? };
        Ok(first.first().is_some_and(RecordId::is_explicit))
    }

    /// Whether hits have the text that was found.
    pub fn has_texts(&self) -> bool {
        self.text_column.is_some()
    }

    /// Prepares a search: the filter is applied, and chunks are assigned to their texts.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) if the options contradict each other or the corpus; if it cannot be read.
    pub fn search(&self, options: &SearchOptions) -> Result<Search<'_>> {
        Search::new(self, options)
    }

    /// The texts that its rows are chunks of; `None` if each row is a text.
    pub(super) fn texts(&self) -> Result<Option<&Texts>> {
        if self.texts.get().is_none() {
            let texts = Texts::of(self.source.as_ref())?;
            return Ok(self.texts.get_or_init(|| texts).as_ref());
        }
        Ok(self.texts.get().and_then(Option::as_ref))
    }

    /// Number of texts, each with one row or a row for each of its chunks.
    ///
    /// # Errors
    /// If the corpus cannot be read.
    pub fn num_texts(&self) -> Result<u64> {
        Ok(self.texts()?.map_or(self.rows, Texts::len))
    }

    /// The first row with this id.
    ///
    /// # Errors
    /// If the ids cannot be read.
    pub fn row_of(&self, id: &RecordId) -> Result<Option<u64>> {
        const ROWS_AT_ONCE: u64 = 1 << 16;
        if let RecordId::Row(row) = id {
            return Ok(Some(*row).filter(|row| *row < self.rows));
        }
        if self.source.columns()?.index_of(ID).is_ok() {
            return super::ids::row_of(self.source.as_ref(), id);
        }
        for first in (0..self.rows).step_by(ROWS_AT_ONCE as usize) {
            let rows: Vec<u64> = (first..self.rows.min(first + ROWS_AT_ONCE)).collect();
            if let Some(place) = self.source.ids_of(&rows)?.iter().position(|known| known == id) {
                return Ok(Some(rows[place]));
            }
        }
        Ok(None)
    }
}
