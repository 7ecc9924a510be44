//! The arguments of `nearsay search`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use nearsay::search::Metric;
use nearsay::text::{Input, TextOptions};
use nearsay::vectors::write::Output;

use super::reading::RowArguments;
use super::{RunningArguments, named};

const SEARCH_EXAMPLES: &str = "\
Examples:
  # the ten texts nearest to a query; put a question of several words in quotes
  nearsay search notes.index bread
  # a prompt that stays open; the model is loaded once
  nearsay search wiki/
  # search only some of the rows, and show a column of each hit
  nearsay search faq.parquet refunds --columns url --where 'year>2020'
  # why are these the hits? the match of each word of the query
  nearsay search notes.index bread -k 3 --explain
  # texts like a stored one, without copies of each other
  nearsay search faq.parquet --like 4711 --mmr 0.7
  # a run of many queries for trec_eval
  nearsay search docs/ --queries q.jsonl -k 100 --trec run.txt
  # vectors from another program
  nearsay search corpus.npy --query-vectors q.npy --metric dot --json

WHERE is an index, the folder of a job, or a .parquet, .arrow, .safetensors or .npy file of vectors. Every row is compared, \
and of equal scores the earlier row comes first. A text that was split into chunks is one hit, by its best chunk.

Queries in words need the model of the vectors: the recorded one, unless -m names another copy. Its files \
must have the recorded SHA-256 (a job or an index records it; a file records only the name). The model's prompt named query is put \
before each query, if it has one. Texts are shown if the vectors have a column chunk_text or text: embed with \
--on-long chunk, or with --keep text.

EXPR is SQL: columns, numbers, 'strings', = <> < <= > >= in between like is null and or not. It is applied before \
the rows are ranked, so there are as many hits as rows that pass, up to -k.";

#[derive(Debug, Args)]
#[command(after_help = SEARCH_EXAMPLES)]
pub(crate) struct SearchArguments {
    /// An index, the folder of a job, or a .parquet, .arrow, .safetensors or .npy file of vectors
    #[arg(value_name = "WHERE", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) corpus: PathBuf,
    /// What to search for [default: ask for queries, if on a terminal]
    #[arg(value_name = "QUERY", conflicts_with_all = ["queries", "query_vectors", "like"])]
    pub(crate) query: Option<String>,
    /// Search for each text of a file: .txt, .jsonl, .json, .csv, .tsv, optionally .gz or .zst; .parquet; or -
    #[arg(long, value_name = "FILE", conflicts_with_all = ["query_vectors", "like"], value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) queries: Option<Input>,
    /// Search for each vector of a file
    #[arg(long, value_name = "FILE", conflicts_with = "like", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) query_vectors: Option<PathBuf>,
    /// Search for texts like the stored one with this id (a row number from 0 if rows have no ids)
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) like: Option<String>,
    /// Hits per query, 1 to 10000 [default: 10; with --min-score, all]
    #[arg(short = 'k', long, value_name = "N")]
    pub(crate) top: Option<usize>,
    /// Only hits with at least this score
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub(crate) min_score: Option<f32>,
    /// Search only rows for which this is true, such as "year > 2020 and lang = 'en'"
    #[arg(long = "where", id = "where", value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// Count each chunk of a text as a hit
    #[arg(long)]
    pub(crate) per_chunk: bool,
    /// Prefer hits that differ from better ones: L x score - (1 - L) x greatest cosine to one, L from 0 to 1
    #[arg(long, value_name = "L")]
    pub(crate) mmr: Option<f32>,
    /// Find candidates by the signs of the vectors, then rank them by the vectors: faster, but may miss hits
    #[arg(long)]
    pub(crate) bits: bool,
    /// Rows that --bits finds, or best hits that --mmr chooses from [default: 100]
    #[arg(long, value_name = "N")]
    pub(crate) candidates: Option<usize>,
    /// How vectors are compared [default: cosine; for an index, the metric that it was built with]
    #[arg(long, value_parser = metric_parser())]
    pub(crate) metric: Option<Metric>,
    /// Columns to show for each hit, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Show N characters of the text on both sides of a hit's chunk (indexes only)
    #[arg(long, value_name = "N")]
    pub(crate) context: Option<usize>,
    /// Cut the texts of an answer to N characters in total
    #[arg(long, value_name = "N")]
    pub(crate) max_characters: Option<usize>,
    /// Show for each token of the query the token of each hit that matches it, and their cosine
    #[arg(long)]
    pub(crate) explain: bool,
    /// Write a run in the format of trec_eval; - for standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "json"], value_parser = OsStringValueParser::new().try_map(named::<Output>))]
    pub(crate) trec: Option<Output>,
    /// Write the hits to a .parquet, .arrow or .jsonl file
    #[arg(short, long, value_name = "OUTPUT", conflicts_with = "json", value_parser = OsStringValueParser::new().try_map(named::<Output>))]
    pub(crate) output: Option<Output>,
    /// Replace the output if it exists
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// The model of the vectors: a folder, or a name on the Hugging Face hub [default: the recorded one]
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: Option<String>,
    /// Put one of the model's prompts before each query [default: query, if the model has it]
    #[arg(long, value_name = "NAME")]
    pub(crate) prompt_name: Option<String>,
    #[command(flatten)]
    pub(crate) reading: QueryReadingArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

/// How the file of --queries is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading queries")]
pub(crate) struct QueryReadingArguments {
    /// Column or field with the text (.jsonl, .json, .csv, .tsv, .parquet) [default: text]
    #[arg(long, value_name = "NAME")]
    text_field: Option<String>,
    #[command(flatten)]
    rows: RowArguments,
}

impl SearchArguments {
    /// How the file of --queries is read.
    pub(crate) fn reading(&self) -> TextOptions {
        let options = self.reading.rows.options();
        match &self.reading.text_field {
            Some(field) => options.text_fields([field]),
            None => options,
        }
    }

    /// Whether queries are words, which need the model.
    pub(crate) fn has_words(&self) -> bool {
        self.query_vectors.is_none() && self.like.is_none()
    }
}

pub(super) fn metric_parser() -> impl TypedValueParser<Value = Metric> {
    PossibleValuesParser::new(Metric::ALL.map(Metric::name)).try_map(|name| name.parse::<Metric>())
}
