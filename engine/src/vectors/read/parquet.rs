//! The columns `embedding` and `id` of a Parquet file, some rows at a time.

use std::fs::File;

use super::columns::VectorColumns;
use super::source::{Head, Piece, Pieces, VectorSource};
use crate::Result;
use crate::text::ParquetFile;

/// A file whose columns were found.
#[derive(Debug)]
pub(super) struct ParquetVectors {
    file: ParquetFile,
    columns: VectorColumns,
}

impl ParquetVectors {
    /// Reads a file's schema. `name` stands for the file in messages.
    ///
    /// # Errors
    /// If it is no Parquet file or its columns break a rule.
    pub(super) fn open(name: String, file: File) -> Result<Self> {
        let file = ParquetFile::open(name, file)?;
        let columns = VectorColumns::find(file.schema()).map_err(|rule| file.bad_input(rule))?;
        Ok(Self { file, columns })
    }

    /// Its rows, which do not need the file's name any more.
    pub(super) fn rows(&self) -> Result<impl Iterator<Item = Result<Piece>> + Send + use<>> {
        let mut batches = self.file.batches(self.file.schema().clone(), &self.columns.roots)?;
        let columns = self.columns.clone();
        Ok(std::iter::from_fn(move || batches.next(|rows| columns.piece(&rows)).transpose()))
    }
}

impl VectorSource for ParquetVectors {
    fn head(&self) -> Head {
        self.columns.head(self.file.rows(), self.file.schema())
    }

    fn pieces(&self) -> Result<Pieces<'_>> {
        Ok(Box::new(self.rows()?))
    }
}
