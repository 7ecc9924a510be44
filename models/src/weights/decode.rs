//! Converts stored bytes to f32.

use std::io::{self, Read};

use half::{bf16, f16};

use super::Dtype;

/// Bytes read at a time, a multiple of every element's size: large enough to make the cost of a read
/// negligible, small enough to stay in the L2 cache.
const BLOCK: usize = 1 << 18;

/// How one stored type becomes f32.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decoder {
    size: usize,
    append: Append,
}

/// Converts whole elements and appends them.
type Append = fn(&[u8], &mut Vec<f32>);

/// The decoder of a type, if it is a floating-point type that converts to f32. F64 is rounded to nearest; a
/// value beyond f32 becomes infinite and is then refused as not finite.
pub(super) fn decoder(dtype: Dtype) -> Option<Decoder> {
    let (size, append): (usize, Append) = match dtype {
        Dtype::F32 => (4, |bytes, values| extend(bytes, values, f32::from_le_bytes)),
        Dtype::F16 => (2, |bytes, values| extend(bytes, values, |it| f16::from_le_bytes(it).to_f32())),
        Dtype::BF16 => (2, |bytes, values| extend(bytes, values, |it| bf16::from_le_bytes(it).to_f32())),
        Dtype::F64 => (8, |bytes, values| extend(bytes, values, |it| f64::from_le_bytes(it) as f32)),
        _ => return None,
    };
    Some(Decoder { size, append })
}

fn extend<const SIZE: usize>(bytes: &[u8], values: &mut Vec<f32>, convert: impl Fn([u8; SIZE]) -> f32) {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    values.extend(elements.iter().map(|element| convert(*element)));
}

impl Decoder {
    /// Reads `count` elements. The caller has checked that the file has that many.
    pub(super) fn read(self, reader: &mut impl Read, count: usize) -> io::Result<Vec<f32>> {
        let mut values = Vec::with_capacity(count);
        let mut left = count * self.size;
        let mut block = vec![0; left.min(BLOCK)];
        while left > 0 {
            let part = &mut block[..left.min(BLOCK)];
            reader.read_exact(part)?;
            (self.append)(part, &mut values);
            left -= part.len();
        }
        Ok(values)
    }
}

/// Copies a strided tensor into the ordinary order. The caller has checked that all elements are inside
/// `values`.
pub(super) fn gather(values: &[f32], shape: &[usize], strides: &[usize]) -> Vec<f32> {
    let count = shape.iter().product();
    let mut gathered = Vec::with_capacity(count);
    let mut index = vec![0; shape.len()];
    for _ in 0..count {
        let position: usize = index.iter().zip(strides).map(|(at, stride)| at * stride).sum();
        gathered.push(values[position]);
        advance(&mut index, shape);
    }
    gathered
}

/// The next index, the last dimension fastest.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (at, size) in index.iter_mut().zip(shape).rev() {
        *at += 1;
        if *at < *size {
            return;
        }
        *at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_converted_exactly() {
        let values = [1.0_f32, -0.5, 0.0, 65504.0, 3.0517578e-5];
        let bytes = |convert: &dyn Fn(f32) -> Vec<u8>| {
            values.iter().flat_map(|value| convert(*value)).collect::<Vec<u8>>()
        };
        let read = |dtype, bytes: Vec<u8>| decoder(dtype).unwrap().read(&mut bytes.as_slice(), 5).unwrap();
        assert_eq!(read(Dtype::F32, bytes(&|value| value.to_le_bytes().to_vec())), values);
        assert_eq!(read(Dtype::F64, bytes(&|value| f64::from(value).to_le_bytes().to_vec())), values);
        assert_eq!(read(Dtype::F16, bytes(&|value| f16::from_f32(value).to_le_bytes().to_vec())), values);
        let rounded = values.map(|value| bf16::from_f32(value).to_f32());
        assert_eq!(read(Dtype::BF16, bytes(&|value| bf16::from_f32(value).to_le_bytes().to_vec())), rounded);
        assert!(decoder(Dtype::I64).is_none() && decoder(Dtype::F8_E4M3).is_none());
    }

    #[test]
    fn sizes_beside_a_block_are_read_whole() {
        for count in [0, 1, BLOCK / 4 - 1, BLOCK / 4, BLOCK / 4 + 1] {
            let bytes: Vec<u8> = (0..count).flat_map(|value| (value as f32).to_le_bytes()).collect();
            let values = decoder(Dtype::F32).unwrap().read(&mut bytes.as_slice(), count).unwrap();
            assert!(
                values.iter().enumerate().all(|(at, value)| *value == at as f32) && values.len() == count
            );
            assert!(count == 0 || decoder(Dtype::F32).unwrap().read(&mut &bytes[1..], count).is_err());
        }
    }

    #[test]
    fn a_transposed_tensor_is_brought_into_order() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(gather(&values, &[3, 2], &[1, 3]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(gather(&values, &[2, 2], &[4, 1]), [0.0, 1.0, 4.0, 5.0]);
        assert_eq!(gather(&values, &[], &[]), [0.0]);
        assert!(gather(&[], &[0, 2], &[2, 1]).is_empty());
    }
}
