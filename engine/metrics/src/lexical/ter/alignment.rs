//! Which words of two texts are errors, and which belong together.

use super::band::Band;

/// The cheapest path through a table of distances.
#[derive(Debug, Default)]
pub(super) struct Alignment {
    candidate_errors: Vec<u32>,
    reference_errors: Vec<u32>,
    targets: Vec<usize>,
}

impl Alignment {
    /// Follows the path from its end. Of steps that cost the same, a pair of words comes first, then a word of the
    /// candidate alone.
    pub(super) fn follow(&mut self, band: &Band, table: &[u32], candidate: &[u32], reference: &[u32]) {
        let (mut row, mut column) = (candidate.len(), reference.len() - 1);
        fill(&mut self.candidate_errors, row + 1);
        fill(&mut self.reference_errors, column + 1);
        fill(&mut self.targets, column + 1);
        let mut here = band.row(table, row);
        while row > 0 {
            let (cost, above) = (here.at(column), band.row(table, row - 1));
            let differs = u32::from(candidate[row - 1] != reference[column]);
            if column > 0 && above.at(column - 1) + differs == cost {
                self.candidate_errors[row] = differs;
                self.reference_errors[column] = differs;
                self.targets[column] = row;
                (row, column, here) = (row - 1, column - 1, above);
            } else if above.at(column) + 1 == cost {
                self.candidate_errors[row] = 1;
                (row, here) = (row - 1, above);
            } else {
                self.reference_errors[column] = 1;
                self.targets[column] = row;
                column -= 1;
            }
        }
        self.reference_errors[1..=column].fill(1);
        accumulate(&mut self.candidate_errors);
        accumulate(&mut self.reference_errors);
    }

    /// Whether any of the candidate's words is an error.
    pub(super) fn candidate_has_error(&self, start: usize, length: usize) -> bool {
        self.candidate_errors[start] != self.candidate_errors[start + length]
    }

    /// Whether any of the reference's words is an error.
    pub(super) fn reference_has_error(&self, start: usize, length: usize) -> bool {
        self.reference_errors[start] != self.reference_errors[start + length]
    }

    /// How many words of the candidate belong to the reference's first 0, 1, 2.. words.
    pub(super) fn targets(&self) -> &[usize] {
        &self.targets
    }
}

fn fill<T: Default + Clone>(values: &mut Vec<T>, length: usize) {
    values.clear();
    values.resize(length, T::default());
}

/// Replaces counts by the sums up to them.
fn accumulate(counts: &mut [u32]) {
    let mut sum = 0;
    for count in counts {
        sum += *count;
        *count = sum;
    }
}
