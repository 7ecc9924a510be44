//! The search by bytes: the result of [`mod@crate::top_k`] on f32 rows, bit for bit, from a scan of one byte per
//! value.
//!
//! A row x is kept as x^ = step * code with one step per row and |code| <= 127, with the length of what
//! rounding lost, |x - x^|, and its own length |x|, both rounded up ([`ByteCodes`]). A query q is rounded
//! likewise; both may be rotated first ([`Rotation`]), which changes no product. The product of the codes is an exact integer; times both steps it is q^.x^, and by the
//! Cauchy-Schwarz inequality the score s of the f32 search is near it:
//!
//!   |s - q^.x^| <= e = |x - x^| |q^| + |q - q^| |x| + gamma |q| |x| + underflow,
//!
//! where gamma = n u / (1 - n u), u = 2^-24, n = dim + 2, bounds the rounding of a chain of dim multiply-adds
//! (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1). Every row whose upper end
//! q^.x^ + e is at least the k-th largest of the lower ends q^.x^ - e stays a candidate: k rows are certainly
//! as good as that. The caller scores candidates in f32 by `top_k` itself. With |x|^2 / 2 subtracted, the same
//! bounds hold for the order by Euclidean distance. It is the vector-approximation file
//! of Weber, Schek and Blott, "A Quantitative Analysis and Performance Study for Similarity-Search Methods in
//! High-Dimensional Spaces", 1998, with bounds that include rounding.
//!
//! A query with too many candidates (a corpus of a million equal rows), with rows so long that f32 could
//! overflow, or of zeros only is given up, and has to be searched in f32; so the result is that of `top_k`
//! always.
//!
//! queries: [num_queries, dim] f32, finite. Codes: see [`ByteCodes`]. dim at most 65,536, so that the integer
//! product fits into 32 bits. On the CPU only; on CUDA search uses `top_k`.
//!
//! The floor: 2 num_queries num_rows dim operations on bytes, and reading each row's dim + 12 bytes once.
//!
//! The 10 best of a million rows of 384 that are the same in every direction (the hardest case; 97 to 117 candidates per
//! query), two threads of a Zen 4: 8.2 ms for 1 query, 16 for 10, 43 for 32, 120 for 100, 1.16 s for 1,000 (70 % of the
//! peak for bytes); in f32 53 ms, 79, 143, 368 and 3.5 s.

mod bound;
mod candidates;
mod codes;
mod cpu;
mod rotation;

use candle_core::Tensor;

pub use codes::{ByteCodes, CodeBlock, PANEL_ROWS};
pub use rotation::Rotation;

use crate::args::{end_of_block, with_queries};
use crate::cpu::simd::InstructionSet;
use crate::{Error, Result};
use bound::Measure;
use candidates::Candidates;
use cpu::Scan;

const NAME: &str = "top_k_bytes";

/// The widest rows: 255 * 127 * 65,536 < 2^31.
const MOST_DIM: usize = 1 << 16;

/// A search that receives the codes of its corpus block by block.
pub struct ByteSearch {
    scan: Scan,
    dim: usize,
    next_row: u64,
}

impl ByteSearch {
    /// A search for the `k` best rows of each of `queries` [num_queries, dim].
    ///
    /// # Errors
    /// If `k` or the width is 0, the width exceeds 65,536, or `queries` is not a contiguous matrix of finite
    /// f32 on the CPU.
    pub fn new(queries: &Tensor, k: usize, rotation: Option<&Rotation>) -> Result<Self> {
        Self::with_set(InstructionSet::current(), queries, (k, Measure::Product), rotation)
    }

    /// A search for the `k` rows that are nearest to each query by Euclidean distance, true to the last digit: rows
    /// are ordered by q.x - |x|^2 / 2.
    ///
    /// # Errors
    /// As [`ByteSearch::new`].
    pub fn nearest(queries: &Tensor, k: usize, rotation: Option<&Rotation>) -> Result<Self> {
        Self::with_set(InstructionSet::current(), queries, (k, Measure::Nearness), rotation)
    }

    fn with_set(
        set: InstructionSet,
        queries: &Tensor,
        (k, measure): (usize, Measure),
        rotation: Option<&Rotation>,
    ) -> Result<Self> {
        with_queries(NAME, queries, (k, MOST_DIM), |queries, dim| {
            check_rotation(rotation, dim)?;
            let scan = Scan::new(set, (queries, dim), (k, measure), rotation);
            Ok(Self { scan, dim, next_row: 0 })
        })
    }

    /// Scans a block of codes. Blocks must arrive in the order of their rows; there may be gaps between them.
    ///
    /// # Errors
    /// If the block's slices do not fit each other, the width or the previous blocks, or its rows have
    /// numbers that do not fit into 32 bits.
    pub fn feed(&mut self, block: &CodeBlock<'_>) -> Result<()> {
        block.check(self.dim)?;
        let end = end_of_block(NAME, block.first_row, block.num_rows(), self.next_row)?;
        self.scan.feed(block);
        self.next_row = end;
        Ok(())
    }

    /// The candidates of every query so far, in ascending order: all rows that can be among its k best.
    /// `None` for a query that has to be searched in f32. [`TopKSearch`](crate::TopKSearch) finds the best among
    /// their f32 rows.
    pub fn candidates(&mut self) -> Vec<Option<Vec<u32>>> {
        self.scan.candidates().iter_mut().map(Candidates::rows).collect()
    }
}

/// Refuses a rotation of vectors with another width.
fn check_rotation(rotation: Option<&Rotation>, dim: usize) -> Result<()> {
    match rotation.map(Rotation::dim).filter(|width| *width != dim) {
        None => Ok(()),
        Some(width) => {
            let rule = format!("the rotation must be of width {dim}, got {width}");
            Err(Error::Argument { operation: NAME, rule })
        }
    }
}

#[cfg(test)]
mod tests;
