//! The union of longest common subsequences of lines: ROUGE-Lsum.

use super::lcs::Lcs;
use super::tokens::Text;

/// The buffers of a worker.
#[derive(Debug, Default)]
pub(super) struct Summary {
    lcs: Lcs,
    /// The positions of a line of the reference that a line of the candidate matches.
    marks: Vec<bool>,
    /// How many of each token the candidate has that were not counted yet.
    left: Vec<u32>,
}

impl Summary {
    /// To be called before the first text of a row, with the greatest number of its tokens.
    pub(super) fn start_row(&mut self, max_token: u32) {
        self.lcs.start_row(max_token);
        self.left.clear();
        self.left.resize(max_token as usize + 1, 0);
    }

    /// The tokens of the reference's lines that are on a longest common subsequence with some line of the
    /// candidate, each as often as the candidate has it at most.
    pub(super) fn hits(&mut self, reference: &Text, candidate: &Text) -> usize {
        if reference.is_one_line() && candidate.is_one_line() {
            // No token is counted more often than the candidate has it.
            return self.lcs.length(&reference.tokens, &candidate.tokens);
        }
        self.left.fill(0);
        candidate.tokens.iter().for_each(|token| self.left[*token as usize] += 1);
        reference.lines().map(|line| self.line_hits(line, candidate)).sum()
    }

    fn line_hits(&mut self, line: &[u32], candidate: &Text) -> usize {
        self.marks.clear();
        self.marks.resize(line.len(), false);
        candidate.lines().for_each(|other| self.lcs.mark(line, other, &mut self.marks));
        let mut hits = 0;
        for (token, _) in line.iter().zip(&self.marks).filter(|(_, marked)| **marked) {
            let left = &mut self.left[*token as usize];
            hits += usize::from(*left > 0);
            *left = left.saturating_sub(1);
        }
        hits
    }
}
