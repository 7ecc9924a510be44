//! The arguments of `nearsay tune-layer`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use super::{
    IntervalArguments, PairArguments, RunningArguments, ScoreReadingArguments, TokenizerArguments, named,
};

const EXAMPLES: &str = "\
Examples:
  # the best layer of a model for the outputs of some systems
  nearsay tune-layer -c a.txt b.txt -r ref.txt --human human.tsv -m ./my-model
  # the same of a run's texts
  nearsay tune-layer run/ --human human.tsv -m microsoft/mpnet-base
  # the mean over language pairs, which each row names
  nearsay tune-layer -c a.jsonl -r b.jsonl --human h.tsv --group-field pair -m M

FILE has the columns or fields system, row (from 1) or id, and score; others do not matter. Several scores of an output \
count as their mean. Outputs without a score are left out, and so are scores of systems that are not named.

A layer's number is Pearson's correlation of F1 with the human scores, as bert_score's authors chose layers; with \
--group-field, the mean of the groups' correlations. Rows are resampled as a whole. A layer is as good as the best if \
the interval of their difference contains 0.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TuneLayerArguments {
    /// A run whose texts are scored, instead of -c and -r
    #[arg(value_name = "RUN", conflicts_with_all = ["candidates", "references"], value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) run: Option<PathBuf>,
    /// Human scores of the outputs: .tsv, .csv, .jsonl or .json with system, row or id, and score
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) human: PathBuf,
    #[command(flatten)]
    pub(crate) pairs: PairArguments,
    /// A folder, or a name on the Hugging Face hub [default: NEARSAY_MODEL]
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: Option<String>,
    /// Weight tokens by inverse document frequency over the references
    #[arg(long)]
    pub(crate) idf: bool,
    #[command(flatten)]
    pub(crate) tokenizer: TokenizerArguments,
    #[command(flatten)]
    pub(crate) interval: IntervalArguments,
    #[command(flatten)]
    pub(crate) reading: ScoreReadingArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}
