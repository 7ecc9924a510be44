//! Every candidate against every reference, in bounded memory.
//!
//! A [`PairGrid`] has candidates and references; every pair of them is scored as [`Scorer::score`] scores it alone, to
//! the same bits. If the token vectors of all distinct texts fit into [`PairwiseBounds::vector_bytes`], each text is
//! encoded once. If not, a band of candidates stays in memory, whose vectors take at most half of the bound, and the
//! references come by in blocks of at most a quarter, forwards for one band and backwards for the next, so that the
//! last blocks of a band are still there for the next. A candidate is encoded once then, and a reference at most once
//! per band.
//!
//! | step | file |
//! |---|---|
//! | texts to token vectors, up to the bound | `pool.rs` |
//! | grids to bands and blocks | `plan.rs` |
//! | a block of pairs to scores | `tiles.rs` |

mod plan;
mod pool;
mod tiles;

use std::ops::Range;

use plan::Planner;
pub(super) use pool::TextPool;
use tiles::Tiles;

use super::{Scorer, Scores};
use crate::session::Distinct;
use crate::{Error, Result};

/// Candidates and references: every pair of them is scored.
#[derive(Debug, Clone, Copy)]
pub struct PairGrid<'a> {
    /// The candidates: the rows of the matrices.
    pub candidates: &'a [String],
    /// The references: the columns.
    pub references: &'a [String],
}

/// How much is in memory at once, next to the texts and their token ids. Scores do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairwiseBounds {
    /// Bytes of token vectors. A text that needs more than a quarter of them is let in all the same.
    pub vector_bytes: usize,
    /// Bytes of scores that are handed on together, and as many while they are computed. A candidate's row is let in
    /// all the same.
    pub score_bytes: usize,
}

impl Default for PairwiseBounds {
    /// 512 MiB of token vectors, twice 64 MiB of scores.
    fn default() -> Self {
        Self { vector_bytes: 512 << 20, score_bytes: 64 << 20 }
    }
}

impl PairwiseBounds {
    /// Holds at most so many bytes of token vectors.
    #[must_use]
    pub fn vector_bytes(self, vector_bytes: usize) -> Self {
        Self { vector_bytes, ..self }
    }

    /// Hands on at most so many bytes of scores together.
    #[must_use]
    pub fn score_bytes(self, score_bytes: usize) -> Self {
        Self { score_bytes, ..self }
    }
}

/// The scores of some candidates of a grid against all its references.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ScoreBand<'a> {
    /// The index of the grid.
    pub grid: usize,
    /// The first of the candidates.
    pub first: usize,
    /// The number of references: the length of a row.
    pub references: usize,
    /// The rows of the candidates, one after another.
    pub scores: &'a [Scores],
}

impl<'a> ScoreBand<'a> {
    /// The scores of each candidate.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'a [Scores]> {
        self.scores.chunks_exact(self.references)
    }
}

/// How far a call is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairwiseProgress {
    /// Texts encoded so far.
    pub texts: u64,
    /// Pairs scored so far.
    pub pairs: u64,
}

/// What happened in a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairwiseNotices {
    /// Pairs that were scored.
    pub pairs: u64,
    /// Distinct texts.
    pub distinct: u64,
    /// Texts that were encoded: more than the distinct ones if not all fit into memory.
    pub encoded: u64,
    /// Distinct texts that are empty: the raw scores of their pairs are 0.
    pub empty: u64,
    /// Distinct texts that were truncated.
    pub truncated: u64,
    /// Pairs with a score that is not a number.
    pub undefined: u64,
    /// The most bytes of token vectors in memory at once.
    pub vector_bytes: u64,
}

impl PairwiseNotices {
    /// Adds those of the next call. Texts that both have count twice.
    pub fn add(&mut self, next: &Self) {
        self.pairs += next.pairs;
        self.distinct += next.distinct;
        self.encoded += next.encoded;
        self.empty += next.empty;
        self.truncated += next.truncated;
        self.undefined += next.undefined;
        self.vector_bytes = self.vector_bytes.max(next.vector_bytes);
    }
}

impl Scorer {
    /// Scores every candidate of each grid against every reference of the grid. `each` is called with bands of rows, in
    /// the order of grids and candidates; `progress` from any thread.
    ///
    /// # Errors
    /// If a grid has no candidate or no reference, the encoder or `each` fails, or the call is stopped.
    pub fn score_grids(
        &self,
        grids: &[PairGrid<'_>],
        bounds: PairwiseBounds,
        progress: impl Fn(PairwiseProgress) + Sync,
        mut each: impl FnMut(ScoreBand<'_>) -> Result<()>,
    ) -> Result<PairwiseNotices> {
        if let Some(at) =
            grids.iter().position(|grid| grid.candidates.is_empty() || grid.references.is_empty())
        {
            return Err(Error::usage(format!(
                "a grid must have a candidate and a reference at least, grid {at} has {} and {}",
                grids[at].candidates.len(),
                grids[at].references.len()
            )));
        }
        let (texts, grids) = numbered(grids);
        let mut pool = TextPool::new(self, &texts, bounds.vector_bytes, &progress)?;
        let plan = Planner { grids: &grids, sizes: pool.sizes(), bounds };
        let mut notices = pool.notices();
        let mut rounds = 0;
        plan.for_each_round(|bands| {
            let mut matrices: Vec<Vec<Scores>> =
                bands.iter().map(|band| vec![Scores::ZERO; band.len(&grids)]).collect();
            for step in plan.steps(bands, rounds % 2 == 1) {
                pool.bring(&plan.texts_of(bands, &step))?;
                let tiles = Tiles { scorer: self, pool: &pool, grids: &grids, bands };
                tiles.score(&step, &mut matrices)?;
            }
            rounds += 1;
            if !plan.all_fit() {
                bands
                    .iter()
                    .for_each(|band| pool.retire(&grids[band.grid].candidates[band.candidates.clone()]));
            }
            for (band, scores) in bands.iter().zip(&matrices) {
                notices.pairs += scores.len() as u64;
                notices.undefined += scores.iter().filter(|scores| scores.has_nan()).count() as u64;
                let references = grids[band.grid].references.len();
                each(ScoreBand { grid: band.grid, first: band.candidates.start, references, scores })?;
            }
            Ok(())
        })?;
        (notices.encoded, notices.vector_bytes) = (pool.encoded(), pool.most_bytes());
        Ok(notices)
    }
}

/// A grid of texts by number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grid {
    candidates: Vec<usize>,
    references: Vec<usize>,
}

/// A step: for each band of a round, the references that it is scored against.
type Step = Vec<Range<usize>>;

/// The distinct texts, and the grids with their numbers.
fn numbered<'a>(grids: &[PairGrid<'a>]) -> (Vec<&'a str>, Vec<Grid>) {
    let all: Vec<&str> = grids
        .iter()
        .flat_map(|grid| grid.candidates.iter().chain(grid.references))
        .map(String::as_str)
        .collect();
    let distinct = Distinct::of(&all);
    let mut rest = distinct.indices.iter().copied();
    let mut take = |count: usize| rest.by_ref().take(count).collect();
    let grids = grids
        .iter()
        .map(|grid| Grid { candidates: take(grid.candidates.len()), references: take(grid.references.len()) })
        .collect();
    (distinct.select(&all), grids)
}
