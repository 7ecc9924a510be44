//! A digest of input rows (ids, texts and kept values), so that a job notices a changed input.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field};
use sha2::{Digest, Sha256};

use crate::Result;
use crate::text::{Kept, Record};
use crate::vectors::write::{append_value, hexadecimal};

/// Digests records one after the other.
#[derive(Clone, Default)]
pub(crate) struct InputDigest {
    sha256: Sha256,
}

impl InputDigest {
    pub(crate) fn add(&mut self, record: &Record) -> Result<()> {
        self.part(record.id.to_string().as_bytes());
        self.part(record.text.as_bytes());
        match &record.kept {
            Kept::Nothing => {}
            Kept::Values(values) => values.iter().for_each(|value| self.part(value.to_string().as_bytes())),
            Kept::Row { columns, index } => {
                for column in columns.iter() {
                    self.part(&column_value(column, *index)?);
                }
            }
        }
        Ok(())
    }

    /// Adds a part after its length, so that no two sequences of parts have the same bytes.
    fn part(&mut self, bytes: &[u8]) {
        self.sha256.update((bytes.len() as u64).to_le_bytes());
        self.sha256.update(bytes);
    }

    pub(super) fn finish(self) -> String {
        hexadecimal(&self.sha256.finalize())
    }

    /// The digest's bytes.
    pub(crate) fn bytes(self) -> [u8; 32] {
        self.sha256.finalize().into()
    }
}

/// A value as bytes that are unique in its column: JSON, but the bits of a float, which may not be finite.
fn column_value(column: &ArrayRef, row: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![u8::from(column.is_null(row))];
    match column.data_type() {
        _ if column.is_null(row) => {}
        DataType::Float16 => bytes.extend(column.as_primitive::<Float16Type>().value(row).to_le_bytes()),
        DataType::Float32 => bytes.extend(column.as_primitive::<Float32Type>().value(row).to_le_bytes()),
        DataType::Float64 => bytes.extend(column.as_primitive::<Float64Type>().value(row).to_le_bytes()),
        DataType::List(_) => append_items(&mut bytes, &column.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => append_items(&mut bytes, &column.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => append_items(&mut bytes, &column.as_fixed_size_list().value(row))?,
        DataType::Struct(_) => {
            for inner in column.as_struct().columns() {
                append_part(&mut bytes, &column_value(inner, row)?);
            }
        }
        data_type => append_value(&mut bytes, &Field::new("", data_type.clone(), true), column, row)?,
    }
    Ok(bytes)
}

fn append_items(bytes: &mut Vec<u8>, items: &ArrayRef) -> Result<()> {
    (0..items.len()).try_for_each(|index| {
        append_part(bytes, &column_value(items, index)?);
        Ok(())
    })
}

fn append_part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
    bytes.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, ListArray};
    use serde_json::json;

    use super::*;
    use crate::text::RecordId;

    fn digest(id: RecordId, text: &str, kept: Kept) -> String {
        let mut digest = InputDigest::default();
        digest.add(&Record { id, row: 1, text: text.to_owned(), has_text: true, kept }).unwrap();
        digest.finish()
    }

    #[test]
    fn every_value_of_a_column_is_its_own() {
        let floats =
            [None, Some(0.0), Some(-0.0), Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY)];
        let column: ArrayRef = Arc::new(Float64Array::from(floats.to_vec()));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([
            None,
            Some(vec![]),
            Some(vec![None]),
            Some(vec![Some(f64::NAN)]),
            Some(vec![None, None]),
        ]));
        for column in [column, lists] {
            let values: Vec<Vec<u8>> =
                (0..column.len()).map(|row| column_value(&column, row).unwrap()).collect();
            for (row, value) in values.iter().enumerate() {
                assert!(!values[..row].contains(value), "{row}");
            }
        }
    }

    #[test]
    fn every_part_of_a_row_counts() {
        let string = |text: &str| RecordId::String(text.to_owned());
        let kept = |text: &str| Kept::Values(vec![json!(text).into()]);
        let rows = [
            digest(RecordId::Row(1), "a", Kept::Nothing),
            digest(string("1"), "a", Kept::Nothing),
            digest(string("1a"), "", Kept::Nothing),
            digest(string("1"), "a", kept("")),
            digest(string("1"), "a", kept("b")),
            digest(string("1"), "ab", kept("")),
        ];
        for (index, row) in rows.iter().enumerate() {
            assert!(!rows[..index].contains(row), "{index}");
        }
        assert_eq!(rows[1], digest(string("1"), "a", Kept::Nothing));
    }
}
