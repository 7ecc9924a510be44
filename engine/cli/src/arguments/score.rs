//! The arguments of `nearsay score`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use nearsay::text::TextOptions;

use super::reading::RowArguments;
use super::{RunningArguments, named};

const SCORE_EXAMPLES: &str = "\
Examples:
  # a system's output, with the usual model for English
  nearsay score -c system.txt -r reference.txt --lang en
  # two references per candidate, idf weights, the scores of each pair
  nearsay score -c system.txt -r ref1.txt -r ref2.txt -m roberta-large --idf -s
  # scores spread over a readable range
  nearsay score -c out.jsonl -r gold.jsonl --lang en --rescale-with-baseline
  # two columns of one file
  nearsay score -c pairs.csv:output -r pairs.csv:gold --lang en
  # rows in another order, paired by their ids
  nearsay score -c out.jsonl -r gold.jsonl --align ids --lang en --json

FILE:COLUMN is the field or column COLUMN of FILE. If there is a file of that whole name, colon included, it is \
that file; else FILE is the longest part before a colon that is the name of a file.

Rows are paired by position. If both sides have ids, they must agree row by row; see --align. An empty line is an \
empty reference, with the raw score 0; in the second and later -r files it does not count as a reference.

Without -m the model is that of --lang; without both, that of the variable NEARSAY_MODEL.

Scores are those of bert_score 0.3.13 with batch size 1. Nothing is padded, so a pair's score never depends on \
its batch.";

#[derive(Debug, Args)]
#[command(after_help = SCORE_EXAMPLES)]
pub(crate) struct ScoreArguments {
    /// Candidates: .txt (one per line), .jsonl, .json, .csv or .tsv, optionally .gz or .zst; .parquet; or -.
    /// FILE:COLUMN names the column
    #[arg(short, long, value_name = "FILE", allow_hyphen_values = true, value_parser = column_parser())]
    pub(crate) candidates: OsString,
    /// References, aligned row by row with the candidates; repeat for several reference sets
    #[arg(short, long, required = true, value_name = "FILE", allow_hyphen_values = true, value_parser = column_parser())]
    pub(crate) references: Vec<OsString>,
    /// Metrics to compute
    #[arg(long, value_enum, value_delimiter = ',', default_value = "bertscore")]
    pub(crate) metric: Vec<Metric>,
    /// A folder, or a name on the Hugging Face hub [default: the one for --lang, else NEARSAY_MODEL]
    #[arg(short, long, value_name = "NAME_OR_DIR", value_parser = NonEmptyStringValueParser::new())]
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
    /// Print bert-score's line instead of a table, as is done if the output is not a terminal
    #[arg(long, conflicts_with = "json")]
    pub(crate) short: bool,
    #[command(flatten)]
    pub(crate) reading: ScoreReadingArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

/// How the texts of pairs are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct ScoreReadingArguments {
    /// Column or field with the text (.jsonl, .json, .csv, .tsv, .parquet) [default: text]
    #[arg(long, value_name = "NAME")]
    pub(crate) text_field: Option<String>,
    /// The same for the candidates alone
    #[arg(long, value_name = "NAME")]
    pub(crate) candidate_field: Option<String>,
    /// The same for the references alone
    #[arg(long, value_name = "NAME")]
    pub(crate) reference_field: Option<String>,
    /// How rows become pairs [default: by position, and ids must agree]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) align: Option<AlignArgument>,
    #[command(flatten)]
    rows: RowArguments,
}

impl ScoreReadingArguments {
    /// How both sides are read.
    pub(crate) fn options(&self) -> TextOptions {
        match &self.text_field {
            Some(field) => self.rows.options().text_fields([field]),
            None => self.rows.options(),
        }
    }
}

/// Accepts `-` and `-:COLUMN`, and no other name that looks like a flag, so that a forgotten name does not
/// swallow the flag after it.
fn column_parser() -> impl TypedValueParser<Value = OsString> {
    let checked = |name: OsString| match name.as_encoded_bytes() {
        [b'-'] | [b'-', b':', ..] => Ok(name),
        [b'-', ..] => Err("the name of a file is missing, or starts with -: then write it as ./-NAME"),
        _ => named(name),
    };
    OsStringValueParser::new().try_map(checked)
}

/// `--align`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlignArgument {
    /// By position, whatever their ids
    Rows,
    /// By id, in the candidates' order; references are kept in memory, at most 1 GiB
    Ids,
}

/// `--metric`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Metric {
    Bertscore,
}
