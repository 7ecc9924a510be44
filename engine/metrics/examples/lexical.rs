//! Prints the statistics of a metric for rows of texts: scripts/differential-lexical compares them with those of
//! the packages that define the metrics.
//!
//! usage: lexical SPEC < rows.jsonl, each row with `candidate` and `references`. Each line of the output is an
//! array of the row's statistics and its score; the last is the score of all rows, then the signature.

use std::io::{BufRead, Write};

use nearsay_metrics::lexical::{MetricSpec, ReferenceCount, text_metric};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spec: MetricSpec = std::env::args().nth(1).ok_or("the metric is missing")?.parse()?;
    let metric = text_metric(&spec)?;
    let mut scorer = metric.row_scorer();
    let mut row = vec![0.0; metric.statistics().len()];
    let mut sums = row.clone();
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let value: Value = serde_json::from_str(&line?)?;
        let references: Vec<&str> =
            value["references"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        scorer.prepare(&references);
        scorer.statistics(value["candidate"].as_str().ok_or("no candidate")?, &mut row);
        sums.iter_mut().zip(&row).for_each(|(sum, value)| *sum += value);
        writeln!(output, "{}", json!([row, metric.segment_score(&row)]))?;
    }
    writeln!(
        output,
        "{}",
        json!([metric.score(&sums), metric.signature(ReferenceCount::Fixed(1)).to_string()])
    )?;
    Ok(())
}
