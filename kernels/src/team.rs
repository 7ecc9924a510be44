//! Several threads inside one operation: for a single text on an idle machine.
//!
//! Work as a rule is shared by micro-batches, one a thread, and an operation keeps to its thread. An operation that is called on a
//! thread of a rayon pool may use the pool's other threads as well; it divides rows or columns, never a sum, so that the bits are
//! the same either way.

use std::ops::Range;

/// Threads that an operation on this thread may use.
pub(crate) fn threads() -> usize {
    if rayon::current_thread_index().is_some() { rayon::current_num_threads() } else { 1 }
}

/// `count` things in at most `parts` ranges of nearly equal length, none of them empty.
pub(crate) fn divide(count: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.clamp(1, count.max(1));
    (0..parts).map(move |part| count * part / parts..count * (part + 1) / parts)
}

/// Runs `work` on every item: the last one on this thread, the others on whichever of the pool's is free.
pub(crate) fn for_each<T: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) + Sync) {
    let mut items: Vec<T> = items.into_iter().collect();
    let Some(last) = items.pop() else { return };
    if items.is_empty() {
        return work(last);
    }
    let work = &work;
    rayon::in_place_scope(|scope| {
        for item in items {
            scope.spawn(move |_| work(item));
        }
        work(last);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn ranges_cover_everything_once() {
        for count in [0, 1, 2, 7, 100] {
            for parts in [0, 1, 2, 3, 16] {
                let ranges: Vec<_> = divide(count, parts).collect();
                assert!(ranges.len() <= parts.max(1) && !ranges.is_empty());
                assert_eq!(
                    ranges.iter().cloned().flatten().collect::<Vec<_>>(),
                    (0..count).collect::<Vec<_>>()
                );
                assert!(count == 0 || ranges.iter().all(|range| !range.is_empty()));
            }
        }
    }

    #[test]
    fn only_a_pool_gives_its_threads_and_every_item_is_worked_on() {
        assert_eq!(threads(), 1);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let sum = AtomicUsize::new(0);
        pool.install(|| {
            assert_eq!(threads(), 3);
            for_each(1..=10, |i| {
                sum.fetch_add(i, Ordering::Relaxed);
            });
        });
        for_each([0; 0], |_: i32| unreachable!());
        assert_eq!(sum.into_inner(), 55);
    }
}
