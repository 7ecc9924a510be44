//! The arguments that say how texts are read.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use nearsay::text::{InputFormat, TextOptions};

/// How records are read: texts of several fields, and what is kept of them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct EmbedReadingArguments {
    /// Column or field with the text (.jsonl, .csv, .tsv, .parquet); repeat to join several in that order
    #[arg(long, value_name = "NAME", default_value = "text")]
    text_field: Vec<String>,
    /// Separator between the texts of several fields
    #[arg(long, value_name = "STRING", default_value = " ", allow_hyphen_values = true)]
    join: String,
    /// Copy this column or field into the output; repeatable
    #[arg(long, value_name = "NAME")]
    keep: Vec<String>,
    #[command(flatten)]
    rows: RowArguments,
}

impl EmbedReadingArguments {
    pub(crate) fn options(&self) -> TextOptions {
        let options = self.rows.options().text_fields(&self.text_field);
        options.join(&self.join).keep(&self.keep)
    }
}

/// How rows of any kind are read.
#[derive(Debug, Args)]
pub(super) struct RowArguments {
    /// Column or field with the row's id [default: id, if there is one]
    #[arg(long, value_name = "NAME")]
    id_field: Option<String>,
    /// Input format, if the file name does not show it
    #[arg(long, value_parser = PossibleValuesParser::new(["txt", "jsonl", "csv", "tsv", "parquet"]).try_map(|name| name.parse::<InputFormat>()))]
    format: Option<InputFormat>,
    /// Replace invalid UTF-8 instead of stopping at it
    #[arg(long)]
    lossy: bool,
}

impl RowArguments {
    pub(super) fn options(&self) -> TextOptions {
        let mut options = TextOptions::default().lossy(self.lossy);
        options.id_field = self.id_field.clone();
        options.format = self.format;
        options
    }
}
