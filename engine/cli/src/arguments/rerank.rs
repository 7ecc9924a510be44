//! The arguments of `nearsay rerank`.

use std::num::NonZero;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use nearsay::text::{Input, TextOptions};

use super::reading::RowArguments;
use super::{RunningArguments, named};

const EXAMPLES: &str = "\
Examples:
  # texts of a file, the most relevant to the query first
  nearsay rerank --query bakeries notes.jsonl -m ./my-reranker
  # 100 hits of each query of a search
  nearsay search notes.index --queries q.txt -k 100 --json > hits.jsonl
  # the best 10 of them
  nearsay rerank hits.jsonl -m BAAI/bge-reranker-v2-m3 -k 10
  # the same of one query, in a pipe
  nearsay search n.index bakeries --json | nearsay rerank - -m ./my-reranker
  # a language model, with one of the instructions in its files
  nearsay rerank hits.jsonl -m ./qwen3-reranker --prompt-name faq

Prints a line of JSON per text: rank, score, id, text; of hits also the query and the hit's other fields. Scores are \
those of sentence-transformers' CrossEncoder: the function that the model's files name, by default the sigmoid, of \
its logit. Equal scores keep the order of the input. A pair that is too long is cut at its longer text.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RerankArguments {
    /// Texts of any format that `embed` reads; without --query, hits as `search --json` writes them; or -
    #[arg(value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) input: Input,
    /// Rank the texts of FILE by their relevance to this query
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) query: Option<String>,
    /// A folder, or a name on the Hugging Face hub, of a cross-encoder
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: Option<String>,
    /// Print the best N texts of each query [default: all]
    #[arg(short = 'k', long, value_name = "N")]
    pub(crate) top: Option<NonZero<usize>>,
    /// Put one of the model's prompts before each query; a language model gets it as its instruction [default: as the model's
    /// files say]
    #[arg(long, value_name = "NAME")]
    pub(crate) prompt_name: Option<String>,
    /// Put this text before each query; a language model gets it as its instruction
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_name", allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,
    /// Print the model's logits as they are
    #[arg(long)]
    pub(crate) logits: bool,
    #[command(flatten)]
    pub(crate) reading: RerankReadingArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

/// How the texts of a file are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct RerankReadingArguments {
    /// Column or field with the text (.jsonl, .json, .csv, .tsv, .parquet); repeat to join several in that order
    #[arg(long, value_name = "NAME", default_value = "text")]
    text_field: Vec<String>,
    #[command(flatten)]
    rows: RowArguments,
}

impl RerankReadingArguments {
    pub(crate) fn options(&self) -> TextOptions {
        self.rows.options().text_fields(&self.text_field)
    }
}
