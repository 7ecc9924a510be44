//! Rows that are JSON values: objects with a text field, or strings, which are the text. One per line in jsonl,
//! the elements of an array in json ([`JsonElements`]).
//!
//! Of an object only the fields that were asked for are read; others are skipped whatever is in them, as long
//! as their quotes and brackets close ([`scan`]). If an object has a field twice, the last one counts, as in
//! other JSON readers. Nested fields cannot be named.

mod elements;
mod fields;
mod number;
mod scan;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::fault::{Checked, Fault};
use super::kept::KeptValue;
use super::lines::{LineReader, is_blank};
use super::names::list_names;
use super::record::{Missing, NextRow, Row};
use super::{Kept, RecordId, TextOptions};
use crate::error::{Phrase, phrase, shorten};
use crate::{Result, Setting};

pub(super) use elements::JsonElements;
use fields::{Fields, RawValue};

/// The fields to read from each row.
pub(super) struct JsonRows {
    /// Names of fields, each once.
    names: Vec<String>,
    /// Indices of names.
    texts: Vec<usize>,
    id: Option<usize>,
    keep: Vec<usize>,
    options: TextOptions,
}

/// The values of the fields that were asked for, by their names' indices.
type Found<'a> = Vec<Option<RawValue<'a>>>;

impl JsonRows {
    pub(super) fn new(options: &TextOptions) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut index = |name: &str| {
            names.iter().position(|known| known == name).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            })
        };
        let texts = options.text_fields.iter().map(|name| index(name)).collect();
        let id = options.id_column().map(&mut index);
        let keep = options.keep.iter().map(|name| index(name)).collect();
        Self { names, texts, id, keep, options: options.clone() }
    }

    /// The next line.
    pub(super) fn next_line(&self, lines: &mut LineReader) -> Result<NextRow> {
        let Some(line) = lines.next_row()? else { return Ok(NextRow::End) };
        if is_blank(&line) {
            return lines.expect_end().map(|()| NextRow::End);
        }
        self.parse(&line).map_err(|fault| lines.bad_row(line_fault(fault, &line)))
    }

    /// The row in a JSON value.
    pub(super) fn parse(&self, row: &str) -> Checked<NextRow> {
        match row.trim_ascii_start().as_bytes().first() {
            Some(b'{') => self.take_fields(row).map_err(|fault| structure_fault(fault, row)),
            Some(b'"') => self.bare_text(parsed(RawValue { json: row, start: 0 })?),
            _ => {
                check_word(row.trim_ascii(), "the row")?;
                let value: Value = parsed(RawValue { json: row, start: 0 })?;
                Err(format!("the row is {}; it must be an object or a string", kind(&value)).into())
            }
        }
    }

    /// A row that is a string has no fields: it is the text if there is one text field and nothing else is
    /// asked for.
    fn bare_text(&self, text: String) -> Checked<NextRow> {
        let second_text_field = self.options.text_fields.get(1);
        match self.options.id_field.as_ref().or(second_text_field).or(self.options.keep.first()) {
            Some(field) => Err(format!("no field `{field}`; the row is a string and has no fields").into()),
            None => Ok(NextRow::Row(Row { id: None, text, missing: None, kept: Kept::Nothing })),
        }
    }

    fn take_fields(&self, row: &str) -> Checked<NextRow> {
        let found = self.find(row)?;
        let (text, lacking) = match self.text(&found, row)? {
            Ok(text) => (text, None),
            Err(lacking) if self.options.keep_missing => (String::new(), Some(lacking)),
            Err(missing) => return Ok(NextRow::Skipped(missing)),
        };
        let id = match self.id.map(|index| found[index]) {
            Some(Some(value)) => Some(self.id_from(value)?),
            Some(None) if self.options.id_field.is_some() => {
                return Err(missing(self.options.id_column().unwrap_or_default(), row));
            }
            _ => None,
        };
        let kept = self.keep.iter().map(|&index| {
            let value = found[index].ok_or_else(|| missing(&self.names[index], row))?;
            kept_value(value, &self.names[index])
        });
        let kept = Kept::from(kept.collect::<Checked<Vec<_>>>()?);
        Ok(NextRow::Row(Row { id, text, missing: lacking, kept }))
    }

    fn find<'a>(&self, row: &'a str) -> Checked<Found<'a>> {
        let mut found = vec![None; self.names.len()];
        let mut fields = Fields::of(row);
        while let Some(field) = fields.next()? {
            if let Some(index) = self.names.iter().position(|name| field.is_named(name)) {
                found[index] = Some(field.value);
            }
        }
        Ok(found)
    }

    /// The text, or the reason for its absence if such rows are allowed.
    fn text(&self, found: &Found<'_>, row: &str) -> Checked<Result<String, Missing>> {
        let part = |index: usize| self.text_part(found[index], index, row);
        if let [index] = self.texts.as_slice() {
            return Ok(part(*index)?.ok_or(missing_text(found[*index].is_none())));
        }
        let parts = self.texts.iter().map(|&index| part(index)).collect::<Checked<Vec<_>>>()?;
        if parts.iter().all(Option::is_none) {
            let lacks_field = self.texts.iter().all(|&index| found[index].is_none());
            return Ok(Err(missing_text(lacks_field)));
        }
        let parts: Vec<String> = parts.into_iter().map(Option::unwrap_or_default).collect();
        Ok(Ok(parts.join(&self.options.join)))
    }

    /// The text of one field; `None` if it has no text and such rows are allowed.
    fn text_part(&self, value: Option<RawValue<'_>>, index: usize, row: &str) -> Checked<Option<String>> {
        let name = &self.names[index];
        match value {
            Some(value) if value.json.starts_with('"') => parsed(value).map(Some),
            None | Some(RawValue { json: "null" | "NaN", .. }) if self.options.allows_missing() => Ok(None),
            None => Err(missing(name, row)),
            Some(value) => {
                check_word(value.json, &format!("field `{name}`"))?;
                let is_null = value.json == "null";
                let kind = kind(&parsed(value)?);
                let fault = Fault::from(format!("field `{name}` is {kind}; it must be a string"));
                Err(if is_null { fault.hint(skip_empty()) } else { fault })
            }
        }
    }

    fn id_from(&self, value: RawValue<'_>) -> Checked<RecordId> {
        let field = self.options.id_column().unwrap_or_default();
        let id = || -> Checked<RecordId> {
            check_word(value.json, &format!("field `{field}`"))?;
            let kind = match value.json.as_bytes()[0] {
                b'{' => "an object",
                b'[' => "an array",
                // A number may be too large for a float.
                b'-' | b'0'..=b'9' => {
                    let id = parsed(value).ok().and_then(|value: Value| RecordId::from_json(&value));
                    return id.ok_or_else(|| not_whole(field, value.json));
                }
                _ => {
                    let parsed: Value = parsed(value)?;
                    match RecordId::from_json(&parsed) {
                        Some(id) => return Ok(id),
                        None => kind(&parsed),
                    }
                }
            };
            Err(format!("field `{field}` is {kind}; it must be a string or a whole number").into())
        };
        id().map_err(|fault| fault.with(self.options.id_remedy()))
    }
}

fn missing_text(lacks_field: bool) -> Missing {
    if lacks_field { Missing::Field } else { Missing::Null }
}

/// The remedy against a row without text.
pub(super) fn skip_empty() -> Phrase {
    phrase![Setting::SkipEmpty, " leaves out rows without text, and counts them"]
}

fn not_whole(field: &str, json: &str) -> Fault {
    let number = shorten(json);
    format!("field `{field}` is {number}; a number that is an id must be a whole one of 64 bits").into()
}

/// A kept value: unchanged, but without blanks between its parts.
fn kept_value(value: RawValue<'_>, field: &str) -> Checked<KeptValue> {
    check_word(value.json, &format!("field `{field}`"))?;
    match value.json.as_bytes()[0] {
        b'{' | b'[' => {
            parsed::<IgnoredAny>(value)
                .map_err(|fault| if has_nan(value.json) { nan_inside(field) } else { fault })?;
            Ok(KeptValue::Json(compact(value.json)))
        }
        b'-' | b'0'..=b'9' => match number::exact(value.json) {
            Some(number) => Ok(KeptValue::Value(Value::Number(number))),
            None => parsed::<IgnoredAny>(value).map(|_| KeptValue::Json(value.json.to_owned())),
        },
        _ => parsed(value).map(KeptValue::Value),
    }
}

/// JSON text without the blanks between its parts.
fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        if in_string || !character.is_ascii_whitespace() {
            compact.push(character);
        }
        (in_string, escaped) = match character {
            '"' if !escaped => (!in_string, false),
            '\\' if in_string => (true, !escaped),
            _ => (in_string, false),
        };
    }
    compact
}

/// Refuses Python's words that are not JSON.
fn check_word(json: &str, what: &str) -> Checked<()> {
    match json {
        "NaN" | "Infinity" | "-Infinity" => Err(format!("{what} is {json}, and {json} is not JSON").into()),
        _ => Ok(()),
    }
}

fn has_nan(json: &str) -> bool {
    ["NaN", "Infinity"].iter().any(|word| json.contains(word))
}

fn nan_inside(field: &str) -> Fault {
    format!("field `{field}` has NaN or Infinity in it, and these are not JSON").into()
}

/// Reads a value.
fn parsed<'a, T: serde::Deserialize<'a>>(value: RawValue<'a>) -> Checked<T> {
    serde_json::from_str(value.json).map_err(|error| described(&error, value.start).into())
}

/// A broken object, in the words of serde_json if it breaks at the same row.
fn structure_fault(fault: Fault, row: &str) -> Fault {
    if !fault.rule.starts_with("not valid JSON: expected ") {
        return fault;
    }
    match serde_json::from_str::<IgnoredAny>(row) {
        Err(error) => Fault { rule: describe(&error), ..fault },
        Ok(_) => fault,
    }
}

/// A line that is the start of a value over several lines has a known remedy.
fn line_fault(fault: Fault, line: &str) -> Fault {
    match line.trim_ascii() {
        "{" | "[" | "[{" => fault
            .hint(phrase!["if values have several lines each, read them with ", (Setting::Format, "json")]),
        _ => fault,
    }
}

fn missing(field: &str, row: &str) -> Fault {
    let mut names: Vec<String> = Vec::new();
    let mut fields = Fields::of(row);
    while let Ok(Some(field)) = fields.next() {
        names.extend(field.name().map(std::borrow::Cow::into_owned));
    }
    names.sort_unstable();
    names.dedup();
    format!("no field `{field}`; the fields are {}", list_names(names.iter().map(String::as_str))).into()
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
    described(error, 0)
}

/// The same for a value that starts at a byte of its row.
fn described(error: &serde_json::Error, start: usize) -> String {
    let message = error.to_string();
    let cause = message.rfind(" at line ").map_or(message.as_str(), |end| &message[..end]);
    format!("not valid JSON: {cause} at byte {} of the row", start + error.column())
}
