//! The parts of schemas.

use serde_json::{Map, Value, json};

pub(super) type Property = (&'static str, Value);

/// A schema with a bound, if there is one.
pub(super) fn at_most(keyword: &str, bound: Option<usize>, mut schema: Value) -> Value {
    if let Some(bound) = bound {
        schema[keyword] = bound.into();
    }
    schema
}

pub(super) fn string(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

pub(super) fn boolean(description: &str) -> Value {
    json!({ "type": "boolean", "description": description })
}

pub(super) fn whole(least: i64, description: &str) -> Value {
    json!({ "type": "integer", "minimum": least, "description": description })
}

pub(super) fn count(description: &str) -> Value {
    at_most("maximum", Some(u32::MAX as usize), whole(1, description))
}

pub(super) fn words(words: &[&str], description: &str) -> Value {
    json!({ "type": "string", "enum": words, "description": description })
}

pub(super) fn list(items: &Value, least: usize) -> Value {
    json!({ "type": "array", "items": items, "minItems": least })
}

pub(super) fn with(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

/// The same, or null.
pub(super) fn optional(schema: Value) -> Value {
    match schema.get("type").cloned() {
        Some(Value::String(kind)) if schema.get("enum").is_none() => {
            let mut schema = schema;
            schema["type"] = json!([kind, "null"]);
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

/// An object without other fields.
pub(super) fn closed(required: &[&str], properties: &[Property]) -> Value {
    let mut schema = object(required, properties);
    schema["additionalProperties"] = false.into();
    schema
}

/// An object with other fields, which are ignored, and with those that all routes that ignore fields have.
pub(super) fn open(required: &[&str], properties: &[Property]) -> Value {
    let extras = [
        (
            "priority",
            json!({
                "type": ["integer", "null"], "minimum": i32::MIN, "maximum": i32::MAX,
                "description": "Below 0 is interactive, 0 normal, above 0 bulk.",
            }),
        ),
        ("request_id", optional(string("The id in the answer's `x-request-id`."))),
        ("user", optional(string("Ignored."))),
    ];
    object(required, &[properties, &extras].concat())
}

pub(super) fn object(required: &[&str], properties: &[Property]) -> Value {
    let properties: Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}
