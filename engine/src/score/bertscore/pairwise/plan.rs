//! Grids to rounds of bands, and a round to steps: which pairs are scored while which texts are in memory.

use std::collections::HashSet;
use std::ops::Range;

use super::{Grid, PairwiseBounds, Scores, Step};
use crate::Result;

/// Some candidates of a grid, whose rows are computed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) grid: usize,
    pub(super) candidates: Range<usize>,
}

impl Band {
    /// The number of its pairs.
    pub(super) fn len(&self, grids: &[Grid]) -> usize {
        self.candidates.len() * grids[self.grid].references.len()
    }
}

/// Plans the work on grids.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planner<'a, S> {
    pub(super) grids: &'a [Grid],
    /// Bytes of the token vectors of each text.
    pub(super) sizes: S,
    pub(super) bounds: PairwiseBounds,
}

impl<S: AsRef<[usize]>> Planner<'_, S> {
    /// Whether the token vectors of all texts fit into memory together.
    pub(super) fn all_fit(&self) -> bool {
        self.sizes.as_ref().iter().sum::<usize>() <= self.bounds.vector_bytes
    }

    /// Calls `each` with the bands of each round: as many as the bound of scores allows; if not all texts fit into
    /// memory, one.
    pub(super) fn for_each_round(&self, mut each: impl FnMut(&[Band]) -> Result<()>) -> Result<()> {
        let most = (self.bounds.score_bytes / size_of::<Scores>()).max(1);
        let all_fit = self.all_fit();
        let (mut round, mut pairs) = (Vec::new(), 0);
        for (at, grid) in self.grids.iter().enumerate() {
            let rows = (most / grid.references.len()).max(1);
            let vectors = if all_fit { usize::MAX } else { self.bounds.vector_bytes / 2 };
            for candidates in self.blocks(&grid.candidates, rows, vectors) {
                let band = Band { grid: at, candidates };
                let count = band.len(self.grids);
                if !round.is_empty() && (!all_fit || pairs + count > most) {
                    each(&std::mem::take(&mut round))?;
                    pairs = 0;
                }
                pairs += count;
                round.push(band);
            }
        }
        if round.is_empty() { Ok(()) } else { each(&round) }
    }

    /// The steps of a round. If not all texts fit into memory, a step has one block of the band's references, in
    /// `backwards` order or not.
    pub(super) fn steps(&self, bands: &[Band], backwards: bool) -> Vec<Step> {
        let references = |band: &Band| &self.grids[band.grid].references;
        match bands {
            [band] if !self.all_fit() => {
                let blocks = self.blocks(references(band), usize::MAX, self.bounds.vector_bytes / 4);
                let mut steps: Vec<Step> = blocks.into_iter().map(|block| vec![block]).collect();
                if backwards {
                    steps.reverse();
                }
                steps
            }
            bands => vec![bands.iter().map(|band| 0..references(band).len()).collect()],
        }
    }

    /// The texts that a step needs, each once.
    pub(super) fn texts_of(&self, bands: &[Band], step: &Step) -> Vec<usize> {
        if self.all_fit() {
            return (0..self.sizes.as_ref().len()).collect();
        }
        let (mut texts, mut known) = (Vec::new(), HashSet::new());
        for (band, block) in bands.iter().zip(step) {
            let grid = &self.grids[band.grid];
            let all = grid.candidates[band.candidates.clone()].iter().chain(&grid.references[block.clone()]);
            texts.extend(all.filter(|text| known.insert(**text)));
        }
        texts
    }

    /// Cuts texts into blocks of at most `count` texts, whose distinct ones have at most `bytes` bytes of vectors; a
    /// larger text is a block of its own.
    fn blocks(&self, texts: &[usize], count: usize, bytes: usize) -> Vec<Range<usize>> {
        let (mut blocks, mut start, mut known, mut used) = (Vec::new(), 0, HashSet::new(), 0_usize);
        for (at, text) in texts.iter().enumerate() {
            let size = self.sizes.as_ref()[*text];
            let added = if known.contains(text) { 0 } else { size };
            if at > start && (at - start == count || used.saturating_add(added) > bytes) {
                blocks.push(start..at);
                (start, used) = (at, 0);
                known.clear();
            }
            if known.insert(*text) {
                used = used.saturating_add(size);
            }
        }
        blocks.push(start..texts.len());
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(candidates: &[usize], references: &[usize]) -> Grid {
        Grid { candidates: candidates.to_vec(), references: references.to_vec() }
    }

    fn rounds(planner: &Planner<'_, &[usize]>) -> Vec<Vec<Band>> {
        let mut rounds = Vec::new();
        let keep = |bands: &[Band]| {
            rounds.push(bands.to_vec());
            Ok(())
        };
        planner.for_each_round(keep).unwrap();
        rounds
    }

    fn band(grid: usize, candidates: Range<usize>) -> Band {
        Band { grid, candidates }
    }

    /// A step of one band.
    fn step(first: usize, end: usize) -> Step {
        std::iter::once(first..end).collect()
    }

    /// Bounds of so many bytes of vectors and so many scores.
    fn bounds(vector_bytes: usize, scores: usize) -> PairwiseBounds {
        PairwiseBounds { vector_bytes, score_bytes: scores * size_of::<Scores>() }
    }

    #[test]
    fn grids_share_a_round_as_far_as_their_scores_fit() {
        let grids = [grid(&[0, 1], &[2]), grid(&[3], &[0, 1]), grid(&[0, 1, 2], &[3, 4])];
        let planner = Planner { grids: &grids, sizes: &[1; 5][..], bounds: bounds(5, 4) };
        let expected = [vec![band(0, 0..2), band(1, 0..1)], vec![band(2, 0..2)], vec![band(2, 2..3)]];
        assert_eq!(rounds(&planner), expected);
        assert_eq!(planner.steps(&expected[0], false), [[0..1, 0..2]]);
    }

    #[test]
    fn without_room_for_all_a_band_meets_block_after_block() {
        let grids = [grid(&[0, 1, 0, 2], &[3, 4, 3, 5])];
        let planner = Planner { grids: &grids, sizes: &[10, 10, 10, 5, 5, 20][..], bounds: bounds(40, 100) };
        let expected = [vec![band(0, 0..3)], vec![band(0, 3..4)]];
        assert_eq!(rounds(&planner), expected);
        assert_eq!(planner.steps(&expected[0], false), [step(0, 3), step(3, 4)]);
        assert_eq!(planner.steps(&expected[1], true), [step(3, 4), step(0, 3)]);
        assert_eq!(planner.texts_of(&expected[0], &step(0, 3)), [0, 1, 3, 4]);
    }

    #[test]
    fn a_text_over_the_bound_is_a_block() {
        let grids = [grid(&[0, 1], &[1, 0])];
        let planner = Planner { grids: &grids, sizes: &[100, 1][..], bounds: bounds(8, 100) };
        assert_eq!(rounds(&planner), [vec![band(0, 0..1)], vec![band(0, 1..2)]]);
        assert_eq!(planner.steps(&[band(0, 0..1)], false), [step(0, 1), step(1, 2)]);
    }
}
