//! Results of a comparison.

use crate::statistics::{Interval, Rank};

/// Two systems compared by one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct PairDifference {
    /// The first system.
    pub a: usize,
    /// The second system.
    pub b: usize,
    /// The score of the first minus that of the second.
    pub difference: f64,
    /// The interval of the difference.
    pub interval: Interval,
    /// The p-value of the hypothesis that both are equally good.
    pub p: f64,
    /// The p-value adjusted for the number of pairs.
    pub p_adjusted: f64,
    /// The system that is significantly better, if any.
    pub better: Option<usize>,
}

impl PairDifference {
    /// Whether it is of these two systems.
    pub fn is_of(&self, a: usize, b: usize) -> bool {
        (self.a, self.b) == (a, b) || (self.a, self.b) == (b, a)
    }
}

/// All systems compared by one metric.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Compared {
    /// The score of each system.
    pub scores: Vec<f64>,
    /// The interval of each score.
    pub intervals: Vec<Interval>,
    /// The systems, the best first.
    pub order: Vec<usize>,
    /// The pairs that were compared.
    pub pairs: Vec<PairDifference>,
    /// The ranks, the best first; empty unless each system was compared with each other.
    pub ranks: Vec<Rank>,
    /// The smallest true difference that this many rows would show with the chosen power, before correction, for
    /// the pair of median standard error. `None` without pairs or rows, or if systems are equal.
    pub detectable: Option<f64>,
    /// Smaller differences and the rows that they need.
    pub rows_for: Vec<(f64, u64)>,
}
