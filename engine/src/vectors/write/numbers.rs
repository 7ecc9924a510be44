//! Numbers as the bytes of a file, in little-endian order.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Int8Type, Int64Type, UInt8Type, UInt32Type};
use arrow_array::{Array, ArrowPrimitiveType, PrimitiveArray};
use arrow_schema::DataType;

use crate::vectors::NumberType;
use crate::{Error, Result};

/// The number type of a vector column.
pub(super) fn number_type(data_type: &DataType) -> Result<NumberType> {
    NumberType::from_arrow(data_type).ok_or_else(|| Error::Bug(format!("vectors of {data_type}")))
}

/// Numbers that are stored in little-endian order.
pub(super) trait LittleEndian: Copy {
    /// Appends the number's bytes.
    fn append_to(self, bytes: &mut Vec<u8>);
}

macro_rules! little_endian {
    ($($number:ty),+) => {$(
        impl LittleEndian for $number {
            fn append_to(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    )+};
}

little_endian!(f32, half::f16, u32, i64, i8, u8);

pub(super) fn little_endian_bytes<T: LittleEndian>(values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size_of_val(values));
    values.iter().for_each(|value| value.append_to(&mut bytes));
    bytes
}

/// The bytes of an array of numbers, fixed-size lists back to back.
pub(super) fn array_bytes(array: &dyn Array) -> Result<Vec<u8>> {
    fn of<T: ArrowPrimitiveType<Native: LittleEndian>>(array: &PrimitiveArray<T>) -> Vec<u8> {
        little_endian_bytes(array.values())
    }
    Ok(match array.data_type() {
        DataType::Float32 => of(array.as_primitive::<Float32Type>()),
        DataType::Float16 => of(array.as_primitive::<Float16Type>()),
        DataType::Int8 => of(array.as_primitive::<Int8Type>()),
        DataType::UInt8 => of(array.as_primitive::<UInt8Type>()),
        DataType::UInt32 => of(array.as_primitive::<UInt32Type>()),
        DataType::Int64 => of(array.as_primitive::<Int64Type>()),
        DataType::FixedSizeList(_, width) => {
            let (lists, width) = (array.as_fixed_size_list(), *width as usize);
            let start = lists.value_offset_at(0);
            array_bytes(&lists.values().slice(start, lists.len() * width))?
        }
        other => return Err(Error::Bug(format!("{other} has no bytes of its own in a file"))),
    })
}

#[cfg(test)]
mod tests {
    use super::little_endian_bytes;

    #[test]
    fn bytes_are_little_endian() {
        assert_eq!(little_endian_bytes(&[1.0_f32]), [0, 0, 0x80, 0x3f]);
        assert_eq!(little_endian_bytes(&[half::f16::ONE]), [0, 0x3c]);
        assert_eq!(little_endian_bytes(&[258_u32, 1]), [2, 1, 0, 0, 1, 0, 0, 0]);
        assert_eq!(little_endian_bytes(&[-2_i64]), [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    }
}
