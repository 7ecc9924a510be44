//! The search on the CPU: a product whose epilogue keeps survivors.
//!
//! The corpus' rows are the product's columns, two vectors of them at a time: a lane is a row, so one query
//! costs what one query needs. Rows are transposed in the L1 as they are read (`product::in_place`); each
//! score is one chain over dim, and the next rows are prefetched while these are multiplied.
//!
//! Only rows that count are read. Of a million rows some hundred per query exceed the threshold.
//!
//! The 10 best of a million rows of 384 f32, CPU time of one thread of a busy Emerald Rapids that reads 13.2
//! GB/s and multiplies 166 GFLOP/s: 130 ms for 1 query (90 % of the bandwidth), 164 for 10, 249 for 32, 622 for
//! 100. Rows of 16 bits take nearly as long as f32: their widened copies go through the L2.

mod rows;
mod survivors;

use std::ops::{Range, RangeInclusive};

pub(super) use rows::{BlockRows, Values};

use super::bytes::ByteQueries;
use super::hit::{Best, PackedHit};
use crate::cpu::chunks::Chunks;
use crate::cpu::product::{Columns, Epilogue, F32, InPlace, Int8, RowBytes, RowTiles, SumScale, WordFormat};
use crate::cpu::simd::{InstructionSet, Kernel, MAX_LANES, Simd, dispatch_bytes_to, dispatch_to};
use crate::cpu::team;
use rows::{Batch, Selected};
use survivors::{Scores, Survivors};

/// Multiply-adds from which the rows are divided among threads: fewer take no longer than waking a thread.
const WORK_OF_A_TEAM: usize = 1 << 20;

/// Rows that a thread takes at a time. The first of them are not prefetched; the end of a block waits for the
/// last ones.
const CHUNK_ROWS: RangeInclusive<usize> = 512..=8192;

/// Bytes of the queries that share a pass over a batch of rows, and of such a batch: both fit into a small L2.
/// If all queries share a pass, a batch is two vectors of rows.
const PASS_BYTES: usize = 768 << 10;
const BATCH_BYTES: usize = 192 << 10;

/// Queries, and their best rows so far.
pub(super) struct Accumulator {
    set: InstructionSet,
    queries: RowTiles,
    /// Of each query, if rows are bytes.
    scales: Vec<SumScale>,
    dim: usize,
    survivors: Survivors,
}

impl Accumulator {
    /// `queries` [num_queries, dim], `dim` and `k` 1 or more.
    pub(super) fn new(set: InstructionSet, queries: &[f32], dim: usize, k: usize) -> Self {
        let survivors = Survivors::new(queries.len() / dim, k);
        let words = bytemuck::cast_slice(queries);
        let queries = dispatch_to(set, PackQueries { words, inner: dim });
        Self { set, queries, scales: Vec::new(), dim, survivors }
    }

    /// The same for rows of bytes.
    pub(super) fn of_bytes(set: InstructionSet, queries: ByteQueries, dim: usize, k: usize) -> Self {
        let ByteQueries { words, scales } = queries;
        let survivors = Survivors::new(scales.len(), k);
        let queries = dispatch_to(set, PackQueries { words: &words, inner: dim.div_ceil(Int8::GROUP) });
        Self { set, queries, scales, dim, survivors }
    }

    /// Adds the rows of a block, which come after all earlier rows.
    pub(super) fn feed(&mut self, rows: BlockRows<'_>) {
        let Self { set, queries, scales, dim, survivors } = self;
        if queries.count() == 0 {
            return;
        }
        let work = (rows.num_rows * *dim).saturating_mul(queries.count());
        let threads = if work < WORK_OF_A_TEAM { 1 } else { team::threads() };
        let chunks = Chunks::new(rows.num_rows, CHUNK_ROWS, threads);
        let search = |survivors| {
            let part = CorpusPart { rows, chunks: &chunks, queries, scales, survivors };
            match rows.values {
                Values::Bytes { signed: true, .. } => dispatch_bytes_to(*set, SignedPart(part)),
                Values::Bytes { signed: false, .. } => dispatch_bytes_to(*set, UnsignedPart(part)),
                _ => dispatch_to(*set, part),
            }
        };
        if threads == 1 {
            return search(survivors);
        }
        let mut parts: Vec<Survivors> = (0..threads).map(|_| survivors.following()).collect();
        team::for_each(&mut parts, search);
        parts.into_iter().for_each(|part| survivors.merge(part));
    }

    /// The hits of every query, best first.
    pub(super) fn finish(self) -> Vec<Vec<PackedHit>> {
        self.survivors.best.into_iter().map(Best::into_sorted).collect()
    }
}

struct PackQueries<'a> {
    /// [num_queries, inner]
    words: &'a [u32],
    inner: usize,
}

impl Kernel for PackQueries<'_> {
    type Output = RowTiles;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> RowTiles {
        RowTiles::new(simd, self.words, self.inner)
    }
}

/// Some of the rows, for all queries.
struct CorpusPart<'a> {
    rows: BlockRows<'a>,
    chunks: &'a Chunks,
    queries: &'a RowTiles,
    scales: &'a [SumScale],
    survivors: &'a mut Survivors,
}

/// Rows of i8.
struct SignedPart<'a>(CorpusPart<'a>);

/// Rows of u8.
struct UnsignedPart<'a>(CorpusPart<'a>);

impl Kernel for CorpusPart<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.search(simd, F32);
    }
}

impl Kernel for SignedPart<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.0.search(simd, RowBytes::<true>);
    }
}

impl Kernel for UnsignedPart<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.0.search(simd, RowBytes::<false>);
    }
}

impl CorpusPart<'_> {
    #[inline(always)]
    fn search<S: Simd, F: WordFormat<S>>(self, simd: S, format: F)
    where
        for<'s> Scores<'s>: Epilogue<S, F>,
    {
        let Self { rows, chunks, queries, scales, survivors } = self;
        let row_bytes = queries.inner() * size_of::<u32>();
        let pass = (PASS_BYTES / row_bytes).max(1).next_multiple_of(S::TILE_ROWS);
        let pair = 2 * S::LANES;
        let size = match pass < queries.count() {
            true => (BATCH_BYTES / row_bytes).next_multiple_of(pair).max(pair),
            false => pair,
        };
        let (mut product, mut batch) = (InPlace::new(simd, format), Batch::new(rows));
        while let Some(range) = chunks.take() {
            let mut selected = Selected::new(rows.included, range);
            let [mut now, mut next] = [(); 2].map(|()| Vec::with_capacity(size));
            selected.take(size, &mut now);
            while !now.is_empty() {
                selected.take(size, &mut next);
                batch.fill(simd, &now, size);
                let upcoming = rows.span_of(&next);
                for first in (0..queries.count()).step_by(pass) {
                    let some = first..(first + pass).min(queries.count());
                    // The last pass prefetches the next rows.
                    let upcoming = if some.end == queries.count() { upcoming } else { &[] };
                    let mut scores = Scores { numbers: &now, batch: &batch, scales, survivors };
                    multiply(&mut product, (queries, some), upcoming, &mut scores);
                }
                std::mem::swap(&mut now, &mut next);
            }
        }
    }
}

/// Multiplies some queries by a batch of rows, two vectors of them at a time.
#[inline(always)]
fn multiply<'s, S: Simd, F: WordFormat<S>>(
    product: &mut InPlace<S, F>,
    (queries, range): (&RowTiles, Range<usize>),
    upcoming: &[u8],
    scores: &mut Scores<'s>,
) where
    Scores<'s>: Epilogue<S, F>,
{
    let Scores { numbers, batch, .. } = *scores;
    let pair = 2 * S::LANES;
    let pairs = numbers.len().div_ceil(pair);
    for first in (0..numbers.len()).step_by(pair) {
        let mut words: [&[u32]; 2 * MAX_LANES] = [&[]; 2 * MAX_LANES];
        let count = pair.min(numbers.len() - first);
        for (index, words) in (first..).zip(&mut words[..count]) {
            *words = batch.row(index, numbers);
        }
        let upcoming = share(upcoming, first / pair, pairs);
        let columns = Columns { words: &words[..count], first, upcoming };
        product.multiply(queries, range.clone(), columns, scores);
    }
}

/// Part `number` of `count` equal ones.
fn share(bytes: &[u8], number: usize, count: usize) -> &[u8] {
    &bytes[bytes.len() * number / count..bytes.len() * (number + 1) / count]
}
