//! The arguments of `nearsay embed`.

use std::num::NonZero;

use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use nearsay::Pooling;
use nearsay::job::Part;
use nearsay::text::Input;
use nearsay::vectors::write::Output;
use nearsay::vectors::{Level, OutputType};

use super::{EmbedReadingArguments, RunningArguments, named};

const EMBED_EXAMPLES: &str = "\
Examples:
  # one vector per line, for numpy
  nearsay embed corpus.txt -m sentence-transformers/all-MiniLM-L6-v2 -o out.npy
  # the text is in the field `body`
  nearsay embed docs.jsonl --text-field body -m ./model -o docs.safetensors
  # queries from a pipe, with the model's prompt for queries
  cat q.txt | nearsay embed - -m ./model --prompt-name query > q.jsonl
  # many compressed files and one more
  nearsay embed 'crawl/**/*.jsonl.gz' more.parquet -m ./model -o crawl.npy
  # one vector per token
  nearsay embed a.txt -m bert-base-uncased --level token -o tokens.safetensors
  # a job that can be continued, with a column copied from the input
  nearsay embed 'wiki/*.jsonl.zst' -m ./model --keep title -o wiki/ --resume
  # sparse vectors, of a model that was trained for them
  nearsay embed a.txt -m naver/splade-v3 --pooling splade -o sparse.parquet
  # long texts in parts
  nearsay embed books.parquet -m ./model --on-long chunk -o chunks.parquet
  # a folder of documents, in parts for a vector database
  nearsay embed notes/ -m ./model --whole-files -o notes.parquet
  # one text
  nearsay embed --text 'hello' -m ./model

If the output is a folder, the run is a job: it writes shards of a fixed number of input rows, and a manifest. \
After a crash or an interruption, the same command with --resume continues it, and the finished folder has the \
same bytes as if nothing had happened. `nearsay status FOLDER` shows how far it is, and `nearsay verify FOLDER` \
checks every checksum. --append also extends a finished job by the rows that its input has gained at the end.

An empty or blank text gets the vector of the special tokens alone ([CLS] [SEP]), or zeros if the tokenizer \
adds none; such texts are counted on stderr. Special tokens spelled out in a text ([CLS], [SEP], </s>) become \
those tokens, as in transformers.";

#[derive(Debug, Args)]
#[command(after_help = EMBED_EXAMPLES)]
pub(crate) struct EmbedArguments {
    /// Texts: .txt (one per line), .jsonl, .ndjson, .json, .csv, .tsv, .md or .html (one per file), optionally .gz or
    /// .zst; .parquet; a folder; a pattern such as '**/*.jsonl'; or - for standard input [default: -, unless that
    /// is a terminal]
    #[arg(value_name = "INPUT", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) inputs: Vec<Input>,
    /// Embed this text; repeatable
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, conflicts_with = "inputs")]
    pub(crate) text: Vec<String>,
    /// Answer each row as soon as it is read, as JSON lines on standard output
    #[arg(long)]
    pub(crate) stream: bool,
    /// Output: .parquet, .npy, .jsonl, .safetensors or .arrow; FOLDER/ for a job; - for JSON lines on
    /// standard output
    #[arg(short, long, value_name = "OUTPUT", default_value = "-", value_parser = OsStringValueParser::new().try_map(named::<Output>))]
    pub(crate) output: Output,
    /// Replace the output if it exists; a job is removed and started over
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Estimate rows, tokens, output size and time from a sample, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A folder, or a name on the Hugging Face hub; NAME@REVISION pins a revision [default: NEARSAY_MODEL]
    #[arg(short, long, value_name = "NAME_OR_DIR", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) model: Option<String>,
    /// One vector per text, or one per token
    #[arg(long, value_enum, default_value_t = LevelArgument::Sentence)]
    pub(crate) level: LevelArgument,
    /// How token vectors become one vector per text; all but auto leave out the model's Dense layers
    #[arg(long, value_enum, default_value_t = PoolingArgument::Auto)]
    pub(crate) pooling: PoolingArgument,
    /// L2-normalize vectors, overriding the model (with --level token: each token's)
    #[arg(long, overrides_with = "no_normalize")]
    pub(crate) normalize: bool,
    /// Do not normalize, overriding the model
    #[arg(long)]
    pub(crate) no_normalize: bool,
    /// Keep only the first N dimensions (Matryoshka models); they are normalized again only with --normalize
    #[arg(long, value_name = "N")]
    pub(crate) dimensions: Option<usize>,
    /// Number format of the output; i8, u8, binary and ubinary quantize as sentence-transformers does
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = output_type_parser())]
    pub(crate) output_type: OutputType,
    /// Texts to calibrate i8 and u8 with [default: the first 1000 of the input]
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) calibration: Option<Input>,
    /// Put one of the model's prompts (query, document, ..) before each text
    #[arg(long, value_name = "NAME")]
    pub(crate) prompt_name: Option<String>,
    /// Use the model's adapters for this task (retrieval.passage, ..), or embed as query or document with a model that
    /// treats these differently [default: as --prompt-name says, else document]
    #[arg(long, value_name = "NAME")]
    pub(crate) task: Option<String>,
    /// Use the hidden states of layer N; 0 is the embedding layer [default: the last]
    #[arg(short, long, value_name = "N")]
    pub(crate) layer: Option<usize>,
    /// Store this kept column (or `id`) as JSON text in .parquet and .arrow; repeatable
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

impl EmbedArguments {
    /// The inputs as they are named: files, or texts themselves; without any, standard input.
    pub(crate) fn sources(&self) -> Vec<Input> {
        match (self.text.as_slice(), self.inputs.as_slice()) {
            ([], []) => vec![Input::Stdin],
            ([], inputs) => inputs.to_vec(),
            (texts, _) => texts.iter().cloned().map(Input::Text).collect(),
        }
    }

    /// `--on-long`, or its default: a whole file is rarely short enough.
    pub(crate) fn on_long(&self) -> OnLongArgument {
        let usual = match self.reading.reads_whole_files() {
            true => OnLongArgument::Chunk,
            false => OnLongArgument::Truncate,
        };
        self.long_texts.on_long.unwrap_or(usual)
    }
}

/// What happens to texts longer than the model's limit.
#[derive(Debug, Args)]
#[command(next_help_heading = "Long texts")]
pub(crate) struct LongTextArguments {
    /// What to do with texts longer than the model's limit [default: truncate; chunk with --whole-files]
    #[arg(long, value_enum)]
    pub(crate) on_long: Option<OnLongArgument>,
    /// Tokens per chunk at most, special tokens and prompt included [default: the longest text]
    #[arg(long, value_name = "N")]
    pub(crate) chunk_tokens: Option<usize>,
    /// Tokens that neighboring chunks share, approximately [default: a quarter of the tokens for text, at most 16]
    #[arg(long, value_name = "N")]
    pub(crate) chunk_overlap: Option<usize>,
    /// With --keep of the text field: keep the whole text in every chunk's row, not the chunk's
    #[arg(long)]
    pub(crate) keep_document: bool,
    /// Merge a text's chunks back into one vector: their mean, weighted by tokens
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) merge: Option<MergeArgument>,
    /// Add a column `truncated` that marks truncated texts
    #[arg(long)]
    pub(crate) mark_truncated: bool,
}

/// How a job is divided.
#[derive(Debug, Args)]
#[command(next_help_heading = "Jobs")]
pub(crate) struct ShardingArguments {
    /// Continue the job in the output folder, or start it if there is none
    #[arg(long, conflicts_with = "overwrite")]
    pub(crate) resume: bool,
    /// Continue as --resume does, and extend a finished job by the rows that its input has gained at the end
    #[arg(long, conflicts_with = "overwrite")]
    pub(crate) append: bool,
    /// Input rows per shard
    #[arg(long, value_name = "N", default_value = "10000")]
    pub(crate) rows_per_shard: NonZero<u64>,
    /// Compute only one machine's part: shards I, I + N, I + 2N, .., with I from 0 to N - 1
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Part>,
}

fn output_type_parser() -> impl TypedValueParser<Value = OutputType> {
    let names =
        OutputType::ALL.map(OutputType::name).into_iter().chain(["float32", "float16", "int8", "uint8"]);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<OutputType>())
}

/// One vector per text, or one per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelArgument {
    Sentence,
    Token,
}

impl From<LevelArgument> for Level {
    fn from(argument: LevelArgument) -> Self {
        match argument {
            LevelArgument::Sentence => Self::Text,
            LevelArgument::Token => Self::Token,
        }
    }
}

/// `--on-long`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLongArgument {
    /// Truncate them, and report how many
    Truncate,
    /// Stop at the first one
    Error,
    /// Split them into chunks at ends of sentences (with --whole-files headings and blank lines), one row per chunk
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
    /// As the model's files say, or the mean if they do not say
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
    /// A sparse vector by the model's masked-language head, to .jsonl, .parquet or .arrow
    Splade,
    /// A sparse vector by a weight for each token (bge-m3), likewise
    Lexical,
    /// A sparse vector of a query by a table of weights, without the encoder (opensearch doc models), likewise
    Static,
    /// A vector for each token by late interaction, written as with --level token; --task query makes queries
    Colbert,
}

impl From<PoolingArgument> for nearsay::embed::PoolingChoice {
    fn from(argument: PoolingArgument) -> Self {
        Self::Mode(match argument {
            PoolingArgument::Auto => return Self::Auto,
            PoolingArgument::Splade => return Self::Splade,
            PoolingArgument::Lexical => return Self::Lexical,
            PoolingArgument::Static => return Self::Static,
            PoolingArgument::Colbert => return Self::Colbert,
            PoolingArgument::Mean => Pooling::Mean,
            PoolingArgument::Cls => Pooling::Cls,
            PoolingArgument::Max => Pooling::Max,
            PoolingArgument::Last => Pooling::LastToken,
            PoolingArgument::WeightedMean => Pooling::WeightedMean,
            PoolingArgument::MeanSqrtLength => Pooling::MeanSqrtLength,
        })
    }
}
