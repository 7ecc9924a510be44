//! `--dry-run`: what a run would be, told from a sample of the input.

use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, HumanDuration};
use nearsay::embed::{EmbedRun, Level};
use nearsay::output::OutputFormat;
use nearsay::text::{Record, RecordStream};
use serde::Serialize;

use super::Work;
use super::head::Head;
use crate::print::{print_json, print_line};

/// How long the sample is encoded.
const ENCODE: Duration = Duration::from_secs(3);
/// Bytes of text that are tokenized.
const SURVEY_BYTES: usize = 4 << 20;
/// Texts encoded at a time: enough that threads rarely wait for the last of them.
const TEXTS: usize = 256;

/// What a run over the whole input would be.
#[derive(Debug, Serialize)]
struct Estimate {
    /// Input rows; `None` where the input cannot tell.
    rows: Option<u64>,
    /// Whether the rows were counted, rather than told from the sample.
    rows_are_exact: bool,
    tokens: Option<u64>,
    tokens_per_text: f64,
    /// The share of texts longer than the model's longest.
    share_truncated: f64,
    output_bytes: Option<u64>,
    seconds: Option<f64>,
    tokens_per_second: f64,
    sample_rows: u64,
}

pub(crate) fn run(work: &Work<'_>, records: &RecordStream, head: Head) -> anyhow::Result<()> {
    let is_all = head.is_all;
    let sample = head.into_records()?;
    let estimate = estimate(work, records, &sample, is_all)?;
    if work.context.global.json {
        return Ok(print_json(&estimate)?);
    }
    print(&estimate)?;
    let part = work.shard_plan().part;
    if !part.is_whole() {
        print_line(&format!("part    {part}: about 1/{} of these", part.count()))?;
    }
    Ok(())
}

fn estimate(
    work: &Work<'_>,
    records: &RecordStream,
    sample: &[Record],
    is_all: bool,
) -> nearsay::Result<Estimate> {
    let surveyed = beginning(sample);
    let counts = work.run.survey(surveyed)?;
    let a_text = |sum: u64| if surveyed.is_empty() { 0.0 } else { sum as f64 / surveyed.len() as f64 };
    let rows = if is_all { Some(sample.len() as u64) } else { expected_rows(records, sample.len()) };
    let tokens_per_second = speed(work.run, sample)?;
    let of_all = |a_text: f64| rows.map(|rows| (rows as f64 * a_text) as u64);
    let all_tokens = of_all(a_text(counts.tokens));
    let vectors = if work.run.level == Level::Text { of_all(a_text(counts.rows)) } else { all_tokens };
    Ok(Estimate {
        rows,
        rows_are_exact: is_all,
        tokens: all_tokens,
        tokens_per_text: a_text(counts.tokens),
        share_truncated: a_text(counts.truncated),
        output_bytes: vectors.map(|vectors| output_bytes(work, vectors)).transpose()?,
        seconds: all_tokens.map(|tokens| tokens as f64 / tokens_per_second.max(1.0)),
        tokens_per_second,
        sample_rows: sample.len() as u64,
    })
}

/// As many records as have some [`SURVEY_BYTES`] of text; at least one.
fn beginning(sample: &[Record]) -> &[Record] {
    let mut bytes = 0;
    let is_within = |record: &&Record| {
        let is_within = bytes < SURVEY_BYTES;
        bytes += record.text.len();
        is_within
    };
    &sample[..sample.iter().take_while(is_within).count()]
}

/// By the bytes that the sample took of the input's.
fn expected_rows(records: &RecordStream, sample: usize) -> Option<u64> {
    let (read, total) = (records.bytes_read(), records.bytes_total()?);
    (read > 0).then(|| (sample as f64 * total as f64 / read as f64) as u64)
}

/// Tokens a second over as much of the sample as is encoded in [`ENCODE`]. The first texts are not timed: they warm up caches and
/// buffers.
fn speed(run: &EmbedRun<'_>, sample: &[Record]) -> nearsay::Result<f64> {
    encode(run, &sample[..sample.len().min(TEXTS / 4)])?;
    let start = Instant::now();
    let mut tokens = 0;
    for records in sample.chunks(TEXTS) {
        tokens += encode(run, records)?;
        if start.elapsed() > ENCODE {
            break;
        }
    }
    Ok(tokens as f64 / start.elapsed().as_secs_f64().max(1e-9))
}

/// The number of tokens encoded.
fn encode(run: &EmbedRun<'_>, records: &[Record]) -> nearsay::Result<usize> {
    let texts: Vec<&str> = records.iter().map(|record| record.text.as_str()).collect();
    let tokenized = run.embedder.tokenize(&texts)?;
    run.embedder.embed(&tokenized)?;
    Ok(tokenized.iter().map(|text| text.ids.len()).sum())
}

/// Of the vectors alone: ids and kept columns are small beside them.
fn output_bytes(work: &Work<'_>, vectors: u64) -> nearsay::Result<u64> {
    let layout = &work.run.layout;
    // A number is some 12 characters in JSON.
    let is_json = OutputFormat::of(&work.arguments.output)? == OutputFormat::Jsonl;
    let bytes = if is_json { 12 * layout.output_type.width(layout.dim)? } else { layout.vector_bytes()? };
    Ok(vectors * bytes as u64)
}

fn print(estimate: &Estimate) -> anyhow::Result<()> {
    let about = if estimate.rows_are_exact { "" } else { "about " };
    let unknown = || "unknown: the input does not tell its size".to_owned();
    let rows = estimate.rows.map_or_else(unknown, |rows| format!("{about}{}", HumanCount(rows)));
    print_line(&format!("rows    {rows} (sample: {})", HumanCount(estimate.sample_rows)))?;
    let tokens = estimate.tokens.map_or_else(unknown, |tokens| format!("{about}{}", HumanCount(tokens)));
    print_line(&format!(
        "tokens  {tokens} ({:.1} a text; {:.1} % of texts are too long)",
        estimate.tokens_per_text,
        100.0 * estimate.share_truncated
    ))?;
    let bytes = estimate.output_bytes.map_or_else(unknown, |bytes| format!("about {}", HumanBytes(bytes)));
    print_line(&format!("output  {bytes}"))?;
    let time = estimate.seconds.map_or_else(unknown, |seconds| {
        format!("about {}", HumanDuration(Duration::from_secs_f64(seconds.min(1e12))))
    });
    let speed = HumanCount(estimate.tokens_per_second as u64);
    Ok(print_line(&format!("time    {time} ({speed} tokens/s)"))?)
}
