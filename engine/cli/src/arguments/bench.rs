//! The arguments of `nearsay bench`.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use nearsay::DeviceChoice;
use nearsay_models::{SHAPES, Shape};

use super::{PrecisionArgument, SearchBenchArguments};

const BENCH_EXAMPLES: &str = "\
Examples:
  # all-MiniLM-L6-v2's shape with random weights: nothing is downloaded
  nearsay bench
  # a larger shape, in one precision, with two lengths of texts
  nearsay bench --shape bert-large --precision f32 --lengths 32,128
  # a model, measured longer
  nearsay bench -m sentence-transformers/all-MiniLM-L6-v2 --seconds 5 --json
  # keep the result in a folder, under a name of CPU, model and date
  nearsay bench --shape roberta-large --layer 17 -o benches/results
  # a GPU
  nearsay bench --device cuda --shape bert-base --precision f16
  # two machines or commits next to each other
  nearsay bench compare before.json after.json
  # searches instead of an encoder
  nearsay bench search

A pass encodes about 4096 tokens, or 16 micro-batches on a GPU. The natural mix is three quarters sentences and \
one quarter abstracts of up to 256 tokens. Pooling is measured, tokenizing is not.

Nothing else should run on the machine meanwhile. `CPU` is the CPU time that the threads got, as a share of what \
they could have used, and `spread` how far passes are apart, from the 10th to the 90th percentile relative to the \
median. Figures with less than 85 % or, of five passes or more, a spread above 25 % are marked with `!`.

Operations are counted per token and layer: 2 (4 h^2 + 2 h i) for the linear layers and 4 L h for attention, \
with hidden size h, intermediate size i and texts of L tokens. `of peak` compares their rate with the fastest \
multiply-adds of this CPU, or the largest matrix products of this GPU, in the same precision.";

const COMPARE_EXAMPLES: &str = "\
Examples:
  # two commits on one machine
  nearsay bench compare before.json after.json
  # two machines, for a script
  nearsay bench compare laptop.json server.json --json

A ratio is the speed in B divided by the speed in A: above 1 B is faster. Figures are compared if precision and \
length of the texts are the same. Exit code 1 if no figure is in both files.";

#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    pub(crate) action: Option<BenchAction>,
    /// A folder, or a name on the Hugging Face hub
    #[arg(short, long, value_name = "NAME_OR_DIR", conflicts_with = "shape", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) model: Option<String>,
    /// Random weights of a known shape; nothing is downloaded
    #[arg(long, value_name = "NAME", default_value = "minilm-l6", value_parser = shape_parser())]
    pub(crate) shape: Shape,
    /// Number formats to compute in [default: f32,bf16,int8 on the CPU, f32,f16,bf16 on GPUs]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) precision: Option<Vec<PrecisionArgument>>,
    /// Device: auto (a GPU if there is one), cpu, cuda, cuda:N, several GPUs as cuda:0,1, or metal
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// Tokens per micro-batch [default: 256 per thread, 16384 on a GPU]
    #[arg(long, value_name = "N")]
    pub(crate) batch_tokens: Option<NonZero<usize>>,
    /// Text lengths in tokens [default: 16,32,64,128,256,512, up to the longest that the model accepts]
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    pub(crate) lengths: Option<Vec<usize>>,
    /// Seconds to spend on each figure; at least one pass is measured
    #[arg(long, value_name = "SECONDS", default_value = "2", allow_negative_numbers = true, value_parser = parse_seconds)]
    pub(crate) seconds: Duration,
    /// Run only the first N layers [default: all]
    #[arg(short, long, value_name = "N")]
    pub(crate) layer: Option<usize>,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Also write the JSON to a file; in a folder, the file is named after the CPU or GPU, model and date
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchAction {
    /// Compare two results: of two machines, commits or settings
    Compare(CompareArguments),
    /// Measure searches as a share of this machine's memory bandwidth and peak
    Search(Box<SearchBenchArguments>),
}

#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub(crate) struct CompareArguments {
    /// A file written by `nearsay bench -o`
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,
    /// Another one
    #[arg(value_name = "B")]
    pub(crate) b: PathBuf,
}

fn shape_parser() -> impl TypedValueParser<Value = Shape> {
    let known = PossibleValuesParser::new(SHAPES.map(|shape| shape.name));
    known.try_map(|name| Shape::find(&name).ok_or_else(|| format!("{name} is not a known shape")))
}

pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| "it must be a number of seconds, 0 or more".to_owned())
}
