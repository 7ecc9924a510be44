//! Corpora of several kinds, and their expected hits.

use candle_core::{Device, Tensor};

use super::super::ByteSearch;
use crate::cpu::simd::InstructionSet;
use crate::ops::top_k::best_of;
use crate::testing::random;

/// A corpus and queries, [.., dim].
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) dim: usize,
    pub(super) rows: Vec<f32>,
    pub(super) queries: Vec<f32>,
}

/// Values in -1..1 whose sums of three are nearly normal, rows brought to length 1.
fn unit_rows(seed: u64, dim: usize, count: usize) -> Vec<f32> {
    let values = random(seed, 3 * dim * count);
    let mut rows: Vec<f32> = values.chunks_exact(3).map(|some| some.iter().sum()).collect();
    rows.chunks_exact_mut(dim).for_each(to_length_1);
    rows
}

fn to_length_1(row: &mut [f32]) {
    let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
    row.iter_mut().for_each(|x| *x /= length);
}

impl Case {
    pub(super) fn isotropic(dim: usize, num_rows: usize, num_queries: usize) -> Self {
        let [rows, queries] =
            [(1, num_rows), (2, num_queries)].map(|(seed, count)| unit_rows(seed, dim, count));
        Self { name: "isotropic", dim, rows, queries }
    }

    pub(super) fn all(dim: usize, num_rows: usize, num_queries: usize) -> Vec<Self> {
        let case = |name| Self { name, ..Self::isotropic(dim, num_rows, num_queries) };
        let mut dominant = case("one dominant dimension");
        for row in dominant.rows.chunks_exact_mut(dim).chain(dominant.queries.chunks_exact_mut(dim)) {
            row[0] += 3.0;
            to_length_1(row);
        }
        let mut equal = case("all rows equal");
        let first = equal.rows[..dim].to_vec();
        equal.rows.chunks_exact_mut(dim).for_each(|row| row.copy_from_slice(&first));
        let mut lengths = case("lengths from 1e-30 to 1e30");
        for (row, values) in lengths.rows.chunks_exact_mut(dim).enumerate() {
            let length = 10f32.powi((row * 7919 % 61) as i32 - 30);
            values.iter_mut().for_each(|x| *x *= length);
        }
        let mut near = case("many rows near each other");
        for (row, values) in near.rows.chunks_exact_mut(dim).enumerate() {
            values.iter_mut().zip(&first).for_each(|(x, &first)| *x = first + *x * 1e-5 * (row % 7) as f32);
        }
        let mut extreme = case("numbers at both ends of f32");
        for (row, values) in extreme.rows.chunks_exact_mut(dim).enumerate() {
            let factor = [1e-38, 1e-44, 1e-37, 0.0][row % 4];
            values.iter_mut().for_each(|x| *x *= factor);
        }
        let mut small_queries = case("queries of all lengths");
        for (row, values) in small_queries.queries.chunks_exact_mut(dim).enumerate() {
            let factor = [1e-44, 1e-30, 1e30, 0.0, 3e37][row % 5];
            values.iter_mut().for_each(|x| *x *= factor);
        }
        let mut huge = case("products that overflow");
        huge.rows.iter_mut().for_each(|x| *x *= 3e38);
        huge.queries.iter_mut().for_each(|x| *x *= 1e5);
        vec![case("isotropic"), dominant, equal, lengths, near, extreme, small_queries, huge]
    }

    pub(super) fn tensor(&self) -> Tensor {
        Tensor::from_slice(&self.queries, (self.queries.len() / self.dim, self.dim), &Device::Cpu).unwrap()
    }

    /// The hits of the f32 search among the rows that count.
    pub(super) fn expected(
        &self,
        set: InstructionSet,
        k: usize,
        included: Option<&[u64]>,
    ) -> Vec<Vec<(u32, u32)>> {
        let numbers: Vec<u32> = (0..(self.rows.len() / self.dim) as u32)
            .filter(|&row| included.is_none_or(|bits| bits[row as usize / 64] >> (row % 64) & 1 == 1))
            .collect();
        let mut rows = Vec::new();
        self.read(&numbers, &mut rows);
        let hits = |query| best_of(set, query, (&rows, self.dim), k).into_iter();
        let bits = |(score, index): (f32, u32)| (score.to_bits(), numbers[index as usize]);
        self.queries.chunks_exact(self.dim).map(|query| hits(query).map(bits).collect()).collect()
    }

    fn read(&self, numbers: &[u32], values: &mut Vec<f32>) {
        for &number in numbers {
            values.extend(&self.rows[number as usize * self.dim..][..self.dim]);
        }
    }

    /// Checks every query that was not given up: the best of its candidates are the expected ones. Returns how many
    /// were given up, and the candidates of the others.
    pub(super) fn check(
        &self,
        set: InstructionSet,
        mut search: ByteSearch,
        expected: &[Vec<(u32, u32)>],
        what: &str,
    ) -> (usize, usize) {
        let candidates = search.candidates();
        assert_eq!(candidates.len(), expected.len());
        let queries = self.queries.chunks_exact(self.dim);
        for ((numbers, query), expected) in candidates.iter().zip(queries).zip(expected) {
            let Some(numbers) = numbers else { continue };
            assert!(numbers.is_sorted_by(|a, b| a < b));
            let mut rows = Vec::new();
            self.read(numbers, &mut rows);
            let bits = |(score, index): (f32, u32)| (score.to_bits(), numbers[index as usize]);
            let found = best_of(set, query, (&rows, self.dim), expected.len().max(1));
            let found = found.into_iter().map(bits);
            assert_eq!(found.collect::<Vec<_>>(), *expected, "{what}");
        }
        let given_up = candidates.iter().filter(|numbers| numbers.is_none()).count();
        (given_up, candidates.iter().flatten().map(Vec::len).sum())
    }
}
