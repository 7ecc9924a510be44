//! The next panel, asked for while this one is multiplied.
//!
//! The weights of an encoder are larger than the L2, so a panel comes from the last-level cache. A core has few places for lines that
//! are on their way (16 on Golden Cove); asking for many at once would hold up the loads of the tile itself, so requests are spread
//! over the inner loop.

use super::LINE_WORDS;
use crate::simd::Simd;

/// Steps of the inner loop between requests.
pub(super) const STEPS: usize = 32;

/// What of the next panel was not yet asked for.
pub(super) struct Ahead<'a> {
    words: &'a [u32],
    /// Words to ask for at once.
    portion: usize,
}

impl<'a> Ahead<'a> {
    /// Asks for the panel `next`, `inner` rows of words, while `rows` rows are multiplied.
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
