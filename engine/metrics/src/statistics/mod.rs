//! Conclusions from the values of a sample: means, intervals, paired tests, correlations.
//!
//! A [`Sample`] has a row of values for each unit: a query, a segment, a document. Rows are resampled as a whole:
//! one set of random numbers serves all samples with equally many rows. The random numbers are those that NumPy
//! draws from the same seed ([`Random`]), so that intervals and p-values can be compared with those of SciPy
//! and sacrebleu.
//!
//! | question | item |
//! |---|---|
//! | How far may a score be from that of all texts that could have been chosen? | [`Bootstrap`] |
//! | Is one system better than another? | [`SignFlip`], [`bootstrap_p_value`], [`wilcoxon`], [`paired_t`] |
//! | Which of many differences are real? | [`Correction`] |
//! | Which rank has a system? | [`ranks`] |
//! | How many rows would be enough? | [`detectable_difference`], [`rows_needed`] |
//! | Do two series of numbers agree? | [`pearson`], [`spearman`] |
//!
//! All of it assumes that rows are independent.

mod bootstrap;
mod bootstrap_test;
mod correction;
mod correlation;
mod exact;
#[cfg(test)]
mod known_pairs;
mod lanes;
mod parallel;
mod power;
mod random;
mod ranks;
mod resample;
mod sample;
mod sign_flip;
mod signed_rank;
mod signs;
mod student;

pub use bootstrap::{Bootstrap, Interval, IntervalKind, Resampled};
pub use bootstrap_test::{Tail, bootstrap_p_value};
pub use correction::Correction;
pub use correlation::{pearson, spearman};
pub use exact::ExactSum;
pub(crate) use parallel::in_parallel;
pub use power::{detectable_difference, rows_needed};
pub use random::{Bits, Random};
pub use ranks::{Rank, ranks};
pub use resample::{Resampling, Statistic};
pub use sample::Sample;
pub use sign_flip::SignFlip;
pub use signed_rank::{signed_rank_sum, wilcoxon};
pub use student::paired_t;

/// How close two sums of the same values in another order are, relative to their size: closer ones count as
/// equal.
const SLACK: f64 = 1e-12;
