//! The arguments that say how texts are read.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use nearsay::text::{InputFormat, Quotes, Separator, TextOptions};

/// How records are read: texts of several fields, and what is kept of them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct EmbedReadingArguments {
    /// Column or field with the text (.jsonl, .json, .csv, .tsv, .parquet); repeat to join several in that order
    #[arg(long, value_name = "NAME", default_value = "text")]
    text_field: Vec<String>,
    /// Separator between the texts of several fields
    #[arg(long, value_name = "STRING", default_value = " ", allow_hyphen_values = true)]
    join: String,
    /// Copy this column or field into the output; repeatable. With chunks, the text field is the chunk's own text
    #[arg(long, value_name = "NAME")]
    keep: Vec<String>,
    /// A file (.txt, .md, .html) is one text, its path the id; long ones become chunks
    #[arg(long)]
    whole_files: bool,
    /// Leave out and count rows without text: null, missing, empty or blank
    #[arg(long)]
    skip_empty: bool,
    #[command(flatten)]
    rows: RowArguments,
}

impl EmbedReadingArguments {
    pub(crate) fn options(&self) -> TextOptions {
        let mut options = self.rows.options().text_fields(&self.text_field);
        options.whole_files = self.whole_files;
        options.skip_empty = self.skip_empty;
        options.join(&self.join).keep(&self.keep)
    }

    /// Whether a file is one text.
    pub(crate) fn reads_whole_files(&self) -> bool {
        self.whole_files
    }
}

/// How rows of any kind are read.
#[derive(Debug, Args)]
pub(super) struct RowArguments {
    /// Column or field with the row's id [default: id, if there is one]
    #[arg(long, value_name = "NAME")]
    id_field: Option<String>,
    /// Number the rows from 0, even if there is a column or field `id`
    #[arg(long, conflicts_with = "id_field")]
    no_id: bool,
    #[command(flatten)]
    format: FormatArguments,
}

/// How files of rows are read, whatever the rows are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct FormatArguments {
    /// Input format, if the file name does not show it
    #[arg(long, value_parser = format_parser())]
    format: Option<InputFormat>,
    /// Character between the fields of .csv and .tsv, such as ';', '|' or tab [default: ',' in .csv, tab in .tsv, or
    /// that of a first line sep=;]
    #[arg(long, value_name = "CHARACTER", allow_hyphen_values = true)]
    separator: Option<Separator>,
    /// Whether fields of .csv and .tsv may be quoted, as in "say ""hi""" [default: in .csv, not in .tsv]
    #[arg(long, value_enum, value_name = "WHEN")]
    quotes: Option<QuotesArgument>,
    /// Replace invalid UTF-8 instead of stopping at it
    #[arg(long)]
    lossy: bool,
}

impl RowArguments {
    pub(super) fn options(&self) -> TextOptions {
        let mut options = self.format.options();
        options.id_field = self.id_field.clone();
        options.no_id = self.no_id;
        options
    }
}

impl FormatArguments {
    pub(crate) fn options(&self) -> TextOptions {
        let mut options = TextOptions::default().lossy(self.lossy);
        options.format = self.format;
        options.separator = self.separator;
        options.quotes = self.quotes.map(Quotes::from).unwrap_or_default();
        options
    }
}

fn format_parser() -> impl TypedValueParser<Value = InputFormat> {
    let synonym = PossibleValue::new("ndjson").hide(true);
    let names = InputFormat::names().map(PossibleValue::new).chain([synonym]);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<InputFormat>())
}

/// `--quotes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum QuotesArgument {
    /// As pandas and Excel write them
    Always,
    /// A quote is a character like any other
    Never,
}

impl From<QuotesArgument> for Quotes {
    fn from(argument: QuotesArgument) -> Self {
        match argument {
            QuotesArgument::Always => Self::Always,
            QuotesArgument::Never => Self::Never,
        }
    }
}
