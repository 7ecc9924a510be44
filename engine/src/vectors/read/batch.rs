//! A batch of vectors.

use arrow_buffer::ScalarBuffer;
use half::f16;

use crate::text::RecordId;
use crate::vectors::{NumberType, Vectors};
use crate::{Error, Result};

/// Some rows of a file of vectors, in the file's order.
#[derive(Debug, Clone)]
pub struct VectorBatch {
    pub(super) first_row: u64,
    pub(super) ids: Vec<RecordId>,
    pub(super) numbers: StoredNumbers,
    pub(super) width: usize,
}

/// The numbers of some vectors, back to back.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum NumberSlice<'a> {
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 16-bit floats.
    F16(&'a [f16]),
    /// Signed bytes.
    I8(&'a [i8]),
    /// Unsigned bytes.
    U8(&'a [u8]),
}

impl NumberSlice<'_> {
    /// Appends floats as f32, to which f16 converts exactly; `None` for bytes.
    pub(crate) fn append_to(self, values: &mut Vec<f32>) -> Option<()> {
        match self {
            Self::F32(floats) => values.extend_from_slice(floats),
            Self::F16(halves) => values.extend(halves.iter().map(|value| value.to_f32())),
            Self::I8(_) | Self::U8(_) => return None,
        }
        Some(())
    }
}

impl VectorBatch {
    /// Index of the first row in the file, from 0.
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Number of rows; never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// The id of each row: the record's, or the row's index if the file has no ids.
    pub fn ids(&self) -> &[RecordId] {
        &self.ids
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The numbers of all rows, row after row, as in the file. Floats are finite.
    pub fn numbers(&self) -> NumberSlice<'_> {
        self.numbers.as_slice()
    }

    /// The vectors as f32, to which f16 converts exactly.
    ///
    /// # Errors
    /// [`Error::Usage`] for bytes: their meaning is in the file's provenance.
    pub fn vectors(&self) -> Result<Vectors> {
        let mut values = Vec::new();
        self.numbers().append_to(&mut values).ok_or_else(|| {
            Error::usage(
                "vectors of bytes are not floats: the file's provenance says which numbers they approximate",
            )
        })?;
        Vectors::new(values, self.width)
    }
}

/// Numbers in shared memory: those of a mapped file, or read or decoded ones.
#[derive(Debug, Clone)]
pub(crate) enum StoredNumbers {
    F32(ScalarBuffer<f32>),
    F16(ScalarBuffer<f16>),
    I8(ScalarBuffer<i8>),
    U8(ScalarBuffer<u8>),
}

impl StoredNumbers {
    pub(crate) fn as_slice(&self) -> NumberSlice<'_> {
        match self {
            Self::F32(values) => NumberSlice::F32(values),
            Self::F16(values) => NumberSlice::F16(values),
            Self::I8(values) => NumberSlice::I8(values),
            Self::U8(values) => NumberSlice::U8(values),
        }
    }

    pub(super) fn number_type(&self) -> NumberType {
        match self {
            Self::F32(_) => NumberType::F32,
            Self::F16(_) => NumberType::F16,
            Self::I8(_) => NumberType::I8,
            Self::U8(_) => NumberType::U8,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F16(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
        }
    }

    /// `count` numbers from `first` on, without a copy.
    pub(crate) fn slice(&self, first: usize, count: usize) -> Self {
        match self {
            Self::F32(values) => Self::F32(values.slice(first, count)),
            Self::F16(values) => Self::F16(values.slice(first, count)),
            Self::I8(values) => Self::I8(values.slice(first, count)),
            Self::U8(values) => Self::U8(values.slice(first, count)),
        }
    }

    /// The first number that is not finite.
    pub(crate) fn first_not_finite(&self) -> Option<usize> {
        match self {
            Self::F32(values) => first(values, |value| value.is_finite()),
            Self::F16(values) => first(values, |value| value.is_finite()),
            Self::I8(_) | Self::U8(_) => None,
        }
    }
}

/// The first value that is not finite. Values are tested some at a time, without leaving the loop, which the
/// compiler turns into vector instructions.
fn first<T: Copy>(values: &[T], is_finite: impl Fn(T) -> bool) -> Option<usize> {
    const AT_ONCE: usize = 256;
    let all = |values: &[T]| values.iter().fold(true, |all, value| all & is_finite(*value));
    let part = values.chunks(AT_ONCE).position(|part| !all(part))?;
    let start = part * AT_ONCE;
    values[start..].iter().position(|value| !is_finite(*value)).map(|place| start + place)
}
