//! A search on every target, and the expected hits.

use candle_core::DType;

use super::super::cpu::{Accumulator, BlockRows, Values};
use super::super::hit::PackedHit;
use super::super::{TopK, top_k, top_k_reference};
use crate::cpu::simd::InstructionSet;
use crate::testing::{Target, random};

/// Matrices of `dim` columns.
pub(super) struct Case {
    pub(super) dim: usize,
    pub(super) queries: Vec<f32>,
    pub(super) rows: Vec<f32>,
}

/// For each query, best first.
pub(super) type Found = Vec<Vec<(f32, u32)>>;

impl Case {
    /// Values in -1..1 rounded to `target`'s type.
    pub(super) fn new(target: Target, dim: usize, num_queries: usize, num_rows: usize) -> Self {
        let [queries, rows] = [(1, num_queries), (2, num_rows)].map(|(seed, count)| {
            let values = random(seed + 10 * (dim + num_rows) as u64, count * dim);
            target.held(&values)
        });
        Self { dim, queries, rows }
    }

    pub(super) fn num_queries(&self) -> usize {
        self.queries.len() / self.dim
    }

    pub(super) fn num_rows(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// The hits of the CPU's kernel, with the rows in one block.
    pub(super) fn hits(&self, set: InstructionSet, k: usize) -> Vec<Vec<PackedHit>> {
        let mut accumulator = Accumulator::new(set, &self.queries, self.dim, k);
        accumulator.feed(self.block_rows());
        accumulator.finish()
    }

    pub(super) fn block_rows(&self) -> BlockRows<'_> {
        let (values, num_rows) = (Values::F32(&self.rows), self.num_rows());
        BlockRows { values, num_rows, dim: self.dim, first_row: 0, included: None, biases: None }
    }

    pub(super) fn run(&self, target: Target, k: usize) -> Found {
        if let Target::Cpu(set) = target {
            let hits = self.hits(set, k);
            return hits
                .into_iter()
                .map(|hits| hits.into_iter().map(|hit| (hit.score(), hit.row())).collect())
                .collect();
        }
        let found = self.top_k(target, k);
        assert_eq!(found.scores.dims(), [self.num_queries(), k.min(self.num_rows())], "{target:?}");
        assert_eq!([found.scores.dtype(), found.indices.dtype()], [DType::F32, DType::U32], "{target:?}");
        values(&found)
    }

    /// The same with queries and rows as views of tensors, after other values.
    pub(super) fn top_k(&self, target: Target, k: usize) -> TopK {
        let [queries, rows] = [&self.queries, &self.rows].map(|values| {
            let placed = [&vec![f32::NAN; self.dim], values.as_slice()].concat();
            let count = values.len() / self.dim;
            target.tensor(&placed, (1 + count, self.dim)).narrow(0, 1, count).unwrap()
        });
        top_k(&queries, &rows, k, target.form()).unwrap()
    }

    pub(super) fn top_k_of_shifted(&self, target: Target, k: usize) -> TopK {
        let [queries, rows] = [&self.queries, &self.rows]
            .map(|values| target.shifted_tensor(values, (values.len() / self.dim, self.dim)));
        top_k(&queries, &rows, k, target.form()).unwrap()
    }

    pub(super) fn assert_agrees(&self, target: Target, k: usize) {
        let (queries, rows) = (self.num_queries(), self.num_rows());
        let what = format!("{target:?} {queries} of {rows} x {}, k {k}", self.dim);
        // A chain of dim multiply-adds errs by dim eps times the sum of the products' sizes, each of which is
        // at most 1.
        let bound = (self.dim + 1) as f64 * f32::EPSILON as f64 * self.dim as f64;
        let all = top_k_reference(&self.queries, &self.rows, self.dim, rows);
        let found = self.run(target, k);
        assert_eq!(found.len(), all.len(), "{what}");
        for (hits, all) in found.iter().zip(all) {
            assert_eq!(hits.len(), k.min(rows), "{what}");
            let mut exact = vec![f64::NAN; rows];
            all.iter().for_each(|&(score, row)| exact[row as usize] = score);
            // Each row's score is taken out, so that no row is found twice.
            for (&(score, row), &(expected, _)) in hits.iter().zip(&all) {
                let own = std::mem::replace(&mut exact[row as usize], f64::NAN);
                assert!((f64::from(score) - own).abs() <= bound, "{what}: {score} of {row}, which is {own}");
                // Rows may be exchanged if their scores differ by less than both errors.
                assert!((own - expected).abs() <= 2.0 * bound, "{what}: {row} with {own} before {expected}");
            }
            let in_order = |a: &(f32, u32), b: &(f32, u32)| a.0 > b.0 || a.0 == b.0 && a.1 < b.1;
            assert!(hits.is_sorted_by(in_order), "{what}: {hits:?}");
        }
    }
}

pub(super) fn values(found: &TopK) -> Found {
    let scores = found.scores.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let indices = found.indices.flatten_all().unwrap().to_vec1::<u32>().unwrap();
    let &[queries, width] = found.scores.dims() else { unreachable!() };
    assert_eq!(found.indices.dims(), [queries, width]);
    let hits: Vec<(f32, u32)> = scores.into_iter().zip(indices).collect();
    (0..queries).map(|query| hits[query * width..][..width].to_vec()).collect()
}
