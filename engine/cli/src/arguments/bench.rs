//! The arguments of `nearsay bench`.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use nearsay::DeviceChoice;
use nearsay_models::{SHAPES, Shape};

use super::PrecisionArgument;

const BENCH_EXAMPLES: &str = "Examples:
  nearsay bench
  nearsay bench --shape bert-large --precision f32 --lengths 32,128
  nearsay bench -m sentence-transformers/all-MiniLM-L6-v2 --seconds 5 --json
  nearsay bench --shape roberta-large --layer 17 -o benches/results
  nearsay bench --device cuda --shape bert-base --precision f16

A pass encodes about 4096 tokens, or 16 micro-batches on a GPU. The natural mix is three quarters sentences and \
one quarter abstracts of up to 256 tokens. Pooling is measured, tokenizing is not. Nothing else should run on \
the machine meanwhile.

Operations are counted per token and layer: 2 (4 h^2 + 2 h i) for the linear layers and 4 L h for attention, \
with hidden size h, intermediate size i and texts of L tokens. `of peak` compares their rate with the fastest \
multiply-adds of this CPU, or the largest matrix products of this GPU, in the same precision.";

#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchArguments {
    /// A folder, or a name on the Hugging Face hub
    #[arg(short, long, value_name = "NAME_OR_DIR", conflicts_with = "shape")]
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

fn shape_parser() -> impl TypedValueParser<Value = Shape> {
    let known = PossibleValuesParser::new(SHAPES.map(|shape| shape.name));
    known.try_map(|name| Shape::find(&name).ok_or_else(|| format!("{name} is not a known shape")))
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
