//! The arguments of every command. Their help texts are the user's manual.

mod bench;
mod embed;
mod reading;
mod score;

use std::ffi::OsString;
use std::num::NonZero;

use clap::{Args, Parser, Subcommand, ValueEnum};
use nearsay::{DeviceChoice, Precision};

pub(crate) use bench::BenchArguments;
pub(crate) use embed::{EmbedArguments, OnLongArgument, PoolingArgument, VerifyArguments};
pub(crate) use reading::EmbedReadingArguments;
pub(crate) use score::{AlignArgument, Metric, ScoreArguments};

/// Embeddings and BERTScore with BERT-family models: exact, fast, reproducible bit for bit
#[derive(Debug, Parser)]
#[command(name = "nearsay", version, max_term_width = 110, arg_required_else_help = true)]
#[command(after_help = "Exit codes:
   0  done
   1  the command worked, but its check failed
   2  usage
  65  bad data
  66  no input
  69  device not available
  70  internal error (please report it)
  73  output cannot be created
  74  input/output error
  75  folder in use or GPU memory full: try again later
  78  bad model or configuration
 129, 130, 143  interrupted")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArguments {
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print more detail; repeat for debug output
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Do not contact the model hub (also HF_HUB_OFFLINE=1)
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// Refuse model files with fields that nearsay does not know, instead of reporting them
    #[arg(long, global = true)]
    pub(crate) strict: bool,
    /// Follow symbolic links that lead out of the model's folder
    #[arg(long, global = true)]
    pub(crate) follow_links: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Turn texts into vectors
    Embed(Box<EmbedArguments>),
    /// Check every checksum of a job's folder
    Verify(VerifyArguments),
    /// Score candidates against references with BERTScore
    Score(Box<ScoreArguments>),
    /// List model families, or inspect a model
    Models(ModelsArguments),
    /// Measure encoder speed as a share of this machine's peak
    Bench(Box<BenchArguments>),
    /// Show this machine's instruction sets and devices, the model cache and the hub
    Doctor(DoctorArguments),
}

/// A file's name, which a script with an unset variable leaves empty.
fn named<T: From<OsString>>(name: OsString) -> Result<T, &'static str> {
    if name.is_empty() { Err("the name of a file is missing") } else { Ok(name.into()) }
}

/// How the encoder runs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running")]
pub(crate) struct RunningArguments {
    /// Longest text in tokens, special tokens included [default: the model's]
    #[arg(long, value_name = "N")]
    pub(crate) max_length: Option<usize>,
    /// Number format to compute in
    #[arg(long, value_enum, default_value_t = PrecisionArgument::F32)]
    pub(crate) precision: PrecisionArgument,
    /// Device: auto (a GPU if there is one), cpu, cuda, cuda:N, several GPUs as cuda:0,1, or metal
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Tokens per micro-batch; results do not depend on it [default: 256 per thread, 16384 on a GPU]
    #[arg(long, value_name = "N")]
    pub(crate) batch_tokens: Option<NonZero<usize>>,
}

const MODELS_EXAMPLES: &str = "Examples:
  nearsay models
  nearsay models inspect sentence-transformers/all-MiniLM-L6-v2
  nearsay models inspect ./my-model --verify --json";

#[derive(Debug, Args)]
#[command(arg_required_else_help = false, after_help = MODELS_EXAMPLES)]
pub(crate) struct ModelsArguments {
    #[command(subcommand)]
    pub(crate) action: Option<ModelsAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsAction {
    /// List the families that can be loaded
    List,
    /// Show a model's architecture, sizes, pooling, lengths and file locations
    Inspect {
        /// A folder, or a name on the Hugging Face hub
        #[arg(value_name = "NAME_OR_DIR")]
        model: String,
        /// Check the files against the checksums in the cache, and load all weights
        #[arg(long)]
        verify: bool,
    },
}

const DOCTOR_EXAMPLES: &str = "Examples:
  nearsay doctor
  nearsay doctor --offline --json";

#[derive(Debug, Args)]
#[command(after_help = DOCTOR_EXAMPLES)]
pub(crate) struct DoctorArguments {}

/// `--precision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionArgument {
    /// Exact to rounding
    F32,
    /// GPUs only: activations and weights with 11-bit mantissas, sums in f32
    F16,
    /// Weights and inputs of linear layers with 8-bit mantissas (on GPUs, all activations), sums in f32
    Bf16,
    /// CPU only: weights and inputs of linear layers as bytes, exact sums
    Int8,
}

impl From<PrecisionArgument> for Precision {
    fn from(argument: PrecisionArgument) -> Self {
        match argument {
            PrecisionArgument::F32 => Self::F32,
            PrecisionArgument::F16 => Self::F16,
            PrecisionArgument::Bf16 => Self::Bf16,
            PrecisionArgument::Int8 => Self::Int8,
        }
    }
}
