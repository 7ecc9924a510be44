//! The pairs of a step to scores, divided among threads.

use std::ops::Range;
use std::sync::Arc;

use super::super::cache::EncodedText;
use super::super::matching::Matcher;
use super::plan::Band;
use super::pool::TextPool;
use super::{Grid, Scorer, Scores, Step};
use crate::Result;

/// Texts per side of a tile on the CPU: the token vectors of a tile's candidates, 16 * 30 tokens of 384 values, stay in
/// a core's L2 while references come by, and a reference is packed once for 16 candidates.
const SIDE: usize = 16;

/// The same on a GPU, which matches a tile in one launch.
const GPU_SIDE: usize = 32;

/// The bands of a round, and the texts that are in memory.
pub(super) struct Tiles<'a> {
    pub(super) scorer: &'a Scorer,
    pub(super) pool: &'a TextPool<'a>,
    pub(super) grids: &'a [Grid],
    pub(super) bands: &'a [Band],
}

/// Some pairs of a band.
struct Tile {
    /// The index of the band.
    band: usize,
    /// Candidates of the grid.
    candidates: Range<usize>,
    /// References of the grid.
    references: Range<usize>,
}

impl Tiles<'_> {
    /// Scores the pairs of a step and writes them to the matrices of their bands.
    pub(super) fn score(&self, step: &Step, matrices: &mut [Vec<Scores>]) -> Result<()> {
        let tiles = self.tiles(step);
        let scored = self.scorer.workers().map(&self.scorer.control, &tiles, |tile| {
            let scores = self.score_tile(tile)?;
            self.pool.add_pairs(scores.len());
            Ok(scores)
        })?;
        for (tile, scores) in tiles.iter().zip(scored) {
            let Band { grid, candidates } = &self.bands[tile.band];
            let width = self.grids[*grid].references.len();
            let rows = tile.candidates.len();
            for (reference, column) in tile.references.clone().zip(scores.chunks_exact(rows)) {
                for (candidate, scores) in tile.candidates.clone().zip(column) {
                    matrices[tile.band][(candidate - candidates.start) * width + reference] = *scores;
                }
            }
        }
        Ok(())
    }

    fn tiles(&self, step: &Step) -> Vec<Tile> {
        let side = if self.scorer.encoder.is_on_gpu() { GPU_SIDE } else { SIDE };
        let mut tiles = Vec::new();
        for (band, references) in step.iter().enumerate() {
            for candidates in parts(&self.bands[band].candidates, side) {
                tiles.extend(parts(references, side).map(|references| Tile {
                    band,
                    candidates: candidates.clone(),
                    references,
                }));
            }
        }
        tiles
    }

    /// The scores of a tile, reference by reference: pairs that share one follow each other.
    fn score_tile(&self, tile: &Tile) -> Result<Vec<Scores>> {
        let Scorer { session, weights, layer, .. } = self.scorer;
        let grid = &self.grids[self.bands[tile.band].grid];
        let numbers =
            grid.candidates[tile.candidates.clone()].iter().chain(&grid.references[tile.references.clone()]);
        let texts: Vec<Arc<EncodedText>> = numbers.map(|text| self.pool.get(*text)).collect::<Result<_>>()?;
        let candidates = tile.candidates.len();
        let pairs: Vec<[usize; 2]> = (candidates..texts.len())
            .flat_map(|reference| (0..candidates).map(move |candidate| [candidate, reference]))
            .collect();
        let pairs: Vec<&[usize]> = pairs.iter().map(|pair| &pair[..]).collect();
        let form = session.devices().placements()[0].form();
        Matcher { texts: &texts, weights, baseline: layer.baseline, form }.score(&pairs)
    }
}

/// A range in parts of at most `side`.
fn parts(range: &Range<usize>, side: usize) -> impl Iterator<Item = Range<usize>> {
    let Range { start, end } = *range;
    (start..end).step_by(side).map(move |first| first..end.min(first + side))
}
