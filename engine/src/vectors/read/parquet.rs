//! The columns `embedding` and `id` of a Parquet file, in batches of rows.

use std::fs::File;

use super::columns::VectorColumns;
use super::source::{Head, RowBlock, RowBlocks, VectorSource};
use crate::Result;
use crate::text::ParquetFile;

/// A file whose columns were found.
#[derive(Debug)]
pub(super) struct ParquetVectors {
    file: ParquetFile,
    columns: VectorColumns,
}

impl ParquetVectors {
    /// Reads a file's schema. `name` is the file's name in messages.
    ///
    /// # Errors
    /// If it is not a Parquet file or its columns break a rule.
    pub(super) fn open(name: String, file: File) -> Result<Self> {
        let file = ParquetFile::open(name, file)?;
        let columns = VectorColumns::find(file.schema()).map_err(|rule| file.bad_input(rule))?;
        Ok(Self { file, columns })
    }

    /// Its rows, which no longer need the file's name.
    pub(super) fn rows(&self) -> Result<impl Iterator<Item = Result<RowBlock>> + Send + use<>> {
        let mut batches = self.file.batches(self.file.schema().clone(), &self.columns.roots)?;
        let columns = self.columns.clone();
        Ok(std::iter::from_fn(move || batches.next(|rows| columns.piece(&rows)).transpose()))
    }
}

impl VectorSource for ParquetVectors {
    fn head(&self) -> Head {
        self.columns.head(self.file.rows(), self.file.schema())
    }

    fn pieces(&self) -> Result<RowBlocks<'_>> {
        Ok(Box::new(self.rows()?))
    }
}
