//! Compares systems by statistics of their rows: scripts/differential_lexical/significance.py compares the results with
//! those of SciPy, statsmodels and sacrebleu.
//!
//! usage: comparison < comparison.json, an object with `metric` (a spec, or `mean`: a row is one value), `test`, `correction`,
//! `interval`, `resamples`, and `systems`, an array of arrays of rows. The output is an object with the systems, their pairs
//! and their ranks.

use std::io::Write;

use nearsay_metrics::Signature;
use nearsay_metrics::comparison::{Compared, ComparisonOptions, Contest, Test, compare, resample};
use nearsay_metrics::lexical::{Direction, Metric, MetricSpec, ReferenceCount, text_metric};
use nearsay_metrics::statistics::{Bootstrap, Correction, Interval, IntervalKind, Resampled, Sample};
use serde_json::{Value, json};

/// The mean of one value per row.
#[derive(Debug)]
struct Mean;

impl Metric for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        Signature::new("nrefs", references)
    }

    fn statistics(&self) -> Vec<String> {
        vec!["sum".to_owned(), "count".to_owned()]
    }

    fn score(&self, sums: &[f64]) -> f64 {
        sums[0] / sums[1]
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let input: Value = serde_json::from_reader(std::io::stdin().lock())?;
    let text = |key: &str| input[key].as_str().ok_or_else(|| format!("{key} is missing"));
    let metric: Box<dyn Metric> = match text("metric")? {
        "mean" => Box::new(Mean),
        spec => text_metric(&spec.parse::<MetricSpec>()?)?,
    };
    let systems = input["systems"].as_array().ok_or("systems is missing")?;
    let contest = Contest {
        metric: &*metric,
        systems: systems.iter().map(sample).map(std::borrow::Cow::Owned).collect(),
    };
    let kind = if text("interval")? == "bca" { IntervalKind::Bca } else { IntervalKind::Percentile };
    let resamples = input["resamples"].as_u64().ok_or("resamples is missing")?;
    let mut options = ComparisonOptions::default();
    options.bootstrap = Bootstrap::default().kind(kind).resamples(usize::try_from(resamples)?);
    options.test = test(text("test")?).ok_or("no such test")?;
    options.correction = correction(text("correction")?).ok_or("no such correction")?;
    let contests = [contest];
    let resampled = resample(&contests, &options.bootstrap, 1).remove(0);
    let compared = compare(&contests, &options, 1).remove(0);
    writeln!(std::io::stdout(), "{}", result(&compared, &resampled))?;
    Ok(())
}

/// The rows of a system; one of a single value is its sum, with the count 1.
fn sample(rows: &Value) -> Sample {
    let rows: Vec<Vec<f64>> = rows
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| row.as_array().into_iter().flatten().filter_map(Value::as_f64).collect())
        .collect();
    let columns = rows.first().map_or(0, Vec::len).max(2);
    let mut sample = Sample::new(columns);
    for row in rows {
        match row[..] {
            [value] => sample.push(&[value, 1.0]),
            _ => sample.push(&row),
        }
    }
    sample
}

fn test(name: &str) -> Option<Test> {
    use Test::{ApproximateRandomization, Bootstrap, StudentT, TwoSidedBootstrap, Wilcoxon};
    let mut all = [ApproximateRandomization, Bootstrap, TwoSidedBootstrap, Wilcoxon, StudentT].into_iter();
    all.find(|test| test.name() == name)
}

fn correction(name: &str) -> Option<Correction> {
    use Correction::{BenjaminiHochberg, Bonferroni, Holm, None};
    [Holm, BenjaminiHochberg, Bonferroni, None].into_iter().find(|correction| correction.name() == name)
}

fn result(compared: &Compared, resampled: &[Resampled]) -> Value {
    let ends = |interval: &Interval| json!([interval.low, interval.high]);
    let systems = compared.scores.iter().zip(&compared.intervals).zip(resampled);
    let systems = systems.map(|((score, interval), resampled)| {
        json!({"score": score, "interval": ends(interval), "mean": resampled.mean()})
    });
    let pairs = compared.pairs.iter().map(|pair| {
        let error = resampled[pair.a].minus(&resampled[pair.b]).standard_error();
        json!({"a": pair.a, "b": pair.b, "difference": pair.difference, "standard_error": error,
               "interval": ends(&pair.interval), "p": pair.p, "p_adjusted": pair.p_adjusted})
    });
    let ranks = compared
        .ranks
        .iter()
        .map(|rank| json!({"system": rank.system, "rank": [rank.low, rank.high], "cluster": rank.cluster}));
    json!({"systems": systems.collect::<Vec<_>>(), "pairs": pairs.collect::<Vec<_>>(), "ranks": ranks.collect::<Vec<_>>()})
}
