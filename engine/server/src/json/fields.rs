//! The fields of an object, each read once.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::errors::{Reason, Refusal};

/// The most characters of a value in a message.
const MOST_SHOWN: usize = 40;

/// The fields of an object that have not been read yet. A field that is null counts as missing.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// Put before names in messages: `parameters.`; empty at the top.
    prefix: String,
    fields: Map<String, Value>,
    /// The names that have been asked for.
    known: Vec<&'static str>,
}

impl Fields {
    /// The fields of a body.
    pub(crate) fn of_body(body: Value) -> Result<Self, Refusal> {
        Self::of("the body", String::new(), body)
    }

    fn of(name: &str, prefix: String, value: Value) -> Result<Self, Refusal> {
        match value {
            Value::Object(fields) => Ok(Self { prefix, fields, known: Vec::new() }),
            // Its value may be a text.
            other => Err(refuse_kind(name, "an object", &other)),
        }
    }

    /// Takes a field's value.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a field that must be there.
    pub(crate) fn required(&mut self, name: &'static str) -> Result<Value, Refusal> {
        let path = self.path(name);
        self.take(name).ok_or_else(|| Refusal::of(&path, Reason::Value, format!("{path} is missing")))
    }

    /// Takes a text that must be there. A message about another value never has it: it may be a part of a text.
    pub(crate) fn required_text(&mut self, name: &'static str) -> Result<String, Refusal> {
        match self.required(name)? {
            Value::String(text) => Ok(text),
            other => Err(refuse_kind(&self.path(name), "a string", &other)),
        }
    }

    /// Whether a field is there, and is not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether a field is an object.
    pub(crate) fn has_object(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(Value::is_object)
    }

    pub(crate) fn object(&mut self, name: &'static str) -> Result<Option<Self>, Refusal> {
        let path = self.path(name);
        self.take(name).map(|value| Self::of(&path, format!("{path}."), value)).transpose()
    }

    pub(crate) fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(refuse(&self.path(name), "true or false", &other)),
        }
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(value)) => Ok(Some(value)),
            Some(other) => Err(refuse(&self.path(name), "a string", &other)),
        }
    }

    /// A whole number in `range`.
    pub(crate) fn whole(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        // 256.0 is a whole number, too: JSON does not distinguish.
        let float = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15);
        let number = value.as_i64().or(float.map(|number| number as i64));
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let rule = format!("a whole number from {} to {}", range.start(), range.end());
                Err(refuse(&self.path(name), &rule, &value))
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match words.iter().find(|(word, _)| value.as_str() == Some(word)) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let names: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
                Err(refuse(&self.path(name), &one_of(&names), &value))
            }
        }
    }

    /// Where a field is.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The fields that nobody asked for.
    pub(crate) fn ignored(self) -> Vec<String> {
        let prefix = self.prefix;
        self.fields.into_iter().map(|(name, _)| format!("{prefix}{name}")).collect()
    }

    /// Refuses fields that nobody asked for.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(name) => {
                let path = format!("{}{}", self.prefix, shortened(name));
                let message = format!("unknown field {path}; known fields: {}", self.known.join(", "));
                Err(Refusal::of(&path, Reason::Value, message))
            }
        }
    }
}

/// Refuses the value at `path`, which must be what `rule` says.
pub(crate) fn refuse(path: &str, rule: &str, value: &Value) -> Refusal {
    let param = if path == "the body" { None } else { Some(path.to_owned()) };
    let message = format!("{path} must be {rule}, got {}", described(value));
    Refusal { reason: Reason::Value, message, param }
}

/// The same without the value, which may be a part of a text.
pub(crate) fn refuse_kind(path: &str, rule: &str, value: &Value) -> Refusal {
    Refusal::of(path, Reason::Value, format!("{path} must be {rule}, got {}", kind(value)))
}

/// The kind of a value: `a number`.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A value if it is short, else its kind.
fn described(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => shown(text),
        other => kind(other).to_owned(),
    }
}

/// A text in quotes, on one line and not too long.
pub(crate) fn shown(text: impl AsRef<str>) -> String {
    format!("\"{}\"", shortened(text.as_ref()))
}

/// At most 40 characters of a text, on one line.
pub(super) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST_SHOWN).collect::<String>().escape_debug().to_string();
    if text.chars().nth(MOST_SHOWN).is_some() {
        shown.push_str("..");
    }
    shown
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn one_of(names: &[impl Display]) -> String {
    let Some((last, before)) = names.split_last() else { return String::new() };
    match before {
        [] => last.to_string(),
        _ => {
            let before: Vec<String> = before.iter().map(ToString::to_string).collect();
            format!("{} or {last}", before.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        Fields::of_body(value).unwrap()
    }

    fn message<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn values_are_read_and_null_is_missing() {
        let mut body = fields(json!({"a": true, "b": "x", "c": 3, "d": null, "e": "float", "f": {"g": 4.0}}));
        assert_eq!(body.boolean("a").unwrap(), Some(true));
        assert_eq!(body.text("b").unwrap().as_deref(), Some("x"));
        assert_eq!(body.whole("c", 1..=3).unwrap(), Some(3));
        assert_eq!((body.text("d").unwrap(), body.text("missing").unwrap()), (None, None));
        assert_eq!(body.word("e", &[("float", 1), ("base64", 2)]).unwrap(), Some(1));
        let mut inner = body.object("f").unwrap().unwrap();
        assert_eq!(inner.whole("g", 1..=9).unwrap(), Some(4));
        assert!(inner.finish().is_ok() && body.finish().is_ok());
    }

    #[test]
    fn refusals_name_the_place_the_rule_and_the_value() {
        let of = |value: Value| fields(json!({ "a": value }));
        for (value, got) in [
            (json!(0), "0"),
            (json!(4), "4"),
            (json!(2.5), "2.5"),
            (json!("2"), "\"2\""),
            (json!([]), "a list"),
        ] {
            let rule = "a must be a whole number from 1 to 3, got ";
            assert_eq!(message(of(value).whole("a", 1..=3)), format!("{rule}{got}"));
        }
        for value in [json!(u64::MAX), json!(1e300), json!(-1), json!(i64::MIN)] {
            assert!(of(value).whole("a", 0..=i64::MAX).is_err());
        }
        assert_eq!(message(of(json!(1)).boolean("a")), "a must be true or false, got 1");
        assert_eq!(message(of(json!(1)).text("a")), "a must be a string, got 1");
        assert_eq!(
            message(of(json!("flot\n")).word("a", &[("float", ()), ("base64", ())])),
            "a must be \"float\" or \"base64\", got \"flot\\n\""
        );
        assert_eq!(message(of(json!("x".repeat(50))).boolean("a")).len(), 73);
        assert_eq!(message(Fields::of_body(json!([1]))), "the body must be an object, got a list");
        assert_eq!(message(of(json!("a text")).object("a")), "a must be an object, got a string");
        assert_eq!(message(of(json!(1)).required("b")), "b is missing");
        let mut parent = fields(json!({"p": {"q": 1}}));
        assert_eq!(message(parent.object("p").unwrap().unwrap().text("q")), "p.q must be a string, got 1");
    }

    #[test]
    fn unknown_fields_are_listed_or_refused() {
        let mut body = fields(json!({"input": "a", "trucate": true}));
        body.take("input");
        body.take("truncate");
        assert_eq!(fields(json!({"b": 1, "a": 2})).ignored(), ["a", "b"]);
        let refusal = body.finish().unwrap_err();
        assert_eq!(refusal.message, "unknown field trucate; known fields: input, truncate");
        assert_eq!(refusal.param.as_deref(), Some("trucate"));
    }
}
