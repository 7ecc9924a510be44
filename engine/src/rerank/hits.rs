//! The hits of a search, as `nearsay search --json` writes them: a line of JSON per query.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::text::{Input, InputFormat, Record, RecordId, TextOptions, TextReader, check_effects};
use crate::{Error, Result};

/// The hits of one query.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FoundHits {
    /// The query.
    pub query: String,
    /// The hits, in the order of the search.
    pub hits: Vec<HitText>,
}

/// A hit with its text. Fields that reranking has no use for are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HitText {
    /// Its place, from 1.
    pub rank: usize,
    /// Its score.
    pub score: f32,
    /// The id of the text: a string or a number.
    pub id: Value,
    /// The text.
    pub text: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Reads the texts of an input, as hits in its order whose scores are 0.
///
/// # Errors
/// If the input cannot be read, a row breaks a rule, or an option has no effect on it.
pub fn read_texts(input: &Input, options: &TextOptions) -> Result<Vec<HitText>> {
    check_effects([input], options)?;
    let records = (1..).zip(TextReader::open(input, options)?);
    let hit = |(rank, record): (usize, Result<Record>)| {
        let record = record?;
        let id = match record.id {
            RecordId::Row(row) => row.into(),
            RecordId::Number(number) => Value::Number(number),
            RecordId::String(text) => text.into(),
        };
        Ok(HitText { rank, score: 0.0, id, text: record.text, other: Map::new() })
    };
    records.map(hit).collect()
}

/// Reads a file of hits; `each` is called with the hits of each query, in order.
///
/// # Errors
/// If the file cannot be read, a line is not as described, or `each` fails.
pub fn read_hits(input: &Input, mut each: impl FnMut(FoundHits) -> Result<()>) -> Result<()> {
    let mut lines = TextReader::open(input, &as_lines())?;
    while let Some(line) = lines.next().transpose()? {
        let found = serde_json::from_str(&line.text).map_err(|error| Error::BadRow {
            input: input.to_string(),
            row: line.row,
            rule: format!(
                "must be an object with `query` and `hits`, each hit with `rank`, `score`, `id` and `text`: {error}"
            ),
        })?;
        each(found)?;
    }
    Ok(())
}

/// Each line is a text.
fn as_lines() -> TextOptions {
    TextOptions { format: Some(InputFormat::Txt), skip_empty: true, ..TextOptions::default() }
}
