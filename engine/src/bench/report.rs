//! The report of a measurement; `benches/results` keeps its JSON.

use serde::{Deserialize, Serialize};

use super::load::Load;
use super::peaks::PeakRates;
use super::{BenchOptions, Machine, Subject, date};
use crate::session::{Devices, FEATURES, Gpu};

/// A measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// nearsay's version.
    pub nearsay: String,
    /// The commit that it was built from, if known.
    pub commit: Option<String>,
    /// The kinds of GPUs that it was built for, as in [`FEATURES`].
    #[serde(default)]
    pub features: Vec<String>,
    /// Start time in UTC.
    pub date: String,
    /// The machine that it ran on.
    pub machine: Machine,
    /// The GPUs that the encoder ran on.
    #[serde(default)]
    pub gpus: Vec<Gpu>,
    /// The measured model or shape.
    pub model: MeasuredModel,
    /// Number of threads.
    pub threads: usize,
    /// Minimum seconds spent on each figure.
    pub seconds_per_figure: f64,
    /// The machine's peak rates with the same threads.
    pub peaks: PeakRates,
    /// How busy the machine was with other work. Missing in results of earlier versions.
    #[serde(default)]
    pub load: Option<Load>,
    /// Passes over many texts.
    pub throughput: Vec<Throughput>,
    /// Single texts.
    pub latency: Vec<Latency>,
}

/// The sizes of the measured model or shape.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MeasuredModel {
    /// The model's name, or the shape's.
    pub name: String,
    /// Whether its weights were random.
    pub random_weights: bool,
    /// The layer whose hidden states were used.
    pub layer: usize,
    /// Width of a hidden state.
    pub hidden_dim: usize,
    /// Attention heads.
    pub num_heads: usize,
    /// Width inside a feed-forward block.
    pub intermediate_dim: usize,
    /// Parameters up to the layer.
    pub parameters: usize,
}

/// How fast many texts are encoded.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Throughput {
    /// Where the encoder ran.
    pub device: String,
    /// The number format of its products.
    pub precision: String,
    /// `32 x 128` (texts x tokens), or `natural mix`.
    pub work: String,
    /// Texts per pass.
    pub texts: usize,
    /// Tokens per text, if all are equal.
    pub length: Option<usize>,
    /// Tokens per pass.
    pub tokens: usize,
    /// Number of measured passes.
    pub rounds: usize,
    /// Speed of the median pass.
    pub tokens_per_second: f64,
    /// Speed of the fastest pass.
    pub tokens_per_second_best: f64,
    /// Billions of operations per second in the median pass.
    pub gflops: f64,
    /// The same divided by the peak of the precision.
    pub share_of_peak: f64,
    /// The CPU time of all passes divided by that of the threads, at most one per core; `None` on GPUs.
    #[serde(default)]
    pub cpu_share: Option<f64>,
    /// Times of passes from the 10th to the 90th percentile, relative to the median; `None` if there was one.
    #[serde(default)]
    pub spread: Option<f64>,
}

/// Latency of a single text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Latency {
    /// Where the encoder ran.
    pub device: String,
    /// The number format of its products.
    pub precision: String,
    /// Tokens of the text.
    pub tokens: usize,
    /// How often it was encoded.
    pub runs: usize,
    /// Median in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile in milliseconds.
    pub p99_ms: f64,
}

impl Report {
    /// A report of a measurement before its figures.
    pub(super) fn new(subject: &Subject, options: &BenchOptions, layer: usize, threads: usize) -> Self {
        let recipe = subject.recipe();
        Self {
            nearsay: env!("CARGO_PKG_VERSION").to_owned(),
            commit: options.commit.clone(),
            features: FEATURES.iter().map(|&name| name.to_owned()).collect(),
            date: date::now(),
            machine: Machine::current(),
            gpus: options.devices.gpus(),
            model: MeasuredModel {
                name: subject.name().to_owned(),
                random_weights: subject.is_random(),
                layer,
                hidden_dim: recipe.hidden_dim(),
                num_heads: recipe.num_heads(),
                intermediate_dim: recipe.intermediate_dim(),
                parameters: recipe.parameters(layer),
            },
            threads,
            seconds_per_figure: options.time.as_secs_f64(),
            peaks: PeakRates::default(),
            load: None,
            throughput: Vec::new(),
            latency: Vec::new(),
        }
    }
}

/// The file name in `benches/results` for a measurement here and now of a model or shape with this name: CPU
/// or GPU, model and date.
pub fn file_name(subject: &str, devices: &Devices) -> String {
    let gpu = devices.gpus().into_iter().next().map(|gpu| gpu.name);
    let processor = gpu.unwrap_or_else(|| Machine::current().cpu);
    let model = subject.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    let date = date::now();
    format!("{}_{}_{}.json", words(&processor), words(model), &date[..10])
}

/// The letters and digits of a name in lower case, joined by hyphens; drops words without information.
fn words(name: &str) -> String {
    let name = name.to_lowercase().replace("(r)", " ").replace("(tm)", " ");
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    let telling = parts.filter(|part| !matches!(*part, "" | "cpu" | "processor"));
    telling.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cpus_become_names_of_files() {
        for (cpu, name) in [
            ("Intel(R) Xeon(R) Platinum 8581C CPU @ 2.30GHz", "intel-xeon-platinum-8581c-2-30ghz"),
            ("AMD EPYC 9B14 96-Core Processor", "amd-epyc-9b14-96-core"),
            ("Apple M3", "apple-m3"),
        ] {
            assert_eq!(words(cpu), name);
        }
        for model in ["bert-base", "some/bert-base", "models/bert-base/"] {
            let name = file_name(model, &Devices::cpu());
            assert!(name.contains("_bert-base_2") && name.ends_with(".json"), "{name}");
        }
    }
}
