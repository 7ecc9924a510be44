//! Differences between two reports, other than their figures.

use serde::Serialize;

use crate::bench::Report;

/// A difference between two reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The subject.
    pub about: Topic,
    /// The property: `cpu`, `commit`, `layer`.
    pub what: &'static str,
    /// Its value in A; `unknown` if it was not recorded.
    pub a: String,
    /// Its value in B.
    pub b: String,
}

/// The subject of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Topic {
    /// The program.
    Program,
    /// The machine.
    Machine,
    /// The encoder and its shape.
    Work,
    /// How it was measured.
    Settings,
}

/// The differences, in a fixed order. Dates do not count.
pub(super) fn between(a: &Report, b: &Report) -> Vec<Difference> {
    let differences = PROPERTIES.iter().map(|&(about, what, value)| {
        let (a, b) = (value(a), value(b));
        Difference { about, what, a, b }
    });
    differences.filter(|difference| difference.a != difference.b).collect()
}

/// A property of a report.
type Property = (Topic, &'static str, fn(&Report) -> String);

const PROPERTIES: [Property; 17] = [
    (Topic::Program, "nearsay", |report| report.nearsay.clone()),
    (Topic::Program, "commit", |report| known(report.commit.as_ref())),
    (Topic::Program, "features", |report| list(&report.features)),
    (Topic::Machine, "cpu", |report| report.machine.cpu.clone()),
    (Topic::Machine, "cores", |report| report.machine.cores.to_string()),
    (Topic::Machine, "memory", |report| {
        known(
            report.machine.memory_bytes.map(|bytes| format!("{:.0} GiB", bytes as f64 / (1u64 << 30) as f64)),
        )
    }),
    (Topic::Machine, "instruction set", |report| report.machine.instruction_set.clone()),
    (Topic::Machine, "os", |report| report.machine.os.clone()),
    (Topic::Machine, "GPUs", |report| {
        list(&report.gpus.iter().map(|gpu| gpu.name.clone()).collect::<Vec<_>>())
    }),
    (Topic::Work, "model", |report| report.model.name.clone()),
    (Topic::Work, "random weights", |report| report.model.random_weights.to_string()),
    (Topic::Work, "layers", |report| report.model.layer.to_string()),
    (Topic::Work, "hidden size", |report| report.model.hidden_dim.to_string()),
    (Topic::Work, "parameters", |report| report.model.parameters.to_string()),
    (Topic::Settings, "precisions", |report| list(&precisions(report))),
    (Topic::Settings, "threads", |report| report.threads.to_string()),
    (Topic::Settings, "seconds per figure", |report| report.seconds_per_figure.to_string()),
];

/// The measured precisions, in their order.
fn precisions(report: &Report) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in &report.throughput {
        if !names.contains(&row.precision) {
            names.push(row.precision.clone());
        }
    }
    names
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn known(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}
