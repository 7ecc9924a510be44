//! Vectors as JSON lists and as base64.

use std::borrow::Borrow;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use half::f16;
use nearsay::Vectors;
use nearsay::vectors::{Numbers, OutputType};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// The most bytes of a number in a JSON list, with its comma: `-1.2345678e-38,`.
pub(crate) const JSON_BYTES: u64 = 15;

/// More than the characters of any f32 without an exponent: f32's smallest values have 45 digits after the point.
const LONGEST_DECIMAL: usize = 80;

/// The vectors of an answer, in the type that was asked for.
#[derive(Debug)]
pub(crate) struct Rows {
    numbers: Numbers,
    width: usize,
}

impl Rows {
    /// Converts vectors.
    ///
    /// # Errors
    /// If the type does not fit the dimensions.
    pub(crate) fn new(vectors: Vectors, output_type: OutputType) -> nearsay::Result<Self> {
        let width = output_type.width(vectors.dim())?;
        Ok(Self { numbers: output_type.convert(vectors, None)?, width })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        let values = match &self.numbers {
            Numbers::F32(values) => values.len(),
            Numbers::F16(values) => values.len(),
            Numbers::I8(values) => values.len(),
            Numbers::U8(values) => values.len(),
        };
        values / self.width.max(1)
    }

    /// Appends row `index` as a list.
    pub(crate) fn push_list(&self, out: &mut Vec<u8>, index: usize) {
        let row = index * self.width..(index + 1) * self.width;
        match &self.numbers {
            Numbers::F32(values) => push_list(out, &values[row], |out, value| push_float(out, *value)),
            Numbers::F16(values) => {
                push_list(out, &values[row], |out, value| push_float(out, value.to_f32()))
            }
            Numbers::I8(values) => push_list(out, &values[row], push_whole),
            Numbers::U8(values) => push_list(out, &values[row], push_whole),
        }
    }

    /// Appends row `index` as base64 of little-endian numbers, in quotes.
    pub(crate) fn push_base64(&self, out: &mut Vec<u8>, index: usize) {
        let row = index * self.width..(index + 1) * self.width;
        let bytes: Vec<u8> = match &self.numbers {
            Numbers::F32(values) => values[row].iter().copied().flat_map(f32::to_le_bytes).collect(),
            Numbers::F16(values) => values[row].iter().copied().flat_map(f16::to_le_bytes).collect(),
            Numbers::I8(values) => values[row].iter().copied().flat_map(i8::to_le_bytes).collect(),
            Numbers::U8(values) => values[row].to_vec(),
        };
        out.push(b'"');
        out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
        out.push(b'"');
    }
}

fn push_whole<T: Copy + Into<i16>>(out: &mut Vec<u8>, value: &T) {
    let value: i16 = (*value).into();
    out.extend_from_slice(value.to_string().as_bytes());
}

/// Appends a list whose items `push` appends.
pub(crate) fn push_list<T>(out: &mut Vec<u8>, items: &[T], push: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push(out, item);
    }
    out.push(b']');
}

/// Appends the shortest decimal that is read back as the same f32, also by a reader that goes through f64, as Python's
/// and JavaScript's do: that rounds twice, and one shortest decimal in about 10^8 would come out one bit off.
pub(crate) fn push_float(out: &mut Vec<u8>, value: f32) {
    let start = out.len();
    push_json(out, &value);
    let text = std::str::from_utf8(&out[start..]).unwrap_or_default();
    let read: Option<f64> = text.parse().ok();
    if read.is_none_or(|read| (read as f32).to_bits() != value.to_bits()) {
        out.truncate(start);
        push_json(out, &f64::from(value));
    }
}

/// A number as [`push_float`] writes it.
#[derive(Debug, Clone, Copy, PartialEq, ToSchema)]
pub(crate) struct Float(pub(crate) f32);

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut decimal = [0; LONGEST_DECIMAL];
        let mut rest = &mut decimal[..];
        // There is room for every f32.
        let _ = write!(rest, "{}", self.0);
        let length = LONGEST_DECIMAL - rest.len();
        let read = std::str::from_utf8(&decimal[..length]).ok().and_then(|text| text.parse::<f64>().ok());
        match read {
            Some(read) if (read as f32).to_bits() == self.0.to_bits() => serializer.serialize_f32(self.0),
            _ => serializer.serialize_f64(f64::from(self.0)),
        }
    }
}

/// Vectors as a list of lists, in JSON.
#[derive(Debug)]
pub(crate) struct Lists<V>(pub(crate) V);

impl<V: Borrow<Vectors>> Serialize for Lists<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.borrow().rows().map(List))
    }
}

/// A vector as a list.
#[derive(Debug)]
pub(crate) struct List<'a>(pub(crate) &'a [f32]);

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|value| Float(*value)))
    }
}

/// Appends a value as JSON. Writing a number or a text to memory cannot fail.
pub(crate) fn push_json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(rows: &Rows, index: usize) -> String {
        let mut out = Vec::new();
        rows.push_list(&mut out, index);
        String::from_utf8(out).unwrap()
    }

    fn base64(rows: &Rows, index: usize) -> Vec<u8> {
        let mut out = Vec::new();
        rows.push_base64(&mut out, index);
        STANDARD.decode(&out[1..out.len() - 1]).unwrap()
    }

    fn vectors() -> Vectors {
        let values = [0.1, -0.5, 1.0, -0.0, 2.5e-9, 3.0, -4.0, 0.3];
        Vectors::new([values, values.map(|value| -value)].concat(), 8).unwrap()
    }

    #[test]
    fn every_type_has_both_forms() {
        for (output_type, expected, bytes) in [
            (OutputType::F32, "[0.1,-0.5,1.0,-0.0,2.5e-9,3.0,-4.0,0.3]", 32),
            (OutputType::F16, "[0.099975586,-0.5,1.0,-0.0,0.0,3.0,-4.0,0.30004883]", 16),
            (OutputType::Ubinary, "[173]", 1),
            (OutputType::Binary, "[45]", 1),
        ] {
            let rows = Rows::new(vectors(), output_type).unwrap();
            assert_eq!((rows.len(), list(&rows, 0).as_str()), (2, expected));
            assert_eq!(base64(&rows, 0).len(), bytes);
        }
        let rows = Rows::new(vectors(), OutputType::F32).unwrap();
        let read: Vec<f32> =
            base64(&rows, 1).chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        assert_eq!(read, vectors().rows().nth(1).unwrap());
    }

    #[test]
    fn a_decimal_that_would_round_twice_is_written_longer() {
        let value = f32::from_bits(0x15ae_43fd);
        let shortest = value.to_string();
        let by_way_of_f64 = shortest.parse::<f64>().unwrap() as f32;
        assert_ne!(by_way_of_f64.to_bits(), value.to_bits(), "the trap: {shortest}");
        let mut out = Vec::new();
        push_float(&mut out, value);
        let written = std::str::from_utf8(&out).unwrap();
        assert_eq!((written.parse::<f64>().unwrap() as f32).to_bits(), value.to_bits(), "{written}");
        assert_eq!(serde_json::to_vec(&Float(value)).unwrap(), out);
    }

    proptest! {
        #[test]
        fn floats_are_read_back_to_the_bit(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let mut out = Vec::new();
            push_float(&mut out, value);
            prop_assert_eq!(&serde_json::to_vec(&Float(value)).unwrap(), &out);
            let text = std::str::from_utf8(&out).unwrap();
            prop_assert_eq!(text.parse::<f32>().unwrap().to_bits(), bits);
            prop_assert_eq!((text.parse::<f64>().unwrap() as f32).to_bits(), bits);
            let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!((json.as_f64().unwrap() as f32).to_bits(), bits);
        }
    }
}
