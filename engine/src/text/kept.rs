//! Kept fields, which go along with a record into the output unread.

use std::fmt;
use std::sync::Arc;

use arrow_array::ArrayRef;
use serde_json::Value;

/// The values of the fields in [`TextOptions::keep`](super::TextOptions::keep), in that order.
#[derive(Debug, Clone)]
pub enum Kept {
    /// No field is kept.
    Nothing,
    /// Values of JSON unchanged. Those of csv and tsv are strings.
    Values(Vec<KeptValue>),
    /// One row of Parquet columns, one per field, with their original types.
    Row {
        /// The columns of a batch of rows.
        columns: Arc<[ArrayRef]>,
        /// The row in them, from 0.
        index: usize,
    },
}

/// A kept value.
#[derive(Debug, Clone, PartialEq)]
pub enum KeptValue {
    /// Null, a boolean, a string, or a number that 64 bits represent exactly.
    Value(Value),
    /// The JSON text of anything else, without blanks between its parts: an array, an object, or a number that
    /// would lose digits.
    Json(String),
}

impl KeptValue {
    /// The value as a number; a string is read as one. `None` if it is not a finite number.
    pub fn as_number(&self) -> Option<f64> {
        let number = match self {
            Self::Value(Value::String(text)) => text.trim().parse().ok(),
            Self::Value(Value::Number(number)) => number.as_f64(),
            Self::Json(number) => number.parse().ok(),
            Self::Value(_) => None,
        };
        number.filter(|number: &f64| number.is_finite())
    }
}

/// As JSON text.
impl fmt::Display for KeptValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => value.fmt(formatter),
            Self::Json(json) => formatter.write_str(json),
        }
    }
}

impl From<Value> for KeptValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(_) | Value::Object(_) => Self::Json(value.to_string()),
            value => Self::Value(value),
        }
    }
}

impl Kept {
    /// Approximate bytes of memory in use, for callers that collect records; for columns, the row's share.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Values(values) => values.iter().map(value_bytes).sum(),
            Self::Row { columns, .. } => {
                let share = |column: &ArrayRef| column.get_array_memory_size() / column.len().max(1);
                columns.iter().map(share).sum()
            }
        }
    }
}

fn value_bytes(value: &KeptValue) -> usize {
    let inside = match value {
        KeptValue::Value(Value::String(string)) | KeptValue::Json(string) => string.len(),
        KeptValue::Value(_) => 0,
    };
    size_of::<KeptValue>() + inside
}

impl From<Vec<KeptValue>> for Kept {
    fn from(values: Vec<KeptValue>) -> Self {
        if values.is_empty() { Self::Nothing } else { Self::Values(values) }
    }
}

/// Rows of columns are equal if their values are, regardless of the other rows in their batches.
impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => true,
            (Self::Values(values), Self::Values(others)) => values == others,
            (Self::Row { columns, index }, Self::Row { columns: others, index: other }) => {
                let row = columns.iter().map(|column| column.slice(*index, 1));
                row.eq(others.iter().map(|column| column.slice(*other, 1)))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int32Array};
    use serde_json::json;

    use super::Kept;

    #[test]
    fn rows_are_equal_by_their_values() {
        let row = |values: &[i32], index| {
            let column: ArrayRef = Arc::new(Int32Array::from(values.to_vec()));
            Kept::Row { columns: Arc::new([column]), index }
        };
        assert_eq!(row(&[1, 2], 1), row(&[2], 0));
        assert_ne!(row(&[1, 2], 0), row(&[2], 0));
        assert_ne!(row(&[1], 0), Kept::Nothing);
    }

    #[test]
    fn bytes_grow_with_the_values() {
        let long = "a".repeat(1000);
        let flat = Kept::from(vec![json!(long).into()]).bytes();
        assert!((1000..1100).contains(&flat), "{flat}");
        assert!(Kept::from(vec![json!([{"a": long}, [long]]).into()]).bytes() > 2000);
        let column: ArrayRef = Arc::new(Int32Array::from(vec![0; 1000]));
        let row = Kept::Row { columns: Arc::new([column]), index: 7 }.bytes();
        assert!((4..8).contains(&row), "{row}");
        assert_eq!(Kept::Nothing.bytes(), 0);
    }

    #[test]
    fn no_values_are_nothing() {
        assert_eq!(Kept::from(vec![]), Kept::Nothing);
        assert_eq!(Kept::from(vec![json!(1).into()]), Kept::Values(vec![json!(1).into()]));
    }
}
