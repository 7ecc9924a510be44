//! The arguments of every command. Their help texts are the user's manual.

mod bench;
mod embed;
mod reading;

use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use nearsay::text::Input;
use nearsay::{DeviceChoice, Precision};

pub(crate) use bench::BenchArguments;
pub(crate) use embed::{EmbedArguments, OnLongArgument, VerifyArguments};
pub(crate) use reading::{EmbedReadingArguments, ScoreReadingArguments};

/// Contextual embeddings and BERTScore with BERT-family models: exact, packed, the same bits in any batch.
#[derive(Debug, Parser)]
#[command(name = "nearsay", version, max_term_width = 110, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 2 usage, 65 bad data, 66 no input, 69 device unavailable, 70 a bug of ours,
73 output cannot be made, 74 input/output error, 75 busy or no room now, 78 bad model or configuration, 129/130/143 interrupted."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Never ask the hub; also HF_HUB_OFFLINE=1
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// Read model files through links that lead out of the model's folder
    #[arg(long, global = true)]
    pub(crate) follow_links: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Turn texts into vectors
    Embed(Box<EmbedArguments>),
    /// Check every checksum of an embedding job's folder
    Verify(VerifyArguments),
    /// Score candidates against references with BERTScore
    Score(Box<ScoreArguments>),
    /// List model families, or look into a model
    Models(ModelsArguments),
    /// Measure how fast an encoder runs here, beside what this machine can do at most
    Bench(Box<BenchArguments>),
    /// Show what this machine offers: instruction sets, devices, model cache, hub
    Doctor(DoctorArguments),
}

/// A file's name, which a script with an unset variable leaves empty.
fn named<T: From<OsString>>(name: OsString) -> Result<T, &'static str> {
    if name.is_empty() { Err("the name of a file is missing") } else { Ok(name.into()) }
}

const SCORE_EXAMPLES: &str = "Examples:
  nearsay score -c system.txt -r reference.txt --lang en
  nearsay score -c system.txt -r reference1.txt -r reference2.txt -m roberta-large --idf -s
  nearsay score -c system.jsonl -r reference.jsonl --lang en --rescale-with-baseline --json

Scores are those of bert_score 0.3.13 with batch size 1: no padding exists, so a pair's score never depends on its batch.";

#[derive(Debug, Args)]
#[command(after_help = SCORE_EXAMPLES)]
pub(crate) struct ScoreArguments {
    /// Candidates: .txt (one a line), .jsonl, .csv or .tsv, each also with .gz or .zst; .parquet; or -
    #[arg(short, long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) candidates: Input,
    /// References, row by row with the candidates; once for each set of references
    #[arg(short, long, required = true, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) references: Vec<Input>,
    /// What to compute
    #[arg(long, value_enum, value_delimiter = ',', default_value = "bertscore")]
    pub(crate) metric: Vec<Metric>,
    /// A folder, or a name on the Hugging Face hub [default: by --lang]
    #[arg(short, long, value_name = "NAME_OR_DIR", required_unless_present = "lang")]
    pub(crate) model: Option<String>,
    /// The layer whose hidden states are compared [default: by model, for 140 published ones]
    #[arg(short, long, visible_alias = "num_layers", value_name = "N")]
    pub(crate) layer: Option<usize>,
    /// Language of the texts: chooses the model (en: roberta-large, zh, tr, en-sci, others) and the baseline
    #[arg(long, value_name = "CODE")]
    pub(crate) lang: Option<String>,
    /// Weigh tokens by how few references have them
    #[arg(long)]
    pub(crate) idf: bool,
    /// Rescale with the published baseline of language, model and layer
    #[arg(long, alias = "rescale_with_baseline")]
    pub(crate) rescale_with_baseline: bool,
    /// Rescale with a baseline file of your own (LAYER,P,R,F)
    #[arg(long, alias = "baseline_path", value_name = "FILE", conflicts_with = "rescale_with_baseline")]
    pub(crate) baseline_path: Option<PathBuf>,
    /// Print each pair's scores too
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
    /// Cut texts to N tokens, special tokens included [default: as the model's files say]
    #[arg(long, value_name = "N")]
    pub(crate) max_length: Option<usize>,
    /// Number format of the encoder's arithmetic
    #[arg(long, value_enum, default_value_t = PrecisionArgument::F32)]
    pub(crate) precision: PrecisionArgument,
    /// Where the encoder runs: auto (a GPU if there is one), cpu, cuda, cuda:N, several as cuda:0,1, or metal
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Tokens that go through the encoder at once; results do not depend on it [default: 256 a thread, 16384
    /// on a GPU]
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
    /// Show a model's architecture, sizes, pooling, lengths, and where its files were found
    Inspect {
        /// A folder, or a name on the Hugging Face hub
        #[arg(value_name = "NAME_OR_DIR")]
        model: String,
        /// Check the files against the checksums that the cache pins, and load all weights
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
    /// GPUs only: everything between layers with 11 bits of mantissa, sums in f32
    F16,
    /// Weights and inputs of linear layers with 8 bits of mantissa, on GPUs everything between layers too
    Bf16,
    /// The CPU only: weights and inputs of linear layers as bytes
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
