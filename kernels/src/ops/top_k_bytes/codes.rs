//! Rows as bytes.

use super::rotation::Rotation;
use super::{MOST_DIM, NAME, bound, check_rotation};
use crate::{Error, Result};

/// Rows of a panel.
pub const PANEL_ROWS: usize = 32;

/// Values of a row that are adjacent in a panel.
pub(super) const GROUP: usize = 4;

/// Rows as bytes, with one step per row: x^ = step * code.
///
/// The codes of 32 rows are a panel: groups of 4 values, first to last, and of each group the 4 bytes of every
/// row. So byte v of group g of row r is at `((r / 32 * groups + g) * 32 + r % 32) * 4 + v`, with `groups`
/// the width divided by 4, rounded up. Values beyond the width and rows beyond the last are 0. The layout is
/// the same for every CPU; codes may be stored, and several blocks of whole panels are one. In numpy:
/// `codes.reshape(-1, groups, 32, 4).transpose(0, 2, 1, 3).reshape(-1, 4 * groups)[:num_rows, :dim]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ByteCodes {
    /// Panels of codes in -127..=127.
    pub codes: Vec<i8>,
    /// The step of each row: its largest value divided by 127, at least 0.
    pub steps: Vec<f32>,
    /// |x - x^| of each row, rounded up.
    pub residuals: Vec<f32>,
    /// |x| of each row, rounded up.
    pub lengths: Vec<f32>,
}

impl ByteCodes {
    /// The most values of a row.
    pub const MOST_DIM: usize = MOST_DIM;

    /// The codes of `rows` [num_rows, dim], rotated first if there is a rotation.
    ///
    /// # Errors
    /// If `dim` is 0 or exceeds 65,536, there are no whole rows, or a value is not finite; if the rotation is of
    /// another width.
    pub fn new(rows: &[f32], dim: usize, rotation: Option<&Rotation>) -> Result<Self> {
        let broken = |rule: String| Err(Error::Argument { operation: NAME, rule });
        if !(1..=MOST_DIM).contains(&dim) {
            return broken(format!("rows must have a width from 1 to {MOST_DIM}, got {dim}"));
        }
        if !rows.len().is_multiple_of(dim) {
            return broken(format!("rows must have {dim} values each, got {} in all", rows.len()));
        }
        if let Some(place) = rows.iter().position(|value| !value.is_finite()) {
            return broken(format!("rows must be finite, got {} in row {}", rows[place], place / dim));
        }
        check_rotation(rotation, dim)?;
        let num_rows = rows.len() / dim;
        let mut all = Self {
            codes: vec![0; num_rows.div_ceil(PANEL_ROWS) * panel_bytes(dim)],
            steps: Vec::with_capacity(num_rows),
            residuals: Vec::with_capacity(num_rows),
            lengths: Vec::with_capacity(num_rows),
        };
        let (mut codes, mut values) = (vec![0; dim], vec![0.0; dim]);
        for (row, stored) in rows.chunks_exact(dim).enumerate() {
            values.iter_mut().zip(stored).for_each(|(value, stored)| *value = f64::from(*stored));
            if let Some(rotation) = rotation {
                rotation.apply(&mut values);
            }
            let step = bound::step(&values) as f32;
            bound::round(&values, f64::from(step), &mut codes);
            let [length, residual] = bound::lengths(&values, &codes, f64::from(step));
            all.steps.push(step);
            all.residuals.push(bound::up(residual));
            all.lengths.push(bound::up(length));
            let first = row / PANEL_ROWS * panel_bytes(dim) + row % PANEL_ROWS * GROUP;
            for (group, codes) in codes.chunks(GROUP).enumerate() {
                let place = first + group * PANEL_ROWS * GROUP;
                all.codes[place..][..codes.len()].copy_from_slice(codes);
            }
        }
        Ok(all)
    }

    /// All rows as a block, the first of which is row `first_row` of the corpus.
    pub fn block(&self, first_row: u32) -> CodeBlock<'_> {
        CodeBlock {
            codes: &self.codes,
            steps: &self.steps,
            residuals: &self.residuals,
            lengths: &self.lengths,
            first_row,
            included: None,
        }
    }
}

/// Bytes of a panel of rows with `dim` values.
pub(super) fn panel_bytes(dim: usize) -> usize {
    dim.div_ceil(GROUP) * GROUP * PANEL_ROWS
}

/// The codes of some of a corpus' rows, one after the other, where they are: see [`ByteCodes`].
#[derive(Debug, Clone, Copy)]
pub struct CodeBlock<'a> {
    /// Whole panels.
    pub codes: &'a [i8],
    /// The step of each row; as many as there are rows.
    pub steps: &'a [f32],
    /// |x - x^| of each row, rounded up.
    pub residuals: &'a [f32],
    /// |x| of each row, rounded up.
    pub lengths: &'a [f32],
    /// The first row's number in the corpus.
    pub first_row: u32,
    /// Only rows whose bit is set count, as in [`Block::included`](crate::Block::included).
    pub included: Option<&'a [u64]>,
}

impl CodeBlock<'_> {
    /// The first row whose codes are not within the bounds that are stated for `rows` [num_rows, dim], which they are
    /// the codes of.
    ///
    /// # Errors
    /// If the parts do not fit each other, `dim` or the rows.
    pub fn first_unsound(
        &self,
        rows: &[f32],
        dim: usize,
        rotation: Option<&Rotation>,
    ) -> Result<Option<usize>> {
        self.check(dim)?;
        if rows.len() != self.num_rows() * dim {
            let (expected, got) = (self.num_rows() * dim, rows.len());
            let rule = format!("rows must have {expected} values, got {got}");
            return Err(Error::Argument { operation: NAME, rule });
        }
        let (mut values, mut codes) = (vec![0.0; dim], vec![0; dim]);
        for (row, stored) in rows.chunks_exact(dim).enumerate() {
            values.iter_mut().zip(stored).for_each(|(value, stored)| *value = f64::from(*stored));
            if let Some(rotation) = rotation {
                rotation.apply(&mut values);
            }
            let first = row / PANEL_ROWS * panel_bytes(dim) + row % PANEL_ROWS * GROUP;
            for (group, codes) in codes.chunks_mut(GROUP).enumerate() {
                let place = first + group * PANEL_ROWS * GROUP;
                codes.copy_from_slice(&self.codes[place..][..codes.len()]);
            }
            let (step, residual) = (f64::from(self.steps[row]), f64::from(self.residuals[row]));
            let [length, lost] = bound::lengths(&values, &codes, step);
            let is_sound = step >= 0.0 && residual >= lost && f64::from(self.lengths[row]) >= length;
            if !is_sound {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    pub(super) fn num_rows(&self) -> usize {
        self.steps.len()
    }

    /// Checks that the parts fit each other and the width.
    pub(super) fn check(&self, dim: usize) -> Result<()> {
        let num_rows = self.num_rows();
        let panels = num_rows.div_ceil(PANEL_ROWS);
        let parts = [
            ("bytes of codes", panels * panel_bytes(dim), self.codes.len()),
            ("residuals", num_rows, self.residuals.len()),
            ("lengths", num_rows, self.lengths.len()),
            (
                "words of bits",
                num_rows.div_ceil(64),
                self.included.map_or(num_rows.div_ceil(64), <[u64]>::len),
            ),
        ];
        match parts.into_iter().find(|(_, expected, got)| expected != got) {
            None => Ok(()),
            Some((what, expected, got)) => Err(Error::Argument {
                operation: NAME,
                rule: format!("{num_rows} rows of width {dim} must have {expected} {what}, got {got}"),
            }),
        }
    }

    /// The rows of panel `panel` that count, as bits.
    pub(super) fn counted(&self, panel: usize) -> u32 {
        let first = panel * PANEL_ROWS;
        let present = u32::MAX >> (PANEL_ROWS - (self.num_rows() - first).min(PANEL_ROWS));
        let bits = self.included.map_or(u64::MAX, |bits| bits[first / 64] >> (first % 64));
        bits as u32 & present
    }
}
