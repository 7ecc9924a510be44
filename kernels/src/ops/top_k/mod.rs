//! The search: for each query the k rows of a corpus whose inner products with it are largest, exactly,
//! without writing the products. With rows of length 1 these are the nearest by cosine. The product's
//! epilogue compares every score with the query's k-th best so far, and keeps only better ones (a threshold
//! followed by a queue, as in Johnson, Douze and Jégou, "Billion-scale similarity search with GPUs", 2017,
//! where the products are written first).
//!
//! queries: [num_queries, dim]; rows: [num_rows, dim], contiguous. On the CPU queries are f32, rows f32, f16
//! or bf16; on CUDA both f32, f16 or bf16. Output: scores f32 and indices of rows u32, [num_queries, min(k,
//! num_rows)], best first. Of equal scores the lower index comes first, on every device; 0.0 and -0.0 are
//! equal, and returned as 0.0. On Metal (composed of candle's operations, with scores selected on the CPU)
//! f32 or f16.
//!
//! A [`Block`] of a corpus may say which of its rows count, and add a bias to each row's scores.
//!
//! Order of the reductions: a score sums over dim, first to last, in f32, as in [`mod@crate::token_match`]: on
//! the CPU one chain of fused multiply-adds (each multiply-add rounds twice in the portable instruction set),
//! rows of 16 bits widened first, then the bias is added, one more rounding. The order depends only on dim
//! and the device, so a row has the same score among any rows and for any number of queries, and a query's
//! hits do not depend on the others. Selecting the best is exact in any order, so a corpus can be searched
//! shard by shard ([`TopK::merge`]) with the same result, bit for bit. (Not on Metal: see docs/metal.md.)
//!
//! Rows that count must be finite: callers check that ([`crate::all_finite`]). A product that overflows to
//! NaN comes last.
//!
//! On CUDA rows that count are gathered for the kernel, if not all do. A block with biases is composed there:
//! scores may differ from the kernel's in the last bits.
//!
//! The floor: 2 num_queries num_rows dim operations, and reading every row once. The latter takes longer
//! below 10 queries on a core that multiplies 100 GFLOP/s and reads 20 GB/s, and below 184 in 16 bits on an
//! H200 (790 TFLOP/s, 4.3 TB/s).

mod block;
mod bytes;
mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod found;
pub(in crate::ops) mod hit;
#[cfg(test)]
mod reference;

use candle_core::op::BackpropOp;
use candle_core::{Storage, Tensor};

#[cfg(test)]
pub(crate) use reference::top_k as top_k_reference;

pub use block::{Block, RowValues};
pub use bytes::ByteRanges;
pub use found::TopK;

use crate::args::{end_of_block, f32_slice, matrix};
use crate::cpu::simd::InstructionSet;
use crate::{Error, Form, Result};
use bytes::ByteQueries;
use cpu::{Accumulator, BlockRows, Values};
use hit::{Best, PackedHit};

const NAME: &str = "top_k";

/// The `k` best of `rows` for each of `queries`, on their device.
///
/// # Errors
/// If `k` is 0, the widths differ or are 0, or they differ in element type or device; if there are more rows
/// than fit into 32 bits; on CUDA, if more than 1,024 rows would be found per query, or there are more than
/// 2^30 rows or columns.
pub fn top_k(queries: &Tensor, rows: &Tensor, k: usize, form: Form) -> Result<TopK> {
    #[cfg(feature = "cuda")]
    if form == Form::Kernels && queries.device().is_cuda() {
        check_queries(queries, k)?;
        check_rows(queries, &Block::new(rows, 0), &[format!("{:?}", queries.dtype())])?;
        let shape = [queries.dim(0)?, k.min(rows.dim(0)?)];
        let [scores, indices] = search_on_cuda(queries, rows, shape)?;
        return Ok(TopK { scores, indices, k });
    }
    let mut search = TopKSearch::new(queries, k, form)?;
    search.feed(&Block::new(rows, 0))?;
    search.finish()
}

/// Scores and indices of one search, left on the device.
#[cfg(feature = "cuda")]
fn search_on_cuda(queries: &Tensor, rows: &Tensor, shape: [usize; 2]) -> Result<[Tensor; 2]> {
    // Not a custom operation: those have one result each.
    let (query_storage, query_layout) = queries.storage_and_layout();
    let (row_storage, row_layout) = rows.storage_and_layout();
    let (Storage::Cuda(query_storage), Storage::Cuda(row_storage)) = (&*query_storage, &*row_storage) else {
        return Err(no_kernel(queries));
    };
    let found = cuda::top_k([(query_storage, query_layout), (row_storage, row_layout)], shape[1])?;
    Ok(found.map(|found| tensor(Storage::Cuda(found), shape)))
}

fn no_kernel(queries: &Tensor) -> Error {
    candle_core::Error::Msg(format!("{NAME}: no kernel for {:?}", queries.device())).into()
}

/// A search that receives its corpus block by block. The queries are packed once, and each block is searched
/// with the thresholds of those before it. The result is that of a single search, bit for bit (except on
/// Metal).
pub struct TopKSearch {
    state: SearchState,
    queries: Tensor,
    k: usize,
    /// The row after the last one so far.
    next_row: u64,
    /// The number of rows so far that count.
    num_rows: usize,
}

enum SearchState {
    Cpu(Accumulator),
    /// Rows are bytes.
    Bytes(Accumulator),
    /// Blocks are searched one by one, and their hits kept on the CPU.
    Blocks {
        form: Form,
        best: Vec<Best>,
    },
}

impl TopKSearch {
    /// A search for the `k` best rows of each of `queries` [num_queries, dim].
    ///
    /// # Errors
    /// If `k` or the width is 0, or `queries` has a type that its device does not search in.
    pub fn new(queries: &Tensor, k: usize, form: Form) -> Result<Self> {
        check_queries(queries, k)?;
        let (num_queries, dim) = queries.dims2()?;
        let (storage, layout) = queries.storage_and_layout();
        let state = match &*storage {
            Storage::Cpu(storage) if form == Form::Kernels => {
                let values = f32_slice(NAME, storage, layout)?;
                SearchState::Cpu(Accumulator::new(InstructionSet::current(), values, dim, k))
            }
            _ => SearchState::Blocks { form, best: vec![Best::new(k); num_queries] },
        };
        drop(storage);
        Ok(Self { state, queries: queries.clone(), k, next_row: 0, num_rows: 0 })
    }

    /// A search for the `k` rows of bytes that are best for each of `queries` [num_queries, dim], f32 on the
    /// CPU. Blocks must be of i8 or u8, and are scored as they are: a query is multiplied by the steps of
    /// `ranges` and rounded to bytes, and the product of integers is exact, so scores have the query's
    /// rounding error and are the same on every CPU, up to the rounding of a multiply-add.
    ///
    /// # Errors
    /// If `k` or the width is 0, the ranges are not of as many dimensions, or a number is not finite.
    pub fn of_bytes(queries: &Tensor, ranges: &ByteRanges<'_>, k: usize) -> Result<Self> {
        Self::of_bytes_with(InstructionSet::current(), queries, ranges, k)
    }

    fn of_bytes_with(
        set: InstructionSet,
        queries: &Tensor,
        ranges: &ByteRanges<'_>,
        k: usize,
    ) -> Result<Self> {
        check_queries(queries, k)?;
        let (storage, layout) = queries.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else { return Err(no_kernel(queries)) };
        let dim = queries.dim(1)?;
        let packed = ByteQueries::new(f32_slice(NAME, storage, layout)?, dim, ranges)?;
        let state = SearchState::Bytes(Accumulator::of_bytes(set, packed, dim, k));
        Ok(Self { state, queries: queries.clone(), k, next_row: 0, num_rows: 0 })
    }

    /// Searches a block of rows. Blocks must arrive in the order of their rows; there may be gaps between
    /// them. The larger a block, the less its threads wait for each other.
    ///
    /// # Errors
    /// If its rows have a different width or device than the queries or a type that is not searched, are not
    /// contiguous, start before the end of the previous block, or have numbers that do not fit into 32 bits;
    /// if bits or biases are not as many as rows.
    pub fn feed(&mut self, block: &Block<'_>) -> Result<()> {
        let num_rows = check_rows(&self.queries, block, &self.row_types())?;
        let first_row = block.first_row;
        let end = end_of_block(NAME, first_row, num_rows, self.next_row)?;
        match &mut self.state {
            SearchState::Cpu(accumulator) | SearchState::Bytes(accumulator) => {
                feed_on_cpu(accumulator, block, num_rows, self.queries.dim(1)?)?
            }
            SearchState::Blocks { form, best } => {
                let found = search_block(&self.queries, block, num_rows, self.k, *form)?;
                for (best, hits) in best.iter_mut().zip(found) {
                    best.extend(
                        hits.into_iter().map(|hit| PackedHit::new(hit.score(), first_row + hit.row())),
                    );
                }
            }
        }
        self.next_row = end;
        self.num_rows += block.count(num_rows);
        Ok(())
    }

    /// The types of rows that it searches.
    fn row_types(&self) -> Vec<String> {
        match self.state {
            SearchState::Bytes(_) => ["I8", "U8"].map(str::to_owned).to_vec(),
            SearchState::Blocks { form: Form::Kernels, .. } => vec![format!("{:?}", self.queries.dtype())],
            SearchState::Cpu(_) | SearchState::Blocks { .. } => {
                ["F32", "F16", "BF16"].map(str::to_owned).to_vec()
            }
        }
    }

    /// The hits, on the device of the queries.
    ///
    /// # Errors
    /// If the device lacks the memory for them.
    pub fn finish(self) -> Result<TopK> {
        let shape = [self.queries.dim(0)?, self.k.min(self.num_rows)];
        let hits = match self.state {
            SearchState::Cpu(accumulator) | SearchState::Bytes(accumulator) => accumulator.finish(),
            SearchState::Blocks { best, .. } => best.into_iter().map(Best::into_sorted).collect(),
        };
        TopK::on_device(hits, shape, self.k, self.queries.device())
    }
}

fn feed_on_cpu(accumulator: &mut Accumulator, block: &Block<'_>, num_rows: usize, dim: usize) -> Result<()> {
    let &Block { rows, first_row, included, biases } = block;
    let mut feed =
        |values| accumulator.feed(BlockRows { values, num_rows, dim, first_row, included, biases });
    match rows {
        RowValues::Tensor(rows) => {
            let (storage, layout) = rows.storage_and_layout();
            let Storage::Cpu(storage) = &*storage else { return Err(no_kernel(rows)) };
            feed(block::cpu_values(storage, layout)?);
        }
        RowValues::F32(rows) => feed(Values::F32(rows)),
        RowValues::F16(rows) => feed(Values::F16(rows)),
        RowValues::Bf16(rows) => feed(Values::Bf16(rows)),
        RowValues::I8(rows) => feed(Values::Bytes { bytes: bytemuck::cast_slice(rows), signed: true }),
        RowValues::U8(rows) => feed(Values::Bytes { bytes: rows, signed: false }),
    }
    Ok(())
}

/// The hits of every query in one block, with the rows' indices in it.
fn search_block(
    queries: &Tensor,
    block: &Block<'_>,
    num_rows: usize,
    k: usize,
    form: Form,
) -> Result<Vec<Vec<PackedHit>>> {
    let (num_queries, dim) = queries.dims2()?;
    let selected = block.selected(num_rows);
    if selected.as_ref().is_some_and(Vec::is_empty) {
        return Ok(vec![Vec::new(); num_queries]);
    }
    let mut rows = block.rows.on_device([num_rows, dim], queries.device())?;
    let mut biases = block.biases.map(<[f32]>::to_vec);
    if let Some(selected) = &selected {
        let indices = Tensor::new(selected.as_slice(), queries.device())?;
        rows = rows.index_select(&indices, 0)?;
        biases = biases.map(|biases| selected.iter().map(|&row| biases[row as usize]).collect());
    }
    let hits = match form {
        Form::Kernels if biases.is_none() => search_rows(queries, &rows, k)?,
        _ => composed::top_k(queries, &rows, biases.as_deref(), k)?,
    };
    let Some(selected) = selected else { return Ok(hits) };
    let in_block = |hit: PackedHit| PackedHit::new(hit.score(), selected[hit.row() as usize]);
    Ok(hits.into_iter().map(|hits| hits.into_iter().map(in_block).collect()).collect())
}

/// The hits of every query among `rows` by a device's kernel.
#[cfg(feature = "cuda")]
fn search_rows(queries: &Tensor, rows: &Tensor, k: usize) -> Result<Vec<Vec<PackedHit>>> {
    let shape = [queries.dim(0)?, k.min(rows.dim(0)?)];
    let [scores, indices] = search_on_cuda(queries, rows, shape)?;
    TopK { scores, indices, k }.hits()
}

#[cfg(not(feature = "cuda"))]
fn search_rows(_: &Tensor, rows: &Tensor, _: usize) -> Result<Vec<Vec<PackedHit>>> {
    Err(no_kernel(rows))
}

fn check_queries(queries: &Tensor, k: usize) -> Result<()> {
    let broken = |rule: &str| Err(Error::Argument { operation: NAME, rule: rule.to_owned() });
    match matrix(NAME, "queries", queries)? {
        (_, 0) => broken("queries must have a width of 1 or more, got 0"),
        _ if k == 0 => broken("k must be 1 or more, got 0"),
        _ => Ok(()),
    }
}

/// Checks that a block fits the queries, and returns the number of its rows.
fn check_rows(queries: &Tensor, block: &Block<'_>, types: &[String]) -> Result<usize> {
    let broken = |rule| Err(Error::Argument { operation: NAME, rule });
    let (_, dim) = matrix(NAME, "queries", queries)?;
    let num_rows = block.num_rows(dim)?;
    let actual = block.rows.type_name();
    if !types.contains(&actual) {
        return broken(format!("rows must be of type {}, got {actual}", types.join(" or ")));
    }
    match block.rows {
        RowValues::Tensor(rows) if !rows.device().same_device(queries.device()) => {
            let [expected, actual] = [queries, rows].map(|tensor| tensor.device().location());
            broken(format!("rows must be on the queries' device {expected:?}, got {actual:?}"))
        }
        _ => Ok(num_rows),
    }
}

/// The `k` best of `rows` [num_rows, dim] for one query, best first: scores as those of any search, and indices.
#[cfg(test)]
pub(crate) fn best_of(
    set: InstructionSet,
    query: &[f32],
    (rows, dim): (&[f32], usize),
    k: usize,
) -> Vec<(f32, u32)> {
    let mut accumulator = Accumulator::new(set, query, dim, k);
    let (values, num_rows) = (Values::F32(rows), rows.len() / dim);
    accumulator.feed(BlockRows { values, num_rows, dim, first_row: 0, included: None, biases: None });
    let hits = accumulator.finish().into_iter().flatten();
    hits.map(|hit| (hit.score(), hit.row())).collect()
}

fn tensor(values: Storage, shape: [usize; 2]) -> Tensor {
    Tensor::from_storage(values, (shape[0], shape[1]), BackpropOp::none(), false)
}

#[cfg(test)]
mod tests;
