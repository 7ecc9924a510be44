//! The arguments of `nearsay compare`.

use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use nearsay::metrics::comparison::Test;
use nearsay::metrics::statistics::Correction;

use super::score::share;
use super::{
    IntervalArguments, MetricArguments, PairArguments, RunningArguments, ScoreReadingArguments, named,
};

const EXAMPLES: &str = "\
Examples:
  # which systems of a run are better
  nearsay compare run/
  # two systems, without a run
  nearsay compare -c old.txt new.txt -r ref.txt --metric bleu,chrf,ter
  # each system with one of them, documents resampled as a whole
  nearsay compare -c a.jsonl b.jsonl -r r.jsonl --group-field doc --baseline a
  # in a test of a pipeline: exit code 1 if the baseline is significantly better
  nearsay compare run/ --baseline old --gate 'chrf>=BASELINE'

Tests:
  ar        approximate randomization: rows are exchanged at random
  bs        paired bootstrap as in sacrebleu, which counts one tail
  bs2       paired bootstrap with both tails
  wilcoxon  signed ranks of the rows' scores
  t         Student's t test of the rows' scores

A difference is significant if its p-value, corrected for the number of pairs, is below --alpha. Two equal systems \
have p = 1; sacrebleu reports a small p there.

Ranks: a system's rank is between one after the systems that are significantly better and before those that are \
significantly worse. A new cluster starts only if every system before it beats every system after it.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompareSystemsArguments {
    /// A run that nearsay score -o wrote; without one, -c and -r
    #[arg(value_name = "RUN", conflicts_with_all = ["candidates", "references"], value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) run: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pairs: PairArguments,
    /// Compare each system with this one [default: each with each other]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) baseline: Option<String>,
    /// Exit with 1 if the baseline is significantly better by this metric: 'METRIC>=BASELINE'; repeatable
    #[arg(long, value_name = "EXPR", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) gate: Vec<String>,
    #[command(flatten)]
    pub(crate) testing: TestArguments,
    #[command(flatten)]
    pub(crate) metrics: MetricArguments,
    #[command(flatten)]
    pub(crate) interval: IntervalArguments,
    #[command(flatten)]
    pub(crate) reading: ScoreReadingArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

/// How differences are tested.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tests")]
pub(crate) struct TestArguments {
    /// The test
    #[arg(long, value_enum, value_name = "TEST", default_value_t = TestArgument::Ar, hide_possible_values = true)]
    pub(crate) test: TestArgument,
    /// Trials of ar
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) trials: u32,
    /// Units that are resampled and exchanged [default: groups if there are any]
    #[arg(long, value_enum, value_name = "UNIT")]
    pub(crate) unit: Option<UnitArgument>,
    /// Correction of p-values for the number of pairs
    #[arg(long, value_enum, value_name = "HOW", default_value_t = CorrectionArgument::Holm)]
    pub(crate) correction: CorrectionArgument,
    /// The corrected p-value below which a difference is significant
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = share)]
    pub(crate) alpha: f64,
    /// The chance to find a difference, for the difference that these rows can show
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, value_parser = share)]
    pub(crate) power: f64,
}

/// `--test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestArgument {
    Ar,
    Bs,
    Bs2,
    Wilcoxon,
    T,
}

impl From<TestArgument> for Test {
    fn from(argument: TestArgument) -> Self {
        match argument {
            TestArgument::Ar => Self::ApproximateRandomization,
            TestArgument::Bs => Self::Bootstrap,
            TestArgument::Bs2 => Self::TwoSidedBootstrap,
            TestArgument::Wilcoxon => Self::Wilcoxon,
            TestArgument::T => Self::StudentT,
        }
    }
}

/// `--unit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnitArgument {
    Row,
    Group,
}

/// `--correction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CorrectionArgument {
    /// The chance of any false difference is at most alpha
    Holm,
    /// Benjamini and Hochberg: the expected share of false differences is at most alpha
    Bh,
    /// Each p-value times the number of pairs
    Bonferroni,
    None,
}

impl From<CorrectionArgument> for Correction {
    fn from(argument: CorrectionArgument) -> Self {
        match argument {
            CorrectionArgument::Holm => Self::Holm,
            CorrectionArgument::Bh => Self::BenjaminiHochberg,
            CorrectionArgument::Bonferroni => Self::Bonferroni,
            CorrectionArgument::None => Self::None,
        }
    }
}
