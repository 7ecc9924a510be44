//! Prefetches the next panel while the current one is multiplied, or after the last one the next block's
//! rows.
//!
//! The weights of an encoder are larger than the L2, so a panel comes from the last-level cache. A core has
//! few slots for lines in flight (16 on Golden Cove); requesting many at once would delay the loads of the
//! tile itself, so requests are spread over the inner loop.
//!
//! The rows of a searched corpus come from memory, and a tile of rows is one stream per row, each read a word
//! at a time. A search for one query among 200,000 rows of 384 (two cores of an Emerald Rapids) took 28 ms,
//! and takes 18 ms with prefetching.

use super::LINE_WORDS;
use crate::cpu::simd::Simd;

/// Steps of the inner loop between requests.
pub(super) const STEPS: usize = 32;

/// The part of the next panel or block that was not yet requested.
pub(super) struct Ahead<'a> {
    words: &'a [u32],
    /// Words to request at once.
    portion: usize,
}

impl<'a> Ahead<'a> {
    /// Requests `next` while `rows` rows of `inner` words are multiplied.
    #[inline(always)]
    pub(super) fn new<S: Simd>(next: &'a [u32], inner: usize, rows: usize) -> Self {
        let requests = rows.div_ceil(S::TILE_ROWS) * inner.div_ceil(STEPS);
        Self { words: next, portion: next.len().div_ceil(requests.max(1)).next_multiple_of(LINE_WORDS) }
    }

    /// Requests the next portion.
    #[inline(always)]
    pub(super) fn fetch<S: Simd>(&mut self, simd: S) {
        let (now, later) = self.words.split_at(self.portion.min(self.words.len()));
        for line in now.chunks(LINE_WORDS) {
            simd.prefetch(line.as_ptr());
        }
        self.words = later;
    }
}
