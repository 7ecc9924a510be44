//! numpy's array file, version 1.0 (numpy.lib.format): magic, version, a header of fixed width, then the
//! numbers.
//!
//! The array is `[rows, dim]`, C order, with the vectors' number type. The number of rows is known last, so
//! the header is written twice. This format has no room for ids: row i of the array is record i of the input.

use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};

use super::numbers::{array_bytes, number_type};
use super::{OutputFile, RowWriter};
use crate::vectors::schema::{EMBEDDING, vectors};
use crate::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
/// Bytes before the numbers. A multiple of 64, as the format requires, with room for two 64-bit numbers.
const HEADER_BYTES: usize = 128;

/// Writes an array row by row.
pub(super) struct NpyRows {
    file: OutputFile,
    /// numpy's name of the number type.
    descr: &'static str,
    dim: i32,
    rows: u64,
}

impl NpyRows {
    pub(super) fn new(mut file: OutputFile, schema: &Schema) -> Result<Self> {
        let field = schema.field_with_name(EMBEDDING).map_err(|error| Error::Bug(error.to_string()))?;
        let DataType::FixedSizeList(number, dim) = field.data_type() else {
            return Err(Error::Bug(format!("vectors of {}", field.data_type())));
        };
        let (descr, dim) = (number_type(number.data_type())?.npy(), *dim);
        file.write(&header(descr, &[0, dim as u64])?)?;
        Ok(Self { file, descr, dim, rows: 0 })
    }
}

impl RowWriter for NpyRows {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let vectors = vectors(rows)?;
        self.rows += vectors.len() as u64;
        self.file.write(&array_bytes(&vectors)?)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.file.rewrite_start(&header(self.descr, &[self.rows, self.dim as u64])?)?;
        self.file.persist()
    }
}

/// The header of an array of `shape`, which has at least two dimensions. It has the same length whatever the shape.
///
/// # Errors
/// If it does not fit: with large numbers in many dimensions.
pub(crate) fn header(descr: &str, shape: &[u64]) -> Result<Vec<u8>> {
    let shape: Vec<String> = shape.iter().map(u64::to_string).collect();
    let shape = shape.join(", ");
    let fields = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let width = HEADER_BYTES - MAGIC.len() - size_of::<u16>();
    if fields.len() >= width {
        return Err(Error::Bug(format!("{} bytes of npy header do not fit in {width}", fields.len())));
    }
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&(width as u16).to_le_bytes());
    header.extend_from_slice(fields.as_bytes());
    header.resize(HEADER_BYTES - 1, b' ');
    header.push(b'\n');
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::{HEADER_BYTES, header};

    #[test]
    fn header_is_as_numpy_writes_it() {
        let small = header("<f4", &[2, 3]).expect("fits");
        assert_eq!(&small[..10], b"\x93NUMPY\x01\x00\x76\x00");
        assert!(small[10..].starts_with(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  "));
        assert_eq!((small.len(), small.last()), (128, Some(&b'\n')));
    }

    #[test]
    fn largest_numbers_fit() {
        assert_eq!(header("<f4", &[u64::MAX, i32::MAX as u64]).expect("fits").len(), HEADER_BYTES);
    }
}
