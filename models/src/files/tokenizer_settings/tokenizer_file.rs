//! The parts of tokenizer.json besides the tokenizer: the side on which texts are cut, and unknown parts.
//!
//! The tokenizer itself is read when it is needed. A file that is not JSON, or too long, is refused then.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::UnknownFields;
use crate::files::ModelFolder;
use crate::files::folder::{parse_json, read_limited};
use crate::{Error, Result};

const FILE: &str = "tokenizer.json";

/// The largest file that is looked at: 128 MiB. That of the supported families has at most 17 MB.
const LIMIT: u64 = 128 << 20;

/// The parts of a tokenizer. Padding and the rest of `truncation` are replaced.
const PARTS: [&str; 9] = [
    "version",
    "truncation",
    "padding",
    "added_tokens",
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
    "model",
];

/// The names of the file's parts, and the side on which texts are cut.
#[derive(Debug, Default)]
struct Parts {
    names: BTreeMap<String, IgnoredAny>,
    truncation: Option<Truncation>,
}

#[derive(Debug, Deserialize)]
struct Truncation {
    direction: Option<String>,
}

/// Refuses a tokenizer that cuts texts on the left, unless the settings state a side (then they decide), and
/// returns the parts that are not known.
pub(super) fn check(folder: &ModelFolder, side_is_stated: bool) -> Result<Option<UnknownFields>> {
    let Some(path) = folder.transformer_file(FILE)? else { return Ok(None) };
    let Ok(parts) = read_limited(&path, LIMIT).and_then(|bytes| parse_json::<Parts>(&path, &bytes)) else {
        return Ok(None);
    };
    let side = parts.truncation.and_then(|truncation| truncation.direction);
    match side.filter(|side| !side_is_stated && side != "Right") {
        None => Ok(UnknownFields::of(&path, &parts.names, |name| PARTS.contains(&name))),
        Some(side) => Err(Error::Config {
            path,
            field: "truncation.direction".to_owned(),
            rule: format!("must be Right, got {side}"),
        }),
    }
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Parts;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts, A::Error> {
                let mut parts = Parts::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "truncation" {
                        parts.truncation = map.next_value()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                    parts.names.insert(name, IgnoredAny);
                }
                Ok(parts)
            }
        }

        deserializer.deserialize_map(Object)
    }
}
