//! The rows of a volume as bytes. A search finds its candidates with them (`nearsay_kernels::ByteCodes`).
//!
//! ```text
//! codes.i8    a head, the panels of codes, then the steps, the residual lengths and the lengths of all rows, f32
//! ```

use std::ops::Range;
use std::path::Path;

use arrow_buffer::ScalarBuffer;
use nearsay_kernels::{ByteCodes, CodeBlock, PANEL_ROWS, Rotation};

use super::VolumeKind;
use super::hashed_file::HashedFile;
use super::head::{HEAD_BYTES, Head};
use super::mapped::MappedFile;
use crate::index::manifest::{CodesRecord, VolumeRecord};
use crate::search::CodeBatch;
use crate::{Error, Result};

/// The file of the codes.
pub(super) const CODES: &str = "codes.i8";

/// Values of the sample that decides whether a volume's rows are rotated.
const SAMPLE_VALUES: usize = 1 << 20;
/// Rows of the sample at most.
const SAMPLE_ROWS: usize = 1024;

/// Bytes of the codes of some rows in whole panels.
fn panel_bytes(rows: usize, width: usize) -> usize {
    rows.div_ceil(PANEL_ROWS) * PANEL_ROWS * width.next_multiple_of(4)
}

fn head(rows: u64, width: usize, rotation: Option<u64>, sha256: &str) -> Result<Vec<u8>> {
    let head = Head {
        format_version: crate::index::INDEX_FORMAT_VERSION,
        dtype: "i8",
        numpy: "|i1",
        shape: [rows, width as u64],
        order: "panels of 32 rows of rows.arrow, groups of 4 values; then f32: steps, residuals, lengths",
        rotation,
        sha256,
    };
    head.bytes()
}

/// Codes that are being written.
pub(super) struct CodesWriter {
    file: HashedFile,
    width: usize,
    seed: u64,
    rotation: Rotated,
    /// Rows that do not fill a panel yet, or that the decision waits for.
    pending: Vec<f32>,
    /// Steps, residual lengths and lengths.
    factors: [Vec<f32>; 3],
}

/// Whether rows are rotated.
enum Rotated {
    Undecided,
    No,
    Yes(Rotation),
}

impl CodesWriter {
    /// Starts the file in the folder of a volume.
    pub(super) fn create(folder: &Path, kind: VolumeKind) -> Result<Self> {
        let file = HashedFile::create(folder.join(CODES), HEAD_BYTES)?;
        let (width, seed) = (kind.width, kind.seed);
        let (rotation, pending, factors) = (Rotated::Undecided, Vec::new(), Default::default());
        Ok(Self { file, width, seed, rotation, pending, factors })
    }

    /// Appends rows.
    pub(super) fn write(&mut self, values: &[f32]) -> Result<()> {
        self.pending.extend_from_slice(values);
        let sample = SAMPLE_ROWS.min(SAMPLE_VALUES / self.width).max(PANEL_ROWS);
        let rows = self.pending.len() / self.width;
        match self.rotation {
            Rotated::Undecided if rows < sample => Ok(()),
            _ => self.encode(rows / PANEL_ROWS * PANEL_ROWS),
        }
    }

    /// Encodes the first pending rows.
    fn encode(&mut self, rows: usize) -> Result<()> {
        let values = &self.pending[..rows * self.width];
        if matches!(self.rotation, Rotated::Undecided) {
            let sample = &values[..values.len().min(SAMPLE_ROWS * self.width)];
            let chosen = Rotation::that_pays(sample, self.width, self.seed);
            self.rotation = chosen.map_or(Rotated::No, Rotated::Yes);
        }
        let rotation = match &self.rotation {
            Rotated::Yes(rotation) => Some(rotation),
            Rotated::No | Rotated::Undecided => None,
        };
        // Few at a time, to need little memory in addition to the rows.
        for part in values.chunks(SAMPLE_ROWS * self.width) {
            let made = ByteCodes::new(part, self.width, rotation)?;
            let codes: Vec<u8> = made.codes.iter().map(|code| code.cast_unsigned()).collect();
            self.file.append(&codes)?;
            let made = [made.steps, made.residuals, made.lengths];
            self.factors.iter_mut().zip(made).for_each(|(all, some)| all.extend(some));
        }
        self.pending.drain(..rows * self.width);
        Ok(())
    }

    /// Completes the file of `rows` rows; appends the checksums of its blocks.
    pub(super) fn finish(mut self, rows: u64, blocks: &mut Vec<u64>) -> Result<CodesRecord> {
        self.encode(self.pending.len() / self.width)?;
        for factors in &self.factors {
            let bytes: Vec<u8> = factors.iter().flat_map(|factor| factor.to_le_bytes()).collect();
            self.file.append(&bytes)?;
        }
        let rotation = match &self.rotation {
            Rotated::Yes(rotation) => Some(rotation.seed()),
            Rotated::No | Rotated::Undecided => None,
        };
        let head_of = |sha256: &str| head(rows, self.width, rotation, sha256);
        let (file, own) = self.file.finish(Some(&head_of))?;
        blocks.extend(own);
        Ok(CodesRecord { file, rotation })
    }
}

/// Codes that are mapped.
#[derive(Debug)]
pub(super) struct Codes {
    file: MappedFile,
    rows: usize,
    width: usize,
    rotation: Option<u64>,
}

impl Codes {
    /// Opens those of a recorded volume; `None` if it has none. Takes their checksums off the list.
    pub(super) fn open(
        folder: &Path,
        record: &VolumeRecord,
        width: usize,
        sums: &mut &[u8],
    ) -> Result<Option<Self>> {
        let Some(codes) = &record.codes else { return Ok(None) };
        let rotation = codes.rotation;
        let head = head(record.rows, width, rotation, &codes.file.sha256)?;
        let rows = record.rows as usize;
        let panels = u128::from(record.rows).div_ceil(PANEL_ROWS as u128) * PANEL_ROWS as u128;
        let bytes = panels * width.next_multiple_of(4) as u128 + 12 * u128::from(record.rows);
        let file = MappedFile::open(folder.join(CODES), &codes.file, (&head, bytes), sums)?;
        Ok(Some(Self { file, rows, width, rotation }))
    }

    pub(super) fn file(&self) -> &MappedFile {
        &self.file
    }

    /// The codes of some rows from a panel's first on, which have the number `first_place` among all rows.
    ///
    /// # Errors
    /// [`Error::BadInput`] if a byte has changed; [`Error::BadRow`] if a bound is not a length.
    pub(super) fn batch(&self, rows: Range<usize>, first_place: u64) -> Result<CodeBatch> {
        let start = panel_bytes(rows.start, self.width);
        let codes = start..start + panel_bytes(rows.len(), self.width);
        self.file.compare(codes.clone())?;
        let mut factors = [0, 1, 2].map(|_| ScalarBuffer::<f32>::from(Vec::new()));
        for (part, factors) in factors.iter_mut().enumerate() {
            let start = panel_bytes(self.rows, self.width) + 4 * (part * self.rows + rows.start);
            self.file.compare(start..start + 4 * rows.len())?;
            *factors = self.file.numbers(start, rows.len());
        }
        let is_length = |factor: &f32| factor.is_finite() && *factor >= 0.0;
        for (name, factors) in ["step", "residual length", "length"].into_iter().zip(&factors) {
            if let Some(row) = factors.iter().position(|factor| !is_length(factor)) {
                let rule = format!("its {name} is {}, not a number of at least 0", factors[row]);
                return Err(self.bad_row(rows.start + row, rule));
            }
        }
        let [steps, residuals, lengths] = factors;
        let codes = self.file.numbers(codes.start, codes.len());
        Ok(CodeBatch { codes, steps, residuals, lengths, first_place, rotation: self.rotation })
    }

    /// Checks that the codes of some rows, starting at a panel, are within the bounds stored with them.
    ///
    /// # Errors
    /// [`Error::BadRow`] if they are not; those of [`Codes::batch`].
    pub(super) fn check(&self, rows: Range<usize>, values: &[f32]) -> Result<()> {
        let batch = self.batch(rows.clone(), 0)?;
        let rotation = self.rotation.map(|seed| Rotation::new(self.width, seed));
        let block = CodeBlock {
            codes: &batch.codes,
            steps: &batch.steps,
            residuals: &batch.residuals,
            lengths: &batch.lengths,
            first_row: 0,
            included: None,
        };
        match block.first_unsound(values, self.width, rotation.as_ref())? {
            None => Ok(()),
            Some(row) => {
                let rule = "its codes are farther from its vector than they say".to_owned();
                Err(self.bad_row(rows.start + row, rule))
            }
        }
    }

    fn bad_row(&self, row: usize, rule: String) -> Error {
        Error::BadRow { input: self.file.path().display().to_string(), row: row as u64 + 1, rule }
    }
}
