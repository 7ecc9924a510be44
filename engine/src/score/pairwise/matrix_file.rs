//! Files of matrices.

use super::npy::NpyMatrices;
use super::parquet::ParquetMatrices;
use crate::Result;
use crate::error::Error;
use crate::score::bertscore::ScoreBand;
use crate::text::RecordId;
use crate::vectors::write::{Output, OutputFile, OutputFormat};

/// Whether a file has one matrix or one for each row of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixLayout {
    /// One, of so many candidates and references.
    One {
        /// Its rows.
        candidates: usize,
        /// Its columns.
        references: usize,
    },
    /// One for each row of an input.
    PerRow,
}

/// The names of some rows of a matrix.
#[derive(Debug, Clone, Copy)]
pub struct MatrixNames<'a> {
    /// The name of the input with the candidates, for messages.
    pub input: &'a str,
    /// The input's row of each candidate, from 1; of candidates of one row, that row.
    pub rows: &'a [u64],
    /// The id of each candidate; of candidates of one row, the row's.
    pub ids: &'a [RecordId],
    /// The candidates of the matrix.
    pub candidates: usize,
}

/// A file that was created, before it is known which matrices it will have.
pub struct CreatedMatrixFile {
    file: OutputFile,
    format: OutputFormat,
}

impl CreatedMatrixFile {
    /// Creates a .npy or .parquet.
    ///
    /// # Errors
    /// [`Error::Usage`] for another extension; those of [`OutputFile::create`].
    pub fn create(output: &Output, overwrite: bool) -> Result<Self> {
        match output.path().map(|path| (path, OutputFormat::of_extension(path))) {
            Some((path, Some(format @ (OutputFormat::Npy | OutputFormat::Parquet)))) => {
                Ok(Self { file: OutputFile::create(path, overwrite)?, format })
            }
            _ => Err(Error::usage_hint(
                format!("matrices are written to a .npy or .parquet file, and not to {output}"),
                "name a file: -o scores.npy",
            )),
        }
    }
}

/// A file of matrices that is being written. If it is dropped unfinished, the file does not appear.
pub struct MatrixFile(Matrices);

enum Matrices {
    Npy(NpyMatrices),
    Parquet(Box<ParquetMatrices>),
}

impl MatrixFile {
    /// Starts a file. The `signature` is in the metadata of a .parquet.
    ///
    /// # Errors
    /// Those of writing to it.
    pub fn start(created: CreatedMatrixFile, layout: MatrixLayout, signature: &str) -> Result<Self> {
        let CreatedMatrixFile { file, format } = created;
        Ok(Self(match format {
            OutputFormat::Npy => Matrices::Npy(NpyMatrices::new(file, layout)?),
            _ => Matrices::Parquet(Box::new(ParquetMatrices::new(file, layout, signature)?)),
        }))
    }

    /// Appends some rows of a matrix. A matrix comes from its first row to its last.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::BadRow`] if a .npy has matrices of another shape.
    pub fn write(&mut self, names: &MatrixNames<'_>, band: &ScoreBand<'_>) -> Result<()> {
        match &mut self.0 {
            Matrices::Npy(file) => file.write(names, band),
            Matrices::Parquet(file) => file.write(names, band),
        }
    }

    /// Completes the file.
    ///
    /// # Errors
    /// Those of [`OutputFile::persist`].
    pub fn finish(self) -> Result<()> {
        match self.0 {
            Matrices::Npy(file) => file.finish(),
            Matrices::Parquet(file) => file.finish(),
        }
    }
}

impl<'a> MatrixNames<'a> {
    /// The row and the id of a candidate of the matrix.
    pub(super) fn of(&self, candidate: usize) -> (u64, &'a RecordId) {
        let at = |length: usize| candidate.min(length.saturating_sub(1));
        (self.rows[at(self.rows.len())], &self.ids[at(self.ids.len())])
    }
}
