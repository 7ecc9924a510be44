//! The arguments of `nearsay index` and `nearsay get`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use nearsay::index::{Codes, Prune, StoredType};
use nearsay::search::Metric;
use nearsay::text::Input;
use nearsay::vectors::read::VectorFile;
use nearsay::vectors::write::OutputFormat;

use super::embed::OnLongArgument;
use super::{EmbedReadingArguments, PoolingArgument, RunningArguments, named, search};

const INDEX_EXAMPLES: &str = "\
Examples:
  # a folder of notes; long ones are split into chunks
  nearsay index build notes/ --whole-files -m ./model -o notes.index
  # the notes nearest to a question
  nearsay search notes.index bread
  # encode new and changed texts only
  nearsay index update notes.index notes/ --prune
  # a whole note
  nearsay get notes.index notes/shops.md";

#[derive(Debug, Args)]
#[command(after_help = INDEX_EXAMPLES)]
pub(crate) struct IndexArguments {
    #[command(subcommand)]
    pub(crate) action: IndexAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IndexAction {
    /// Build an index from texts or vectors
    Build(Box<IndexBuildArguments>),
    /// Add new texts, replace changed ones, remove those that are gone
    Update(IndexUpdateArguments),
    /// Delete texts
    Delete(IndexDeleteArguments),
    /// Rewrite an index without its deleted texts
    Compact(IndexCompactArguments),
    /// Show the size, model, columns and inputs of an index
    Info(IndexInfoArguments),
}

const BUILD_EXAMPLES: &str = "\
Examples:
  # questions and answers, with a column for filters and hits
  nearsay index build faq.jsonl --keep url -m ./model -o faq.index
  # half the space
  nearsay index build 'wiki/*.jsonl' -m ./model -o wiki.index --vectors f16
  # vectors that exist already
  nearsay index build faq.parquet -o faq.index
  # after a crash
  nearsay index build 'wiki/*.jsonl' -m ./model -o wiki.index --resume

Texts and kept columns are stored in the index, so the files are not needed for a search. Texts that are longer than the \
model's limit become chunks. The folder is written volume by volume: a build that is killed continues with --resume.";

#[derive(Debug, Args)]
#[command(after_help = BUILD_EXAMPLES)]
pub(crate) struct IndexBuildArguments {
    /// Texts: .txt (one per line), .jsonl, .ndjson, .json, .csv, .tsv, .md or .html (one per file), optionally .gz or
    /// .zst; .parquet; a folder; a pattern such as '**/*.jsonl'; or - for standard input. Without -m also vectors:
    /// .parquet, .arrow, .safetensors or .npy files, or the folder of a job
    #[arg(required = true, value_name = "INPUT", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) inputs: Vec<Input>,
    /// The folder of the index
    #[arg(short, long, required = true, value_name = "FOLDER", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) output: PathBuf,
    /// A folder, or a name on the Hugging Face hub; NAME@REVISION pins a revision [default: NEARSAY_MODEL]
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: Option<String>,
    /// The column with the texts, if the inputs are vectors [default: chunk_text or text, if there is one]
    #[arg(long, value_name = "NAME")]
    pub(crate) text_column: Option<String>,
    /// Replace the index if it exists
    #[arg(long, conflicts_with = "resume")]
    pub(crate) overwrite: bool,
    /// Continue a build that was killed, or start one
    #[arg(long)]
    pub(crate) resume: bool,
    /// Number format of the stored vectors
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = stored_parser())]
    pub(crate) vectors: StoredType,
    /// Also store a byte per number (i8), so that a search reads less and finds the same hits; or none
    #[arg(long, value_name = "TYPE", default_value = "i8", value_parser = codes_parser())]
    pub(crate) codes: Codes,
    /// Also store the signs of the vectors, for `nearsay search --bits`
    #[arg(long)]
    pub(crate) bits: bool,
    /// Seed of the random rotation before vectors become bytes; it is used if the bytes are closer to the vectors then
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// How vectors are compared; with cosine they are stored with length 1
    #[arg(long, default_value = "cosine", value_parser = search::metric_parser())]
    pub(crate) metric: Metric,
    /// How token vectors are pooled into one vector per text; all but auto leave out the model's Dense layers
    #[arg(long, value_enum, default_value_t = PoolingArgument::Auto)]
    pub(crate) pooling: PoolingArgument,
    /// Keep only the first N dimensions (Matryoshka models)
    #[arg(long, value_name = "N")]
    pub(crate) dimensions: Option<usize>,
    /// Put one of the model's prompts (document, ..) before each text
    #[arg(long, value_name = "NAME")]
    pub(crate) prompt_name: Option<String>,
    /// Use the model's adapters for this task (retrieval.passage, ..), or embed as query or document
    #[arg(long, value_name = "NAME")]
    pub(crate) task: Option<String>,
    /// Use the hidden states of layer N; 0 is the embedding layer [default: the last]
    #[arg(short, long, value_name = "N")]
    pub(crate) layer: Option<usize>,
    /// Keep this kept column (or `id`) as JSON text; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) json_column: Vec<String>,
    /// Texts per volume; a crash loses the work of one volume at most
    #[arg(long, value_name = "N", default_value = "10000")]
    pub(crate) texts_per_volume: NonZero<u64>,
    #[command(flatten)]
    pub(crate) long_texts: IndexLongTextArguments,
    #[command(flatten)]
    pub(crate) reading: EmbedReadingArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

impl IndexBuildArguments {
    /// Whether the inputs are vectors that are there already: no model is named, and all are such files or jobs.
    pub(crate) fn has_vectors(&self) -> bool {
        let are_vectors = |input: &Input| match input {
            Input::File(path) if path.is_dir() => path.join("_manifest.jsonl").is_file(),
            Input::File(path) => match OutputFormat::of_extension(path) {
                Some(OutputFormat::Parquet) => VectorFile::open(path).is_ok(),
                Some(OutputFormat::Jsonl) | None => false,
                Some(_) => true,
            },
            Input::Stdin | Input::Text(_) => false,
        };
        self.model.is_none() && self.inputs.iter().all(are_vectors)
    }
}

/// What happens to texts longer than the model's limit.
#[derive(Debug, Args)]
#[command(next_help_heading = "Long texts")]
pub(crate) struct IndexLongTextArguments {
    /// What to do with texts longer than the model's limit
    #[arg(long, value_enum, default_value_t = OnLongArgument::Chunk)]
    pub(crate) on_long: OnLongArgument,
    /// Tokens per chunk at most, special tokens and prompt included [default: the longest text]
    #[arg(long, value_name = "N")]
    pub(crate) chunk_tokens: Option<usize>,
    /// Tokens that neighboring chunks share, approximately [default: a quarter of the tokens for text, at most 16]
    #[arg(long, value_name = "N")]
    pub(crate) chunk_overlap: Option<usize>,
}

const UPDATE_EXAMPLES: &str = "\
Examples:
  # what would change?
  nearsay index update notes.index notes/ --prune --dry-run
  # do it
  nearsay index update notes.index notes/ --prune

A text with an id is recognized by its file and id, one without by its file and contents. Unchanged texts are not encoded \
again; a changed one keeps its place, and its chunks are replaced in one step. Files are read and texts are \
split as when the index was built, with the same model.

With --prune, texts that the named files no longer have are removed, and those of files that a named folder or pattern \
no longer has. Texts of other files stay.";

#[derive(Debug, Args)]
#[command(after_help = UPDATE_EXAMPLES)]
pub(crate) struct IndexUpdateArguments {
    /// The folder of the index
    #[arg(value_name = "INDEX", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) index: PathBuf,
    /// Texts, as when the index was built
    #[arg(required = true, value_name = "INPUT", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) inputs: Vec<Input>,
    /// Remove texts that are gone; with =all even if a file has no rows, or if more than half of the index would be removed
    #[arg(long, value_enum, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "gone")]
    pub(crate) prune: Option<PruneArgument>,
    /// Print how many texts would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The model of the index: a folder, or a name on the Hugging Face hub [default: the recorded one]
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: Option<String>,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
}

const DELETE_EXAMPLES: &str = "\
Examples:
  # by their ids, one per line
  nearsay index delete faq.index --ids old.txt
  # by a condition; no byte of the texts is left in the folder
  nearsay index delete people.index --where \"name='Ann'\" --purge

A text is deleted with all of its chunks. Space is freed by --purge or by `nearsay index compact`.";

#[derive(Debug, Args)]
#[command(after_help = DELETE_EXAMPLES)]
pub(crate) struct IndexDeleteArguments {
    /// The folder of the index
    #[arg(value_name = "INDEX", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) index: PathBuf,
    /// Delete the texts with these ids, one per line; - for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "where", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) ids: Option<Input>,
    /// Delete the texts for which this is true, such as "year < 2000"
    #[arg(long = "where", id = "where", value_name = "EXPR", conflicts_with = "ids")]
    pub(crate) filter: Option<String>,
    /// Rewrite the volumes that store the deleted texts, so that no byte of them is left
    #[arg(long)]
    pub(crate) purge: bool,
}

const COMPACT_EXAMPLES: &str = "\
Examples:
  # one volume, without the deleted texts
  nearsay index compact faq.index";

#[derive(Debug, Args)]
#[command(after_help = COMPACT_EXAMPLES)]
pub(crate) struct IndexCompactArguments {
    /// The folder of the index
    #[arg(value_name = "INDEX", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) index: PathBuf,
}

const INFO_EXAMPLES: &str = "\
Examples:
  # texts, columns, model, and files that have changed since
  nearsay index info faq.index
  # the same for programs
  nearsay index info faq.index --json";

#[derive(Debug, Args)]
#[command(after_help = INFO_EXAMPLES)]
pub(crate) struct IndexInfoArguments {
    /// The folder of the index
    #[arg(value_name = "INDEX", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) index: PathBuf,
}

const GET_EXAMPLES: &str = "\
Examples:
  # a whole text
  nearsay get notes.index notes/shops.md
  # the chunk of a hit, and 200 characters on both sides
  nearsay get notes.index notes/shops.md --chunk 2 --around 200";

#[derive(Debug, Args)]
#[command(after_help = GET_EXAMPLES)]
pub(crate) struct GetArguments {
    /// The folder of an index
    #[arg(value_name = "INDEX", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) index: PathBuf,
    /// The text's id, or its number if texts have no ids
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    pub(crate) id: String,
    /// Print only this chunk; the first is 0
    #[arg(long, value_name = "N")]
    pub(crate) chunk: Option<u32>,
    /// Also print N characters on both sides of the chunk
    #[arg(long, value_name = "N")]
    pub(crate) around: Option<usize>,
    /// Print at most N characters
    #[arg(long, value_name = "N")]
    pub(crate) max_characters: Option<usize>,
}

/// `--prune`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PruneArgument {
    /// Refuse if a file has no rows at all, or if more than half of the index would be removed
    Gone,
    /// Remove all of them
    All,
}

impl From<PruneArgument> for Prune {
    fn from(argument: PruneArgument) -> Self {
        match argument {
            PruneArgument::Gone => Self::Gone,
            PruneArgument::All => Self::All,
        }
    }
}

fn codes_parser() -> impl TypedValueParser<Value = Codes> {
    PossibleValuesParser::new(Codes::ALL.map(Codes::name)).try_map(|name| name.parse::<Codes>())
}

fn stored_parser() -> impl TypedValueParser<Value = StoredType> {
    PossibleValuesParser::new(StoredType::ALL.map(StoredType::name))
        .try_map(|name| name.parse::<StoredType>())
}
