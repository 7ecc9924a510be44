//! A value of an arrow column as JSON.
//!
//! Numbers, strings, booleans, lists and structs have a JSON type. All others (dates, decimals, bytes, ..)
//! are strings, as arrow displays them.

use std::io::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, Field, TimeUnit};
use serde::Serialize;

use crate::vectors::schema::is_json;
use crate::{Error, Result};

/// Appends a column's value in one row. A non-finite float becomes null, as JSON has none.
///
/// # Errors
/// [`Error::Bug`] if arrow cannot display a value.
pub(crate) fn append_value(json: &mut Vec<u8>, field: &Field, column: &ArrayRef, row: usize) -> Result<()> {
    if column.data_type() == &DataType::Null || column.is_null(row) {
        json.extend_from_slice(b"null");
        return Ok(());
    }
    match column.data_type() {
        DataType::Utf8 if is_json(field) => {
            json.extend_from_slice(column.as_string::<i32>().value(row).as_bytes())
        }
        DataType::Utf8 => append_string(json, column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => append_string(json, column.as_string::<i64>().value(row)),
        DataType::Utf8View => append_string(json, column.as_string_view().value(row)),
        DataType::Boolean => append(json, &column.as_boolean().value(row))?,
        DataType::Float16 => append(json, &column.as_primitive::<Float16Type>().value(row).to_f32())?,
        DataType::Float32 => append(json, &column.as_primitive::<Float32Type>().value(row))?,
        DataType::Float64 => append(json, &column.as_primitive::<Float64Type>().value(row))?,
        DataType::Int8 => append(json, &value::<Int8Type>(column, row))?,
        DataType::Int16 => append(json, &value::<Int16Type>(column, row))?,
        DataType::Int32 => append(json, &value::<Int32Type>(column, row))?,
        DataType::Int64 => append(json, &value::<Int64Type>(column, row))?,
        DataType::UInt8 => append(json, &value::<UInt8Type>(column, row))?,
        DataType::UInt16 => append(json, &value::<UInt16Type>(column, row))?,
        DataType::UInt32 => append(json, &value::<UInt32Type>(column, row))?,
        DataType::UInt64 => append(json, &value::<UInt64Type>(column, row))?,
        DataType::FixedSizeList(item, _) => append_list(json, item, &column.as_fixed_size_list().value(row))?,
        DataType::List(item) => append_list(json, item, &column.as_list::<i32>().value(row))?,
        DataType::LargeList(item) => append_list(json, item, &column.as_list::<i64>().value(row))?,
        DataType::Struct(_) => append_struct(json, column, row)?,
        DataType::Timestamp(unit, Some(_)) => append_moment(json, column, row, *unit)?,
        _ => append_string(json, &displayed(column, row)?),
    }
    Ok(())
}

fn value<T: ArrowPrimitiveType>(column: &ArrayRef, row: usize) -> T::Native {
    column.as_primitive::<T>().value(row)
}

fn append_list(json: &mut Vec<u8>, item: &Field, values: &ArrayRef) -> Result<()> {
    json.push(b'[');
    for index in 0..values.len() {
        if index > 0 {
            json.push(b',');
        }
        append_value(json, item, values, index)?;
    }
    json.push(b']');
    Ok(())
}

fn append_struct(json: &mut Vec<u8>, column: &ArrayRef, row: usize) -> Result<()> {
    let values = column.as_struct();
    json.push(b'{');
    for (index, (field, column)) in values.fields().iter().zip(values.columns()).enumerate() {
        if index > 0 {
            json.push(b',');
        }
        append_string(json, field.name());
        json.push(b':');
        append_value(json, field, column, row)?;
    }
    json.push(b'}');
    Ok(())
}

/// A moment with a time zone, in UTC: arrow displays zones only by their offset, and knows none by name.
fn append_moment(json: &mut Vec<u8>, column: &ArrayRef, row: usize, unit: TimeUnit) -> Result<()> {
    let in_utc = cast(&column.slice(row, 1), &DataType::Timestamp(unit, Some("+00:00".into())))?;
    append_string(json, &displayed(&in_utc, 0)?);
    Ok(())
}

fn displayed(column: &ArrayRef, row: usize) -> Result<String> {
    array_value_to_string(column, row).map_err(|error| Error::Bug(format!("a kept value: {error}")))
}

pub(super) fn append_string(json: &mut Vec<u8>, text: &str) {
    // This writes to memory, and a string is always JSON.
    let _ = serde_json::to_writer(json.by_ref(), text);
}

fn append(json: &mut Vec<u8>, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(json.by_ref(), value)
        .map_err(|error| Error::Bug(format!("a value is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Date32Array, Float64Array, Int64Array, ListArray, StringArray, StructArray};

    use super::*;
    use crate::vectors::schema::json_field;

    fn json(field: &Field, column: ArrayRef) -> String {
        let mut json = Vec::new();
        append_value(&mut json, field, &column, 0).expect("a value");
        String::from_utf8(json).expect("UTF-8")
    }

    fn plain(column: ArrayRef) -> String {
        json(&Field::new("column", column.data_type().clone(), true), column)
    }

    #[test]
    fn values_have_their_json_type() {
        assert_eq!(plain(Arc::new(Int64Array::from(vec![i64::MIN]))), "-9223372036854775808");
        assert_eq!(plain(Arc::new(Float64Array::from(vec![0.1]))), "0.1");
        assert_eq!(plain(Arc::new(Float64Array::from(vec![f64::NAN]))), "null");
        assert_eq!(plain(Arc::new(StringArray::from(vec!["a\"\n"]))), r#""a\"\n""#);
        assert_eq!(plain(Arc::new(StringArray::from(vec![None::<&str>]))), "null");
        assert_eq!(plain(Arc::new(Date32Array::from(vec![1]))), r#""1970-01-02""#);
        let numbers = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None])]);
        let numbers: ArrayRef = Arc::new(numbers);
        assert_eq!(plain(Arc::clone(&numbers)), "[1,null]");
        let field = Arc::new(Field::new("n", numbers.data_type().clone(), true));
        assert_eq!(plain(Arc::new(StructArray::from(vec![(field, numbers)]))), r#"{"n":[1,null]}"#);
    }

    #[test]
    fn json_text_stands_as_it_is() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![r#"{"a":[1]}"#]));
        assert_eq!(json(&json_field("kept"), Arc::clone(&text)), r#"{"a":[1]}"#);
        assert_eq!(plain(text), r#""{\"a\":[1]}""#);
    }
}
