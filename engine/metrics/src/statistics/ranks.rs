//! Ranks of systems, as far as significant differences support them.

/// A system's place among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// The system.
    pub system: usize,
    /// The best rank that it may have: one after the systems that are significantly better.
    pub low: usize,
    /// The worst rank that it may have: before the systems that are significantly worse.
    pub high: usize,
    /// Its cluster, from 1 on.
    pub cluster: usize,
}

/// The ranks of systems in the order `order`, the best first. `beats(a, b)` is whether a is significantly better
/// than b.
///
/// Clusters are WMT's: a new one starts only if every system before it beats every system after it (T. Kocmi et
/// al., "Findings of the WMT24 General Machine Translation Shared Task", 2024).
pub fn ranks(order: &[usize], beats: impl Fn(usize, usize) -> bool) -> Vec<Rank> {
    let mut cluster = 1;
    let rank = |(place, &system): (usize, &usize)| {
        let (above, below) = order.split_at(place);
        let is_border = above.iter().all(|above| below.iter().all(|below| beats(*above, *below)));
        cluster += usize::from(place > 0 && is_border);
        let losses = order.iter().filter(|other| beats(**other, system)).count();
        let wins = order.iter().filter(|other| beats(system, **other)).count();
        Rank { system, low: 1 + losses, high: order.len() - wins, cluster }
    };
    order.iter().enumerate().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_ends_only_if_all_above_beat_all_below() {
        // 0 beats 2 and 3; 1 beats 3; 2 and 3 are alike.
        let beats = |a: usize, b: usize| matches!((a, b), (0, 2 | 3) | (1, 3));
        let found = ranks(&[0, 1, 2, 3], beats);
        let plain: Vec<_> = found.iter().map(|rank| (rank.low, rank.high, rank.cluster)).collect();
        assert_eq!(plain, [(1, 2, 1), (1, 3, 1), (2, 4, 1), (3, 4, 1)]);
        let beats = |a: usize, b: usize| matches!((a, b), (0 | 1, 2 | 3));
        let clusters: Vec<usize> = ranks(&[1, 0, 2, 3], beats).iter().map(|rank| rank.cluster).collect();
        assert_eq!(clusters, [1, 1, 2, 2]);
        assert!(ranks(&[], |_, _| true).is_empty());
    }
}
