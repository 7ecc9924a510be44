//! What a search has found.

use candle_core::{CpuStorage, DType, Device, Storage, Tensor};

use super::hit::{Best, PackedHit};
use super::{NAME, tensor};
use crate::{Error, Result};

/// The results of [`top_k`](super::top_k).
#[derive(Debug, Clone)]
pub struct TopK {
    /// The inner products of each query with its best rows, best first: [num_queries, min(k, num_rows)] f32.
    pub scores: Tensor,
    /// The indices of those rows: [num_queries, min(k, num_rows)] u32.
    pub indices: Tensor,
    /// The requested number of rows.
    pub(super) k: usize,
}

impl TopK {
    /// The best of two shards of one corpus, which were searched for the same queries and the same k: bit for
    /// bit the result of searching both together. `first_row_of_other` is added to the indices of `other`;
    /// its rows may be before or after those of `self`. The result is on the device of `self`; devices other
    /// than the CPU are waited for.
    ///
    /// # Errors
    /// If the numbers of queries or k differ, or an index would not fit into 32 bits.
    pub fn merge(&self, other: &Self, first_row_of_other: u32) -> Result<Self> {
        let broken = |rule| Err(Error::Argument { operation: NAME, rule });
        let [queries, others] = [self.scores.dim(0)?, other.scores.dim(0)?];
        if queries != others {
            return broken(format!(
                "shards must be searched for the same queries, got {queries} and {others}"
            ));
        }
        if self.k != other.k {
            return broken(format!("shards must be searched for the same k, got {} and {}", self.k, other.k));
        }
        let mut all = Vec::with_capacity(queries);
        for (hits, others) in self.hits()?.into_iter().zip(other.hits()?) {
            let mut best = Best::new(self.k);
            best.extend(hits);
            for hit in others {
                let Some(row) = hit.row().checked_add(first_row_of_other).filter(|&row| row < u32::MAX)
                else {
                    let (row, most) = (hit.row(), u32::MAX - 1);
                    return broken(format!(
                        "rows must have indices of at most {most}, got {row} + {first_row_of_other}"
                    ));
                };
                best.extend([PackedHit::new(hit.score(), row)]);
            }
            all.push(best.into_sorted());
        }
        let width = self.k.min(self.scores.dim(1)? + other.scores.dim(1)?);
        Self::on_device(all, [queries, width], self.k, self.scores.device())
    }

    /// For each query, best first.
    pub(super) fn hits(&self) -> Result<Vec<Vec<PackedHit>>> {
        let shape = self.scores.dims();
        if self.scores.elem_count() == 0 {
            return Ok(vec![Vec::new(); shape[0]]);
        }
        let (scores, indices) = (self.scores.to_vec2::<f32>()?, self.indices.to_vec2::<u32>()?);
        let hits = scores.into_iter().zip(indices);
        Ok(hits
            .map(|(scores, rows)| {
                scores.into_iter().zip(rows).map(|(score, row)| PackedHit::new(score, row)).collect()
            })
            .collect())
    }

    fn on_cpu(hits: Vec<Vec<PackedHit>>, shape: [usize; 2], k: usize) -> Self {
        let hits: Vec<PackedHit> = hits.into_iter().flatten().collect();
        debug_assert_eq!(hits.len(), shape[0] * shape[1]);
        let scores = CpuStorage::F32(hits.iter().map(|hit| hit.score()).collect());
        let indices = CpuStorage::U32(hits.iter().map(|hit| hit.row()).collect());
        let [scores, indices] = [scores, indices].map(|values| tensor(Storage::Cpu(values), shape));
        Self { scores, indices, k }
    }

    pub(in crate::ops) fn on_device(
        hits: Vec<Vec<PackedHit>>,
        shape: [usize; 2],
        k: usize,
        device: &Device,
    ) -> Result<Self> {
        if device.is_cpu() {
            return Ok(Self::on_cpu(hits, shape, k));
        }
        if shape.contains(&0) {
            // GPUs allocate no memory of zero bytes.
            let nothing =
                |dtype| Tensor::zeros(1, dtype, device)?.narrow(0, 0, 0)?.reshape((shape[0], shape[1]));
            return Ok(Self { scores: nothing(DType::F32)?, indices: nothing(DType::U32)?, k });
        }
        let Self { scores, indices, k } = Self::on_cpu(hits, shape, k);
        Ok(Self { scores: scores.to_device(device)?, indices: indices.to_device(device)?, k })
    }
}
