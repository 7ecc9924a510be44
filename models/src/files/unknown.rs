//! Fields of a model's files that nearsay does not know.
//!
//! A field that is known to change numbers and is not supported is an error. One that is not known at all may
//! be a note of the author's or something that a later version of transformers reads, so it is reported.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The unknown fields of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFields {
    /// The file.
    pub path: PathBuf,
    /// The fields, sorted; at least one.
    pub fields: Vec<String>,
}

/// At most this many fields are named in a message.
const NAMED: usize = 8;

/// A field's name is shortened to so many characters in a message.
const LONGEST_NAME: usize = 60;

impl UnknownFields {
    /// The fields of `path` that are not `known`, if there are any.
    pub(crate) fn of<V>(
        path: &Path,
        fields: &BTreeMap<String, V>,
        known: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let fields: Vec<String> = fields.keys().filter(|name| !known(name)).cloned().collect();
        (!fields.is_empty()).then(|| Self { path: path.to_owned(), fields })
    }
}

impl fmt::Display for UnknownFields {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: &String| {
            let start: String = name.chars().take(LONGEST_NAME).collect();
            start.escape_debug().to_string()
        };
        let named: Vec<String> = self.fields.iter().take(NAMED).map(name).collect();
        let more = if self.fields.len() > NAMED { ", .." } else { "" };
        let (noun, verb) = if self.fields.len() == 1 { ("field", "is") } else { ("fields", "are") };
        write!(out, "{}: the {noun} {}{more} {verb} not known", self.path.display(), named.join(", "))
    }
}
