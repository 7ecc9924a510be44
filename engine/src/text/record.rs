//! One row of input.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::Kept;

/// A record's name in the output.
///
/// Kept exactly: the number 1 and the string "1" are different ids, and integers beyond 2^53 keep every
/// digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecordId {
    /// The record has no id: its position in the whole input, from 0.
    Row(u64),
    /// A whole number that fits in 64 bits, signed or unsigned. Others cannot be kept exactly; the reader
    /// refuses them.
    Number(serde_json::Number),
    /// A string, which may be empty. Ids of csv and tsv files are always strings.
    String(String),
}

impl RecordId {
    /// The id in a value: a string or a whole number of 64 bits. Other numbers do not survive a JSON parser
    /// exactly.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(string) => Some(Self::String(string.clone())),
            Value::Number(number) if number.is_u64() || number.is_i64() => Some(Self::Number(number.clone())),
            _ => None,
        }
    }

    /// The id without quotes, by which the number 1 and the string "1" are the same.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::String(string) => Cow::Borrowed(string),
            other => Cow::Owned(other.to_string()),
        }
    }

    /// Whether the input had the id, as opposed to a counted one.
    pub fn is_explicit(&self) -> bool {
        !matches!(self, Self::Row(_))
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Row(row) => serializer.serialize_u64(*row),
            Self::Number(number) => number.serialize(serializer),
            Self::String(string) => serializer.serialize_str(string),
        }
    }
}

/// As in JSON, so that 1 and "1" differ and a newline in an id does not break a message into two lines.
impl fmt::Display for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(row) => write!(formatter, "{row}"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::String(string) => write!(formatter, "{}", Value::from(string.as_str())),
        }
    }
}

/// One row of input.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// The record's name in the output.
    pub id: RecordId,
    /// Where the row starts in its own file: the line number, from 1. A csv header is line 1. In Parquet the
    /// row number, from 1.
    pub row: u64,
    /// The text as given; it may be empty.
    pub text: String,
    /// Whether the row has a text. If not, which only [`TextOptions::keep_missing`](super::TextOptions::keep_missing)
    /// allows, the text is empty.
    pub has_text: bool,
    /// The values of the kept fields.
    pub kept: Kept,
}

/// The next item of a format's reader.
pub(super) enum NextRow {
    Row(Row),
    /// A row without text that is left out.
    Skipped(Missing),
    End,
}

/// The parts of a row that a format reads.
pub(super) struct Row {
    pub(super) id: Option<RecordId>,
    pub(super) text: String,
    /// The reason for a missing text, if that is allowed.
    pub(super) missing: Option<Missing>,
    pub(super) kept: Kept,
}

/// Why a row has no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is null.
    Null,
    /// The row does not have the field.
    Field,
}

#[cfg(test)]
mod tests {
    use super::RecordId;

    #[test]
    fn number_and_string_are_different_ids() {
        let number = RecordId::Number(1.into());
        let string = RecordId::String("1".to_owned());
        assert_ne!(number, string);
        assert_eq!(number.to_string(), "1");
        assert_eq!(string.to_string(), "\"1\"");
    }

    #[test]
    fn ids_are_written_as_json_of_their_own_type() {
        let ids = [
            RecordId::Row(3),
            RecordId::Number(u64::MAX.into()),
            RecordId::Number((-9_007_199_254_740_993_i64).into()),
            RecordId::String(String::new()),
        ];
        let json = serde_json::to_string(&ids).expect("ids are JSON");
        assert_eq!(json, "[3,18446744073709551615,-9007199254740993,\"\"]");
    }

    #[test]
    fn newline_in_an_id_stays_on_one_line() {
        assert_eq!(RecordId::String("up\ndown".to_owned()).to_string(), r#""up\ndown""#);
    }
}
