//! The arguments of `nearsay baseline`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use nearsay::text::{Input, TextOptions};
use nearsay::vectors::write::Output;

use super::reading::FormatArguments;
use super::{RunningArguments, TokenizerArguments, named};

const EXAMPLES: &str = "\
Examples:
  # the baseline of a model in the language of the texts
  nearsay baseline news.txt -m ./my-model -o m.csv
  # scores that are rescaled with it
  nearsay score -c a.txt -r b.txt -m ./my-model -l 8 --baseline-path m.csv
  # 100,000 random pairs, and the pairs themselves
  nearsay baseline t.csv -m ./m -o m.csv --pairs 100000 --save-pairs p.jsonl

A baseline is the mean BERTScore of texts that have nothing to do with each other. Rescaled scores are 0 there and 1 at \
best: (score - baseline) / (1 - baseline).

As bert_score's get_rescale_baseline.py makes them, texts have fewer than 32 words, which are separated by blanks, and \
random pairs have each text once. The file has its format, LAYER,P,R,F, with a row for each layer from 0, the \
embeddings. Blank texts are left out. Fewer than 1,000 pairs are an error; bert_score's own baselines are of \
several hundred thousand.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BaselineArguments {
    /// Texts of one language, unrelated to each other: .txt (one per line), .jsonl, .json, .csv or .tsv, optionally .gz or .zst; .parquet; a folder or a pattern of these; or -
    #[arg(value_name = "TEXTS", required = true, value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) inputs: Vec<Input>,
    /// The baseline's file; or - for standard output
    #[arg(short, long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Output>))]
    pub(crate) output: Output,
    /// A folder, or a name on the Hugging Face hub [default: NEARSAY_MODEL]
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: Option<String>,
    /// Replace an existing file
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Score N random pairs, 1,000 or more [default: all texts, each in one pair]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1000..))]
    pub(crate) pairs: Option<u64>,
    /// Seed of the random pairs
    #[arg(long, value_name = "N", default_value_t = 12345)]
    pub(crate) seed: u64,
    /// Also write the pairs, as JSON lines with candidate and reference
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) save_pairs: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tokenizer: TokenizerArguments,
    #[command(flatten)]
    pub(crate) reading: BaselineReadingArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

/// How the texts are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct BaselineReadingArguments {
    /// Column or field with the text (.jsonl, .json, .csv, .tsv, .parquet) [default: text]
    #[arg(long, value_name = "NAME")]
    text_field: Option<String>,
    #[command(flatten)]
    format: FormatArguments,
}

impl BaselineReadingArguments {
    pub(crate) fn options(&self) -> TextOptions {
        match &self.text_field {
            Some(field) => self.format.options().text_fields([field]),
            None => self.format.options(),
        }
    }
}
