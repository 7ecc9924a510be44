//! The rows of an n-best list: `{"id": .., "candidates": [..], FIELD: [one weight per candidate]}`.

use crate::session::Measured;
use crate::text::{Input, JsonLines, JsonObject, RecordId};
use crate::{Error, Result};

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NBestRow {
    pub(super) id: RecordId,
    /// At least one.
    pub(super) candidates: Vec<String>,
    /// One per candidate, not negative, and not all 0.
    weights: Option<Vec<f64>>,
}

impl NBestRow {
    pub(super) fn new(id: RecordId, candidates: Vec<String>, weights: Option<Vec<f64>>) -> Self {
        Self { id, candidates, weights }
    }

    fn take(object: &mut JsonObject, position: u64, weights: Option<&str>) -> Result<Self, String> {
        let id = object.optional_id("id")?.unwrap_or(RecordId::Row(position));
        let candidates = object.strings("candidates")?;
        if candidates.is_empty() {
            return Err("field `candidates` has 0 candidates; it must have 1 at least".to_owned());
        }
        let weights = match weights {
            None => None,
            Some(field) => {
                let weights = object.numbers(field)?;
                check_weights(&weights, field, candidates.len())?;
                Some(weights)
            }
        };
        Ok(Self::new(id, candidates, weights))
    }

    /// The weight of a reference.
    pub(super) fn weight(&self, reference: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[reference])
    }

    /// The sum of all weights.
    pub(super) fn total_weight(&self) -> f64 {
        match &self.weights {
            None => self.candidates.len() as f64,
            Some(weights) => weights.iter().sum(),
        }
    }
}

fn check_weights(weights: &[f64], field: &str, candidates: usize) -> Result<(), String> {
    let count = weights.len();
    if count != candidates {
        return Err(format!(
            "field `{field}` must have a weight for each candidate, got {count} for {candidates}"
        ));
    }
    if let Some((at, weight)) = (1..).zip(weights).find(|(_, weight)| **weight < 0.0) {
        return Err(format!("weight {at} of field `{field}` is {weight}; it must be 0 or more"));
    }
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 && sum.is_finite() {
        return Ok(());
    }
    Err(format!(
        "the {count} weights of field `{field}` have the sum {sum}; it must be finite and more than 0"
    ))
}

impl Measured for NBestRow {
    fn useful_bytes(&self, longest: usize) -> usize {
        self.candidates.iter().map(|text| text.useful_bytes(longest)).sum()
    }

    fn bytes(&self) -> usize {
        self.candidates.iter().map(String::len).sum()
    }
}

/// The rows of an input.
pub(super) struct NBestRows {
    lines: JsonLines,
    weights: Option<String>,
    rows: u64,
}

impl NBestRows {
    pub(super) fn open(input: &Input, weights: Option<&str>) -> Result<Self> {
        Ok(Self { lines: JsonLines::of_input(input)?, weights: weights.map(str::to_owned), rows: 0 })
    }
}

impl Iterator for NBestRows {
    type Item = Result<NBestRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let (position, weights) = (self.rows, self.weights.as_deref());
        match self.lines.next(|object| NBestRow::take(object, position, weights)).transpose() {
            None if self.rows == 0 => {
                let rule = "has no rows; an n-best list must have 1 at least".to_owned();
                Some(Err(Error::BadInput { input: self.lines.name().to_owned(), rule }))
            }
            row => {
                self.rows += 1;
                row
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, weights: Option<&str>) -> Result<Vec<NBestRow>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n.jsonl");
        std::fs::write(&path, text).unwrap();
        NBestRows::open(&Input::File(path), weights)?.collect()
    }

    #[test]
    fn a_row_without_an_id_has_its_position() {
        let rows = read(
            "{\"candidates\":[\"a\"],\"p\":[0.5]}\n{\"id\":\"x\",\"candidates\":[\"b\",\"c\"],\"p\":[0,2]}\n",
            Some("p"),
        );
        let rows = rows.unwrap();
        assert_eq!((&rows[0].id, rows[0].total_weight()), (&RecordId::Row(0), 0.5));
        assert_eq!(
            (&rows[1].id, rows[1].weight(0), rows[1].weight(1)),
            (&RecordId::String("x".into()), 0.0, 2.0)
        );
        assert_eq!(rows[1].bytes(), 2);
    }

    #[test]
    fn without_a_field_candidates_weigh_the_same() {
        let rows = read("{\"candidates\":[\"a\",\"b\"],\"p\":\"unread\"}", None).unwrap();
        assert_eq!((rows[0].weight(1), rows[0].total_weight()), (1.0, 2.0));
    }

    #[test]
    fn rules_are_named_with_row_and_values() {
        for (row, rule) in [
            ("{}", "row 2: no value in field `candidates`"),
            ("{\"candidates\":[]}", "row 2: field `candidates` has 0 candidates; it must have 1 at least"),
            ("{\"candidates\":\"a\"}", "row 2: field `candidates` is a string; it must be an array"),
            ("{\"candidates\":[\"a\"]}", "row 2: no value in field `p`"),
            (
                "{\"candidates\":[\"a\"],\"p\":[1,2]}",
                "row 2: field `p` must have a weight for each candidate, got 2 for 1",
            ),
            (
                "{\"candidates\":[\"a\",\"b\"],\"p\":[1,-0.5]}",
                "row 2: weight 2 of field `p` is -0.5; it must be 0 or more",
            ),
            (
                "{\"candidates\":[\"a\",\"b\"],\"p\":[0,0]}",
                "row 2: the 2 weights of field `p` have the sum 0; it must be finite and more than 0",
            ),
            ("{\"candidates\":[\"a\",\"b\"],\"p\":[1e308,1e308]}", "have the sum inf; it must be finite"),
            ("{\"id\":[],\"candidates\":[\"a\"]}", "row 2: field `id` is an array; it must be a string"),
        ] {
            let text = format!("{{\"candidates\":[\"a\"],\"p\":[1]}}\n{row}\n");
            let error = read(&text, Some("p")).unwrap_err();
            assert!(error.to_string().contains(rule), "{error}");
            assert_eq!(error.kind(), crate::ErrorKind::BadData);
        }
        let error = read("", None).unwrap_err();
        assert!(error.to_string().ends_with("n.jsonl: has no rows; an n-best list must have 1 at least"));
    }
}
