//! Stored numbers as rows that are compared with queries.

use candle_core::Tensor;
use half::f16;
use nearsay_kernels::{ByteRanges, Form, TopKSearch};

use super::block_search::BlockSearch;
use super::metric::{Metric, length, to_length_1};
use super::source::RowSource;
use crate::vectors::read::{NumberBatch, NumberSlice};
use crate::vectors::{OutputType, Ranges, Vectors};
use crate::{Error, Result};

/// How the numbers of a corpus are read.
#[derive(Debug, Clone)]
pub(super) struct RowReading {
    code: Code,
    /// Values in a row.
    dim: usize,
    metric: Metric,
    /// Whether rows have to be brought to length 1.
    normalizes: bool,
}

/// What the numbers mean.
#[derive(Debug, Clone)]
enum Code {
    Floats,
    /// Bytes of a range in each dimension.
    Bytes(Ranges),
    /// The signs of eight values in each byte.
    Signs,
}

/// Values of some rows, row after row.
#[derive(Debug, Clone, Copy)]
pub(super) enum RowSlice<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    /// Bytes of ranges, less 128.
    I8(&'a [i8]),
    /// Bytes of ranges.
    U8(&'a [u8]),
    /// Eight signs in a byte.
    Signs(&'a [u8]),
}

/// Room for rows that cannot be compared where they are.
#[derive(Debug, Default)]
pub(super) struct RowBuffer {
    values: Vec<f32>,
    bytes: Vec<u8>,
}

impl RowReading {
    /// How to read a corpus.
    ///
    /// # Errors
    /// [`Error::BadInput`] if it has bytes and does not say what they mean.
    pub(super) fn of(file: &dyn RowSource, metric: Metric) -> Result<Self> {
        let width = file.width().unwrap_or(1);
        let provenance = file.provenance();
        let output_type = provenance.map(|provenance| provenance.output_type);
        let normalizes = metric == Metric::Cosine && !file.has_unit_rows();
        let (code, dim) = match (output_type, file.number_type()) {
            (Some(OutputType::I8 | OutputType::U8), _) => {
                let ranges = provenance.and_then(|provenance| provenance.ranges.clone());
                (
                    Code::Bytes(ranges.filter(|ranges| has_all(ranges, width)).ok_or_else(|| bytes(file))?),
                    width,
                )
            }
            (Some(OutputType::Binary | OutputType::Ubinary), _) => (Code::Signs, 8 * width),
            (_, Some(number_type)) if number_type.bytes() == 1 => return Err(bytes(file)),
            _ => (Code::Floats, width),
        };
        Ok(Self { code, dim, metric, normalizes })
    }

    /// Values in a row.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Whether the values are those that were stored, and not approximations by bytes or bits.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self.code, Code::Floats)
    }

    /// Whether signs are all that it has.
    pub(super) fn has_signs(&self) -> bool {
        matches!(self.code, Code::Signs)
    }

    /// Whether bytes and signs are compared as they are, and not decoded: products with rows of any length.
    fn compares_codes(&self) -> bool {
        self.metric != Metric::Euclidean && !self.normalizes
    }

    /// A search for the `k` best rows of each query.
    ///
    /// # Errors
    /// Those of the kernels.
    pub(super) fn search(&self, queries: &Tensor, k: usize) -> Result<BlockSearch> {
        Ok(match &self.code {
            Code::Bytes(ranges) if self.compares_codes() => {
                let steps = steps(ranges);
                // A byte is the middle of its values.
                let starts = ranges.min.iter().zip(&steps).map(|(min, step)| min + 0.5 * step);
                let starts: Vec<f32> = starts.collect();
                let ranges = ByteRanges { starts: &starts, steps: &steps };
                BlockSearch::Numbers(Box::new(TopKSearch::of_bytes(queries, &ranges, k)?))
            }
            Code::Signs if self.compares_codes() => BlockSearch::signs(queries, k)?,
            _ => BlockSearch::Numbers(Box::new(TopKSearch::new(queries, k, Form::Kernels)?)),
        })
    }

    /// The rows of a batch: in place, or in `buffer` if they have to be converted.
    pub(super) fn rows<'a>(&self, batch: &'a NumberBatch, buffer: &'a mut RowBuffer) -> RowSlice<'a> {
        match (batch.numbers(), &self.code) {
            (NumberSlice::F32(values), Code::Floats) if !self.normalizes => RowSlice::F32(values),
            (NumberSlice::F16(values), Code::Floats) if !self.normalizes => RowSlice::F16(values),
            (NumberSlice::I8(bytes), Code::Bytes(_)) if self.compares_codes() => RowSlice::I8(bytes),
            (NumberSlice::U8(bytes), Code::Bytes(_)) if self.compares_codes() => RowSlice::U8(bytes),
            (NumberSlice::U8(bytes), Code::Signs) if self.compares_codes() => RowSlice::Signs(bytes),
            (NumberSlice::I8(bytes), Code::Signs) if self.compares_codes() => {
                buffer.bytes.clear();
                buffer.bytes.extend(bytes.iter().map(|byte| unsigned(*byte)));
                RowSlice::Signs(&buffer.bytes)
            }
            _ => {
                buffer.values.clear();
                self.append(batch, &mut buffer.values);
                RowSlice::F32(&buffer.values)
            }
        }
    }

    /// The rows of a batch as f32.
    pub(super) fn vectors(&self, batch: &NumberBatch) -> Result<Vectors> {
        let mut values = Vec::new();
        self.append(batch, &mut values);
        Vectors::new(values, self.dim)
    }

    /// Appends the rows of a batch as f32.
    pub(super) fn append(&self, batch: &NumberBatch, values: &mut Vec<f32>) {
        let first = values.len();
        match (batch.numbers(), &self.code) {
            (NumberSlice::F32(stored), _) => values.extend_from_slice(stored),
            (NumberSlice::F16(stored), _) => values.extend(stored.iter().map(|value| value.to_f32())),
            (NumberSlice::I8(stored), Code::Bytes(ranges)) => {
                let level = |byte: i8| f32::from(byte) + 128.0 + 0.5 * f32::from(byte.signum());
                decode(ranges, stored, level, values);
            }
            (NumberSlice::U8(stored), Code::Bytes(ranges)) => {
                decode(ranges, stored, |byte| f32::from(byte) + 0.5, values);
            }
            (NumberSlice::I8(stored), _) => {
                stored.iter().for_each(|byte| signs(unsigned(*byte), self.dim, values));
            }
            (NumberSlice::U8(stored), _) => stored.iter().for_each(|byte| signs(*byte, self.dim, values)),
        }
        if self.normalizes {
            values[first..].chunks_exact_mut(self.dim).for_each(to_length_1);
        }
    }

    /// What is added to each row's dot product with a query, if anything: with Euclidean distances, -|x|^2 / 2,
    /// since |q - x|^2 = |q|^2 - 2 (q.x - |x|^2 / 2).
    pub(super) fn biases(&self, rows: RowSlice<'_>) -> Option<Vec<f32>> {
        if self.metric != Metric::Euclidean {
            return None;
        }
        let bias = |length: f64| (-0.5 * length * length) as f32;
        Some(match rows {
            RowSlice::F32(values) => values.chunks_exact(self.dim).map(|row| bias(length(row))).collect(),
            RowSlice::F16(values) => {
                let squares = |row: &[f16]| row.iter().map(|value| value.to_f64().powi(2)).sum::<f64>();
                values.chunks_exact(self.dim).map(|row| bias(squares(row).sqrt())).collect()
            }
            RowSlice::I8(_) | RowSlice::U8(_) | RowSlice::Signs(_) => return None,
        })
    }
}

impl RowSlice<'_> {
    /// Calls `visit` with the index of each row of zeros.
    pub(super) fn for_each_zero(self, dim: usize, mut visit: impl FnMut(usize)) {
        let mut zeros = |index: usize, first: bool, all: &dyn Fn() -> bool| {
            if first && all() {
                visit(index);
            }
        };
        match self {
            Self::F32(values) => values.chunks_exact(dim).enumerate().for_each(|(index, row)| {
                zeros(index, row[0] == 0.0, &|| row.iter().all(|value| *value == 0.0));
            }),
            Self::F16(values) => values.chunks_exact(dim).enumerate().for_each(|(index, row)| {
                zeros(index, row[0].to_f32() == 0.0, &|| row.iter().all(|value| value.to_f32() == 0.0));
            }),
            // No code of bytes or signs is 0 in every dimension.
            Self::I8(_) | Self::U8(_) | Self::Signs(_) => {}
        }
    }
}

/// The middle of each byte's values: min + level x step, with step = (max - min) / 255.
fn decode<B: Copy>(ranges: &Ranges, stored: &[B], level: impl Fn(B) -> f32, values: &mut Vec<f32>) {
    let steps = steps(ranges);
    for row in stored.chunks_exact(steps.len()) {
        let value = |((byte, step), min): ((&B, &f32), &f32)| min + level(*byte) * step;
        values.extend(row.iter().zip(&steps).zip(&ranges.min).map(value));
    }
}

/// The distance between bytes in each dimension.
fn steps(ranges: &Ranges) -> Vec<f32> {
    ranges.min.iter().zip(&ranges.max).map(|(min, max)| (max - min) / 255.0).collect()
}

/// A signed byte of signs as sentence-transformers' `binary` has it.
fn unsigned(byte: i8) -> u8 {
    byte.wrapping_sub(-128) as u8
}

/// Eight signs, as a part of a vector of length 1.
fn signs(byte: u8, dim: usize, values: &mut Vec<f32>) {
    let value = (1.0 / (dim as f64).sqrt()) as f32;
    values.extend((0..8).rev().map(|bit| if byte >> bit & 1 == 1 { value } else { -value }));
}

fn has_all(ranges: &Ranges, width: usize) -> bool {
    let is_finite = |values: &[f32]| values.len() == width && values.iter().all(|value| value.is_finite());
    is_finite(&ranges.min) && is_finite(&ranges.max)
}

fn bytes(file: &dyn RowSource) -> Error {
    let rule = "has vectors of bytes and does not say what they mean; only files of nearsay embed do";
    Error::BadInput { input: file.name().to_owned(), rule: rule.to_owned() }
}
