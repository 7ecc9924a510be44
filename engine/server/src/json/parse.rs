//! JSON text to a value. Deep nesting, keys that occur twice and endless lists are refused while it is read.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::fields::shortened;
use crate::errors::{Reason, Refusal};

/// Lists and objects inside each other.
const MOST_DEPTH: usize = 16;

/// Parses a body with at most `most_values` values (numbers, texts, lists, ..) in it.
///
/// # Errors
/// If it is not JSON, nested too deeply, or has a key twice; with [`Reason::TooLarge`] if it has more values.
pub(crate) fn parse(text: &[u8], most_values: usize) -> Result<Value, Refusal> {
    let count = Count { values: Cell::new(0), most: most_values };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let seed = Seed { count: &count, place: Place::Body, depth: 0 };
    let parsed = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| match error.classify() {
        _ if count.values.get() > most_values => Refusal::new(
            Reason::TooLarge,
            format!("the body must have at most {most_values} values, and has more: {error}"),
        ),
        serde_json::error::Category::Data => Refusal::new(Reason::Value, error.to_string()),
        _ => Refusal::new(Reason::Value, format!("the body is not JSON: {error}")),
    })
}

struct Count {
    values: Cell<usize>,
    most: usize,
}

/// A place in the body, as the last step to it.
#[derive(Clone, Copy)]
enum Place<'a> {
    Body,
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => formatter.write_str("the body"),
            Self::Key(Self::Body, key) => formatter.write_str(&shortened(key)),
            Self::Key(place, key) => write!(formatter, "{place}.{}", shortened(key)),
            Self::Index(Self::Body, index) => write!(formatter, "[{index}]"),
            Self::Index(place, index) => write!(formatter, "{place}[{index}]"),
        }
    }
}

/// What reads the value at a place.
struct Seed<'a> {
    count: &'a Count,
    place: Place<'a>,
    depth: usize,
}

impl Seed<'_> {
    fn inner<E: serde::de::Error>(&self) -> Result<usize, E> {
        match self.depth {
            MOST_DEPTH => Err(E::custom(format_args!(
                "lists and objects may be inside each other {MOST_DEPTH} deep: the limit is reached at {}",
                self.place
            ))),
            depth => Ok(depth + 1),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let values = self.count.values.get() + 1;
        self.count.values.set(values);
        if values > self.count.most {
            return Err(D::Error::custom(format_args!("{} is one too many", self.place)));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.inner()?;
        let mut list = Vec::new();
        while let Some(value) = items.next_element_seed(Seed {
            count: self.count,
            place: Place::Index(&self.place, list.len()),
            depth,
        })? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let depth = self.inner()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                let place = Place::Key(&self.place, &key);
                return Err(A::Error::custom(format_args!("{place} occurs twice")));
            }
            let place = Place::Key(&self.place, &key);
            let value = entries.next_value_seed(Seed { count: self.count, place, depth })?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> (Reason, String) {
        let refusal = parse(text.as_bytes(), 100).expect_err(text);
        (refusal.reason, refusal.message)
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (text, part) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("{\"input\": \"a\"", "EOF"),
            ("{\"input\": 'a'}", "expected value at line 1 column 11"),
            ("{} {}", "trailing characters at line 1 column 4"),
            ("{\"a\": 1e400}", "number out of range"),
            ("{\"a\": \"\\ud800\"}", "hex escape"),
            ("{\"a\": NaN}", "expected value"),
        ] {
            let (reason, message) = refused(text);
            assert_eq!(reason, Reason::Value, "{text}");
            assert!(message.starts_with("the body is not JSON: ") && message.contains(part), "{message}");
        }
        let invalid = parse(b"{\"a\": \"\xff\"}", 100).unwrap_err().message;
        assert!(invalid.contains("invalid unicode"), "{invalid}");
    }

    #[test]
    fn a_key_that_occurs_twice_is_named() {
        let (_, message) = refused("{\"model\": \"a\", \"model\": \"b\"}");
        assert!(message.starts_with("model occurs twice"), "{message}");
        let (_, message) = refused("{\"a\": [{\"b\": {\"c\": 1, \"c\": 1}}]}");
        assert!(message.starts_with("a[0].b.c occurs twice"), "{message}");
        let key = "k".repeat(50);
        let (_, message) = refused(&format!("{{\"{key}\": 1, \"{key}\": 1}}"));
        assert!(message.starts_with(&format!("{}.. occurs twice", &key[..40])), "{message}");
    }

    #[test]
    fn nesting_and_numbers_of_values_are_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MOST_DEPTH).as_bytes(), 100).is_ok());
        assert!(refused(&nested(MOST_DEPTH + 1)).1.contains("16 deep: the limit is reached at [0][0]"));
        assert_eq!(refused(&nested(100_000)).0, Reason::Value);
        let list = |values: usize| format!("{{\"input\": [{}]}}", vec!["\"\""; values].join(","));
        assert!(parse(list(98).as_bytes(), 100).is_ok());
        let (reason, message) = refused(&list(99));
        assert_eq!(reason, Reason::TooLarge);
        assert!(message.contains("at most 100 values") && message.contains("input[98]"), "{message}");
    }

    proptest! {
        #[test]
        fn other_json_is_read_as_serde_json_reads_it(
            numbers in prop::collection::vec(any::<f64>().prop_filter("JSON", |x| x.is_finite()), 0..5),
            texts in prop::collection::vec(any::<String>(), 0..5),
            whole in any::<i64>(),
        ) {
            let value = serde_json::json!({"a": numbers, "b": {"c": texts, "d": [null, true, whole]}});
            prop_assert_eq!(parse(value.to_string().as_bytes(), 100).unwrap(), value);
        }
    }
}
