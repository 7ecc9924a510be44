//! `--dry-run`: prints an estimate of a run.

use std::time::Duration;

use indicatif::{HumanCount, HumanDuration};
use nearsay::job::{Estimate, Part};

use crate::context::Context;
use crate::print::{bytes, print_json, print_line};

pub(crate) fn print(context: &Context, estimate: &Estimate, part: Part) -> anyhow::Result<()> {
    if context.global.json {
        return Ok(print_json(estimate)?);
    }
    print_lines(estimate)?;
    if !part.is_whole() {
        print_line(&format!("part    {part}: about 1/{} of these", part.count()))?;
    }
    Ok(())
}

fn print_lines(estimate: &Estimate) -> anyhow::Result<()> {
    let about = if estimate.rows_are_exact { "" } else { "about " };
    let unknown = || "unknown: the input does not tell its size".to_owned();
    let rows = estimate.rows.map_or_else(unknown, |rows| format!("{about}{}", HumanCount(rows)));
    print_line(&format!("rows    {rows} (sample: {})", HumanCount(estimate.sample_rows)))?;
    let tokens = estimate.tokens.map_or_else(unknown, |tokens| format!("{about}{}", HumanCount(tokens)));
    print_line(&format!(
        "tokens  {tokens} ({:.1} per text; {:.1} % of texts are too long)",
        estimate.tokens_per_text,
        100.0 * estimate.share_truncated
    ))?;
    let size = estimate.output_bytes.map_or_else(unknown, |size| format!("about {}", bytes(size)));
    print_line(&format!("output  {size}"))?;
    let time = estimate.seconds.map_or_else(unknown, |seconds| {
        format!("about {}", HumanDuration(Duration::from_secs_f64(seconds.min(1e12))))
    });
    let speed = HumanCount(estimate.tokens_per_second as u64);
    Ok(print_line(&format!("time    {time} ({speed} tokens/s)"))?)
}
