//! Estimates the size and time of a job from a sample of its input.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Result;
use crate::embed::EmbedRun;
use crate::text::{Record, RecordStream};
use crate::vectors::Level;
use crate::vectors::write::OutputFormat;

/// Records in a sample: enough that read-ahead does not distort the size of a record.
pub(super) const SAMPLE_RECORDS: usize = 20_000;
/// Time to spend encoding the sample.
const ENCODE: Duration = Duration::from_secs(3);
/// Bytes of text to tokenize.
const SURVEY_BYTES: usize = 4 << 20;
/// Texts encoded at a time: enough that threads rarely wait for the last one.
const TEXTS: usize = 256;

/// Estimated size and time of a job over the whole input.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// Input rows; `None` if the size of the input is unknown.
    pub rows: Option<u64>,
    /// Whether the rows were counted, not estimated from the sample.
    pub rows_are_exact: bool,
    /// Tokens of all texts; `None` if the number of rows is unknown.
    pub tokens: Option<u64>,
    /// Measured on the sample.
    pub tokens_per_text: f64,
    /// The share of texts longer than the embedder's longest, from 0 to 1.
    pub share_truncated: f64,
    /// Bytes of the vectors alone: ids and kept columns are small in comparison.
    pub output_bytes: Option<u64>,
    /// Time that the encoder needs.
    pub seconds: Option<f64>,
    /// Measured on the sample.
    pub tokens_per_second: f64,
    /// Rows of the sample.
    pub sample_rows: u64,
}

/// Estimates from the sample that `records` has read ahead.
pub(super) fn estimate(
    run: &EmbedRun<'_>,
    format: OutputFormat,
    records: &mut RecordStream,
) -> Result<Estimate> {
    let is_all = records.is_all_ahead();
    let read = records.bytes_read();
    let sample = records.ahead().count();
    let sample: Vec<Record> = records.by_ref().take(sample + usize::from(is_all)).collect::<Result<_>>()?;
    let surveyed = beginning(&sample);
    let counts = run.survey(surveyed)?;
    let a_text = |sum: u64| if surveyed.is_empty() { 0.0 } else { sum as f64 / surveyed.len() as f64 };
    let by_bytes = |total: u64| (read > 0).then(|| (sample.len() as f64 * total as f64 / read as f64) as u64);
    let rows = if is_all { Some(sample.len() as u64) } else { records.bytes_total().and_then(by_bytes) };
    let speed = speed(run, &sample)?;
    let of_all = |a_text: f64| rows.map(|rows| (rows as f64 * a_text) as u64);
    let tokens = of_all(a_text(counts.tokens));
    let vectors = if run.layout.level == Level::Token { tokens } else { of_all(a_text(counts.rows)) };
    Ok(Estimate {
        rows,
        rows_are_exact: is_all,
        tokens,
        tokens_per_text: a_text(counts.tokens),
        share_truncated: a_text(counts.truncated),
        output_bytes: vectors.map(|vectors| output_bytes(run, format, vectors, &speed)).transpose()?,
        seconds: tokens.map(|tokens| tokens as f64 / speed.tokens_per_second.max(1.0)),
        tokens_per_second: speed.tokens_per_second,
        sample_rows: sample.len() as u64,
    })
}

/// The first records, with about [`SURVEY_BYTES`] of text; at least one.
fn beginning(sample: &[Record]) -> &[Record] {
    let mut bytes = 0;
    let is_within = |record: &&Record| {
        let is_within = bytes < SURVEY_BYTES;
        bytes += record.text.len();
        is_within
    };
    &sample[..sample.iter().take_while(is_within).count()]
}

/// Measured on the part of the sample that was encoded.
struct Speed {
    tokens_per_second: f64,
    /// Values of a sparse vector, on average.
    values: f64,
}

/// Encodes the sample for [`ENCODE`]. The first texts are not timed: they warm up caches and buffers.
fn speed(run: &EmbedRun<'_>, sample: &[Record]) -> Result<Speed> {
    encode(run, &sample[..sample.len().min(TEXTS / 4)])?;
    let start = Instant::now();
    let (mut texts, mut tokens, mut values) = (0, 0, 0);
    for records in sample.chunks(TEXTS) {
        let encoded = encode(run, records)?;
        (texts, tokens, values) = (texts + records.len(), tokens + encoded.tokens, values + encoded.values);
        if start.elapsed() > ENCODE {
            break;
        }
    }
    let tokens_per_second = tokens as f64 / start.elapsed().as_secs_f64().max(1e-9);
    Ok(Speed { tokens_per_second, values: values as f64 / texts.max(1) as f64 })
}

/// Counts of some encoded records.
struct Encoded {
    tokens: usize,
    /// Of sparse vectors.
    values: usize,
}

fn encode(run: &EmbedRun<'_>, records: &[Record]) -> Result<Encoded> {
    let texts: Vec<&str> = records.iter().map(|record| record.text.as_str()).collect();
    let tokenized = run.embedder.tokenize(&texts)?;
    let tokens = tokenized.iter().map(|text| text.ids.len()).sum();
    let values = match run.embedder.level() {
        Level::Sparse => {
            let vectors = run.embedder.embed_sparse_tokenized(&tokenized)?;
            vectors.iter().map(|vector| vector.values.len()).sum()
        }
        Level::Token => {
            run.embedder.embed_tokens(&texts)?;
            0
        }
        Level::Text => {
            run.embedder.embed_tokenized(&tokenized)?;
            0
        }
    };
    Ok(Encoded { tokens, values })
}

fn output_bytes(run: &EmbedRun<'_>, format: OutputFormat, vectors: u64, speed: &Speed) -> Result<u64> {
    let layout = &run.layout;
    // A number in JSON has about 12 characters, an index 6.
    let is_json = format == OutputFormat::Jsonl;
    if layout.level == Level::Sparse {
        let bytes = if is_json { 18.0 } else { 8.0 };
        return Ok((vectors as f64 * speed.values * bytes) as u64);
    }
    let bytes = if is_json { 12 * layout.output_type.width(layout.dim)? } else { layout.vector_bytes()? };
    Ok(vectors * bytes as u64)
}
