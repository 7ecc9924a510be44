//! Prefetches the next panel while the current one is multiplied, or after the last one the next block's
//! rows.
//!
//! The weights of an encoder are larger than the L2, so a panel comes from the last-level cache. A core has
//! few slots for lines in flight (16 on Golden Cove); requesting many at once would delay the loads of the
//! tile itself, so requests are spread over the inner loop.
//!
//! The rows of a searched corpus come from memory, 32 streams that are read side by side: the search passes
//! the rows that come next.

use crate::cpu::simd::Simd;

/// Steps of the inner loop between requests.
pub(super) const STEPS: usize = 32;

/// Bytes per cache line.
const LINE_BYTES: usize = 64;

/// The part of the next panel or block that was not yet requested.
pub(super) struct Ahead<'a> {
    bytes: &'a [u8],
    /// Bytes to request at once.
    portion: usize,
}

impl<'a> Ahead<'a> {
    /// Requests `next` in `requests` portions.
    #[inline(always)]
    pub(super) fn new(next: &'a [u8], requests: usize) -> Self {
        Self { bytes: next, portion: next.len().div_ceil(requests.max(1)).next_multiple_of(LINE_BYTES) }
    }

    /// Requests `next` while `rows` rows of `inner` words are multiplied.
    #[inline(always)]
    pub(super) fn during<S: Simd>(next: &'a [u8], inner: usize, rows: usize) -> Self {
        Self::new(next, rows.div_ceil(S::TILE_ROWS) * inner.div_ceil(STEPS))
    }

    /// Requests the next portion.
    #[inline(always)]
    pub(super) fn fetch<S: Simd>(&mut self, simd: S) {
        let (now, later) = self.bytes.split_at(self.portion.min(self.bytes.len()));
        for line in now.chunks(LINE_BYTES) {
            simd.prefetch(line.as_ptr());
        }
        self.bytes = later;
    }
}
