//! The arguments of `nearsay idf`.

use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use nearsay::text::TextOptions;

use super::reading::RowArguments;
use super::{TokenizerArguments, named};

const EXAMPLES: &str = "\
Examples:
  # count the references of a test set once
  nearsay idf references.txt -m roberta-large -o wmt.idf
  # weigh tokens by them in every score, of however few references
  nearsay score -c a.txt -r part.txt -m roberta-large --idf wmt.idf
  # add up the counts of two sets
  nearsay idf --merge news.idf talks.idf -o both.idf

A token's weight in BERTScore is ln((N + 1) / (n + 1)) if n of N references contain it. The file has N and every \
n, for the tokenizer and the longest text they were counted with; score refuses it for others, and its signature names \
the file by the SHA-256 on its last line. The weights are those of `score --idf` over the same references: empty lines count in the \
first FILE and are skipped in others.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IdfArguments {
    /// References: .txt (one per line), .jsonl, .json, .csv or .tsv, optionally .gz or .zst; .parquet; or -.
    /// With --merge, files of document frequencies
    #[arg(required = true, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<OsString>))]
    pub(crate) inputs: Vec<OsString>,
    /// Write the document frequencies here
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Add up files of document frequencies, which need no model
    #[arg(long, conflicts_with = "model")]
    pub(crate) merge: bool,
    /// A folder, or a name on the Hugging Face hub; its weights are not loaded [default: NEARSAY_MODEL]
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: Option<String>,
    /// Replace the file in -o
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Count the first N tokens of each reference [default: the tokenizer's length, as score does]
    #[arg(long, value_name = "N")]
    pub(crate) max_length: Option<usize>,
    #[command(flatten)]
    pub(crate) tokenizer: TokenizerArguments,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
    #[command(flatten)]
    pub(crate) reading: IdfReadingArguments,
}

/// How the texts of a file are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct IdfReadingArguments {
    /// Column or field with the text (.jsonl, .json, .csv, .tsv, .parquet)
    #[arg(long, value_name = "NAME", default_value = "text")]
    text_field: String,
    #[command(flatten)]
    rows: RowArguments,
}

impl IdfReadingArguments {
    pub(crate) fn options(&self) -> TextOptions {
        self.rows.options().text_fields([&self.text_field])
    }
}
