//! A hit as one number, and the best of many hits.

/// A score and its row. Of two hits the better is the larger: the larger score, or of equal scores the lower
/// row. 0.0 and -0.0 are equal; NaN, which only overflowing products produce, is after all numbers.
///
/// The upper half is the score's bits, changed so that their order as an integer is the scores' order; the
/// lower half is the complement of the row. `top_k.cu` uses the same format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ops) struct PackedHit(u64);

const SIGN: u32 = 1 << 31;

impl PackedHit {
    pub(in crate::ops) fn new(score: f32, row: u32) -> Self {
        // Turns -0.0 into 0.0.
        let bits = (score + 0.0).to_bits();
        let ordered = match score.is_nan() {
            true => 0,
            false if bits & SIGN != 0 => !bits,
            false => bits | SIGN,
        };
        Self(u64::from(ordered) << 32 | u64::from(!row))
    }

    /// The score. A zero has lost its sign, a NaN its payload.
    pub(in crate::ops) fn score(self) -> f32 {
        match (self.0 >> 32) as u32 {
            0 => f32::NAN,
            ordered if ordered & SIGN != 0 => f32::from_bits(ordered & !SIGN),
            ordered => f32::from_bits(!ordered),
        }
    }

    pub(in crate::ops) fn row(self) -> u32 {
        !(self.0 as u32)
    }
}

/// The `k` best of the hits added so far, and some more.
///
/// Hits are collected until there are about twice as many as `k`, then the best are kept: the cost of a hit
/// does not depend on `k`.
#[derive(Debug, Clone)]
pub(in crate::ops) struct Best {
    hits: Vec<PackedHit>,
    k: usize,
    threshold: f32,
}

/// The least number of hits collected beyond `k`: for a small `k`, selecting after every hit would take
/// longer than looking at a few more.
const FEWEST: usize = 16;

impl Best {
    pub(in crate::ops) fn new(k: usize) -> Self {
        Self { hits: Vec::new(), k, threshold: f32::NAN }
    }

    /// A score at or below this cannot be among the best, if its row is higher than those of all earlier
    /// hits. NaN, for which `<=` is always false, while no score can be excluded.
    pub(in crate::ops) fn threshold(&self) -> f32 {
        self.threshold
    }

    /// An empty list for rows that come after all rows of `self`.
    pub(in crate::ops) fn following(&self) -> Self {
        Self { hits: Vec::new(), ..*self }
    }

    /// Adds the hits of a list that followed `self`.
    pub(in crate::ops) fn merge(&mut self, other: Self) {
        self.extend(other.hits);
    }

    pub(in crate::ops) fn take(&mut self, hit: PackedHit) {
        self.hits.push(hit);
        if self.hits.len() - self.k.min(self.hits.len()) >= self.k.max(FEWEST) {
            self.keep_best();
        }
    }

    fn keep_best(&mut self) {
        if self.hits.len() > self.k {
            let (_, worst, _) = self.hits.select_nth_unstable_by(self.k - 1, |a, b| b.cmp(a));
            self.threshold = worst.score();
            self.hits.truncate(self.k);
        }
    }

    /// The best hits, best first.
    pub(in crate::ops) fn into_sorted(mut self) -> Vec<PackedHit> {
        self.keep_best();
        self.hits.sort_unstable_by(|a, b| b.cmp(a));
        self.hits
    }
}

impl Extend<PackedHit> for Best {
    fn extend<T: IntoIterator<Item = PackedHit>>(&mut self, hits: T) {
        hits.into_iter().for_each(|hit| self.take(hit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::random;

    #[test]
    fn better_hits_are_larger_and_give_back_what_they_are_made_of() {
        let falling = [f32::INFINITY, f32::MAX, 1.0, f32::MIN_POSITIVE, 1e-45, 0.0, -1e-45, -1.0, f32::MIN];
        let falling = falling.into_iter().chain([f32::NEG_INFINITY, f32::NAN]);
        let hits: Vec<PackedHit> = falling
            .clone()
            .flat_map(|score| [0, 1, u32::MAX - 1].map(|row| PackedHit::new(score, row)))
            .collect();
        assert!(hits.is_sorted_by(|a, b| a > b));
        for (hits, score) in hits.chunks(3).zip(falling) {
            let rows = hits.iter().map(|hit| {
                assert!(hit.score().to_bits() == score.to_bits(), "{score}");
                hit.row()
            });
            assert_eq!(rows.collect::<Vec<_>>(), [0, 1, u32::MAX - 1]);
        }
        assert_eq!(PackedHit::new(-0.0, 7), PackedHit::new(0.0, 7));
        assert_eq!(PackedHit::new(-f32::NAN, 7), PackedHit::new(f32::NAN, 7));
    }

    #[test]
    fn the_best_are_those_of_a_full_sort() {
        for (seed, count) in [0, 1, 2, 15, 16, 17, 18, 100, 1000].into_iter().enumerate() {
            // Few different scores, so that many are equal.
            let scores = random(seed as u64, count).into_iter().map(|score| (score * 20.0).round());
            let hits: Vec<PackedHit> =
                scores.zip(0..).map(|(score, row)| PackedHit::new(score, row)).collect();
            let mut sorted = hits.clone();
            sorted.sort_by(|a, b| b.cmp(a));
            for k in [1, 2, 10, 16, 17, 100, 999, 1000, 1001, usize::MAX] {
                let mut best = Best::new(k);
                for &hit in &hits {
                    // A score that a kernel skips.
                    let at_most = hit.score() <= best.threshold();
                    if !at_most {
                        best.take(hit);
                    }
                }
                assert_eq!(best.into_sorted(), sorted[..k.min(count)], "{k} of {count}");
            }
        }
    }
}
