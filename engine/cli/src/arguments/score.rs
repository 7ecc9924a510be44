//! The arguments of `nearsay score`, and those that `nearsay compare` shares with it.

use std::ffi::OsString;

use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use nearsay::metrics::statistics::{Bootstrap, IntervalKind};
use nearsay::text::TextOptions;
use nearsay::vectors::write::Output;

use super::metrics::MetricArguments;
use super::reading::RowArguments;
use super::{CacheArguments, RunningArguments, named};

const SCORE_EXAMPLES: &str = "\
Examples:
  # a system's output with BERTScore, with the usual model for English
  nearsay score -c system.txt -r reference.txt --lang en
  # BLEU, chrF and TER of three systems, which is better, in a run's folder
  nearsay score -c a.txt b.txt c.txt -r ref.txt --metric bleu,chrf,ter -o run/
  # two references per candidate, idf weights, the scores of each pair
  nearsay score -c system.txt -r ref1.txt -r ref2.txt -m roberta-large --idf -s
  # the weights of a file of `nearsay idf`, whatever the references
  nearsay score -c system.txt -r part.txt -m roberta-large --idf wmt.idf
  # scores spread over a readable range
  nearsay score -c out.jsonl -r gold.jsonl --lang en --rescale-with-baseline
  # every layer of a model in one pass, to choose one
  nearsay score -c system.txt -r reference.txt -m roberta-base --all-layers
  # two columns of one file; ROUGE of text that is not English
  nearsay score -c t.csv:output -r t.csv:gold --metric 'rougeL(tok=unicode)'
  # rows in another order, paired by their ids
  nearsay score -c out.jsonl -r gold.jsonl --align ids --lang en --json
  # references that are encoded once and for all
  nearsay score -c system.txt -r reference.txt --lang en --cache texts/
  # every candidate against every reference, as a matrix
  nearsay score --pairwise -c a.txt -r b.txt --lang en -o scores.npy
  # texts beyond the model's length, with all of their tokens
  nearsay score -c long.txt -r gold.txt --lang en --on-long windows
  # rows count as much as their field `weight` says
  nearsay score -c a.jsonl -r b.jsonl --lang en --row-weights weight
  # another metric for a run
  nearsay score -o run/ --add --metric rougeL

Metrics, with settings as in signatures, for example 'bleu(tok=intl,case=lc)':
  bleu             tok=13a|intl|zh|char|none  case=mixed|lc  eff=no|yes  no=4
                   smooth=exp|floor[0.1]|add-k[1]|none
  chrf chrf+ chrf++  nc=6 nw=0 beta=2 case=mixed|lc space=no|yes eps=no|yes
  ter              case=lc|mixed  norm=no|yes  punct=yes|no  asian=no|yes
  rouge1 .. rouge9, rougeL, rougeLsum  stem=no|yes tok=rouge-score|unicode|char
  em token_f1      as in SQuAD
  wer cer          case=mixed|lc  punct=yes|no
  length           words of the output / words of the closest reference
  distinct1 .. distinct4  different n-grams / n-grams of each output
  cosine           model=NAME: the cosine of sentence vectors
  cross_encoder    model=NAME: a cross-encoder's score of output and reference
  bertscore        model=NAME  layer=N

--pairwise computes BERTScore of all candidates of -c against all references of -r; without -r, of each row \
{\"id\": .., \"candidates\": [..], \"references\": [..]} of a .jsonl in -c. A .npy has the shape [candidates, references, \
3], the last axis precision, recall and F1 (of rows: [rows, candidates, references, 3]); a .parquet a row per \
candidate, with a list of each score. At most 512 MiB of token vectors are in memory.

FILE:COLUMN is the field or column COLUMN of FILE. If there is a file of that whole name, colon included, it is \
that file; else FILE is the longest part before a colon that is the name of a file. NAME=FILE names a system; \
otherwise it has the name of its file without extensions.

Rows are paired by position. If several inputs have ids, they must agree row by row; see --align. An empty line is \
an empty reference; a null or absent field in .jsonl is a missing one. BERTScore does not count empty lines of the \
second and later -r files as references.

--row-weights: a name with a slash, or with the extension of a format, is a file; any other is a field of the -r \
rows, or of the -c rows if references are lines, and so is NAME in :NAME. The file has a number per line, or is a .csv or \
.tsv with the column weight, or FILE:COLUMN. Weights are finite, at least 0, and not all 0. They are those of means over \
rows: bertscore, cosine, cross_encoder, rouge, em and token_f1.

Without -m the model is that of --lang; without both, that of the variable NEARSAY_MODEL.

BLEU, chrF and TER are those of sacrebleu 2.6.0, ROUGE that of rouge-score 0.1.2, BERTScore that of bert_score \
0.3.13 with batch size 1: nothing is padded, so a pair's score never depends on its batch.";

/// Flags about pairs that rows form, or about the results of systems.
const PAIRED_ALONE: [&str; 21] = [
    "add",
    "no_texts",
    "names",
    "segments",
    "short",
    "csv",
    "markdown",
    "latex",
    "signature",
    "all_layers",
    "tokenize",
    "lowercase",
    "stem",
    "interval",
    "resamples",
    "seed",
    "confidence",
    "align",
    "missing_references",
    "group_field",
    "row_weights",
];

#[derive(Debug, Args)]
#[command(after_help = SCORE_EXAMPLES)]
pub(crate) struct ScoreArguments {
    #[command(flatten)]
    pub(crate) pairs: PairArguments,
    /// Write scores, statistics and texts to a new folder, for compare and other commands
    #[arg(short, long, value_name = "RUN", value_parser = OsStringValueParser::new().try_map(named::<Output>))]
    pub(crate) output: Option<Output>,
    /// Add systems or metrics to the run in -o, which has the same references
    #[arg(long, requires = "output", conflicts_with = "overwrite")]
    pub(crate) add: bool,
    /// Replace the run in -o
    #[arg(long, requires = "output")]
    pub(crate) overwrite: bool,
    /// Keep no texts in the run
    #[arg(long, requires = "output", conflicts_with = "add")]
    pub(crate) no_texts: bool,
    /// Score every candidate against every reference, and write the matrices to -o, a .npy or .parquet
    #[arg(long, conflicts_with_all = PAIRED_ALONE)]
    pub(crate) pairwise: bool,
    /// Weights of the rows in means: a numeric field of the rows, or a file with a number per row
    #[arg(long, value_name = "FIELD|FILE", conflicts_with = "add")]
    pub(crate) row_weights: Option<OsString>,
    /// Also print the scores of each pair
    #[arg(short, long, alias = "seg_level")]
    pub(crate) segments: bool,
    /// Print bert-score's line instead of a table, as is done if the output is not a terminal
    #[arg(long, conflicts_with = "json")]
    pub(crate) short: bool,
    #[command(flatten)]
    pub(crate) format: TableFormatArguments,
    #[command(flatten)]
    pub(crate) metrics: MetricArguments,
    #[command(flatten)]
    pub(crate) cache: CacheArguments,
    #[command(flatten)]
    pub(crate) interval: IntervalArguments,
    #[command(flatten)]
    pub(crate) reading: ScoreReadingArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

/// Systems and references.
#[derive(Debug, Args)]
pub(crate) struct PairArguments {
    /// Outputs of systems: .txt (one per line), .jsonl, .json, .csv or .tsv, optionally .gz or .zst; .parquet; or -.
    /// FILE:COLUMN names the column, NAME=FILE the system
    #[arg(short, long, value_name = "[NAME=]FILE", num_args = 1.., value_parser = column_parser())]
    pub(crate) candidates: Vec<OsString>,
    /// References, aligned row by row with the candidates; repeat for several reference sets
    #[arg(short, long, value_name = "FILE", num_args = 1.., value_parser = column_parser())]
    pub(crate) references: Vec<OsString>,
    /// Names of the systems, in the order of -c
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    pub(crate) names: Vec<String>,
}

/// Other formats of a table than that for people.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct TableFormatArguments {
    /// Print the table as CSV
    #[arg(long, conflicts_with_all = ["json", "short", "markdown", "latex"])]
    pub(crate) csv: bool,
    /// Print the table as Markdown
    #[arg(long, conflicts_with_all = ["json", "short", "latex"])]
    pub(crate) markdown: bool,
    /// Print the table as LaTeX (booktabs)
    #[arg(long, conflicts_with_all = ["json", "short"])]
    pub(crate) latex: bool,
    /// Signatures as nearsay's, or as the programs print them whose numbers these are
    #[arg(long, value_enum, value_name = "WHOSE", default_value_t = SignatureArgument::Nearsay, hide_possible_values = true)]
    pub(crate) signature: SignatureArgument,
}

/// `--signature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SignatureArgument {
    Nearsay,
    /// Without nearsay's version: BLEU's is that of sacrebleu, letter for letter
    #[value(alias = "rouge-score")]
    Sacrebleu,
}

/// Intervals, and the random numbers of intervals and tests.
#[derive(Debug, Args)]
#[command(next_help_heading = "Intervals")]
pub(crate) struct IntervalArguments {
    /// Intervals of scores and differences [default: bca]
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) interval: Option<IntervalArgument>,
    /// Resamples of the rows
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) resamples: u32,
    /// Seed of the random numbers
    #[arg(long, value_name = "N", default_value_t = 12345)]
    pub(crate) seed: u64,
    /// The share of intervals that contain the true value
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    pub(crate) confidence: f64,
}

impl IntervalArguments {
    /// The bootstrap, if intervals are computed.
    pub(crate) fn bootstrap(&self) -> Option<Bootstrap> {
        let kind = match self.interval {
            None | Some(IntervalArgument::Bca) => IntervalKind::Bca,
            Some(IntervalArgument::Percentile) => IntervalKind::Percentile,
            Some(IntervalArgument::None) => return None,
        };
        let bootstrap = Bootstrap::default().kind(kind).seed(self.seed);
        Some(bootstrap.resamples(self.resamples as usize).level(self.confidence))
    }
}

/// A number between 0 and 1, both excluded.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok().filter(|share| *share > 0.0 && *share < 1.0);
    number.ok_or_else(|| "must be a number between 0 and 1".to_owned())
}

/// `--interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IntervalArgument {
    /// Bias-corrected and accelerated, as in SciPy
    Bca,
    /// Percentiles of the resamples, as in sacrebleu
    Percentile,
    /// None, and no tests
    None,
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
    /// Treat empty references as missing
    #[arg(long)]
    pub(crate) missing_references: bool,
    /// Rows with the same value of this field are a group, such as a document, and are resampled together
    #[arg(long, value_name = "NAME")]
    pub(crate) group_field: Option<String>,
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

/// Accepts `-` and `-:COLUMN`, and no other name that looks like a flag.
fn column_parser() -> impl TypedValueParser<Value = OsString> {
    let checked = |name: OsString| match name.as_encoded_bytes() {
        [b'-'] | [b'-', b':', ..] => Ok(name),
        [b'-', ..] => Err("the name of a file is missing, or starts with -: then write it as ./-NAME"),
        _ => named(name),
    };
    OsStringValueParser::new().try_map(checked)
}

/// The command line with `-:COLUMN`, a column of standard input, joined to the flag before it: on its own clap takes
/// it for a flag.
pub(crate) fn with_joined_columns(arguments: &[OsString]) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let is_flag = |before: &OsString| {
            ["-c", "-r", "--candidates", "--references"].iter().any(|flag| before == flag)
        };
        match joined.last_mut().filter(|before| is_flag(before)) {
            Some(flag) if argument.as_encoded_bytes().starts_with(b"-:") => {
                flag.push("=");
                flag.push(argument);
            }
            _ => joined.push(argument.clone()),
        }
    }
    joined
}

/// `--align`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlignArgument {
    /// By position, whatever their ids
    Rows,
    /// By id, in the candidates' order; references are kept in memory, at most 1 GiB
    Ids,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_standard_input_is_joined_to_its_flag() {
        let arguments = ["score", "-c", "-:a", "-r", "-", "x", "-:b"].map(OsString::from);
        assert_eq!(
            with_joined_columns(&arguments),
            ["score", "-c=-:a", "-r", "-", "x", "-:b"].map(OsString::from)
        );
    }
}
