//! Number formats of written vectors: f32, f16, a byte or a bit per value.
//!
//! Bytes and bits are those of sentence-transformers' `quantize_embeddings`, in f32 arithmetic and in its
//! order: step = (max - min) / 255 of each dimension; u8: trunc((x - min) / step); i8: `trunc((x - min) /
//! step - 128)`; bits: x > 0, the first value in the highest bit of the first byte, ubinary the byte itself
//! and binary the byte less 128. It differs in one thing: a value outside the ranges becomes the type's
//! nearest end, while numpy's `astype` wraps around (300 becomes 44). A dimension whose range is zero carries
//! no information: its value is 0, while numpy divides zero by zero. f16 rounds to nearest, ties to even.
//!
//! Vectors are [texts, dimensions] f32, back to back. This module does no I/O and does not convert back to
//! f32.

mod number_type;
mod ranges;

use std::fmt;
use std::str::FromStr;

use half::f16;

pub use number_type::NumberType;
pub use ranges::Ranges;

use super::Vectors;
use crate::error::phrase;
use crate::{Error, Result, Setting};

/// The type in which a vector's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OutputType {
    /// Unchanged.
    #[default]
    F32,
    /// Half the bytes, 11 bits of significand.
    F16,
    /// A signed byte, scaled by the dimension's range.
    I8,
    /// An unsigned byte, scaled by the dimension's range.
    U8,
    /// One bit; eight form a signed byte.
    Binary,
    /// One bit; eight form an unsigned byte.
    Ubinary,
}

/// Vectors in an output type, back to back.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// For [`OutputType::F32`].
    F32(Vec<f32>),
    /// For [`OutputType::F16`].
    F16(Vec<f16>),
    /// For [`OutputType::I8`] and [`OutputType::Binary`].
    I8(Vec<i8>),
    /// For [`OutputType::U8`] and [`OutputType::Ubinary`].
    U8(Vec<u8>),
}

impl OutputType {
    /// Every type, in the order in which the user sees the names.
    pub const ALL: [Self; 6] = [Self::F32, Self::F16, Self::I8, Self::U8, Self::Binary, Self::Ubinary];

    /// The name; `f32`, `f16`, `i8`, `u8`, `binary` or `ubinary`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Ubinary => "ubinary",
            _ => self.number_type().name(),
        }
    }

    /// Whether [`OutputType::convert`] needs ranges.
    pub fn needs_ranges(self) -> bool {
        matches!(self, Self::I8 | Self::U8)
    }

    /// Numbers in a vector of `dimensions` values.
    ///
    /// # Errors
    /// For bits that do not fill whole bytes.
    pub fn width(self, dimensions: usize) -> Result<usize> {
        match self {
            Self::Binary | Self::Ubinary if dimensions.is_multiple_of(8) => Ok(dimensions / 8),
            Self::Binary | Self::Ubinary => {
                let hint = phrase![(Setting::Dimensions, dimensions / 8 * 8), " would work"];
                Err(Error::Usage {
                    message: format!(
                        "output type {self} packs eight values into a byte: the number of dimensions must be a multiple of 8, got {dimensions}"
                    )
                    .into(),
                    hint: (dimensions > 8).then_some(hint),
                })
            }
            Self::F32 | Self::F16 | Self::I8 | Self::U8 => Ok(dimensions),
        }
    }

    /// Converts vectors; f32 without a copy.
    ///
    /// # Errors
    /// For i8 and u8 without ranges of `dim` dimensions, for bits that do not fill whole bytes, for a value
    /// that is not finite (other than as f32), and for one beyond f16's finite numbers.
    pub fn convert(self, vectors: Vectors, ranges: Option<&Ranges>) -> Result<Numbers> {
        let dim = vectors.dim();
        self.width(dim)?;
        if self != Self::F32 {
            check(vectors.values(), dim, self, |value| value.is_finite())?;
        }
        let values = vectors.values();
        Ok(match self {
            Self::F32 => Numbers::F32(vectors.into_values()),
            Self::F16 => Numbers::F16(to_f16(values, dim)?),
            Self::I8 => Numbers::I8(self.ranges(ranges, dim)?.scaled(values, |x| (x - 128.0) as i8)),
            Self::U8 => Numbers::U8(self.ranges(ranges, dim)?.scaled(values, |x| x as u8)),
            Self::Binary => Numbers::I8(bits(values).map(|byte| byte.wrapping_sub(128) as i8).collect()),
            Self::Ubinary => Numbers::U8(bits(values).collect()),
        })
    }

    fn ranges(self, ranges: Option<&Ranges>, dim: usize) -> Result<&Ranges> {
        let known = ranges.map_or(0, |ranges| ranges.min.len().min(ranges.max.len()));
        match ranges {
            Some(ranges) if ranges.min.len() == dim && ranges.max.len() == dim => Ok(ranges),
            _ => Err(Error::usage(format!(
                "output type {self} needs the range of each of a vector's {dim} dimensions, got {known} ranges"
            ))),
        }
    }
}

impl fmt::Display for OutputType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for OutputType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "f32" | "float32" => Ok(Self::F32),
            "f16" | "float16" => Ok(Self::F16),
            "i8" | "int8" => Ok(Self::I8),
            "u8" | "uint8" => Ok(Self::U8),
            "binary" => Ok(Self::Binary),
            "ubinary" => Ok(Self::Ubinary),
            other => Err(Error::usage(format!(
                "an output type must be one of {}, got `{other}`",
                Self::ALL.map(Self::name).join(", ")
            ))),
        }
    }
}

/// Names the first value that breaks a rule.
fn check(vectors: &[f32], dim: usize, kind: OutputType, holds: fn(f32) -> bool) -> Result<()> {
    let Some(index) = vectors.iter().position(|&value| !holds(value)) else { return Ok(()) };
    let (value, vector, dimension) = (vectors[index], index / dim.max(1), index % dim.max(1));
    Err(Error::BeyondOutputType {
        what: format!("{value} in dimension {dimension} of vector {vector}, as {kind},"),
    })
}

fn to_f16(vectors: &[f32], dim: usize) -> Result<Vec<f16>> {
    check(vectors, dim, OutputType::F16, |value| f16::from_f32(value).is_finite())?;
    Ok(vectors.iter().map(|&value| f16::from_f32(value)).collect())
}

/// Eight signs per byte. Vectors are whole bytes, so their boundaries do not matter.
fn bits(vectors: &[f32]) -> impl Iterator<Item = u8> {
    let byte = |values: &[f32]| values.iter().fold(0, |byte, &value| byte << 1 | u8::from(value > 0.0));
    vectors.chunks_exact(8).map(byte)
}

#[cfg(test)]
mod tests;
