//! Which row of a table a distance has.
//!
//! A distance is δ = key - query, in tokens. Small distances have a row each; larger ones share rows in steps
//! that grow by a constant factor. The references compute those steps with a logarithm in f32. Here they are
//! exact: a step begins where one product of integers reaches another, so no rounding decides. For the sizes of
//! published models both agree (the tests have values of the references).

use std::sync::Arc;

use crate::{Error, Result};

const NAME: &str = "distance_buckets";

/// A rule from distances to rows. Cloning shares its steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistanceBuckets {
    rule: Rule,
    /// The size of a distance at which each step that is not a row of its own begins.
    steps: Arc<[usize]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Clamped { zero: usize, rows: usize },
    T5 { half: usize, both_directions: bool },
    DebertaV2 { size: usize },
}

impl DistanceBuckets {
    /// Row `zero - δ`, limited to the table's `rows`: a row per distance.
    ///
    /// BERT's relative keys have `zero` P - 1 and 2 P - 1 rows for P positions (Shaw, Uszkoreit and Vaswani,
    /// "Self-Attention with Relative Position Representations", 2018), DeBERTa `zero` R and 2 R rows for
    /// distances up to R (He et al., "DeBERTa", 2021).
    ///
    /// # Errors
    /// If `zero` is not below `rows`.
    pub fn clamped(zero: usize, rows: usize) -> Result<Self> {
        if zero >= rows {
            return Err(broken(format!("zero must be below the number of rows, got {zero} of {rows}")));
        }
        Ok(Self { rule: Rule::Clamped { zero, rows }, steps: Arc::default() })
    }

    /// T5's buckets (Raffel et al., "Exploring the Limits of Transfer Learning", 2020), also MPNet's: of each
    /// direction's rows, half are for one distance each, the others for distances up to `farthest` and beyond.
    ///
    /// With `both_directions`, the table's second half is for keys after the query; without, such keys have row 0.
    ///
    /// # Errors
    /// If the rows cannot be halved so, or `farthest` is not beyond the rows of one distance each.
    pub fn t5(rows: usize, farthest: usize, both_directions: bool) -> Result<Self> {
        let half = if both_directions { rows / 2 } else { rows };
        let exact = half / 2;
        if exact == 0 || (both_directions && rows % 2 == 1) {
            return Err(broken(format!("T5's rows must be halves of 2 or more, got {rows}")));
        }
        if farthest <= exact {
            return Err(broken(format!("farthest must be beyond {exact} of {rows} rows, got {farthest}")));
        }
        let count = half - exact;
        let steps = Steps { first: exact, last: farthest, count };
        let steps = (1..count).scan(exact, |size, step| Some(steps.next(size, step, |at, step| at >= step)));
        Ok(Self { rule: Rule::T5 { half, both_directions }, steps: steps.collect() })
    }

    /// DeBERTa-v2's buckets: row `size` - bucket(δ), limited to the table's 2 `size` rows. Distances up to half
    /// of `size` have a row each, those up to `farthest` share the others.
    ///
    /// # Errors
    /// If `size` is below 4 or `farthest` not beyond its half by 2 or more.
    pub fn deberta_v2(size: usize, farthest: usize) -> Result<Self> {
        let middle = size / 2;
        if size < 4 || farthest < middle + 2 {
            let rule = format!(
                "size must be 4 or more and farthest beyond its half by 2, got {size} and {farthest}"
            );
            return Err(broken(rule));
        }
        let count = middle - 1;
        let steps = Steps { first: middle, last: farthest - 1, count };
        let steps = (0..=count).scan(middle, |size, step| Some(steps.next(size, step, |at, step| at > step)));
        Ok(Self { rule: Rule::DebertaV2 { size }, steps: steps.collect() })
    }

    /// The number of rows of its tables.
    pub fn num_rows(&self) -> usize {
        match self.rule {
            Rule::Clamped { rows, .. } => rows,
            Rule::T5 { half, both_directions } => half * (1 + usize::from(both_directions)),
            Rule::DebertaV2 { size } => 2 * size,
        }
    }

    /// The row of `distance`, key - query.
    pub fn row(&self, distance: isize) -> usize {
        let size = distance.unsigned_abs();
        match self.rule {
            Rule::Clamped { zero, rows } => limited(zero, distance, rows),
            Rule::T5 { half, both_directions: true } => {
                self.bucket(size, half / 2 - 1) + if distance > 0 { half } else { 0 }
            }
            Rule::T5 { half, .. } => self.bucket(if distance > 0 { 0 } else { size }, half / 2 - 1),
            Rule::DebertaV2 { size: rows } => {
                limited(rows, self.bucket(size, rows / 2) as isize * distance.signum(), 2 * rows)
            }
        }
    }

    /// The rows of all distances from -(longest - 1) to longest - 1.
    pub fn rows(&self, longest: usize) -> Vec<u32> {
        let most = longest.max(1) as isize - 1;
        (-most..=most).map(|distance| self.row(distance) as u32).collect()
    }

    /// The bucket of a distance's size: itself up to `last_exact`, then one more with each step.
    fn bucket(&self, size: usize, last_exact: usize) -> usize {
        if size <= last_exact {
            return size;
        }
        // T5's first shared bucket has no step: it begins right after the exact ones.
        let first = if matches!(self.rule, Rule::T5 { .. }) { last_exact + 1 } else { last_exact };
        first + self.steps.partition_point(|&step| step <= size)
    }
}

/// Row `zero - distance` of `rows`.
fn limited(zero: usize, distance: isize, rows: usize) -> usize {
    zero.saturating_add_signed(-distance).min(rows - 1)
}

/// `count` steps between two sizes, of equal logarithms: step k is at first^((count - k) / count) *
/// last^(k / count).
#[derive(Clone, Copy)]
struct Steps {
    first: usize,
    last: usize,
    count: usize,
}

impl Steps {
    /// The smallest size that is `reached`, compared with step `step`; not below `size`, which becomes it. Both
    /// sides are raised to the power of `count`, where they are integers.
    fn next(self, size: &mut usize, step: usize, reached: impl Fn(&Natural, &Natural) -> bool) -> usize {
        let at_step = Natural::product(&[(self.first, self.count - step), (self.last, step)]);
        while !reached(&Natural::product(&[(*size, self.count)]), &at_step) {
            *size += 1;
        }
        *size
    }
}

/// An integer of any size, in words from lowest to highest, without leading zeros.
#[derive(Debug, PartialEq, Eq)]
struct Natural(Vec<u64>);

impl Natural {
    /// The product of powers (base, exponent) with bases from 1 to 2^32.
    fn product(powers: &[(usize, usize)]) -> Self {
        let mut product = Self(vec![1]);
        for &(base, exponent) in powers {
            (0..exponent).for_each(|_| product.multiply(base as u128));
        }
        product
    }

    fn multiply(&mut self, factor: u128) {
        let mut carry = 0;
        for word in &mut self.0 {
            carry += u128::from(*word) * factor;
            *word = carry as u64;
            carry >>= 64;
        }
        if carry > 0 {
            self.0.push(carry as u64);
        }
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        let highest_first = |number: &Self| number.0.iter().rev().copied().collect::<Vec<_>>();
        Some(self.0.len().cmp(&other.0.len()).then_with(|| highest_first(self).cmp(&highest_first(other))))
    }
}

fn broken(rule: String) -> Error {
    Error::Argument { operation: NAME, rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first size of each bucket in one direction, up to `most`.
    fn starts(buckets: &DistanceBuckets, sign: isize, most: isize) -> Vec<(isize, usize)> {
        let rows = (0..=most).map(|size| (size, buckets.row(sign * size)));
        let mut starts: Vec<(isize, usize)> = Vec::new();
        for (size, row) in rows {
            if starts.last().is_none_or(|&(_, last)| last != row) {
                starts.push((size, row));
            }
        }
        starts
    }

    #[test]
    fn t5_buckets_of_published_models() {
        let buckets = DistanceBuckets::t5(32, 128, true).unwrap();
        let expected = [8, 12, 16, 23, 32, 46, 64, 91].into_iter().zip(8..);
        let expected: Vec<_> = (0..8).map(|i| (i, i as usize)).chain(expected).collect();
        assert_eq!(starts(&buckets, -1, 5000), expected);
        let after = expected.iter().map(|&(size, row)| (size, row + 16 * usize::from(size > 0)));
        assert_eq!(starts(&buckets, 1, 5000), after.collect::<Vec<_>>());
        assert_eq!(buckets.num_rows(), 32);
    }

    /// A decoder's, from transformers' `_relative_position_bucket` (4.57.3) with bidirectional=False: the steps
    /// are 16 * 8^(k / 16).
    #[test]
    fn t5_buckets_of_one_direction() {
        let buckets = DistanceBuckets::t5(32, 128, false).unwrap();
        let shared = [16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113];
        let expected: Vec<_> = (0..16).map(|i| (i, i as usize)).chain(shared.into_iter().zip(16..)).collect();
        assert_eq!(starts(&buckets, -1, 5000), expected);
        assert!((0..200).all(|distance| buckets.row(distance) == 0));
    }

    /// torch's f32 logarithm truncates; its steps are these powers.
    #[test]
    fn t5_buckets_of_other_sizes_follow_the_logarithm() {
        for (rows, farthest) in [(32, 256), (64, 128), (16, 64), (32, 512), (64, 1000), (20, 50)] {
            let buckets = DistanceBuckets::t5(rows, farthest, true).unwrap();
            let (half, exact) = (rows / 2, rows / 4);
            for size in exact..2 * farthest {
                let steps = (size as f64 / exact as f64).ln() / (farthest as f64 / exact as f64).ln();
                let step = steps * (half - exact) as f64;
                // Not decided by rounding.
                if (step - step.round()).abs() > 1e-9 {
                    let expected = (exact + step as usize).min(half - 1);
                    assert_eq!(buckets.row(-(size as isize)), expected, "{rows} {farthest}: {size}");
                }
            }
        }
    }

    #[test]
    fn deberta_v2_buckets_of_published_models() {
        let buckets = DistanceBuckets::deberta_v2(256, 512).unwrap();
        let bucket = [
            (1, 1),
            (127, 127),
            (128, 128),
            (131, 131),
            (132, 131),
            (140, 137),
            (200, 169),
            (255, 192),
            (256, 192),
            (300, 207),
            (400, 233),
            (511, 255),
        ];
        for (size, expected) in bucket {
            assert_eq!(buckets.row(-size), 256 + expected, "query {size} after the key");
            assert_eq!(buckets.row(size), 256 - expected, "query {size} before the key");
        }
        assert_eq!([-512, -4000, 512, 4000].map(|distance| buckets.row(distance)), [511, 511, 0, 0]);
        assert_eq!((buckets.row(0), buckets.num_rows()), (256, 512));
    }

    #[test]
    fn clamped_rows_go_from_keys_after_the_query_to_keys_before_it() {
        let buckets = DistanceBuckets::clamped(4, 7).unwrap();
        assert_eq!(buckets.rows(7), [6, 6, 6, 6, 6, 5, 4, 3, 2, 1, 0, 0, 0]);
        assert_eq!((buckets.rows(1), buckets.rows(0)), (vec![4], vec![4]));
    }

    #[test]
    fn sizes_without_buckets_are_named() {
        let error = |buckets: Result<DistanceBuckets>| buckets.unwrap_err().to_string();
        let text = "distance_buckets: zero must be below the number of rows, got 3 of 3";
        assert_eq!(error(DistanceBuckets::clamped(3, 3)), text);
        let text = "distance_buckets: T5's rows must be halves of 2 or more, got 33";
        assert_eq!(error(DistanceBuckets::t5(33, 128, true)), text);
        let text = "distance_buckets: farthest must be beyond 8 of 32 rows, got 8";
        assert_eq!(error(DistanceBuckets::t5(32, 8, true)), text);
        let text =
            "distance_buckets: size must be 4 or more and farthest beyond its half by 2, got 256 and 129";
        assert_eq!(error(DistanceBuckets::deberta_v2(256, 129)), text);
    }
}
