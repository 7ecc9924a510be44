//! One JSON value per line: an object with a text field, or a string, which is the text.
//!
//! If an object has a key twice, the last one counts, as in other JSON readers. Nested fields cannot be
//! named.

use serde_json::{Map, Value};

use super::lines::{LineReader, is_blank};
use super::names::list_names;
use super::record::Row;
use super::{Kept, RecordId, TextOptions};
use crate::Result;

/// The fields to read from each row.
pub(super) struct JsonlRows {
    text_fields: Vec<String>,
    join: String,
    id_field: String,
    id_required: bool,
    keep: Vec<String>,
}

impl JsonlRows {
    pub(super) fn new(options: &TextOptions) -> Self {
        Self {
            text_fields: options.text_fields.clone(),
            join: options.join.clone(),
            id_field: options.id_field_or_default().to_owned(),
            id_required: options.id_field.is_some(),
            keep: options.keep.clone(),
        }
    }

    pub(super) fn next(&self, lines: &mut LineReader) -> Result<Option<Row>> {
        let Some(line) = lines.next_row()? else { return Ok(None) };
        if is_blank(&line) {
            return lines.expect_end().map(|()| None);
        }
        self.parse(&line).map(Some).map_err(|rule| lines.bad_row(rule))
    }

    fn parse(&self, line: &str) -> Result<Row, String> {
        match serde_json::from_str(line).map_err(|error| describe(&error))? {
            Value::Object(fields) => self.take_fields(fields),
            Value::String(text) => self.bare_text(text),
            other => Err(format!("the row is {}; it must be an object or a string", kind(&other))),
        }
    }

    /// A row that is a string has no fields: it is the text if there is one text field and nothing else is
    /// asked for.
    fn bare_text(&self, text: String) -> Result<Row, String> {
        let id_field = self.id_required.then_some(&self.id_field);
        let second_text_field = self.text_fields.get(1);
        match id_field.or(second_text_field).or(self.keep.first()) {
            Some(field) => Err(missing(field, &Map::new())),
            None => Ok(Row { id: None, text, kept: Kept::Nothing }),
        }
    }

    fn take_fields(&self, mut fields: Map<String, Value>) -> Result<Row, String> {
        let id = match fields.get(&self.id_field) {
            Some(value) => Some(self.id_from(value)?),
            None if self.id_required => return Err(missing(&self.id_field, &fields)),
            None => None,
        };
        let kept = self.keep.iter().map(|field| field_of(&fields, field).cloned());
        let kept = Kept::from(kept.collect::<Result<Vec<_>, _>>()?);
        Ok(Row { id, text: self.take_text(&mut fields)?, kept })
    }

    fn take_text(&self, fields: &mut Map<String, Value>) -> Result<String, String> {
        if let [field] = self.text_fields.as_slice()
            && let Some(Value::String(text)) = fields.get_mut(field)
        {
            return Ok(std::mem::take(text));
        }
        let texts = self.text_fields.iter().map(|field| match field_of(fields, field)? {
            Value::String(text) => Ok(text.as_str()),
            other => Err(format!("field `{field}` is {}; it must be a string", kind(other))),
        });
        Ok(texts.collect::<Result<Vec<_>, _>>()?.join(&self.join))
    }

    fn id_from(&self, value: &Value) -> Result<RecordId, String> {
        let field = &self.id_field;
        RecordId::from_json(value).ok_or_else(|| match value {
            Value::Number(number) => {
                format!("field `{field}` is {number}; a number that is an id must be a whole one of 64 bits")
            }
            other => format!("field `{field}` is {}; it must be a string or a whole number", kind(other)),
        })
    }
}

fn field_of<'a>(fields: &'a Map<String, Value>, field: &str) -> Result<&'a Value, String> {
    fields.get(field).ok_or_else(|| missing(field, fields))
}

fn missing(field: &str, fields: &Map<String, Value>) -> String {
    format!("no field `{field}`; the fields are {}", list_names(fields.keys().map(String::as_str)))
}

/// A value's kind, in words.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// serde_json counts lines too; a row has only one, and its number is already in the message.
pub(crate) fn describe(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let cause = message.rfind(" at line ").map_or(message.as_str(), |end| &message[..end]);
    format!("not valid JSON: {cause} at byte {} of the row", error.column())
}
