//! The samples of a file, one JSON object per line, with ragas' names of fields. All fields may be missing or
//! null.

use std::path::Path;

use crate::text::{JsonLines, JsonObject};
use crate::{Error, Result};

/// The fields that are read; `user_input` and others are not.
const FIELDS: [&str; 6] = [
    "response",
    "reference",
    "retrieved_contexts",
    "reference_contexts",
    "retrieved_context_ids",
    "reference_context_ids",
];

/// An answer of a system that retrieves, and what was expected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// Its line in the file, from 1.
    pub(super) row: u64,
    pub(super) response: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) retrieved_contexts: Option<Vec<String>>,
    pub(super) reference_contexts: Option<Vec<String>>,
    pub(super) retrieved_ids: Option<Vec<String>>,
    pub(super) reference_ids: Option<Vec<String>>,
}

impl Sample {
    fn take(object: &mut JsonObject) -> Result<Self, String> {
        let [response, reference, retrieved, expected, retrieved_ids, reference_ids] = FIELDS;
        Ok(Self {
            row: 0,
            response: object.optional_string(response)?,
            reference: object.optional_string(reference)?,
            retrieved_contexts: object.optional_strings(retrieved)?,
            reference_contexts: object.optional_strings(expected)?,
            retrieved_ids: object.optional_ids(retrieved_ids)?,
            reference_ids: object.optional_ids(reference_ids)?,
        })
    }

    /// Bytes of its texts.
    fn bytes(&self) -> usize {
        let texts = self.response.iter().chain(&self.reference);
        let contexts = self.retrieved_contexts.iter().chain(&self.reference_contexts).flatten();
        texts.chain(contexts).map(String::len).sum()
    }

    fn is_empty(&self) -> bool {
        let row = self.row;
        *self == Self { row, ..Self::default() }
    }
}

/// The samples of a file.
pub(super) struct Samples {
    lines: JsonLines,
    /// Whether a sample so far had one of the fields.
    has_fields: bool,
    count: u64,
}

impl Samples {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { lines: JsonLines::open(path)?, has_fields: false, count: 0 })
    }

    /// The next samples, at most `count` of them and about `bytes` bytes; none after the last one.
    ///
    /// # Errors
    /// If a line is not such a sample; after the last one, if there was none, or none had one of the fields.
    pub(super) fn next(&mut self, count: usize, bytes: usize) -> Result<Vec<Sample>> {
        let (mut samples, mut total) = (Vec::new(), 0);
        while samples.len() < count && total < bytes {
            let Some(sample) = self.lines.next(Sample::take)? else { break };
            let sample = Sample { row: self.lines.row(), ..sample };
            total += sample.bytes();
            self.has_fields |= !sample.is_empty();
            self.count += 1;
            samples.push(sample);
        }
        match (samples.is_empty(), self.has_fields) {
            (true, false) => Err(self.nothing()),
            _ => Ok(samples),
        }
    }

    fn nothing(&self) -> Error {
        let rule = match self.count {
            0 => "has no samples".to_owned(),
            count => format!("none of the {count} samples has one of the fields {}", FIELDS.join(", ")),
        };
        Error::BadInput { input: self.lines.name().to_owned(), rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Sample>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rag.jsonl");
        std::fs::write(&path, text).unwrap();
        let mut samples = Samples::open(&path)?;
        let mut all = Vec::new();
        loop {
            match samples.next(1, 100)? {
                found if found.is_empty() => return Ok(all),
                found => all.extend(found),
            }
        }
    }

    #[test]
    fn fields_may_be_missing_or_null() {
        let samples = read(concat!(
            "{\"user_input\":[1],\"response\":\"a\",\"retrieved_context_ids\":[1,\"b\"],\"reference\":null}\n",
            "{\"other\":1}\n",
        ));
        let samples = samples.unwrap();
        let ids = Some(vec!["1".to_owned(), "b".to_owned()]);
        let first =
            Sample { row: 1, response: Some("a".to_owned()), retrieved_ids: ids, ..Sample::default() };
        assert_eq!(samples, [first, Sample { row: 2, ..Sample::default() }]);
    }

    #[test]
    fn a_file_without_the_fields_is_refused() {
        for (text, rule) in [
            ("", ": has no samples"),
            (
                "{\"question\":\"?\"}\n{\"answer\":\"!\"}\n",
                ": none of the 2 samples has one of the fields response, ",
            ),
            (
                "{\"retrieved_contexts\":\"a\"}\n",
                "field `retrieved_contexts` is a string; it must be an array",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains(rule), "{error}");
            assert_eq!(error.kind(), crate::ErrorKind::BadData);
        }
    }
}
