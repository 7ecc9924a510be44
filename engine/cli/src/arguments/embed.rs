//! The arguments of `nearsay embed` and `nearsay verify`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use nearsay::Pooling;
use nearsay::job::Part;
use nearsay::text::Input;
use nearsay::vectors::write::Output;
use nearsay::vectors::{Level, OutputType};

use super::{EmbedReadingArguments, RunningArguments, named};

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
pub(crate) struct EmbedArguments {
    /// Texts: .txt (one a line), .jsonl, .csv or .tsv, each also with .gz or .zst; .parquet; a pattern of
    /// such files ('*.jsonl'); or - for standard input
    #[arg(required = true, value_name = "INPUT", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) inputs: Vec<Input>,
    /// Where the vectors go: .parquet, .npy, .jsonl, .safetensors or .arrow; FOLDER/ for a job; - for jsonl
    /// on standard output
    #[arg(short, long, value_name = "OUTPUT", default_value = "-", value_parser = OsStringValueParser::new().try_map(named::<Output>))]
    pub(crate) output: Output,
    /// Replace the output if it exists; a job is removed and begun again
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Print rows, tokens, size and time that the run would have, told from a sample, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A folder, or a name on the Hugging Face hub; NAME@REVISION pins a revision
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: String,
    /// One vector a text, or one a token
    #[arg(long, value_enum, default_value_t = LevelArgument::Sentence)]
    pub(crate) level: LevelArgument,
    /// How a text's vector is made of its tokens'; auto: as the model's files say
    #[arg(long, value_enum, default_value_t = PoolingArgument::Auto)]
    pub(crate) pooling: PoolingArgument,
    /// Bring vectors to length 1, whatever the model's files say; with --level token each token's
    #[arg(long, overrides_with = "no_normalize")]
    pub(crate) normalize: bool,
    /// Leave vectors as long as they come, whatever the model's files say
    #[arg(long)]
    pub(crate) no_normalize: bool,
    /// Keep only the first N values of each vector (Matryoshka models), brought back to length 1 where the
    /// whole was
    #[arg(long, value_name = "N")]
    pub(crate) dimensions: Option<usize>,
    /// The numbers of the output: f32, f16, i8, u8, binary or ubinary, as sentence-transformers quantises
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = output_type_parser())]
    pub(crate) output_type: OutputType,
    /// Texts to calibrate i8 and u8 on [default: the first 1000 of the input]
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) calibration: Option<Input>,
    /// Put one of the model's prompts before each text
    #[arg(long, value_name = "NAME")]
    pub(crate) prompt_name: Option<String>,
    /// Take the hidden states of this layer; 0 is the embeddings [default: the last]
    #[arg(short, long, value_name = "N")]
    pub(crate) layer: Option<usize>,
    /// Write a kept column, or id, as JSON text in .parquet and .arrow, whatever its rows hold; once for each
    #[arg(long, value_name = "NAME")]
    pub(crate) json_column: Vec<String>,
    #[command(flatten)]
    pub(crate) long_texts: LongTextArguments,
    #[command(flatten)]
    pub(crate) sharding: ShardingArguments,
    #[command(flatten)]
    pub(crate) reading: EmbedReadingArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

/// What is done with texts longer than the model's longest.
#[derive(Debug, Args)]
#[command(next_help_heading = "Long texts")]
pub(crate) struct LongTextArguments {
    /// Texts longer than the model's longest: cut them, stop, or make several vectors of each
    #[arg(long, value_enum, default_value_t = OnLongArgument::Truncate)]
    pub(crate) on_long: OnLongArgument,
    /// Tokens that a chunk has in common with the one before it, about [default: 16]
    #[arg(long, value_name = "N")]
    pub(crate) chunk_overlap: Option<usize>,
    /// One vector a text again: the mean of its chunks', each weighted by its tokens
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) merge: Option<MergeArgument>,
    /// Add a column `truncated` that says which texts were cut
    #[arg(long)]
    pub(crate) mark_truncated: bool,
}

/// How a job is cut.
#[derive(Debug, Args)]
#[command(next_help_heading = "Jobs")]
pub(crate) struct ShardingArguments {
    /// Continue the job in the output folder; begin it where there is none
    #[arg(long, conflicts_with = "overwrite")]
    pub(crate) resume: bool,
    /// Input rows of a shard
    #[arg(long, value_name = "N", default_value = "10000")]
    pub(crate) rows_per_shard: NonZero<u64>,
    /// Do one machine's part: shards I, I + N, I + 2N, .. of the whole, I from 0 to N - 1
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Part>,
}

const VERIFY_EXAMPLES: &str = "Examples:
  nearsay verify wiki-vectors/
  nearsay verify part-0/ part-1/ part-2/    the parts of one job, of several machines

Exit codes: 0 every checksum holds and the job is complete, 1 every checksum holds and shards are still to be made, 65 something is not as
it was written.";

#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyArguments {
    /// Folders of jobs; several are also held against each other, as the parts of one
    #[arg(required = true, value_name = "FOLDER")]
    pub(crate) folders: Vec<PathBuf>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
}

fn output_type_parser() -> impl TypedValueParser<Value = OutputType> {
    let names =
        OutputType::ALL.map(OutputType::name).into_iter().chain(["float32", "float16", "int8", "uint8"]);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<OutputType>())
}

/// One vector a text, or one a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelArgument {
    Sentence,
    Token,
}

impl LevelArgument {
    pub(crate) fn into_level(self) -> Level {
        match self {
            Self::Sentence => Level::Text,
            Self::Token => Level::Token,
        }
    }
}

/// `--on-long`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLongArgument {
    /// Cut them, and say how many
    Truncate,
    /// Stop at the first
    Error,
    /// Cut them into chunks at ends of sentences or words, each with a row of its own
    Chunk,
}

/// `--merge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MergeArgument {
    Mean,
}

/// `--pooling`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PoolingArgument {
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
