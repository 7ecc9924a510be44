//! A matrix with the same layout in a file as in memory: row after row, in little-endian order.

use std::ops::Range;

use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};

use super::batch::StoredNumbers;
use crate::vectors::NumberType;

/// A matrix in the bytes of a file.
#[derive(Debug, Clone)]
pub(super) struct Matrix {
    bytes: Buffer,
    number_type: NumberType,
    width: usize,
    rows: usize,
}

impl Matrix {
    /// The matrix of `rows` x `width` numbers in `bytes`.
    ///
    /// # Errors
    /// The rule that the sizes break.
    pub(super) fn new(bytes: Buffer, number_type: NumberType, rows: u64, width: u64) -> Result<Self, String> {
        let size = u128::from(rows).checked_mul(u128::from(width));
        let size = size.and_then(|count| count.checked_mul(number_type.bytes() as u128));
        if width == 0 {
            return Err("its vectors have 0 numbers; they must have at least 1".to_owned());
        }
        if size != Some(bytes.len() as u128) {
            let stated = size.map_or("too many bytes to count".to_owned(), |size| format!("{size} bytes"));
            let found = bytes.len();
            return Err(format!(
                "states {rows} vectors of {width} {number_type}, {stated}; it has {found} bytes of them"
            ));
        }
        // Both are at most the number of bytes, which fits in a usize.
        Ok(Self { bytes, number_type, width: width as usize, rows: rows as usize })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn number_type(&self) -> NumberType {
        self.number_type
    }

    /// The numbers of some rows, without a copy unless they are at an unaligned address.
    pub(super) fn numbers(&self, rows: Range<usize>) -> StoredNumbers {
        let bytes = self.width * self.number_type.bytes();
        let bytes = self.bytes.slice_with_length(rows.start * bytes, rows.len() * bytes);
        match self.number_type {
            NumberType::F32 => StoredNumbers::F32(numbers(bytes)),
            NumberType::F16 => StoredNumbers::F16(numbers(bytes)),
            NumberType::I8 => StoredNumbers::I8(numbers(bytes)),
            NumberType::U8 => StoredNumbers::U8(numbers(bytes)),
        }
    }
}

/// Reinterprets bytes, a whole number of values of this type, as numbers.
fn numbers<T: ArrowNativeType>(bytes: Buffer) -> ScalarBuffer<T> {
    let is_aligned = bytes.as_ptr().align_offset(align_of::<T>()) == 0;
    // arrow's own allocations are aligned for every type.
    let bytes = if is_aligned { bytes } else { Buffer::from(bytes.as_slice()) };
    let count = bytes.len() / size_of::<T>();
    ScalarBuffer::new(bytes, 0, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::read::NumberSlice;

    #[test]
    fn numbers_at_an_odd_address_are_the_same() {
        let values = [1.5f32, -2.0, 0.25, f32::MAX];
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        for shift in 0..4 {
            let shifted = Buffer::from([vec![0; shift], bytes.clone()].concat());
            let matrix = Matrix::new(shifted.slice(shift), NumberType::F32, 2, 2).expect("a matrix");
            assert_eq!(matrix.numbers(0..2).as_slice(), NumberSlice::F32(&values));
            assert_eq!(matrix.numbers(1..2).as_slice(), NumberSlice::F32(&values[2..]));
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let refused = |rows, width| {
            Matrix::new(Buffer::from(vec![0u8; 16]), NumberType::F32, rows, width).expect_err("refused")
        };
        assert_eq!(refused(2, 0), "its vectors have 0 numbers; they must have at least 1");
        assert_eq!(refused(2, 3), "states 2 vectors of 3 f32, 24 bytes; it has 16 bytes of them");
        assert_eq!(refused(1, 2), "states 1 vectors of 2 f32, 8 bytes; it has 16 bytes of them");
        assert!(refused(u64::MAX, u64::MAX).contains("too many bytes to count"));
        assert!(refused(1 << 62, 4).contains("it has 16 bytes"));
    }
}
