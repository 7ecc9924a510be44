//! A part of a corpus as its caller passes it.

use candle_core::{CpuStorage, Device, Layout, Tensor};
use half::{bf16, f16};

use super::NAME;
use super::cpu::Values;
use crate::args::{contiguous, expect_shape, matrix};
use crate::{Error, Result};

/// Some of a corpus' rows, one after the other, for [`TopKSearch::feed`](super::TopKSearch::feed).
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    pub(super) rows: RowValues<'a>,
    pub(super) first_row: u32,
    pub(super) included: Option<&'a [u64]>,
    pub(super) biases: Option<&'a [f32]>,
}

/// The values of a block's rows, [num_rows, dim], row after row. Slices are read where they are (a mapped
/// file is not copied); values of 16 bits are widened exactly.
#[derive(Debug, Clone, Copy)]
pub enum RowValues<'a> {
    /// A contiguous tensor on the queries' device: f32, f16 or bf16 on the CPU, of the queries' type on CUDA.
    Tensor(&'a Tensor),
    /// f32 in memory.
    F32(&'a [f32]),
    /// f16 in memory.
    F16(&'a [f16]),
    /// bf16 in memory.
    Bf16(&'a [bf16]),
    /// Signed bytes of [`ByteRanges`](super::ByteRanges), for a search of bytes.
    I8(&'a [i8]),
    /// Unsigned bytes of [`ByteRanges`](super::ByteRanges), for a search of bytes.
    U8(&'a [u8]),
}

impl<'a> From<&'a Tensor> for RowValues<'a> {
    fn from(rows: &'a Tensor) -> Self {
        Self::Tensor(rows)
    }
}

impl<'a> From<&'a [f32]> for RowValues<'a> {
    fn from(rows: &'a [f32]) -> Self {
        Self::F32(rows)
    }
}

impl<'a> From<&'a [f16]> for RowValues<'a> {
    fn from(rows: &'a [f16]) -> Self {
        Self::F16(rows)
    }
}

impl<'a> From<&'a [bf16]> for RowValues<'a> {
    fn from(rows: &'a [bf16]) -> Self {
        Self::Bf16(rows)
    }
}

impl<'a> From<&'a [i8]> for RowValues<'a> {
    fn from(rows: &'a [i8]) -> Self {
        Self::I8(rows)
    }
}

impl<'a> From<&'a [u8]> for RowValues<'a> {
    fn from(rows: &'a [u8]) -> Self {
        Self::U8(rows)
    }
}

impl<'a> Block<'a> {
    /// `rows`, the first of which is row `first_row` of the corpus.
    pub fn new(rows: impl Into<RowValues<'a>>, first_row: u32) -> Self {
        Self { rows: rows.into(), first_row, included: None, biases: None }
    }

    /// Only rows whose bit is set count: bit i % 64 of word i / 64 is that of row i of the block. Others are
    /// never hits and need not be finite; most of them are not even read.
    #[must_use]
    pub fn included(self, bits: &'a [u64]) -> Self {
        Self { included: Some(bits), ..self }
    }

    /// Adds a number per row to its scores. With -|x|² / 2, the best row is the nearest by Euclidean
    /// distance: q·x - |x|² / 2 = (|q|² - |q - x|²) / 2.
    #[must_use]
    pub fn biases(self, biases: &'a [f32]) -> Self {
        Self { biases: Some(biases), ..self }
    }

    /// The number of rows, all checks passed but those of the rows' type and device.
    pub(super) fn num_rows(&self, dim: usize) -> Result<usize> {
        let broken = |rule| Err(Error::Argument { operation: NAME, rule });
        let num_rows = match self.rows {
            RowValues::Tensor(rows) => {
                let (num_rows, _) = matrix(NAME, "rows", rows)?;
                expect_shape(NAME, "rows", rows, &[num_rows, dim])?;
                num_rows
            }
            rows => match rows.count() {
                count if count.is_multiple_of(dim) => count / dim,
                count => return broken(format!("rows must have {dim} values each, got {count} in all")),
            },
        };
        let most = u32::MAX as usize;
        if num_rows > most {
            return broken(format!("rows must be at most {most}, got {num_rows}"));
        }
        let words = num_rows.div_ceil(64);
        if let Some(bits) = self.included.filter(|bits| bits.len() != words) {
            let got = bits.len();
            return broken(format!("{num_rows} rows must have {words} words of bits, got {got}"));
        }
        if let Some(biases) = self.biases.filter(|biases| biases.len() != num_rows) {
            let got = biases.len();
            return broken(format!("{num_rows} rows must have as many biases, got {got}"));
        }
        Ok(num_rows)
    }

    /// The rows that count, of `num_rows`; `None` if all do.
    pub(super) fn selected(&self, num_rows: usize) -> Option<Vec<u32>> {
        let bits = self.included?;
        let is_included = |&row: &u32| bits[row as usize / 64] >> (row % 64) & 1 == 1;
        let selected: Vec<u32> = (0..num_rows as u32).filter(is_included).collect();
        (selected.len() < num_rows).then_some(selected)
    }

    /// The number of rows that count, of `num_rows`.
    pub(super) fn count(&self, num_rows: usize) -> usize {
        let Some(bits) = self.included else { return num_rows };
        let Some((&last, whole)) = bits.split_last() else { return 0 };
        let rest = u64::MAX >> (whole.len() * 64 + 64 - num_rows);
        let ones = |word: u64| word.count_ones() as usize;
        whole.iter().map(|&word| ones(word)).sum::<usize>() + ones(last & rest)
    }
}

impl<'a> RowValues<'a> {
    fn count(self) -> usize {
        match self {
            Self::Tensor(rows) => rows.elem_count(),
            Self::F32(rows) => rows.len(),
            Self::F16(rows) => rows.len(),
            Self::Bf16(rows) => rows.len(),
            Self::I8(rows) => rows.len(),
            Self::U8(rows) => rows.len(),
        }
    }

    pub(super) fn type_name(self) -> String {
        let name = match self {
            Self::Tensor(rows) => return format!("{:?}", rows.dtype()),
            Self::F32(_) => "F32",
            Self::F16(_) => "F16",
            Self::Bf16(_) => "BF16",
            Self::I8(_) => "I8",
            Self::U8(_) => "U8",
        };
        name.to_owned()
    }

    /// As a tensor [num_rows, dim] on `device`; one that is there already is not copied.
    pub(super) fn on_device(self, shape: [usize; 2], device: &Device) -> Result<Tensor> {
        let shape = (shape[0], shape[1]);
        let here = match self {
            Self::Tensor(rows) => return Ok(rows.clone()),
            Self::F32(rows) => Tensor::from_slice(rows, shape, &Device::Cpu)?,
            Self::F16(rows) => Tensor::from_slice(rows, shape, &Device::Cpu)?,
            Self::Bf16(rows) => Tensor::from_slice(rows, shape, &Device::Cpu)?,
            Self::U8(rows) => Tensor::from_slice(rows, shape, &Device::Cpu)?,
            Self::I8(_) => {
                return Err(Error::Argument { operation: NAME, rule: "no tensor is of i8".to_owned() });
            }
        };
        Ok(here.to_device(device)?)
    }
}

/// The values of a tensor on the CPU.
pub(super) fn cpu_values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<Values<'a>> {
    Ok(match storage {
        CpuStorage::F16(values) => Values::F16(contiguous(NAME, values, layout)?),
        CpuStorage::U8(bytes) => Values::Bytes { bytes: contiguous(NAME, bytes, layout)?, signed: false },
        CpuStorage::BF16(values) => Values::Bf16(contiguous(NAME, values, layout)?),
        other => Values::F32(contiguous(NAME, other.as_slice::<f32>()?, layout)?),
    })
}
