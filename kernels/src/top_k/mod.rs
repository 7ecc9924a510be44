//! The search: for each query the k rows of a corpus whose inner products with it are largest, exactly, without writing the products.
//! With rows of length 1 these are the nearest by cosine. The product's epilogue compares every score with the query's k-th best so
//! far, and only what is better is kept (a threshold and a queue behind it, as in Johnson, Douze and Jégou, "Billion-scale similarity
//! search with GPUs", 2017, where the products are written first).
//!
//! queries: [num_queries, dim]; rows: [num_rows, dim], contiguous. On the CPU f32; on CUDA f32, f16 or bf16, both alike. Output: scores
//! f32 and indices of rows u32, [num_queries, min(k, num_rows)], best first. Of equal scores the lower index comes first, on every
//! device; 0.0 and -0.0 are equal, and given as 0.0. On Metal (composed of candle's operations, scores chosen from on the CPU) f32 or f16.
//!
//! Order of the reductions: a score sums over dim, first to last, in f32, as in [`mod@crate::token_match`]. That order depends on dim and
//! the device alone, so a row has the same score among any rows and for any number of queries, and what a query finds does not depend
//! on the others. What is best is exact in any order, so a corpus can be searched shard by shard ([`TopK::merge`]) with the
//! same result, bit for bit. (Not on Metal: see docs/metal.md.)
//!
//! Rows must be finite: whoever makes them checks that ([`crate::all_finite`]). A product that overflows to NaN comes last.
//!
//! The floor: 2 num_queries num_rows dim operations, and reading every row once. The latter is the longer below 10 queries on a core
//! that multiplies 100 GFLOP/s and reads 20 GB/s, and below 184 in 16 bits on an H200 (790 TFLOP/s, 4.3 TB/s).

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod hit;
mod reference;

use candle_core::op::BackpropOp;
use candle_core::{CpuStorage, DType, Device, Storage, Tensor};

pub use reference::top_k as top_k_reference;

use crate::args::{expect_shape, f32_slice, matrix};
use crate::{Error, Result};
use cpu::Search;
use hit::{Best, Hit};

const NAME: &str = "top_k";

/// What [`top_k`] finds.
#[derive(Debug, Clone)]
pub struct TopK {
    /// The inner products of each query with its best rows, best first: [num_queries, min(k, num_rows)] f32.
    pub scores: Tensor,
    /// Those rows' indices: [num_queries, min(k, num_rows)] u32.
    pub indices: Tensor,
    /// How many were asked for.
    k: usize,
}

/// The `k` best of `rows` for each of `queries`, on their device.
///
/// # Errors
/// If `k` is 0, the widths differ or are 0, or not both have one element type and one device; if there are more rows than 32 bits count;
/// on CUDA, if more than 1,024 rows would be found for a query, or there are more than 2^30 rows or columns.
pub fn top_k(queries: &Tensor, rows: &Tensor, k: usize) -> Result<TopK> {
    let (num_queries, num_rows) = checked_sizes(queries, rows, k)?;
    let shape = [num_queries, k.min(num_rows)];
    if crate::composed::is_for(queries.device()) {
        return TopK::on_device(composed::top_k(queries, rows, k)?, shape, k, queries.device());
    }
    // No custom operation: of those each has one result.
    let (query_storage, query_layout) = queries.storage_and_layout();
    let (row_storage, row_layout) = rows.storage_and_layout();
    match (&*query_storage, &*row_storage) {
        (Storage::Cpu(query_storage), Storage::Cpu(row_storage)) => {
            let search = Search {
                queries: f32_slice(NAME, query_storage, query_layout)?,
                rows: f32_slice(NAME, row_storage, row_layout)?,
                dim: queries.dim(1)?,
                k,
            };
            Ok(TopK::on_cpu(cpu::top_k(search), shape, k))
        }
        #[cfg(feature = "cuda")]
        (Storage::Cuda(query_storage), Storage::Cuda(row_storage)) => {
            let found = cuda::top_k([(query_storage, query_layout), (row_storage, row_layout)], shape[1])?;
            let [scores, indices] = found.map(|found| tensor(Storage::Cuda(found), shape));
            Ok(TopK { scores, indices, k })
        }
        _ => Err(candle_core::Error::Msg(format!("{NAME}: no kernel for {:?}", queries.device())).into()),
    }
}

/// The numbers of queries and of rows, if the arguments fit together.
fn checked_sizes(queries: &Tensor, rows: &Tensor, k: usize) -> Result<(usize, usize)> {
    let broken = |rule| Err(Error::Argument { operation: NAME, rule });
    let (num_queries, dim) = matrix(NAME, "queries", queries)?;
    let (num_rows, _) = matrix(NAME, "rows", rows)?;
    if dim == 0 {
        return broken("queries must have a width of 1 or more, got 0".to_owned());
    }
    expect_shape(NAME, "rows", rows, &[num_rows, dim])?;
    if rows.dtype() != queries.dtype() {
        let [expected, actual] = [queries, rows].map(Tensor::dtype);
        return broken(format!("rows must be of the queries' type {expected:?}, got {actual:?}"));
    }
    if !rows.device().same_device(queries.device()) {
        let [expected, actual] = [queries, rows].map(|tensor| tensor.device().location());
        return broken(format!("rows must be on the queries' device {expected:?}, got {actual:?}"));
    }
    if k == 0 {
        return broken("k must be 1 or more, got 0".to_owned());
    }
    let most = u32::MAX as usize;
    if num_rows > most {
        return broken(format!("rows must be at most {most}, got {num_rows}"));
    }
    Ok((num_queries, num_rows))
}

impl TopK {
    /// The best of two shards of one corpus, which were searched for the same queries and the same k: what a search of both together
    /// finds, bit for bit. `first_row_of_other` is added to the indices of `other`; its rows may lie before or behind those of
    /// `self`. The result is on the device of `self`; other devices than the CPU are waited for.
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
                best.extend([Hit::new(hit.score(), row)]);
            }
            all.push(best.into_sorted());
        }
        let width = self.k.min(self.scores.dim(1)? + other.scores.dim(1)?);
        Self::on_device(all, [queries, width], self.k, self.scores.device())
    }

    /// Of each query, best first.
    fn hits(&self) -> Result<Vec<Vec<Hit>>> {
        let shape = self.scores.dims();
        if self.scores.elem_count() == 0 {
            return Ok(vec![Vec::new(); shape[0]]);
        }
        let (scores, indices) = (self.scores.to_vec2::<f32>()?, self.indices.to_vec2::<u32>()?);
        let hits = scores.into_iter().zip(indices);
        Ok(hits
            .map(|(scores, rows)| {
                scores.into_iter().zip(rows).map(|(score, row)| Hit::new(score, row)).collect()
            })
            .collect())
    }

    fn on_cpu(hits: Vec<Vec<Hit>>, shape: [usize; 2], k: usize) -> Self {
        let hits: Vec<Hit> = hits.into_iter().flatten().collect();
        debug_assert_eq!(hits.len(), shape[0] * shape[1]);
        let scores = CpuStorage::F32(hits.iter().map(|hit| hit.score()).collect());
        let indices = CpuStorage::U32(hits.iter().map(|hit| hit.row()).collect());
        let [scores, indices] = [scores, indices].map(|values| tensor(Storage::Cpu(values), shape));
        Self { scores, indices, k }
    }

    fn on_device(hits: Vec<Vec<Hit>>, shape: [usize; 2], k: usize, device: &Device) -> Result<Self> {
        if device.is_cpu() {
            return Ok(Self::on_cpu(hits, shape, k));
        }
        if shape.contains(&0) {
            // GPUs give out no memory of zero bytes.
            let nothing =
                |dtype| Tensor::zeros(1, dtype, device)?.narrow(0, 0, 0)?.reshape((shape[0], shape[1]));
            return Ok(Self { scores: nothing(DType::F32)?, indices: nothing(DType::U32)?, k });
        }
        let Self { scores, indices, k } = Self::on_cpu(hits, shape, k);
        Ok(Self { scores: scores.to_device(device)?, indices: indices.to_device(device)?, k })
    }
}

fn tensor(values: Storage, shape: [usize; 2]) -> Tensor {
    Tensor::from_storage(values, (shape[0], shape[1]), BackpropOp::none(), false)
}

#[cfg(test)]
mod tests;
