//! Matrices as numpy's array file: f32, [candidates, references, 3], or [rows, candidates, references, 3] of the rows of
//! an input. The last axis is precision, recall, F1.

use super::matrix_file::{MatrixLayout, MatrixNames};
use crate::score::bertscore::{ScoreBand, Scores};
use crate::vectors::write::{OutputFile, npy_header};
use crate::{Error, Result};

const NUMBER_TYPE: &str = "<f4";

/// Scores that are formatted at a time.
const CHUNK: usize = 1 << 16;

pub(super) struct NpyMatrices {
    file: OutputFile,
    layout: MatrixLayout,
    /// The row and the shape of the first matrix of several.
    first: Option<(u64, [usize; 2])>,
    /// Matrices so far, if there are several.
    matrices: usize,
    bytes: Vec<u8>,
}

impl NpyMatrices {
    pub(super) fn new(mut file: OutputFile, layout: MatrixLayout) -> Result<Self> {
        file.write(&npy_header(NUMBER_TYPE, &[0, 0, 0, 3])?)?;
        Ok(Self { file, layout, first: None, matrices: 0, bytes: Vec::new() })
    }

    pub(super) fn write(&mut self, names: &MatrixNames<'_>, band: &ScoreBand<'_>) -> Result<()> {
        if self.layout == MatrixLayout::PerRow && band.first == 0 {
            self.start_matrix(names, band.references)?;
        }
        for scores in band.scores.chunks(CHUNK) {
            self.bytes.clear();
            self.bytes.extend(scores.iter().flat_map(bytes));
            self.file.write(&self.bytes)?;
        }
        Ok(())
    }

    /// An array has one shape.
    fn start_matrix(&mut self, names: &MatrixNames<'_>, references: usize) -> Result<()> {
        let (row, shape) = (names.of(0).0, [names.candidates, references]);
        self.matrices += 1;
        let (first_row, first) = *self.first.get_or_insert((row, shape));
        if first == shape {
            return Ok(());
        }
        let rule = format!(
            "the row has {} candidates and {} references; a .npy is one array, and row {first_row} has {} and {}",
            shape[0], shape[1], first[0], first[1]
        );
        let error = Error::BadRow { input: names.input.to_owned(), row, rule };
        Err(error.with_hint(Some("write rows of different sizes to a .parquet: -o scores.parquet".into())))
    }

    pub(super) fn finish(mut self) -> Result<()> {
        let header = match self.layout {
            MatrixLayout::One { candidates, references } => {
                npy_header(NUMBER_TYPE, &[candidates as u64, references as u64, 3])
            }
            MatrixLayout::PerRow => {
                let [candidates, references] = self.first.map_or([0, 0], |(_, shape)| shape);
                npy_header(NUMBER_TYPE, &[self.matrices as u64, candidates as u64, references as u64, 3])
            }
        };
        self.file.rewrite_start(&header?)?;
        self.file.persist()
    }
}

fn bytes(scores: &Scores) -> impl Iterator<Item = u8> {
    [scores.precision, scores.recall, scores.f1].map(f32::to_le_bytes).into_iter().flatten()
}
