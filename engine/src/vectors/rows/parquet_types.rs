//! Output types of columns that are kept from Parquet files.
//!
//! They stay unchanged, with two exceptions that arrow's writers require:
//!
//! - A dictionary belongs to a row group or a file; an output collects rows of several. Only its values
//!   matter: they are written plainly, and in Parquet as a dictionary again, with 32-bit keys.
//! - arrow writes date64 as a plain number; it becomes date32, which represents the same days.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, FieldRef};

use crate::Result;
use crate::vectors::write::OutputFormat;

/// The output field for a Parquet column.
pub(super) fn output_field(format: OutputFormat, name: &str, field: &Field) -> Field {
    let data_type = match (format, field.data_type()) {
        (OutputFormat::Parquet, DataType::Dictionary(_, values)) => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(plain(values)))
        }
        (_, data_type) => plain(data_type),
    };
    field.clone().with_name(name).with_nullable(true).with_data_type(data_type)
}

/// A column with its type made plain, so that rows of several can be collected.
pub(super) fn gathered(column: &ArrayRef) -> Result<ArrayRef> {
    as_type(column, &plain(column.data_type()))
}

/// Collected values in the output's type.
pub(super) fn as_type(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    if column.data_type() == data_type { Ok(Arc::clone(column)) } else { Ok(cast(column, data_type)?) }
}

/// A type without dictionaries and date64, inside lists and structs too.
fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => plain(values),
        DataType::Date64 => DataType::Date32,
        DataType::List(item) => DataType::List(plain_field(item)),
        DataType::LargeList(item) => DataType::LargeList(plain_field(item)),
        DataType::FixedSizeList(item, width) => DataType::FixedSizeList(plain_field(item), *width),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(plain_field(entries), *sorted),
        other => other.clone(),
    }
}

fn plain_field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(plain(field.data_type())))
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int8Type;
    use arrow_array::{DictionaryArray, StringArray};

    use super::*;

    #[test]
    fn dictionaries_are_gathered_by_their_values() {
        let keys: DictionaryArray<Int8Type> =
            vec![Some("a"), None, Some("b"), Some("a")].into_iter().collect();
        let column: ArrayRef = Arc::new(keys);
        let values = gathered(&column).unwrap();
        assert_eq!(
            values.as_ref(),
            &StringArray::from(vec![Some("a"), None, Some("b"), Some("a")]) as &dyn Array
        );
        let field = Field::new("kept", column.data_type().clone(), false);
        let parquet = output_field(OutputFormat::Parquet, "kept", &field);
        let wide = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        assert_eq!((parquet.data_type(), parquet.is_nullable()), (&wide, true));
        assert_eq!(as_type(&values, &wide).unwrap().data_type(), &wide);
        assert_eq!(output_field(OutputFormat::Arrow, "kept", &field).data_type(), &DataType::Utf8);
    }

    #[test]
    fn types_inside_others_are_plain_too() {
        let item = |data_type| Arc::new(Field::new("item", data_type, true));
        let inner = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        let outer = DataType::List(item(DataType::Struct(vec![item(inner), item(DataType::Date64)].into())));
        let expected =
            DataType::List(item(DataType::Struct(vec![item(DataType::Utf8), item(DataType::Date32)].into())));
        assert_eq!(plain(&outer), expected);
    }
}
