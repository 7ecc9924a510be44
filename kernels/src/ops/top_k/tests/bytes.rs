//! Rows of bytes against exact integer products, and against the values that the bytes stand for.

use candle_core::{Device, Tensor};

use super::case::values;
use crate::ops::top_k::hit::PackedHit;
use crate::testing::{available_sets, random, team};
use crate::{Block, ByteRanges, Form, InstructionSet, RowValues, TopKSearch};

struct Case {
    dim: usize,
    queries: Vec<f32>,
    bytes: Vec<u8>,
    starts: Vec<f32>,
    steps: Vec<f32>,
}

impl Case {
    /// Ranges that differ by three orders of magnitude, and one of a single value.
    fn new(dim: usize, num_queries: usize, num_rows: usize) -> Self {
        let steps = random(5, dim).into_iter().enumerate().map(|(i, x)| match i % 7 {
            3 => 0.0,
            _ => 10f32.powf(1.5 * x - 3.0),
        });
        Self {
            dim,
            queries: random(1, num_queries * dim),
            bytes: random(2, num_rows * dim).into_iter().map(|x| ((x + 1.0) * 127.99) as u8).collect(),
            starts: random(3, dim),
            steps: steps.collect(),
        }
    }

    fn search(&self, set: InstructionSet, k: usize) -> TopKSearch {
        let shape = (self.queries.len() / self.dim, self.dim);
        let queries = Tensor::from_slice(&self.queries, shape, &Device::Cpu).unwrap();
        let ranges = ByteRanges { starts: &self.starts, steps: &self.steps };
        TopKSearch::of_bytes_with(set, &queries, &ranges, k).unwrap()
    }

    fn found(&self, set: InstructionSet, k: usize, rows: RowValues<'_>) -> Vec<Vec<(f32, u32)>> {
        let mut search = self.search(set, k);
        search.feed(&Block::new(rows, 0)).unwrap();
        values(&search.finish().unwrap())
    }

    /// The hits by their definition: codes in f64, sums in i32, one rounding.
    fn expected(&self, set: InstructionSet, k: usize) -> Vec<Vec<(f32, u32)>> {
        let best = |query: &[f32]| {
            let factor = |i: usize| f64::from(query[i]) * f64::from(self.steps[i]);
            let step = (0..self.dim).map(factor).fold(0.0, |most: f64, x| most.max(x.abs())) / 127.0;
            let code = |i: usize| if step > 0.0 { (factor(i) / step).round_ties_even() } else { 0.0 };
            let mut offset = 0.0;
            for (i, (&q, &start)) in query.iter().zip(&self.starts).enumerate() {
                offset += f64::from(q) * f64::from(start);
                offset += (factor(i) - step * code(i)) * 127.5;
            }
            let (step, offset) = (if step > 0.0 { step as f32 } else { 1.0 }, offset as f32);
            let score = |row: &[u8]| {
                let sum: i32 = (0..self.dim).map(|i| code(i) as i32 * i32::from(row[i])).sum();
                match set {
                    InstructionSet::Portable => sum as f32 * step + offset,
                    _ => (sum as f32).mul_add(step, offset),
                }
            };
            let rows = self.bytes.chunks_exact(self.dim).zip(0..);
            let mut hits: Vec<PackedHit> = rows.map(|(row, n)| PackedHit::new(score(row), n)).collect();
            hits.sort_unstable_by(|a, b| b.cmp(a));
            hits[..k.min(hits.len())].iter().map(|hit| (hit.score(), hit.row())).collect()
        };
        self.queries.chunks_exact(self.dim).map(best).collect()
    }
}

#[test]
fn scores_are_exact_products_in_every_instruction_set() {
    for set in available_sets() {
        for (dim, num_queries, num_rows) in
            [(1, 1, 5), (3, 2, 40), (4, 1, 33), (5, 13, 70), (64, 5, 100), (130, 30, 50), (384, 1, 200)]
        {
            let case = Case::new(dim, num_queries, num_rows);
            let signed: Vec<i8> = case.bytes.iter().map(|byte| byte.wrapping_sub(128) as i8).collect();
            for k in [1, 10, 1000] {
                let expected = case.expected(set, k);
                let what = format!("{set:?} {num_queries} of {num_rows} x {dim}, k {k}");
                // Not at a word's address.
                let shifted = [&[0], case.bytes.as_slice()].concat();
                for rows in [RowValues::U8(&case.bytes), RowValues::U8(&shifted[1..]), RowValues::I8(&signed)]
                {
                    assert_eq!(case.found(set, k, rows), expected, "{what}");
                }
            }
        }
    }
}

#[test]
fn scores_are_near_those_of_the_values() {
    let case = Case::new(100, 20, 300);
    for (query, hits) in case.queries.chunks_exact(100).zip(case.found(
        InstructionSet::current(),
        300,
        (&case.bytes[..]).into(),
    )) {
        let factors = query.iter().zip(&case.steps).map(|(&q, &step)| f64::from(q) * f64::from(step));
        let largest = factors.fold(0.0, |most: f64, x| most.max(x.abs()));
        // Each factor errs by half of a 127th of the largest, times a byte's distance from 127.5; the sum and
        // its parts by some roundings of f32, of numbers up to 1,000.
        let bound = 100.0 * largest / 254.0 * 127.5 + 1e-3;
        for (score, row) in hits {
            let bytes = &case.bytes[row as usize * 100..][..100];
            let value = |i: usize| f64::from(case.starts[i]) + f64::from(case.steps[i]) * f64::from(bytes[i]);
            let exact: f64 = (0..100).map(|i| f64::from(query[i]) * value(i)).sum();
            assert!((f64::from(score) - exact).abs() <= bound, "{score} {exact} {bound}");
        }
    }
}

#[test]
fn blocks_filters_and_threads_are_those_of_every_search() {
    let team = team(2);
    for set in available_sets() {
        let case = Case::new(32, 3, 2000);
        let bits: Vec<u64> =
            (0..2000u64.div_ceil(64)).map(|word| 0x8421_1111_0000_0001 << (word % 3)).collect();
        let counts = |row: u32| bits[row as usize / 64] >> (row % 64) & 1 == 1;
        let all = case.expected(set, 2000);
        let expected: Vec<Vec<(f32, u32)>> = all
            .into_iter()
            .map(|hits| hits.into_iter().filter(|&(_, row)| counts(row)).take(20).collect())
            .collect();
        let search = || {
            let mut search = case.search(set, 20);
            for first in [0, 1024] {
                let last = (first + 1024).min(2000);
                let rows = &case.bytes[first * 32..last * 32];
                let bits = &bits[first / 64..last.div_ceil(64)];
                search.feed(&Block::new(rows, first as u32).included(bits)).unwrap();
            }
            values(&search.finish().unwrap())
        };
        assert_eq!(search(), expected, "{set:?}");
        assert_eq!(team.share(search).unwrap(), expected, "{set:?}");
    }
}

#[test]
fn ranges_and_rows_that_do_not_fit_are_named() {
    let queries = Tensor::new(&[[1.0f32, 2.0]], &Device::Cpu).unwrap();
    let search =
        |starts: &[f32], steps: &[f32]| TopKSearch::of_bytes(&queries, &ByteRanges { starts, steps }, 1);
    let refusal = |starts: &[f32], steps: &[f32]| search(starts, steps).err().unwrap().to_string();
    assert_eq!(
        refusal(&[0.0], &[1.0, 1.0]),
        "top_k: ranges must be of 2 dimensions, got 1 starts and 2 steps"
    );
    assert_eq!(refusal(&[0.0, 0.0], &[1.0, f32::NAN]), "top_k: queries and ranges of bytes must be finite");
    let mut bytes = search(&[0.0; 2], &[1.0; 2]).unwrap();
    let error = bytes.feed(&Block::new(&[1.0f32, 1.0][..], 0)).unwrap_err().to_string();
    assert_eq!(error, "top_k: rows must be of type I8 or U8, got F32");
    let mut floats = TopKSearch::new(&queries, 1, Form::Kernels).unwrap();
    let error = floats.feed(&Block::new(&[1i8, 1][..], 0)).unwrap_err().to_string();
    assert_eq!(error, "top_k: rows must be of type F32 or F16 or BF16, got I8");
}
