//! The rows that can be among a query's best.

use super::bound::down;

/// A row and the interval of its score, in units of the query's step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) row: u32,
    pub(super) lower: f32,
    pub(super) upper: f32,
}

/// The candidates of one query.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    list: Vec<Candidate>,
    k: usize,
    /// Twice the bound's slack, which the intervals lack.
    slack: f64,
    /// Rows whose upper end is at most this are dropped. NaN while no row can be, infinity after all are.
    limit: f32,
    /// The length of the list at which it is cut next.
    full: usize,
    /// The most candidates that are kept.
    most: usize,
    is_given_up: bool,
}

/// Fewer candidates are not cut.
const FEWEST: usize = 64;

impl Candidates {
    pub(super) fn new(k: usize, slack: f64, most: usize) -> Self {
        let full = k.saturating_mul(2).max(FEWEST);
        Self { list: Vec::new(), k, slack, limit: f32::NAN, full, most, is_given_up: false }
    }

    pub(super) fn limit(&self) -> f32 {
        self.limit
    }

    /// No candidates, for other rows of the same corpus.
    pub(super) fn following(&self) -> Self {
        Self { list: Vec::new(), ..*self }
    }

    /// Adds the candidates among other rows.
    pub(super) fn merge(&mut self, other: Self) {
        if other.is_given_up {
            self.give_up();
        }
        other.list.into_iter().for_each(|candidate| self.take(candidate));
    }

    pub(super) fn take(&mut self, candidate: Candidate) {
        if self.is_given_up {
            return;
        }
        self.list.push(candidate);
        if self.list.len() >= self.full {
            self.cut();
        }
    }

    /// Leaves the query to a search in f32.
    pub(super) fn give_up(&mut self) {
        self.is_given_up = true;
        self.limit = f32::INFINITY;
        self.list = Vec::new();
    }

    /// Drops the rows that at least k others are certainly better than.
    fn cut(&mut self) {
        if self.list.len() > self.k {
            let mut lower: Vec<f32> = self.list.iter().map(|candidate| candidate.lower).collect();
            let (_, &mut kth, _) = lower.select_nth_unstable_by(self.k - 1, |a, b| b.total_cmp(a));
            self.limit = down(f64::from(kth) - self.slack).next_down();
            let limit = self.limit;
            self.list.retain(|candidate| candidate.upper > limit || candidate.upper.is_nan());
        }
        if self.list.len() > self.most {
            return self.give_up();
        }
        self.full = (2 * self.list.len()).max(self.k.saturating_mul(2)).max(FEWEST);
    }

    /// The rows of the candidates, ascending; `None` if there are too many.
    pub(super) fn rows(&mut self) -> Option<Vec<u32>> {
        self.cut();
        let mut rows: Vec<u32> = self.list.iter().map(|candidate| candidate.row).collect();
        rows.sort_unstable();
        (!self.is_given_up).then_some(rows)
    }
}
