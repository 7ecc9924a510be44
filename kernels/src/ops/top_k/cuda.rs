//! [`super::top_k`] on CUDA: `top_k.cu`.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaViewMut as ViewMut, LaunchConfig};
use candle_core::{CudaDevice, CudaStorage};

use super::NAME;
use crate::cuda::{self, Argument, Element, Module, PushKernelArg, View, WrapErr, for_element};
use crate::{Error, Result};

const KERNELS: Module = cuda::module!("top_k");

/// Queries and rows per tile, and threads per block (`QUERIES`, `ROWS`, `SEARCH_THREADS` of top_k.cu).
const QUERIES: usize = 64;
const ROWS: usize = 128;
const THREADS: u32 = 128;
/// Two buffers (`BUFFER_BYTES` of top_k.cu): 128 bytes of each row and each query of a tile.
const SHARED_BYTES: usize = 2 * (ROWS + QUERIES) * 128;
/// The shared memory's limit when lists are cut and merged: a list of this many hits and a tile's rows.
const MOST_HITS: usize = 1024;
/// Rows and columns are counted in 31 bits, with some margin.
const MOST: usize = 1 << 30;
/// Queries per launch.
const MOST_QUERIES: usize = 4096;
/// Sections are added up to this many blocks per launch, about four per multiprocessor of an H200.
pub(super) const MOST_BLOCKS: usize = 512;
/// Sections are added up to this many hits in a launch's lists: 128 MiB.
const LISTED: usize = 1 << 24;
/// Tiles per section. A list starts without a threshold: with fewer tiles there would be more to sort than to
/// multiply.
const FEWEST_TILES: usize = 2;

/// Scores and indices, [num_queries, k], for `[queries, rows]`, with at least `k` rows.
pub(super) fn top_k(matrices: [Argument<'_>; 2], k: usize) -> Result<[CudaStorage; 2]> {
    top_k_in_blocks(matrices, k, MOST_BLOCKS)
}

/// The same with a different number of blocks than [`MOST_BLOCKS`], unless the queries need more.
pub(super) fn top_k_in_blocks(
    matrices: [Argument<'_>; 2],
    k: usize,
    most_blocks: usize,
) -> Result<[CudaStorage; 2]> {
    let (num_rows, dim) = matrices[1].1.shape().dims2()?;
    at_most(MOST_HITS, "rows can be found for a query", k)?;
    at_most(MOST, "rows can be searched", num_rows)?;
    at_most(MOST, "columns can be searched", dim)?;
    let dtype = matrices[0].0.dtype();
    Ok(for_element!(NAME, dtype, T => CudaSearch::<T>::new(matrices, k)?.run(most_blocks))?)
}

fn at_most(most: usize, what: &str, got: usize) -> Result<()> {
    if got <= most {
        return Ok(());
    }
    let rule = format!("at most {most} {what} on CUDA, got {got}");
    Err(Error::Argument { operation: NAME, rule })
}

struct CudaSearch<'a, T> {
    device: &'a CudaDevice,
    queries: View<'a, T>,
    rows: View<'a, T>,
    num_queries: usize,
    num_rows: usize,
    dim: usize,
    k: usize,
}

/// How the work of one launch is divided, and the capacity of each list.
struct SearchPlan {
    num_queries: usize,
    sections: usize,
    rows_of_a_section: usize,
    /// Of a list. It exceeds a tile's rows, so that not every tile overflows it.
    capacity: usize,
}

impl SearchPlan {
    fn new(num_queries: usize, num_rows: usize, k: usize, most_blocks: usize) -> Self {
        let capacity = (k + ROWS + ROWS / 2).next_power_of_two();
        let query_tiles = num_queries.div_ceil(QUERIES);
        let blocks = most_blocks.min(LISTED / (QUERIES * capacity));
        let tiles = num_rows.div_ceil(ROWS);
        let tiles_of_a_section = tiles.div_ceil((blocks / query_tiles).max(1)).max(FEWEST_TILES);
        let sections = tiles.div_ceil(tiles_of_a_section);
        Self { num_queries, sections, rows_of_a_section: tiles_of_a_section * ROWS, capacity }
    }

    fn lists(&self) -> usize {
        self.sections * self.num_queries
    }

    fn blocks(&self) -> usize {
        self.sections * self.num_queries.div_ceil(QUERIES)
    }
}

/// The hits that the sections of a launch found.
struct Lists {
    /// [sections, num_queries, capacity]
    hits: CudaSlice<u64>,
    /// [sections, num_queries]: the number of hits in each list.
    counts: CudaSlice<u32>,
}

impl<'a, T: Element> CudaSearch<'a, T> {
    fn new([queries, rows]: [Argument<'a>; 2], k: usize) -> candle_core::Result<Self> {
        let (num_queries, dim) = queries.1.shape().dims2()?;
        let (num_rows, _) = rows.1.shape().dims2()?;
        let device = &queries.0.device;
        let [queries, rows] = [queries, rows].map(|matrix| cuda::contiguous::<T>(NAME, matrix));
        Ok(Self { device, queries: queries?, rows: rows?, num_queries, num_rows, dim, k })
    }

    fn run(&self, most_blocks: usize) -> candle_core::Result<[CudaStorage; 2]> {
        let count = self.num_queries * self.k;
        let mut scores = cuda::output::<f32>(self.device, count)?;
        let mut indices = cuda::output::<u32>(self.device, count)?;
        if count > 0 {
            for first in (0..self.num_queries).step_by(MOST_QUERIES) {
                let num_queries = MOST_QUERIES.min(self.num_queries - first);
                let plan = SearchPlan::new(num_queries, self.num_rows, self.k, most_blocks);
                let lists = self.search(first, &plan)?;
                let found = first * self.k..(first + num_queries) * self.k;
                self.merge(&lists, &plan, scores.slice_mut(found.clone()), indices.slice_mut(found))?;
            }
        }
        let scores = CudaStorage::wrap_cuda_slice(scores, self.device.clone());
        Ok([scores, CudaStorage::wrap_cuda_slice(indices, self.device.clone())])
    }

    /// Searches all rows for the queries of `plan`, from `first` on.
    fn search(&self, first: usize, plan: &SearchPlan) -> candle_core::Result<Lists> {
        let mut hits = cuda::output::<u64>(self.device, plan.lists() * plan.capacity)?;
        let mut counts = cuda::output::<u32>(self.device, plan.lists())?;
        let queries = self.queries.slice(first * self.dim..(first + plan.num_queries) * self.dim);
        let sizes =
            [plan.num_queries, self.num_rows, self.dim, self.k, plan.rows_of_a_section, plan.capacity];
        let sizes = sizes.map(|size| size as u32);
        let kernel = KERNELS.kernel::<T>(self.device, NAME)?;
        kernel.allow_shared_memory(SHARED_BYTES)?;
        let mut launch = kernel.builder();
        launch.arg(&queries).arg(&self.rows).arg(&mut hits).arg(&mut counts);
        sizes.iter().for_each(|size| {
            launch.arg(size);
        });
        let config =
            LaunchConfig { shared_mem_bytes: SHARED_BYTES as u32, ..cuda::blocks(plan.blocks(), THREADS) };
        // SAFETY: these are the arguments of top_k.cu. `queries` has `num_queries` rows and `rows` has
        // `num_rows`, each of `dim` values of type T: `super::top_k` has checked their widths and types.
        // `hits` and `counts` have room for the lists of all sections, and a list for k hits and a tile's.
        // Every block has a section with rows.
        unsafe { launch.launch(config) }.w()?;
        Ok(Lists { hits, counts })
    }

    /// Writes the best of `lists`, [num_queries, k].
    fn merge(
        &self,
        lists: &Lists,
        plan: &SearchPlan,
        mut scores: ViewMut<'_, f32>,
        mut indices: ViewMut<'_, u32>,
    ) -> candle_core::Result<()> {
        let sizes = [plan.num_queries, plan.sections, self.k, plan.capacity].map(|size| size as u32);
        let kernel = KERNELS.function(self.device, "top_k_merge")?;
        let mut launch = kernel.builder();
        launch.arg(&lists.hits).arg(&lists.counts).arg(&mut scores).arg(&mut indices);
        sizes.iter().for_each(|size| {
            launch.arg(size);
        });
        // SAFETY: these are the arguments of top_k.cu; the lists are those of the same plan, and the results
        // have room for [num_queries, k]. The lists are freed after the launch, in the stream's order.
        unsafe { launch.launch(cuda::blocks(plan.num_queries, THREADS)) }.w()?;
        Ok(())
    }
}
