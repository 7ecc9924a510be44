//! The longest common subsequence of two texts: its length, and the positions of one of them.
//!
//! Both are computed from the usual table of lengths, `t[i][j]` for the first i tokens of the reference and the
//! first j of the candidate, but by bits: the differences of neighbours in a column, `t[i][j] - t[i - 1][j]`,
//! are 0 or 1. A column of 64 rows is one word, and the next column follows from it by one addition. Source:
//! H. Hyyro, "Bit-Parallel LCS-length Computation Revisited", 2004, whose words have a 0 for a difference of 1.
//!
//! Tokens are numbers from 1; number 0 is a token that is in no reference, and matches nothing.

/// Rows of the table in one word.
const BLOCK: usize = 64;

/// The buffers of a worker.
#[derive(Debug, Default)]
pub(super) struct Lcs {
    /// For each token, the rows of the present block that have it.
    rows: Vec<u64>,
    /// A bit per column: the carry of its addition from the block above. For one block or for all.
    carries: Vec<u64>,
    /// The present block of each column.
    columns: Vec<u64>,
}

impl Lcs {
    /// To be called before the first text of a row, with the greatest number of its tokens.
    pub(super) fn start_row(&mut self, max_token: u32) {
        self.rows.clear();
        self.rows.resize(max_token as usize + 1, 0);
    }

    /// The length of the longest common subsequence.
    pub(super) fn length(&mut self, reference: &[u32], candidate: &[u32]) -> usize {
        self.carries.clear();
        self.carries.resize(candidate.len().div_ceil(BLOCK), 0);
        let mut length = 0;
        for block in reference.chunks(BLOCK) {
            set_rows(&mut self.rows, block);
            let last = sweep(&self.rows, candidate, &mut self.carries, |_| {});
            length += last.count_zeros() as usize;
            clear_rows(&mut self.rows, block);
        }
        length
    }

    /// Marks the reference's positions of one of the longest common subsequences: the one that is found from
    /// the ends of both texts by a step along both for equal tokens, else to `t[i][j - 1]` if that is greater
    /// than `t[i - 1][j]`, else to `t[i - 1][j]`.
    pub(super) fn mark(&mut self, reference: &[u32], candidate: &[u32], marks: &mut [bool]) {
        let words = candidate.len().div_ceil(BLOCK);
        self.carries.clear();
        self.carries.resize(words, 0);
        let mut blocks = reference.chunks(BLOCK).enumerate().rev();
        let Some((last, last_tokens)) = blocks.next() else { return };
        for block in reference.chunks(BLOCK).take(last) {
            set_rows(&mut self.rows, block);
            self.carries.extend_from_within(self.carries.len() - words..);
            let from = self.carries.len() - words;
            sweep(&self.rows, candidate, &mut self.carries[from..], |_| {});
            clear_rows(&mut self.rows, block);
        }
        // The columns of a block are computed again from the carries when the path gets there: to keep those of
        // all blocks would need 64 times the memory.
        let mut left = self.trace(last_tokens, candidate, last * words, &mut marks[last * BLOCK..]);
        for (block, tokens) in blocks {
            left = self.trace(tokens, &candidate[..left], block * words, &mut marks[block * BLOCK..]);
        }
    }

    /// Follows the path through a block upwards from its last row, marks its matches and returns the number of
    /// columns that are left for the block above. The block's carries start at `from`.
    fn trace(&mut self, block: &[u32], candidate: &[u32], from: usize, marks: &mut [bool]) -> usize {
        set_rows(&mut self.rows, block);
        self.columns.clear();
        let carries = &mut self.carries[from..][..candidate.len().div_ceil(BLOCK)];
        sweep(&self.rows, candidate, carries, |column| self.columns.push(column));
        let (mut left, mut rows_left) = (candidate.len(), block.len());
        while left > 0 && rows_left > 0 {
            let matches = self.rows[candidate[left - 1] as usize];
            // Rows in which the path leaves this column: by a match, or because the length is one less above.
            let exits = (matches | !self.columns[left - 1]) & (!0 >> (BLOCK - rows_left));
            let Some(row) = exits.checked_ilog2() else { break };
            let row = row as usize;
            left -= 1;
            rows_left = row + 1;
            if matches >> row & 1 == 1 {
                marks[row] = true;
                rows_left = row;
            }
        }
        clear_rows(&mut self.rows, block);
        left
    }
}

/// Computes a block of every column and calls `each` with it; the last is returned. The carries from the block
/// above become those to the block below.
fn sweep(rows: &[u64], candidate: &[u32], carries: &mut [u64], mut each: impl FnMut(u64)) -> u64 {
    let mut column = !0_u64;
    for (carries, tokens) in carries.iter_mut().zip(candidate.chunks(BLOCK)) {
        let (above, mut below) = (*carries, 0);
        for (place, token) in tokens.iter().enumerate() {
            let matches = rows[*token as usize];
            let (sum, carry) = column.carrying_add(column & matches, above >> place & 1 == 1);
            column = sum | column & !matches;
            below |= u64::from(carry) << place;
            each(column);
        }
        *carries = below;
    }
    column
}

fn set_rows(rows: &mut [u64], block: &[u32]) {
    block.iter().enumerate().for_each(|(row, token)| rows[*token as usize] |= 1 << row);
}

fn clear_rows(rows: &mut [u64], block: &[u32]) {
    block.iter().for_each(|token| rows[*token as usize] = 0);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::plain::{path, table};
    use super::*;

    /// References of tokens from 1 on, candidates also with token 0, from few to many different ones.
    fn pair() -> impl Strategy<Value = (Vec<u32>, Vec<u32>)> {
        (1_u32..40, 0_usize..6).prop_flat_map(|(tokens, size)| {
            let size = [3, 20, 63, 65, 130, 300][size];
            let text = |least| proptest::collection::vec(least..=tokens, 0..=size);
            (text(1), text(0))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn bits_equal_the_table((reference, candidate) in pair()) {
            let mut lcs = Lcs::default();
            lcs.start_row(40);
            let table = table(&reference, &candidate);
            prop_assert_eq!(lcs.length(&reference, &candidate), table[reference.len()][candidate.len()]);
            let mut marks = vec![false; reference.len()];
            lcs.mark(&reference, &candidate, &mut marks);
            let marked: BTreeSet<usize> = (0..marks.len()).filter(|at| marks[*at]).collect();
            prop_assert_eq!(marked, path(&reference, &candidate));
            prop_assert!(lcs.rows.iter().all(|rows| *rows == 0));
        }
    }
}
