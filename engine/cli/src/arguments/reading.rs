//! The arguments that say how texts are read.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use nearsay::text::{InputFormat, TextOptions};

/// How records are read: texts of several fields, and what is kept of them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct EmbedReadingArguments {
    /// The column or field that holds the text (.jsonl, .csv, .tsv, .parquet); given again, the texts are
    /// joined in that order
    #[arg(long, value_name = "NAME", default_value = "text")]
    text_field: Vec<String>,
    /// What stands between the texts of several fields
    #[arg(long, value_name = "STRING", default_value = " ", allow_hyphen_values = true)]
    join: String,
    /// Keep a column or field beside the vector; once for each
    #[arg(long, value_name = "NAME")]
    keep: Vec<String>,
    #[command(flatten)]
    rows: RowArguments,
}

impl EmbedReadingArguments {
    pub(crate) fn options(&self) -> TextOptions {
        TextOptions {
            text_fields: self.text_field.clone(),
            join: self.join.clone(),
            keep: self.keep.clone(),
            ..self.rows.options()
        }
    }
}

/// How the texts of pairs are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct ScoreReadingArguments {
    /// The column or field that holds the text (.jsonl, .csv, .tsv, .parquet)
    #[arg(long, value_name = "NAME", default_value = "text")]
    text_field: String,
    #[command(flatten)]
    rows: RowArguments,
}

impl ScoreReadingArguments {
    pub(crate) fn options(&self) -> TextOptions {
        TextOptions { text_fields: vec![self.text_field.clone()], ..self.rows.options() }
    }
}

/// How rows of any kind are read.
#[derive(Debug, Args)]
struct RowArguments {
    /// The column or field that holds the row's id [default: id, where there is one]
    #[arg(long, value_name = "NAME")]
    id_field: Option<String>,
    /// The input's format, where its name does not tell
    #[arg(long, value_parser = PossibleValuesParser::new(["txt", "jsonl", "csv", "tsv", "parquet"]).try_map(|name| name.parse::<InputFormat>()))]
    format: Option<InputFormat>,
    /// Replace bytes that are not UTF-8 instead of stopping at them
    #[arg(long)]
    lossy: bool,
}

impl RowArguments {
    fn options(&self) -> TextOptions {
        TextOptions {
            id_field: self.id_field.clone(),
            format: self.format,
            lossy: self.lossy,
            ..TextOptions::default()
        }
    }
}
