//! The arguments of every command. Their help texts are the user's manual.

mod bench;
mod embed;
mod jobs;
mod reading;

use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use nearsay::text::Input;
use nearsay::vectors::write::Output;
use nearsay::{DeviceChoice, Precision};

pub(crate) use bench::BenchArguments;
pub(crate) use embed::{EmbedArguments, OnLongArgument};
pub(crate) use jobs::{StatusArguments, VerifyArguments};
pub(crate) use reading::{EmbedReadingArguments, ScoreReadingArguments};

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
    /// Show how far jobs are
    Status(StatusArguments),
    /// Score candidates against references with BERTScore
    Score(Box<ScoreArguments>),
    /// List model families, or inspect a model
    Models(ModelsArguments),
    /// Measure encoder speed as a share of this machine's peak
    Bench(Box<BenchArguments>),
    /// Show this machine's instruction sets and devices, the model cache and the hub
    Doctor(DoctorArguments),
}

impl Command {
    /// Whether it prints its result to standard output.
    pub(crate) fn prints(&self, global: &GlobalArguments) -> bool {
        match self {
            Self::Embed(embed) => global.json || embed.dry_run || embed.output == Output::Stdout,
            _ => true,
        }
    }
}

/// A file's name, which a script with an unset variable leaves empty.
fn named<T: From<OsString>>(name: OsString) -> Result<T, &'static str> {
    if name.is_empty() { Err("the name of a file is missing") } else { Ok(name.into()) }
}

const SCORE_EXAMPLES: &str = "Examples:
  nearsay score -c system.txt -r reference.txt --lang en
  nearsay score -c system.txt -r ref1.txt -r ref2.txt -m roberta-large --idf -s
  nearsay score -c out.jsonl -r gold.jsonl --lang en --rescale-with-baseline

Scores are those of bert_score 0.3.13 with batch size 1. Nothing is padded, so a pair's score never depends on \
its batch.";

#[derive(Debug, Args)]
#[command(after_help = SCORE_EXAMPLES)]
pub(crate) struct ScoreArguments {
    /// Candidates: .txt (one per line), .jsonl, .csv or .tsv, optionally .gz or .zst; .parquet; or -
    #[arg(short, long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) candidates: Input,
    /// References, aligned row by row with the candidates; repeat for several reference sets
    #[arg(short, long, required = true, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) references: Vec<Input>,
    /// Metrics to compute
    #[arg(long, value_enum, value_delimiter = ',', default_value = "bertscore")]
    pub(crate) metric: Vec<Metric>,
    /// A folder, or a name on the Hugging Face hub [default: the one for --lang]
    #[arg(short, long, value_name = "NAME_OR_DIR", required_unless_present = "lang")]
    pub(crate) model: Option<String>,
    /// The layer whose hidden states are compared [default: bert_score's choice, for 140 published models]
    #[arg(short, long, visible_alias = "num_layers", value_name = "N")]
    pub(crate) layer: Option<usize>,
    /// Language of the texts; selects the model (en: roberta-large) and the baseline
    #[arg(long, value_name = "CODE")]
    pub(crate) lang: Option<String>,
    /// Weight tokens by inverse document frequency over the references
    #[arg(long)]
    pub(crate) idf: bool,
    /// Rescale with the published baseline of the language, model and layer
    #[arg(long, alias = "rescale_with_baseline")]
    pub(crate) rescale_with_baseline: bool,
    /// Rescale with a baseline file (columns LAYER,P,R,F)
    #[arg(long, alias = "baseline_path", value_name = "FILE", conflicts_with = "rescale_with_baseline")]
    pub(crate) baseline_path: Option<PathBuf>,
    /// Also print the scores of each pair
    #[arg(short, long, alias = "seg_level")]
    pub(crate) segments: bool,
    #[command(flatten)]
    pub(crate) reading: ScoreReadingArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
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

/// `--metric`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Metric {
    Bertscore,
}

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
