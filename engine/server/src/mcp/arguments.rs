//! Arguments of tools. A refusal names the argument, the rule and the value.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::errors::{Reason, Refusal};
use crate::json::{Fields, kind, refuse, refuse_kind, shown};

/// The most bytes of one text.
const MOST_BYTES: usize = 1 << 20;

/// A string that must be there and have a character.
pub(super) fn text(fields: &mut Fields, name: &'static str) -> Result<String, Refusal> {
    match fields.text(name)? {
        Some(text) if text.len() > MOST_BYTES => Err(too_long(name, text.len())),
        Some(text) if !text.trim().is_empty() => Ok(text),
        Some(text) => Err(refuse(name, "a string that is not blank", &Value::String(text))),
        None => Err(missing(name, "a string")),
    }
}

/// A list of strings, so many of them; `None` if it is missing.
pub(super) fn texts(
    fields: &mut Fields,
    name: &'static str,
    range: RangeInclusive<usize>,
) -> Result<Option<Vec<String>>, Refusal> {
    let items = match fields.take(name) {
        None => return Ok(None),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(refuse_kind(name, "a list of strings", &other)),
    };
    check_count(name, items.len(), &range)?;
    let text = |(index, item)| text_at(&format!("{name}[{index}]"), item);
    items.into_iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
}

/// A list of strings that must be there.
pub(super) fn required_texts(
    fields: &mut Fields,
    name: &'static str,
    range: RangeInclusive<usize>,
) -> Result<Vec<String>, Refusal> {
    texts(fields, name, range)?.ok_or_else(|| missing(name, "a list of strings"))
}

/// A string at a place.
pub(super) fn text_at(place: &str, item: Value) -> Result<String, Refusal> {
    match item {
        Value::String(text) if text.len() > MOST_BYTES => Err(too_long(place, text.len())),
        Value::String(text) => Ok(text),
        other => {
            Err(Refusal::of(place, Reason::Value, format!("{place} must be a string, got {}", kind(&other))))
        }
    }
}

/// Refuses a list that is too short or too long.
pub(super) fn check_count(name: &str, count: usize, range: &RangeInclusive<usize>) -> Result<(), Refusal> {
    if range.contains(&count) {
        return Ok(());
    }
    let (least, most) = (range.start(), range.end());
    Err(Refusal::of(
        name,
        Reason::Value,
        format!("{name} must have from {least} to {most} texts, got {count}"),
    ))
}

/// A whole number in a range, or the default.
pub(super) fn whole(
    fields: &mut Fields,
    name: &'static str,
    range: RangeInclusive<usize>,
    default: usize,
) -> Result<usize, Refusal> {
    let range = *range.start() as i64..=i64::try_from(*range.end()).unwrap_or(i64::MAX);
    Ok(fields.whole(name, range)?.map_or(default, |number| number as usize))
}

/// A number that is finite.
pub(super) fn number(fields: &mut Fields, name: &'static str) -> Result<Option<f64>, Refusal> {
    let Some(value) = fields.take(name) else { return Ok(None) };
    value.as_f64().map(Some).ok_or_else(|| refuse(name, "a number", &value))
}

/// A filter as an SQL expression: each column equals its value.
pub(super) fn filter(fields: &mut Fields) -> Result<Option<String>, Refusal> {
    let columns = match fields.take("filter") {
        None => return Ok(None),
        Some(Value::Object(columns)) => columns,
        Some(other) => return Err(refuse_kind("filter", "an object of columns and values", &other)),
    };
    let terms = columns.iter().map(|(column, value)| term(column, value)).collect::<Result<Vec<_>, _>>()?;
    Ok((!terms.is_empty()).then(|| terms.join(" and ")))
}

fn term(column: &str, value: &Value) -> Result<String, Refusal> {
    let name = format!("\"{}\"", column.replace('"', "\"\""));
    match value {
        Value::Null => Ok(format!("{name} is null")),
        Value::Bool(value) => Ok(format!("{name} = {value}")),
        Value::Number(number) => Ok(format!("{name} = {number}")),
        Value::String(text) => Ok(format!("{name} = '{}'", text.replace('\'', "''"))),
        other => {
            let place = format!("filter[{}]", shown(column));
            Err(refuse_kind(&place, "a string, a number, true, false or null", other))
        }
    }
}

/// The refusal of a call without an argument that it needs.
pub(super) fn missing(name: &str, rule: &str) -> Refusal {
    Refusal::of(name, Reason::Value, format!("{name} must be {rule}, and is missing"))
}

fn too_long(place: &str, bytes: usize) -> Refusal {
    Refusal::of(place, Reason::TooLarge, format!("{place} must have at most {MOST_BYTES} bytes, got {bytes}"))
}

/// The fields of a call's arguments.
pub(super) fn fields(arguments: Option<Map<String, Value>>) -> Result<Fields, Refusal> {
    Fields::of_body(Value::Object(arguments.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: Value) -> Fields {
        Fields::of_body(value).unwrap()
    }

    #[test]
    fn refusals_name_the_argument_the_rule_and_the_value() {
        let message = |result: Result<Option<Vec<String>>, Refusal>| result.unwrap_err().message;
        let read = |value: Value| texts(&mut of(json!({ "texts": value })), "texts", 2..=3);
        assert_eq!(message(read(json!(["a"]))), "texts must have from 2 to 3 texts, got 1");
        assert_eq!(message(read(json!(["a", 7]))), "texts[1] must be a string, got a number");
        assert_eq!(message(read(json!("a"))), "texts must be a list of strings, got a string");
        let missing = required_texts(&mut of(json!({})), "texts", 2..=3).unwrap_err().message;
        assert_eq!(missing, "texts must be a list of strings, and is missing");
        let blank = text(&mut of(json!({"query": " \n"})), "query").unwrap_err().message;
        assert_eq!(blank, "query must be a string that is not blank, got \" \\n\"");
        let large = whole(&mut of(json!({"k": 1_000_000_000})), "k", 1..=50, 8).unwrap_err().message;
        assert_eq!(large, "k must be a whole number from 1 to 50, got 1000000000");
    }

    #[test]
    fn a_filter_is_an_expression_whose_values_cannot_leave_their_quotes() {
        let read = |value: Value| filter(&mut of(json!({ "filter": value })));
        let all = json!({"a\"b": "it's", "n": 1.5, "t": true, "z": null});
        let expected = "\"a\"\"b\" = 'it''s' and \"n\" = 1.5 and \"t\" = true and \"z\" is null";
        assert_eq!(read(all).unwrap().unwrap(), expected);
        assert_eq!(read(json!({})).unwrap(), None);
        let message = read(json!({"year": [1]})).unwrap_err().message;
        assert_eq!(message, "filter[\"year\"] must be a string, a number, true, false or null, got a list");
    }
}
