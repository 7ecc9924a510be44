//! The arguments of every command. Their help texts are the user's manual.

mod reading;

use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use nearsay::embed::OutputType;
use nearsay::job::Part;
use nearsay::output::Output;
use nearsay::text::Input;
use nearsay_kernels::{Pooling, Precision};
use nearsay_models::{SHAPES, Shape};

pub(super) use reading::{EmbedReadingArguments, ScoreReadingArguments};

/// Contextual embeddings and BERTScore with BERT-family models: exact, packed, the same bits in any batch.
#[derive(Debug, Parser)]
#[command(name = "nearsay", version, max_term_width = 110, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 2 usage, 65 bad data, 66 no input, 69 device unavailable, 70 a bug of ours,
73 output cannot be made, 74 input/output error, 75 busy, 78 bad model or configuration, 129/130/143 interrupted."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: GlobalArguments,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Args)]
pub(super) struct GlobalArguments {
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more on stderr; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Never ask the hub; also HF_HUB_OFFLINE=1
    #[arg(long, global = true)]
    pub(super) offline: bool,
    /// Read model files through links that lead out of the model's folder
    #[arg(long, global = true)]
    pub(super) follow_links: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
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

const EMBED_EXAMPLES: &str = "Examples:
  nearsay embed corpus.txt -m sentence-transformers/all-MiniLM-L6-v2 -o corpus.npy
  nearsay embed docs.jsonl --text-field body --id-field key -m ./my-model -o docs.safetensors
  cat queries.txt | nearsay embed - -m mixedbread-ai/mxbai-embed-large-v1 --prompt-name query > queries.jsonl
  nearsay embed 'crawl/**/*.jsonl.gz' more.parquet --text-field title --text-field body -m ./my-model -o crawl.npy
  nearsay embed a.txt -m bert-base-uncased --level token --layer 9 -o tokens.safetensors
  nearsay embed 'wiki/*.jsonl.zst' -m ./my-model --keep title -o wiki-vectors/ --resume
  nearsay embed books.parquet -m ./my-model --on-long chunk -o chunks.parquet --dry-run

A folder as output is a job: shards of a fixed number of input rows and a manifest. Killed at any time, the same command with --resume
continues it, and ends with the same bytes as one that was never killed. `nearsay verify FOLDER` checks every checksum.

An empty or blank text gets the vector of the special tokens alone ([CLS] [SEP]), zeros where the tokenizer adds none; such
texts are counted on stderr. Special tokens spelled out in a text ([CLS], [SEP], </s>) become those tokens, as in transformers.";

#[derive(Debug, Args)]
#[command(after_help = EMBED_EXAMPLES)]
pub(super) struct EmbedArguments {
    /// Texts: .txt (one a line), .jsonl, .csv or .tsv, each also with .gz or .zst; .parquet; a pattern of such files
    /// ('*.jsonl'); or - for standard input
    #[arg(required = true, value_name = "INPUT", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(super) inputs: Vec<Input>,
    /// Where the vectors go: .parquet, .npy, .jsonl, .safetensors or .arrow; FOLDER/ for a job; - for jsonl on standard output
    #[arg(short, long, value_name = "OUTPUT", default_value = "-", value_parser = OsStringValueParser::new().try_map(named::<Output>))]
    pub(super) output: Output,
    /// Replace the output if it exists; a job is removed and begun again
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Print rows, tokens, size and time that the run would have, told from a sample, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// A folder, or a name on the Hugging Face hub; NAME@REVISION pins a revision
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(super) model: String,
    /// One vector a text, or one a token
    #[arg(long, value_enum, default_value_t = LevelArgument::Sentence)]
    pub(super) level: LevelArgument,
    /// How a text's vector is made of its tokens'; auto: as the model's files say
    #[arg(long, value_enum, default_value_t = PoolingArgument::Auto)]
    pub(super) pooling: PoolingArgument,
    /// Bring vectors to length 1, whatever the model's files say; with --level token each token's
    #[arg(long, overrides_with = "no_normalize")]
    pub(super) normalize: bool,
    /// Leave vectors as long as they come, whatever the model's files say
    #[arg(long)]
    pub(super) no_normalize: bool,
    /// Keep only the first N values of each vector (Matryoshka models), brought back to length 1 where the whole was
    #[arg(long, value_name = "N")]
    pub(super) dimensions: Option<usize>,
    /// The numbers of the output: f32, f16, i8, u8, binary or ubinary, as sentence-transformers quantises
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = output_type_parser())]
    pub(super) output_type: OutputType,
    /// Texts to calibrate i8 and u8 on [default: the first 1000 of the input]
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(super) calibration: Option<Input>,
    /// Put one of the model's prompts before each text
    #[arg(long, value_name = "NAME")]
    pub(super) prompt_name: Option<String>,
    /// Take the hidden states of this layer; 0 is the embeddings [default: the last]
    #[arg(short, long, value_name = "N")]
    pub(super) layer: Option<usize>,
    #[command(flatten)]
    pub(super) long_texts: LongTextArguments,
    #[command(flatten)]
    pub(super) sharding: ShardingArguments,
    #[command(flatten)]
    pub(super) reading: EmbedReadingArguments,
    #[command(flatten)]
    pub(super) running: RunningArguments,
}

/// What is done with texts longer than the model's longest.
#[derive(Debug, Args)]
#[command(next_help_heading = "Long texts")]
pub(super) struct LongTextArguments {
    /// Texts longer than the model's longest: cut them, stop, or make several vectors of each
    #[arg(long, value_enum, default_value_t = OnLongArgument::Truncate)]
    pub(super) on_long: OnLongArgument,
    /// Tokens that a chunk has in common with the one before it, about
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(super) chunk_overlap: usize,
    /// One vector a text again: the mean of its chunks', each weighted by its tokens
    #[arg(long, value_enum, value_name = "HOW")]
    pub(super) merge: Option<MergeArgument>,
    /// Add a column `truncated` that says which texts were cut
    #[arg(long)]
    pub(super) mark_truncated: bool,
}

/// How a job is cut.
#[derive(Debug, Args)]
#[command(next_help_heading = "Jobs")]
pub(super) struct ShardingArguments {
    /// Continue the job in the output folder; begin it where there is none
    #[arg(long, conflicts_with = "overwrite")]
    pub(super) resume: bool,
    /// Input rows of a shard
    #[arg(long, value_name = "N", default_value = "10000")]
    pub(super) rows_per_shard: NonZero<u64>,
    /// Do one machine's part: shards I, I + N, I + 2N, .. of the whole, I from 0 to N - 1
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Part>,
}

const VERIFY_EXAMPLES: &str = "Examples:
  nearsay verify wiki-vectors/
  nearsay verify part-0/ part-1/ part-2/    the parts of one job, of several machines

Exit codes: 0 every checksum holds and the job is complete, 1 every checksum holds and shards are still to be made, 65 something is not as
it was written.";

#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(super) struct VerifyArguments {
    /// Folders of jobs; several are also held against each other, as the parts of one
    #[arg(required = true, value_name = "FOLDER")]
    pub(super) folders: Vec<PathBuf>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZero<usize>>,
}

const SCORE_EXAMPLES: &str = "Examples:
  nearsay score -c system.txt -r reference.txt --lang en
  nearsay score -c system.txt -r reference1.txt -r reference2.txt -m roberta-large --idf -s
  nearsay score -c system.jsonl -r reference.jsonl --lang en --rescale-with-baseline --json

Scores are those of bert_score 0.3.13 with batch size 1: no padding exists, so a pair's score never depends on its batch.";

#[derive(Debug, Args)]
#[command(after_help = SCORE_EXAMPLES)]
pub(super) struct ScoreArguments {
    /// Candidates: .txt (one a line), .jsonl, .csv or .tsv, each also with .gz or .zst; .parquet; or -
    #[arg(short, long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(super) candidates: Input,
    /// References, row by row with the candidates; once for each set of references
    #[arg(short, long, required = true, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(super) references: Vec<Input>,
    /// What to compute
    #[arg(long, value_enum, value_delimiter = ',', default_value = "bertscore")]
    pub(super) metric: Vec<Metric>,
    /// A folder, or a name on the Hugging Face hub [default: by --lang]
    #[arg(short, long, value_name = "NAME_OR_DIR", required_unless_present = "lang")]
    pub(super) model: Option<String>,
    /// The layer whose hidden states are compared [default: by model, for 140 published ones]
    #[arg(short, long, visible_alias = "num_layers", value_name = "N")]
    pub(super) layer: Option<usize>,
    /// Language of the texts: chooses the model (en: roberta-large, zh, tr, en-sci, others) and the baseline
    #[arg(long, value_name = "CODE")]
    pub(super) lang: Option<String>,
    /// Weigh tokens by how few references have them
    #[arg(long)]
    pub(super) idf: bool,
    /// Rescale with the published baseline of language, model and layer
    #[arg(long, alias = "rescale_with_baseline")]
    pub(super) rescale_with_baseline: bool,
    /// Rescale with a baseline file of your own (LAYER,P,R,F)
    #[arg(long, alias = "baseline_path", value_name = "FILE", conflicts_with = "rescale_with_baseline")]
    pub(super) baseline_path: Option<PathBuf>,
    /// Print each pair's scores too
    #[arg(short, long, alias = "seg_level")]
    pub(super) segments: bool,
    #[command(flatten)]
    pub(super) reading: ScoreReadingArguments,
    #[command(flatten)]
    pub(super) running: RunningArguments,
}

/// How the encoder runs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running")]
pub(super) struct RunningArguments {
    /// Cut texts to N tokens, special tokens included [default: as the model's files say]
    #[arg(long, value_name = "N")]
    pub(super) max_length: Option<usize>,
    /// Number format of the encoder's arithmetic
    #[arg(long, value_enum, default_value_t = PrecisionArgument::F32)]
    pub(super) precision: PrecisionArgument,
    /// Where the encoder runs: auto, cpu, cuda[:N] or metal
    #[arg(long, default_value = "auto")]
    pub(super) device: String,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZero<usize>>,
    /// Tokens that a thread takes through the encoder at once; results do not depend on it
    #[arg(long, value_name = "N", default_value_t = NonZero::new(nearsay::DEFAULT_BATCH_TOKENS).unwrap_or(NonZero::<usize>::MIN))]
    pub(super) batch_tokens: NonZero<usize>,
}

const MODELS_EXAMPLES: &str = "Examples:
  nearsay models
  nearsay models inspect sentence-transformers/all-MiniLM-L6-v2
  nearsay models inspect ./my-model --verify --json";

#[derive(Debug, Args)]
#[command(arg_required_else_help = false, after_help = MODELS_EXAMPLES)]
pub(super) struct ModelsArguments {
    #[command(subcommand)]
    pub(super) action: Option<ModelsAction>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ModelsAction {
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

const BENCH_EXAMPLES: &str = "Examples:
  nearsay bench
  nearsay bench --shape bert-large --precision f32 --lengths 32,128 --threads 1
  nearsay bench -m sentence-transformers/all-MiniLM-L6-v2 --seconds 5 --json
  nearsay bench --shape roberta-large --layer 17 -o benches/results

A pass is some 4096 tokens; the natural mix is three quarters sentences, one quarter abstracts of up to 256 tokens.
Operations counted, per token and layer: 2 (4 h^2 + 2 h i) for linear layers, 4 L h for attention (hidden size h,
intermediate size i, a text of L tokens). `of peak` is their rate by what this machine's own multiply-adds reach in
that precision. Tokenizing is not measured; pooling is. Nothing else should run on the machine meanwhile.";

#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(super) struct BenchArguments {
    /// A folder, or a name on the Hugging Face hub
    #[arg(short, long, value_name = "NAME_OR_DIR", conflicts_with = "shape")]
    pub(super) model: Option<String>,
    /// Random weights of a known shape; nothing is downloaded
    #[arg(long, value_name = "NAME", default_value = "minilm-l6", value_parser = shape_parser())]
    pub(super) shape: Shape,
    /// Number formats of the encoder's arithmetic
    #[arg(long, value_enum, value_delimiter = ',', default_value = "f32,bf16,int8")]
    pub(super) precision: Vec<PrecisionArgument>,
    /// Lengths of texts in tokens [default: 16,32,64,128,256,512, as far as the model has positions]
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    pub(super) lengths: Option<Vec<usize>>,
    /// The shortest time to spend on each figure; one pass at least is measured
    #[arg(long, value_name = "S", default_value = "2", allow_negative_numbers = true, value_parser = parse_seconds)]
    pub(super) seconds: Duration,
    /// Run the layers up to this one [default: all]
    #[arg(short, long, value_name = "N")]
    pub(super) layer: Option<usize>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZero<usize>>,
    /// Write the JSON to a file too; in a folder it is named after CPU, model and date
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub(super) overwrite: bool,
}

fn shape_parser() -> impl TypedValueParser<Value = Shape> {
    let known = PossibleValuesParser::new(SHAPES.map(|shape| shape.name));
    known.try_map(|name| Shape::find(&name).ok_or_else(|| format!("{name} is no known shape")))
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

const DOCTOR_EXAMPLES: &str = "Examples:
  nearsay doctor
  nearsay doctor --offline --json";

#[derive(Debug, Args)]
#[command(after_help = DOCTOR_EXAMPLES)]
pub(super) struct DoctorArguments {}

fn output_type_parser() -> impl TypedValueParser<Value = OutputType> {
    let names =
        OutputType::ALL.map(OutputType::name).into_iter().chain(["float32", "float16", "int8", "uint8"]);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<OutputType>())
}

/// One vector a text, or one a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LevelArgument {
    Sentence,
    Token,
}

/// `--on-long`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnLongArgument {
    /// Cut them, and say how many
    Truncate,
    /// Stop at the first
    Error,
    /// Cut them into chunks at ends of sentences or words, each with a row of its own
    Chunk,
}

/// `--merge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MergeArgument {
    Mean,
}

/// `--metric`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Metric {
    Bertscore,
}

/// `--precision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PrecisionArgument {
    /// Exact to rounding
    F32,
    /// Weights and inputs of linear layers with 8 bits of mantissa
    Bf16,
    /// Weights and inputs of linear layers as bytes
    Int8,
}

impl From<PrecisionArgument> for Precision {
    fn from(argument: PrecisionArgument) -> Self {
        match argument {
            PrecisionArgument::F32 => Self::F32,
            PrecisionArgument::Bf16 => Self::Bf16,
            PrecisionArgument::Int8 => Self::Int8,
        }
    }
}

/// `--pooling`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PoolingArgument {
    /// As the model's files say; the mean where they say nothing
    Auto,
    /// The mean of all tokens
    Mean,
    /// The first token
    Cls,
    /// The largest value in each dimension
    Max,
    /// The last token
    Last,
    /// The mean weighted by position
    WeightedMean,
    /// The sum over the square root of the number of tokens
    MeanSqrtLength,
}

impl From<PoolingArgument> for nearsay::embed::PoolingChoice {
    fn from(argument: PoolingArgument) -> Self {
        Self::Mode(match argument {
            PoolingArgument::Auto => return Self::Auto,
            PoolingArgument::Mean => Pooling::Mean,
            PoolingArgument::Cls => Pooling::Cls,
            PoolingArgument::Max => Pooling::Max,
            PoolingArgument::Last => Pooling::LastToken,
            PoolingArgument::WeightedMean => Pooling::WeightedMean,
            PoolingArgument::MeanSqrtLength => Pooling::MeanSqrtLength,
        })
    }
}
