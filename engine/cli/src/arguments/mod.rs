//! The arguments of every command. Their help texts are the user's manual.

mod baseline;
mod bench;
mod bench_search;
mod cache;
mod compare;
mod documentation;
mod embed;
mod evaluate;
mod export;
mod idf;
mod index;
mod jobs;
mod mbr;
#[cfg(feature = "mcp")]
mod mcp;
mod metrics;
mod models;
mod program;
mod reading;
mod rerank;
mod score;
mod search;
#[cfg(feature = "serve")]
mod serve;
mod tokenizer;
mod tune_layer;

use std::ffi::OsString;
use std::num::NonZero;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use nearsay::vectors::write::Output;
use nearsay::{DeviceChoice, Precision};

use crate::terminal::ColorChoice;

pub(crate) use baseline::BaselineArguments;
pub(crate) use bench::{BenchAction, BenchArguments, CompareArguments};
pub(crate) use bench_search::SearchBenchArguments;
pub(crate) use cache::CacheArguments;
pub(crate) use compare::{CompareSystemsArguments, TestArgument, UnitArgument};
pub(crate) use documentation::{CompletionsArguments, ManArguments};
pub(crate) use embed::{EmbedArguments, LevelArgument, OnLongArgument, PoolingArgument};
pub(crate) use evaluate::{EvalAction, EvalArguments, RagArguments, RetrievalArguments, StsArguments};
pub(crate) use export::ExportArguments;
pub(crate) use idf::IdfArguments;
pub(crate) use index::{
    GetArguments, IndexAction, IndexArguments, IndexBuildArguments, IndexCompactArguments,
    IndexDeleteArguments, IndexInfoArguments, IndexUpdateArguments,
};
pub(crate) use jobs::{StatusArguments, VerifyArguments};
pub(crate) use mbr::MbrArguments;
#[cfg(feature = "mcp")]
pub(crate) use mcp::McpArguments;
#[cfg(all(feature = "mcp", feature = "serve"))]
pub(crate) use mcp::ToolArguments;
pub(crate) use metrics::{FINDS_LAYER, MetricArguments, OnLongTextArgument, Specs};
pub(crate) use models::{ModelsAction, ModelsArguments};
pub(crate) use reading::EmbedReadingArguments;
pub(crate) use rerank::RerankArguments;
pub(crate) use score::{
    AlignArgument, IntervalArguments, PairArguments, ScoreArguments, ScoreReadingArguments,
    SignatureArgument, with_joined_columns,
};
pub(crate) use search::SearchArguments;
#[cfg(feature = "serve")]
pub(crate) use serve::ServeArguments;
pub(crate) use tokenizer::TokenizerArguments;
pub(crate) use tune_layer::TuneLayerArguments;

/// Embeddings and BERTScore with BERT-family models: exact, fast, reproducible bit for bit
#[derive(Debug, Parser)]
#[command(name = "nearsay", version, max_term_width = 110, arg_required_else_help = true)]
#[command(disable_help_flag = true, disable_version_flag = true, after_help = program::HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    /// Print the version; -V also prints commit, features and this machine's instruction sets
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = GLOBAL_HEADING)]
    version: Option<bool>,
    /// With --version: print the licences of the code of others in this program
    // Answered before the arguments are parsed.
    #[arg(long, help_heading = GLOBAL_HEADING)]
    licenses: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The heading of options that every command has.
const GLOBAL_HEADING: &str = "Global options";

#[derive(Debug, Args)]
#[command(next_help_heading = GLOBAL_HEADING)]
pub(crate) struct GlobalArguments {
    /// Print help (-h: a summary)
    #[arg(short, long, global = true, action = ArgAction::Help)]
    help: Option<bool>,
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print more detail; repeat for debug output
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Color help, errors and tables: auto (on terminals), always or never
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) color: ColorChoice,
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
    /// Check every checksum of a job's folder, an index or a run
    Verify(VerifyArguments),
    /// Show how far jobs are
    Status(StatusArguments),
    /// Score systems' outputs against references: BLEU, chrF, TER, ROUGE, BERTScore
    Score(Box<ScoreArguments>),
    /// Compare systems: which differences are real, and which rank each has
    Compare(Box<CompareSystemsArguments>),
    /// Count in how many references each token occurs, for BERTScore's weights
    Idf(Box<IdfArguments>),
    /// Compute the baseline with which BERTScores of a model are rescaled
    Baseline(Box<BaselineArguments>),
    /// Find the layer of a model whose BERTScores agree best with people
    TuneLayer(Box<TuneLayerArguments>),
    /// Choose the best of several candidates by their expected score (minimum Bayes risk)
    Mbr(Box<MbrArguments>),
    /// Build an index of texts or vectors, update it, and show what it contains
    Index(IndexArguments),
    /// Find the texts nearest to a query in an index, a file of vectors or a job's folder
    Search(Box<SearchArguments>),
    /// Put texts, or the hits of a search, in order of relevance by a cross-encoder
    Rerank(Box<RerankArguments>),
    /// Print a text of an index, or a part of it
    Get(GetArguments),
    /// Write vectors and their columns as files that a database loads
    Export(ExportArguments),
    /// Evaluate retrieval, similarity, or answers from retrieved contexts
    Eval(EvalArguments),
    /// Serve embeddings over HTTP: OpenAI's API and text-embeddings-inference's
    #[cfg(feature = "serve")]
    Serve(Box<ServeArguments>),
    /// Serve tools for agents over stdin and stdout (the Model Context Protocol)
    #[cfg(feature = "mcp")]
    Mcp(Box<McpArguments>),
    /// List models, inspect one, or download one
    Models(ModelsArguments),
    /// Measure encoder speed as a share of this machine's peak
    Bench(Box<BenchArguments>),
    /// Show this machine's instruction sets and devices, the model cache and the hub
    Doctor(DoctorArguments),
    /// Print a script with which a shell completes commands and options
    Completions(CompletionsArguments),
    /// Print manual pages
    Man(ManArguments),
}

impl Command {
    /// Whether it prints its result to standard output.
    pub(crate) fn prints(&self, global: &GlobalArguments) -> bool {
        match self {
            Self::Embed(embed) => global.json || embed.dry_run || embed.output == Output::Stdout,
            Self::Man(man) => man.output.is_none(),
            Self::Baseline(baseline) => global.json || baseline.output == Output::Stdout,
            Self::Export(export) => global.json || export.output == Output::Stdout,
            Self::Mbr(mbr) => {
                global.json || mbr.output.as_ref().is_none_or(|output| *output == Output::Stdout)
            }
            Self::Search(search) => {
                let output = search.trec.as_ref().or(search.output.as_ref());
                output.is_none_or(|output| *output == Output::Stdout)
            }
            _ => true,
        }
    }
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

const DOCTOR_EXAMPLES: &str = "\
Examples:
  # what works on this machine, and what does not
  nearsay doctor
  # the same for a script, without asking the hub
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
