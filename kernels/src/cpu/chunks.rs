//! Work that threads take piece by piece: a thread that is slowed down by other work takes fewer.

use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of things in pieces, handed out in ascending order.
pub(crate) struct Chunks {
    count: usize,
    chunk: usize,
    next: AtomicUsize,
}

impl Chunks {
    /// Pieces of `count` things for `threads` threads: about 16 for each, but of a number in `sizes`, the
    /// smallest of which also divides them. One thread gets one piece.
    pub(crate) fn new(count: usize, sizes: RangeInclusive<usize>, threads: usize) -> Self {
        let (smallest, largest) = sizes.into_inner();
        let chunk = match threads {
            0 | 1 => count.max(1),
            _ => (count / (16 * threads)).next_multiple_of(smallest).clamp(smallest, largest),
        };
        Self { count, chunk, next: AtomicUsize::new(0) }
    }

    /// The next piece.
    pub(crate) fn take(&self) -> Option<Range<usize>> {
        let first = self.next.fetch_add(self.chunk, Ordering::Relaxed);
        (first < self.count).then(|| first..(first + self.chunk).min(self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_everything_once_and_in_order() {
        for (count, sizes, threads) in
            [(0, 4..=8, 2), (3, 4..=8, 2), (1000, 4..=8, 2), (1000, 4..=800, 3), (7, 2..=2, 1)]
        {
            let chunks = Chunks::new(count, sizes.clone(), threads);
            let pieces: Vec<Range<usize>> = std::iter::from_fn(|| chunks.take()).collect();
            assert_eq!(pieces.iter().cloned().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            assert!(threads == 1 || pieces.iter().all(|piece| piece.len() <= *sizes.end()));
            assert!(chunks.take().is_none());
        }
    }
}
