//! Files with one JSON object per line, and their fields.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Input, LineReader, RecordId, describe_json, is_blank, json_kind, list_names};
use crate::{Error, Result};

/// The objects of a file, one per line. It may be compressed.
pub(crate) struct JsonLines {
    lines: LineReader,
}

impl JsonLines {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::of_input(&Input::File(path.to_owned()))
    }

    /// The same of a file or standard input.
    pub(crate) fn of_input(input: &Input) -> Result<Self> {
        Ok(Self { lines: LineReader::of_input(input)? })
    }

    /// The file's name.
    pub(crate) fn name(&self) -> &str {
        self.lines.name()
    }

    /// The line of the last object, from 1.
    pub(crate) fn row(&self) -> u64 {
        self.lines.row()
    }

    /// What `take` returns of the next object; `None` after the last one.
    ///
    /// # Errors
    /// If the file cannot be read, the line is not an object, or `take` returns the rule that it breaks.
    pub(crate) fn next<T>(
        &mut self,
        take: impl FnOnce(&mut JsonObject) -> Result<T, String>,
    ) -> Result<Option<T>> {
        let Some(line) = self.lines.next_row()? else { return Ok(None) };
        if is_blank(&line) {
            return self.lines.expect_end().map(|()| None);
        }
        let object = match serde_json::from_str(&line) {
            Ok(Value::Object(fields)) => Ok(JsonObject { fields, taken: Vec::new() }),
            Ok(other) => Err(format!("the row is {}; it must be an object", json_kind(&other))),
            Err(error) => Err(describe_json(&error)),
        };
        object.and_then(|mut object| take(&mut object)).map(Some).map_err(|rule| self.bad_row(rule))
    }

    /// The error for a rule that the last object breaks.
    pub(crate) fn bad_row(&self, rule: String) -> Error {
        self.lines.bad_row(rule)
    }
}

/// An object whose fields are taken one by one.
pub(crate) struct JsonObject {
    fields: Map<String, Value>,
    /// The names of fields that were taken.
    taken: Vec<String>,
}

impl JsonObject {
    fn take(&mut self, field: &str) -> Option<Value> {
        let (name, value) = self.fields.remove_entry(field)?;
        self.taken.push(name);
        Some(value)
    }

    /// A string.
    pub(crate) fn string(&mut self, field: &str) -> Result<String, String> {
        self.optional_string(field)?.ok_or_else(|| self.missing(field))
    }

    /// A string; `None` if it is missing or null.
    pub(crate) fn optional_string(&mut self, field: &str) -> Result<Option<String>, String> {
        match self.take(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("field `{field}` is {}; it must be a string", json_kind(&other))),
        }
    }

    /// An id as text: a string, or a whole number of 64 bits.
    pub(crate) fn id(&mut self, field: &str) -> Result<String, String> {
        match self.take(field) {
            Some(value) => id_text(value, &format!("field `{field}`")),
            None => Err(self.missing(field)),
        }
    }

    /// An id as it is; `None` if it is missing or null.
    pub(crate) fn optional_id(&mut self, field: &str) -> Result<Option<RecordId>, String> {
        match self.take(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => record_id(&value, &format!("field `{field}`")).map(Some),
        }
    }

    /// A list of strings.
    pub(crate) fn strings(&mut self, field: &str) -> Result<Vec<String>, String> {
        self.optional_strings(field)?.ok_or_else(|| self.missing(field))
    }

    /// A list of numbers.
    pub(crate) fn numbers(&mut self, field: &str) -> Result<Vec<f64>, String> {
        let numbers = self.optional_list(field, |value, what| match value.as_f64() {
            Some(number) => Ok(number),
            None => Err(format!("{what} is {}; it must be a number", json_kind(&value))),
        })?;
        numbers.ok_or_else(|| self.missing(field))
    }

    /// A list of strings; `None` if it is missing or null.
    pub(crate) fn optional_strings(&mut self, field: &str) -> Result<Option<Vec<String>>, String> {
        self.optional_list(field, |value, what| match value {
            Value::String(text) => Ok(text),
            other => Err(format!("{what} is {}; it must be a string", json_kind(&other))),
        })
    }

    /// A list of ids as text; `None` if it is missing or null.
    pub(crate) fn optional_ids(&mut self, field: &str) -> Result<Option<Vec<String>>, String> {
        self.optional_list(field, id_text)
    }

    fn optional_list<T>(
        &mut self,
        field: &str,
        read: impl Fn(Value, &str) -> Result<T, String>,
    ) -> Result<Option<Vec<T>>, String> {
        match self.take(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(values)) => {
                let element = |(at, value)| read(value, &format!("element {at} of field `{field}`"));
                (1..).zip(values).map(element).collect::<Result<_, _>>().map(Some)
            }
            Some(other) => Err(format!("field `{field}` is {}; it must be an array", json_kind(&other))),
        }
    }

    fn missing(&self, field: &str) -> String {
        let names = self.taken.iter().chain(self.fields.keys()).filter(|name| *name != field);
        format!("no value in field `{field}`; the other fields are {}", list_names(names.map(String::as_str)))
    }
}

/// An id as text; `what` it is, in messages.
fn id_text(value: Value, what: &str) -> Result<String, String> {
    record_id(&value, what).map(|id| id.text().into_owned())
}

fn record_id(value: &Value, what: &str) -> Result<RecordId, String> {
    let rule = || format!("{what} is {}; it must be a string or a whole number", json_kind(value));
    RecordId::from_json(value).ok_or_else(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(text: &str, take: impl Fn(&mut JsonObject) -> Result<T, String>) -> Result<Vec<T>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.jsonl");
        std::fs::write(&path, text).unwrap();
        let mut lines = JsonLines::open(&path)?;
        let mut found = Vec::new();
        while let Some(item) = lines.next(&take)? {
            found.push(item);
        }
        Ok(found)
    }

    #[test]
    fn fields_are_read_by_their_type() {
        let text = "{\"i\":7,\"t\":\"a\",\"l\":[1,\"b\"]}\r\n{\"i\":\"x\",\"t\":null,\"l\":null}\n\n";
        let rows = read(text, |object| {
            Ok((object.id("i")?, object.optional_string("t")?, object.optional_ids("l")?))
        });
        let list = vec!["1".to_owned(), "b".to_owned()];
        let expected = [("7".to_owned(), Some("a".to_owned()), Some(list)), ("x".to_owned(), None, None)];
        assert_eq!(rows.unwrap(), expected);
    }

    #[test]
    fn a_broken_row_is_named_with_its_rule() {
        for (text, rule) in [
            ("[1]\n", "row 1: the row is an array; it must be an object"),
            (
                "{\"t\":\"a\"}\n{\"t\":\n",
                "row 2: not valid JSON: EOF while parsing a value at byte 5 of the row",
            ),
            ("{\"u\":1}\n", "row 1: no value in field `t`; the other fields are `u`"),
            ("{\"t\":null}\n", "row 1: no value in field `t`; the other fields are none"),
            ("{\"t\":3}\n", "row 1: field `t` is a number; it must be a string"),
            ("{\"t\":\"a\"}\n\n{\"t\":\"a\"}\n", "row 2: the row is blank; only the last one may be"),
        ] {
            let error = read(text, |object| object.string("t")).unwrap_err();
            assert!(error.to_string().ends_with(rule), "{error}");
            assert_eq!(error.kind(), crate::ErrorKind::BadData);
        }
        let error = read("{\"l\":[\"a\",1]}", |object| object.optional_strings("l")).unwrap_err();
        assert!(
            error.to_string().ends_with("element 2 of field `l` is a number; it must be a string"),
            "{error}"
        );
        let error = read("{\"l\":[1,\"a\"]}", |object| object.numbers("l")).unwrap_err();
        assert!(
            error.to_string().ends_with("element 2 of field `l` is a string; it must be a number"),
            "{error}"
        );
        let error = read("{\"i\":1.5}", |object| object.id("i")).unwrap_err();
        assert!(error.to_string().ends_with("field `i` is a number; it must be a string or a whole number"));
        let error =
            read("{\"i\":1,\"u\":2}", |object| object.id("i").and_then(|_| object.string("t"))).unwrap_err();
        assert!(
            error.to_string().ends_with("no value in field `t`; the other fields are `i`, `u`"),
            "{error}"
        );
    }
}
