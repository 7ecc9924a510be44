//! Semantic textual similarity: do cosines of sentences order pairs as people do?

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_schema::DataType;
use nearsay_metrics::statistics::{pearson, spearman};
use serde::Serialize;
use serde_json::Value;

use crate::embed::Embedder;
use crate::error::shorten;
use crate::text::{Input, Kept, KeptValue, Record, TextOptions, TextReader, check_effects};
use crate::vectors::dot;
use crate::{Error, Result};

/// Pairs that are embedded together, at most.
const BLOCK_PAIRS: usize = 4096;
/// Bytes of their texts, approximately.
const BLOCK_BYTES: usize = 64 << 20;

/// The columns or fields of a table of pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsColumns {
    /// How similar the sentences are, as people judged.
    pub score: String,
    /// A sentence.
    pub sentence1: String,
    /// The sentence that it is compared with.
    pub sentence2: String,
}

impl Default for StsColumns {
    fn default() -> Self {
        let [score, sentence1, sentence2] = ["score", "sentence1", "sentence2"].map(str::to_owned);
        Self { score, sentence1, sentence2 }
    }
}

/// Correlations of cosines with scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StsScores {
    /// Spearman's correlation; `None` if all cosines or all scores are equal.
    pub spearman: Option<f64>,
    /// Pearson's correlation.
    pub pearson: Option<f64>,
    /// Number of pairs.
    pub pairs: u64,
    /// Sentences that were truncated to the longest length.
    pub truncated: u64,
    /// Sentences without tokens.
    pub empty: u64,
}

/// Compares the cosines of pairs of sentences with their scores. `progress` is called with the number of
/// pairs done so far.
///
/// # Errors
/// If the input cannot be read, lacks a column, has a score that is not a number, or fewer than two rows; if
/// the encoder fails or the call is stopped.
pub fn evaluate_sts(
    input: &Input,
    columns: &StsColumns,
    reading: &TextOptions,
    embedder: &Embedder,
    progress: impl Fn(u64),
) -> Result<StsScores> {
    let embedder = embedder.with(|options| options.normalize(true))?;
    let options =
        reading.clone().text_fields([&columns.sentence1]).keep([&columns.sentence2, &columns.score]).no_id();
    check_effects([input], &options)?;
    let mut reader = TextReader::open(input, &options)?;
    let (mut cosines, mut scores) = (Vec::new(), Vec::new());
    let mut result = StsScores { spearman: None, pearson: None, pairs: 0, truncated: 0, empty: 0 };
    loop {
        let (mut sentences, mut bytes) = (Vec::new(), 0);
        while sentences.len() < 2 * BLOCK_PAIRS && bytes < BLOCK_BYTES {
            let Some(record) = reader.next().transpose()? else { break };
            let row = record.row;
            let (pair, score) = pair(record, columns).map_err(|rule| Error::BadRow {
                input: input.to_string(),
                row,
                rule,
            })?;
            bytes += pair.iter().map(String::len).sum::<usize>();
            sentences.extend(pair);
            scores.push(score);
        }
        if sentences.is_empty() {
            break;
        }
        let vectors = embedder.embed(&sentences)?;
        result.truncated += vectors.notices.truncated.count;
        result.empty += vectors.notices.empty.count;
        cosines.extend((0..sentences.len() / 2).map(|pair| dot(&vectors[2 * pair], &vectors[2 * pair + 1])));
        progress(scores.len() as u64);
    }
    if scores.len() < 2 {
        let rule = format!("a correlation needs at least 2 pairs, got {}", scores.len());
        return Err(Error::BadInput { input: input.to_string(), rule });
    }
    result.pairs = scores.len() as u64;
    (result.spearman, result.pearson) = (spearman(&cosines, &scores), pearson(&cosines, &scores));
    Ok(result)
}

/// The sentences of a row and their score.
fn pair(record: Record, columns: &StsColumns) -> Result<([String; 2], f64), String> {
    let (sentence2, score) = match &record.kept {
        Kept::Values(values) => match values.as_slice() {
            [sentence, score] => (text(sentence, &columns.sentence2)?, number(score, &columns.score)?),
            _ => return Err(missing(columns)),
        },
        Kept::Row { columns: arrays, index } => match &arrays[..] {
            [sentence, score] => {
                let sentence = text_at(sentence, *index, &columns.sentence2)?;
                (sentence, number_at(score, *index, &columns.score)?)
            }
            _ => return Err(missing(columns)),
        },
        Kept::Nothing => return Err(missing(columns)),
    };
    Ok(([record.text, sentence2], score))
}

/// Of a row without fields, such as a JSON string.
fn missing(columns: &StsColumns) -> String {
    format!("the row has no fields, and so none named `{}`", columns.score)
}

fn text(value: &KeptValue, column: &str) -> Result<String, String> {
    match value {
        KeptValue::Value(Value::String(text)) => Ok(text.clone()),
        other => Err(format!("`{column}` must be a text, got {}", shorten(&other.to_string()))),
    }
}

fn number(value: &KeptValue, column: &str) -> Result<f64, String> {
    finite(value.as_number(), column, || shorten(&value.to_string()).into_owned())
}

fn finite(number: Option<f64>, column: &str, got: impl Fn() -> String) -> Result<f64, String> {
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| format!("`{column}` must be a finite number, got {}", got()))
}

fn text_at(column: &ArrayRef, index: usize, name: &str) -> Result<String, String> {
    let text = cast(&column.slice(index, 1), &DataType::Utf8).ok().filter(|text| text.is_valid(0));
    let text = text.ok_or_else(|| format!("`{name}` must be a text, got {}", described(column, index)))?;
    Ok(text.as_string::<i32>().value(0).to_owned())
}

fn number_at(column: &ArrayRef, index: usize, name: &str) -> Result<f64, String> {
    let number = cast(&column.slice(index, 1), &DataType::Float64).ok().filter(|number| number.is_valid(0));
    let number = number.map(|number| number.as_primitive::<Float64Type>().value(0));
    finite(number, name, || described(column, index))
}

fn described(column: &ArrayRef, index: usize) -> String {
    if column.is_null(index) { "null".to_owned() } else { format!("a value of type {}", column.data_type()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_numbers_or_texts_of_numbers() {
        let number = |value| number(&value, "score");
        assert_eq!(number(KeptValue::Value(" 2.5".into())), Ok(2.5));
        assert_eq!(number(KeptValue::Value(4.into())), Ok(4.0));
        assert_eq!(number(KeptValue::Json("1e2".to_owned())), Ok(100.0));
        for (value, got) in
            [(Value::from("high"), "\"high\""), (Value::Null, "null"), ("nan".into(), "\"nan\"")]
        {
            let rule = format!("`score` must be a finite number, got {got}");
            assert_eq!(number(KeptValue::Value(value)), Err(rule));
        }
    }
}
