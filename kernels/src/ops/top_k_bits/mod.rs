//! The search by signs: rows are one bit per value, queries stay numbers.
//!
//! A row's bit says whether a value is positive, and counts as 1 or -1. A query is rounded to bytes, q^ = step * code
//! with |code| <= 127, so a score is step / sqrt(dim) times the integer sum of the codes with the row's signs: the
//! product of q^ with a vector of length 1. The codes are in eight planes of bits (two's complement, the last of which
//! counts -128), and
//!
//!   sum = 2 (sum of 2^p popcount(row AND plane p), p = 0..7, the last negative) - (sum of the codes).
//!
//! A query that keeps its numbers finds much more than one that is reduced to signs, too (docs/search.md has figures).
//! The latter is [`BitSearch::of_signs`]: the number of equal signs minus that of different ones, which is dim - 2
//! Hamming distances.
//!
//! queries: [num_queries, dim] f32, finite, on the CPU. Rows: [num_rows, ceil(dim / 8)] bytes; the first value's bit is
//! the highest of the first byte, as in numpy's `packbits`. Output as in [`mod@crate::top_k`]. Sums are integers, so a
//! score is the same on every CPU.
//!
//! The floor: reading each row's dim / 8 bytes once, and dim / 8 ANDs of 64 bits with as many popcounts per row and
//! query.

mod cpu;
mod planes;
#[cfg(test)]
mod tests;

use candle_core::{Device, Tensor};

use crate::args::{end_of_block, with_queries};
use crate::ops::top_k::TopK;
use crate::ops::top_k::hit::{Best, PackedHit};
use crate::{Error, Result};
use cpu::BitSet;
use planes::Planes;

const NAME: &str = "top_k_bits";

/// The widest rows: sums of 127 * 2^20 fit into 32 bits.
const MOST_DIM: usize = 1 << 20;

/// Signs of some rows, one after the other, for [`BitSearch::feed`].
#[derive(Debug, Clone, Copy)]
pub struct BitBlock<'a> {
    /// [num_rows, ceil(dim / 8)]
    pub bytes: &'a [u8],
    /// The first row's number in the corpus.
    pub first_row: u32,
    /// Only rows whose bit is set count, as in [`Block::included`](crate::Block::included).
    pub included: Option<&'a [u64]>,
}

/// A search that receives the signs of its corpus block by block.
pub struct BitSearch {
    planes: Planes,
    best: Vec<Best>,
    k: usize,
    next_row: u64,
    num_rows: usize,
    set: BitSet,
}

impl BitSearch {
    /// A search for the `k` best rows of each of `queries` [num_queries, dim].
    ///
    /// # Errors
    /// If `k` or the width is 0, the width exceeds 2^20, or `queries` is not a contiguous matrix of finite f32 on the
    /// CPU.
    pub fn new(queries: &Tensor, k: usize) -> Result<Self> {
        Self::of(queries, k, Planes::of_values)
    }

    /// The same with the signs of the queries alone.
    ///
    /// # Errors
    /// As [`BitSearch::new`].
    pub fn of_signs(queries: &Tensor, k: usize) -> Result<Self> {
        Self::of(queries, k, Planes::of_signs)
    }

    fn of(queries: &Tensor, k: usize, planes: fn(&[f32], usize) -> Planes) -> Result<Self> {
        with_queries(NAME, queries, (k, MOST_DIM), |values, dim| {
            let best = vec![Best::new(k); values.len() / dim];
            Ok(Self {
                planes: planes(values, dim),
                best,
                k,
                next_row: 0,
                num_rows: 0,
                set: BitSet::current(),
            })
        })
    }

    /// Searches a block. Blocks must arrive in the order of their rows; there may be gaps between them.
    ///
    /// # Errors
    /// If its bytes are not whole rows or its bits not as many, it starts before the end of the previous block, or a
    /// row's number does not fit into 32 bits.
    pub fn feed(&mut self, block: &BitBlock<'_>) -> Result<()> {
        let broken = |rule: String| Err(Error::Argument { operation: NAME, rule });
        let (bytes, row_bytes) = (block.bytes.len(), self.planes.row_bytes());
        if !bytes.is_multiple_of(row_bytes) {
            return broken(format!("rows must have {row_bytes} bytes each, got {bytes} in all"));
        }
        let num_rows = bytes / row_bytes;
        let words = num_rows.div_ceil(64);
        if let Some(included) = block.included.filter(|included| included.len() != words) {
            let got = included.len();
            return broken(format!("{num_rows} rows must have {words} words of bits, got {got}"));
        }
        let end = end_of_block(NAME, block.first_row, num_rows, self.next_row)?;
        cpu::scan(self.set, block, &self.planes, &mut self.best);
        self.next_row = end;
        self.num_rows += match block.included {
            Some(bits) => bits.iter().map(|word| word.count_ones() as usize).sum(),
            None => num_rows,
        };
        Ok(())
    }

    /// The hits.
    ///
    /// # Errors
    /// If a tensor of them cannot be made.
    pub fn finish(self) -> Result<TopK> {
        let shape = [self.best.len(), self.k.min(self.num_rows)];
        let hits: Vec<Vec<PackedHit>> = self.best.into_iter().map(Best::into_sorted).collect();
        TopK::on_device(hits, shape, self.k, &Device::Cpu)
    }
}

/// The signs of `rows` [num_rows, dim] as bits, 1 for positive values: [num_rows, ceil(dim / 8)] bytes, unused bits 0.
pub fn sign_bits(rows: &[f32], dim: usize) -> Vec<u8> {
    let byte = |values: &[f32]| {
        values.iter().enumerate().fold(0, |byte, (at, value)| byte | u8::from(*value > 0.0) << (7 - at))
    };
    rows.chunks_exact(dim).flat_map(|row| row.chunks(8).map(byte)).collect()
}
