//! The number types of vector files.

use std::fmt;

use arrow_schema::DataType;

use super::OutputType;

/// The number type of a file of vectors. [`OutputType`] defines their meaning: an `i8` may be a value or
/// eight bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberType {
    /// 32 bits, IEEE 754.
    F32,
    /// 16 bits, IEEE 754.
    F16,
    /// A signed byte.
    I8,
    /// An unsigned byte.
    U8,
}

impl NumberType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::I8, Self::U8];

    /// The name, which is also Rust's; `f32`, `f16`, `i8` or `u8`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::I8 => "i8",
            Self::U8 => "u8",
        }
    }

    /// Bytes per number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }

    /// numpy's name, in little-endian order.
    pub(in super::super) fn npy(self) -> &'static str {
        match self {
            Self::F32 => "<f4",
            Self::F16 => "<f2",
            Self::I8 => "|i1",
            Self::U8 => "|u1",
        }
    }

    /// The name in safetensors files.
    pub(in super::super) fn safetensors(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::I8 => "I8",
            Self::U8 => "U8",
        }
    }

    /// The type in arrow.
    pub(in super::super) fn arrow(self) -> DataType {
        match self {
            Self::F32 => DataType::Float32,
            Self::F16 => DataType::Float16,
            Self::I8 => DataType::Int8,
            Self::U8 => DataType::UInt8,
        }
    }

    /// The type for an arrow type, if vectors can have it.
    pub(in super::super) fn from_arrow(data_type: &DataType) -> Option<Self> {
        Self::ALL.into_iter().find(|number| number.arrow() == *data_type)
    }
}

impl fmt::Display for NumberType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl OutputType {
    /// The type of the written numbers.
    pub fn number_type(self) -> NumberType {
        match self {
            Self::F32 => NumberType::F32,
            Self::F16 => NumberType::F16,
            Self::I8 | Self::Binary => NumberType::I8,
            Self::U8 | Self::Ubinary => NumberType::U8,
        }
    }
}
