//! The edit distance, 64 cells at a time.
//!
//! Column by column, a bit per cell says whether the distance grows or shrinks by one on the way down; a few operations
//! on 64 of them compute the next column (Hyyrö, A Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit
//! Distances, 2003, after Myers 1999). A longer reference is done in stripes of 64 rows: a stripe needs of the one
//! above only whether each cell of its last row is greater or smaller than the one to the left.

/// Rows of a stripe.
const STRIPE: usize = u64::BITS as usize;

/// The buffers of one worker.
#[derive(Debug, Default)]
pub(super) struct Distance {
    /// Of each symbol, the rows of the stripe that have it. Empty between stripes.
    rows: Vec<u64>,
    /// Each cell of the last row less the one to its left: -1, 0 or 1.
    steps: Vec<i8>,
}

impl Distance {
    /// The fewest insertions, deletions and substitutions between two texts of small numbers.
    pub(super) fn between(&mut self, candidate: &[u32], reference: &[u32]) -> usize {
        let symbols = reference.iter().max().map_or(0, |greatest| *greatest as usize + 1);
        if self.rows.len() < symbols {
            self.rows.resize(symbols, 0);
        }
        self.steps.clear();
        self.steps.resize(candidate.len(), 1);
        for stripe in reference.chunks(STRIPE) {
            self.pass(candidate, stripe);
        }
        let total: isize = self.steps.iter().map(|step| isize::from(*step)).sum();
        reference.len().saturating_add_signed(total)
    }

    fn pass(&mut self, candidate: &[u32], stripe: &[u32]) {
        (0..).zip(stripe).for_each(|(row, symbol)| self.rows[*symbol as usize] |= 1_u64 << row);
        let mut column = Column { grows: !0, shrinks: 0 };
        let last = stripe.len() - 1;
        for (symbol, step) in candidate.iter().zip(&mut self.steps) {
            let equal = self.rows.get(*symbol as usize).copied().unwrap_or(0);
            *step = column.next(equal, *step, last);
        }
        stripe.iter().for_each(|symbol| self.rows[*symbol as usize] = 0);
    }
}

/// The rows whose cell is one greater, and those whose cell is one smaller, than the cell above.
#[derive(Debug, Clone, Copy)]
struct Column {
    grows: u64,
    shrinks: u64,
}

impl Column {
    /// Moves on by one column. `equal` has the rows whose symbol is the column's, `step` is that of the row above;
    /// the result is the step of row `last`.
    fn next(&mut self, equal: u64, step: i8, last: usize) -> i8 {
        let Self { grows, shrinks } = *self;
        let (up, down) = (u64::from(step > 0), u64::from(step < 0));
        let vertical = equal | shrinks;
        let equal = equal | down;
        let diagonal = ((equal & grows).wrapping_add(grows) ^ grows) | equal;
        let right_grows = shrinks | !(diagonal | grows);
        let right_shrinks = grows & diagonal;
        let above_grows = right_grows << 1 | up;
        let above_shrinks = right_shrinks << 1 | down;
        self.grows = above_shrinks | !(vertical | above_grows);
        self.shrinks = above_grows & vertical;
        (right_grows >> last & 1) as i8 - (right_shrinks >> last & 1) as i8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The complete table.
    fn plain(candidate: &[u32], reference: &[u32]) -> usize {
        let mut table = vec![vec![0; reference.len() + 1]; candidate.len() + 1];
        for i in 0..=candidate.len() {
            for j in 0..=reference.len() {
                table[i][j] = match (i, j) {
                    (0, _) => j,
                    (_, 0) => i,
                    _ => {
                        let pair = table[i - 1][j - 1] + usize::from(candidate[i - 1] != reference[j - 1]);
                        pair.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1)
                    }
                };
            }
        }
        table[candidate.len()][reference.len()]
    }

    fn symbols() -> impl Strategy<Value = Vec<u32>> {
        prop_oneof![
            prop::collection::vec(0..3_u32, 0..200),
            prop::collection::vec(0..60_u32, 0..200),
            prop::collection::vec(0..3_u32, 62..67),
            prop::collection::vec(0..3_u32, 126..131),
        ]
    }

    proptest! {
        #[test]
        fn equals_the_complete_table(texts in prop::collection::vec((symbols(), symbols()), 1..4)) {
            // The buffers of the texts before leave no trace.
            let mut distance = Distance::default();
            for (candidate, reference) in texts {
                prop_assert_eq!(distance.between(&candidate, &reference), plain(&candidate, &reference));
            }
        }

        #[test]
        fn equals_the_complete_table_of_similar_texts(
            reference in prop::collection::vec(0..20_u32, 0..300),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..25_u32, 0..3_usize), 0..20),
        ) {
            let mut candidate = reference.clone();
            for (at, symbol, removed) in changes {
                let at = at.index(candidate.len() + 1);
                let end = candidate.len().min(at + removed);
                candidate.splice(at..end, [symbol]);
            }
            let found = Distance::default().between(&candidate, &reference);
            prop_assert_eq!(found, plain(&candidate, &reference));
        }
    }
}
