//! The arguments of `nearsay bench search`.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use nearsay::bench::RowType;

use super::bench::parse_seconds;
use super::named;

const EXAMPLES: &str = "\
Examples:
  # a million random rows of 384, all types, 1 to 1000 queries
  nearsay bench search
  # fewer rows, two types, on one thread
  nearsay bench search --rows 100000 --types f32,bytes --threads 1
  # rows and queries of a corpus
  nearsay bench search --corpus corpus.npy --query-vectors q.npy --json

Every row is compared with every query. `bytes` scans one byte per value and scores the candidates in f32: it finds \
what f32 finds. A pass is repeated for some seconds; `ms` is the median.

`of bandwidth` compares the bytes of all rows, read once, with the most that the same threads can read from memory. `of \
peak` compares two operations per value of a row and query with the fastest multiply-adds of this CPU (of bytes for \
`bytes`, of f32 for the others). Memory limits few queries, arithmetic limits many.

Nothing else should run on the machine meanwhile. `CPU` is the CPU time that the threads got, as a share of what \
they could have used, and `spread` how far passes are apart, from the 10th to the 90th percentile relative to the \
median. Figures with less than 85 % or, of five passes or more, a spread above 25 % are marked with `!`.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SearchBenchArguments {
    /// Random rows
    #[arg(long, value_name = "N", default_value = "1000000")]
    pub(crate) rows: usize,
    /// Values of each random row
    #[arg(long, value_name = "N", default_value = "384")]
    pub(crate) dimensions: usize,
    /// Seed of random rows and queries
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) seed: u64,
    /// Search these rows instead of random ones: a .parquet, .arrow, .safetensors or .npy file
    #[arg(long, value_name = "FILE", requires = "query_vectors", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) corpus: Option<PathBuf>,
    /// Queries of --corpus: the first ones of a file, as many as --queries names at most
    #[arg(long, value_name = "FILE", requires = "corpus", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) query_vectors: Option<PathBuf>,
    /// Hits per query, 1 to 10000
    #[arg(short = 'k', long, value_name = "N", default_value = "10")]
    pub(crate) top: usize,
    /// Numbers of queries that are searched together
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_value = "1,10,32,100,1000")]
    pub(crate) queries: Vec<usize>,
    /// Types of rows to measure
    #[arg(long, value_name = "TYPE,..", value_delimiter = ',', default_value = "f32,f16,bf16,bytes", value_parser = types())]
    pub(crate) types: Vec<RowType>,
    /// Seconds to spend on each figure; at least one pass is measured
    #[arg(long, value_name = "SECONDS", default_value = "2", allow_negative_numbers = true, value_parser = parse_seconds)]
    pub(crate) seconds: Duration,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Also write the JSON to a file; in a folder, the file is named after the CPU, rows and date
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) overwrite: bool,
}

fn types() -> impl TypedValueParser<Value = RowType> {
    PossibleValuesParser::new(RowType::ALL.map(RowType::name)).try_map(|name| name.parse::<RowType>())
}
