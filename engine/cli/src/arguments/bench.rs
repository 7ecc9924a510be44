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
  nearsay bench --shape bert-large --precision f32 --lengths 32,128 --threads 1
  nearsay bench -m sentence-transformers/all-MiniLM-L6-v2 --seconds 5 --json
  nearsay bench --shape roberta-large --layer 17 -o benches/results
  nearsay bench --device cuda --shape bert-base --precision f16 --batch-tokens 16384

A pass is some 4096 tokens, on a GPU 16 micro-batches; the natural mix is three quarters sentences, one quarter abstracts of up to 256 tokens.
Operations counted, per token and layer: 2 (4 h^2 + 2 h i) for linear layers, 4 L h for attention (hidden size h,
intermediate size i, a text of L tokens). `of peak` is their rate by what this machine's own multiply-adds, or a GPU's
largest products, reach in that precision. Tokenizing is not measured; pooling is. Nothing else should run on the machine meanwhile.";

#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchArguments {
    /// A folder, or a name on the Hugging Face hub
    #[arg(short, long, value_name = "NAME_OR_DIR", conflicts_with = "shape")]
    pub(crate) model: Option<String>,
    /// Random weights of a known shape; nothing is downloaded
    #[arg(long, value_name = "NAME", default_value = "minilm-l6", value_parser = shape_parser())]
    pub(crate) shape: Shape,
    /// Number formats of the encoder's arithmetic [default: f32,bf16,int8 on the CPU, f32,f16,bf16 on GPUs]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) precision: Option<Vec<PrecisionArgument>>,
    /// Where the encoder runs: cpu, auto (a GPU if there is one), cuda, cuda:N, several as cuda:0,1, or metal
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// Tokens that go through the encoder at once [default: 256 a thread, 16384 on a GPU]
    #[arg(long, value_name = "N")]
    pub(crate) batch_tokens: Option<NonZero<usize>>,
    /// Lengths of texts in tokens [default: 16,32,64,128,256,512, as far as the model has positions]
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    pub(crate) lengths: Option<Vec<usize>>,
    /// The shortest time to spend on each figure; one pass at least is measured
    #[arg(long, value_name = "S", default_value = "2", allow_negative_numbers = true, value_parser = parse_seconds)]
    pub(crate) seconds: Duration,
    /// Run the layers up to this one [default: all]
    #[arg(short, long, value_name = "N")]
    pub(crate) layer: Option<usize>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Write the JSON to a file too; in a folder it is named after CPU or GPU, model and date
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) overwrite: bool,
}

fn shape_parser() -> impl TypedValueParser<Value = Shape> {
    let known = PossibleValuesParser::new(SHAPES.map(|shape| shape.name));
    known.try_map(|name| Shape::find(&name).ok_or_else(|| format!("{name} is no known shape")))
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
