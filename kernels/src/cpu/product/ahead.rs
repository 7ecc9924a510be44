//! The next panel, asked for while this one is multiplied, or behind the last one the rows of the next block.
//!
//! The weights of an encoder are larger than the L2, so a panel comes from the last-level cache. A core has
//! few places for lines that are on their way (16 on Golden Cove); asking for many at once would hold up the
//! loads of the tile itself, so requests are spread over the inner loop.
//!
//! Rows come from memory where they are a corpus that is searched, and a tile of rows is as many streams,
//! each read a word at a time. A search for one query among 200,000 rows of 384 (two cores of an Emerald
//! Rapids) took 28 ms, and 18 ms since they are asked for.

use super::LINE_WORDS;
use crate::cpu::simd::Simd;

/// Steps of the inner loop between requests.
pub(super) const STEPS: usize = 32;

/// What of the next panel or block was not yet asked for.
pub(super) struct Ahead<'a> {
    words: &'a [u32],
    /// Words to ask for at once.
    portion: usize,
}

impl<'a> Ahead<'a> {
    /// Asks for `next` while `rows` rows of `inner` words are multiplied.
    #[inline(always)]
    pub(super) fn new<S: Simd>(next: &'a [u32], inner: usize, rows: usize) -> Self {
        let requests = rows.div_ceil(S::TILE_ROWS) * inner.div_ceil(STEPS);
        Self { words: next, portion: next.len().div_ceil(requests.max(1)).next_multiple_of(LINE_WORDS) }
    }

    /// Asks for the next portion.
    #[inline(always)]
    pub(super) fn fetch<S: Simd>(&mut self, simd: S) {
        let (now, later) = self.words.split_at(self.portion.min(self.words.len()));
        for line in now.chunks(LINE_WORDS) {
            simd.prefetch(line.as_ptr());
        }
        self.words = later;
    }
}
