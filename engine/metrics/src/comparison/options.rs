//! How systems are compared.

use crate::statistics::{Bootstrap, Correction};

/// A test of the hypothesis that two systems are equally good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Test {
    /// Approximate randomisation: rows are exchanged at random ([`SignFlip`](crate::statistics::SignFlip)).
    #[default]
    ApproximateRandomization,
    /// Paired bootstrap as in sacrebleu, which counts one tail.
    Bootstrap,
    /// Paired bootstrap with both tails.
    TwoSidedBootstrap,
    /// Wilcoxon's signed-rank test of the units' scores.
    Wilcoxon,
    /// Student's t test of the units' scores.
    StudentT,
}

impl Test {
    /// Its name in signatures and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApproximateRandomization => "ar",
            Self::Bootstrap => "bs",
            Self::TwoSidedBootstrap => "bs2",
            Self::Wilcoxon => "wilcoxon",
            Self::StudentT => "t",
        }
    }
}

/// Which pairs of systems are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pairs {
    /// Each system with each other.
    #[default]
    All,
    /// Each system with this one.
    With(usize),
    /// Each system with the best one by the metric.
    WithBest,
}

/// How systems are compared. The same options and statistics give the same bits.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ComparisonOptions {
    /// The test.
    pub test: Test,
    /// Trials of [`Test::ApproximateRandomization`].
    pub trials: u32,
    /// Resamples of intervals and of the tests by bootstrap; the seed is also that of randomisation.
    pub bootstrap: Bootstrap,
    /// How p-values of one metric are adjusted for the number of pairs.
    pub correction: Correction,
    /// The adjusted p-value below which a difference is significant.
    pub alpha: f64,
    /// The chance with which a difference should be found, for the difference that can be detected.
    pub power: f64,
    /// Which pairs are compared.
    pub pairs: Pairs,
}

impl Default for ComparisonOptions {
    fn default() -> Self {
        Self {
            test: Test::default(),
            trials: 10_000,
            bootstrap: Bootstrap { resamples: 1000, ..Bootstrap::default() },
            correction: Correction::default(),
            alpha: 0.05,
            power: 0.8,
            pairs: Pairs::default(),
        }
    }
}
