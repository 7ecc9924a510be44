//! The search on the CPU: a product whose epilogue keeps survivors.
//!
//! The corpus' rows are the product's columns, two vectors of them at a time: a lane is a row, so one query
//! costs what one query needs. Up to a tile of queries (12 with AVX-512), rows are transposed in the L1 as
//! they are read; for more, some hundred rows are packed and multiplied by all queries. Either way each score
//! is one chain over dim, and the next rows are prefetched while these are multiplied.
//!
//! Only rows that count are read. Of a million rows some hundred per query exceed the threshold.

mod rows;
mod survivors;

use std::ops::RangeInclusive;

pub(super) use rows::{BlockRows, Values};

use super::hit::{Best, PackedHit};
use crate::cpu::chunks::Chunks;
use crate::cpu::product::{F32, Panels, Rows, Transposed, few_height, multiply, multiply_few, padded};
use crate::cpu::simd::{InstructionSet, Kernel, Simd, dispatch_to};
use crate::cpu::team;
use rows::{Batch, Selected};
use survivors::{Scores, Survivors};

/// Multiply-adds from which the rows are divided among threads: fewer take no longer than waking a thread.
const WORK_OF_A_TEAM: usize = 1 << 20;

/// Rows that a thread takes at a time. The first of them are not prefetched; the end of a block waits for the
/// last ones.
const CHUNK_ROWS: RangeInclusive<usize> = 512..=8192;

/// Bytes of the packed rows that all queries are multiplied by before the next ones are packed. Queries that
/// do not fit into the L2 are read again from the next cache for each of them.
const PACKED_BYTES: usize = 384 << 10;

/// Queries, and their best rows so far.
pub(super) struct Accumulator {
    set: InstructionSet,
    queries: Queries,
    survivors: Survivors,
}

/// Queries as the left factor of a product.
struct Queries {
    /// Rows of `dim` values, `stride` apart. If a tile can hold all, there are copies of the last one up to
    /// the tile's height.
    values: Vec<f32>,
    stride: usize,
    dim: usize,
    /// Rows, copies included.
    height: usize,
    /// Whether a tile can hold all.
    are_few: bool,
}

impl Accumulator {
    /// `queries` [num_queries, dim], `dim` and `k` 1 or more.
    pub(super) fn new(set: InstructionSet, queries: &[f32], dim: usize, k: usize) -> Self {
        let survivors = Survivors::new(queries.len() / dim, k);
        Self { set, queries: dispatch_to(set, PackQueries { queries, dim }), survivors }
    }

    /// Adds the rows of a block, which come after all earlier rows.
    pub(super) fn feed(&mut self, rows: BlockRows<'_>) {
        let Self { set, queries, survivors } = self;
        if queries.height == 0 {
            return;
        }
        let work = (rows.num_rows * queries.dim).saturating_mul(queries.height);
        let threads = if work < WORK_OF_A_TEAM { 1 } else { team::threads() };
        let chunks = Chunks::new(rows.num_rows, CHUNK_ROWS, threads);
        let part = |survivors| CorpusPart { rows, chunks: &chunks, queries, survivors };
        if threads == 1 {
            return dispatch_to(*set, part(survivors));
        }
        let mut parts: Vec<Survivors> = (0..threads).map(|_| survivors.following()).collect();
        team::for_each(&mut parts, |survivors| dispatch_to(*set, part(survivors)));
        parts.into_iter().for_each(|part| survivors.merge(part));
    }

    /// The hits of every query, best first.
    pub(super) fn finish(self) -> Vec<Vec<PackedHit>> {
        self.survivors.best.into_iter().map(Best::into_sorted).collect()
    }
}

struct PackQueries<'a> {
    /// [num_queries, dim]
    queries: &'a [f32],
    dim: usize,
}

impl Kernel for PackQueries<'_> {
    type Output = Queries;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Queries {
        let Self { queries, dim } = self;
        let num_queries = queries.len() / dim;
        let tile = few_height(simd, num_queries).filter(|_| num_queries > 0);
        let (stride, height) = (padded(dim), tile.unwrap_or(num_queries));
        let mut values = vec![0.0; height * stride];
        for (row, target) in values.chunks_exact_mut(stride).enumerate() {
            let query = row.min(num_queries - 1);
            target[..dim].copy_from_slice(&queries[query * dim..][..dim]);
        }
        Queries { values, stride, dim, height, are_few: tile.is_some() }
    }
}

/// Some of the rows, for all queries.
struct CorpusPart<'a> {
    rows: BlockRows<'a>,
    chunks: &'a Chunks,
    queries: &'a Queries,
    survivors: &'a mut Survivors,
}

impl Kernel for CorpusPart<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { rows, chunks, queries, survivors } = self;
        let (mut product, mut batch) = (Product::new(simd, queries), Batch::new(rows));
        let size = product.batch_rows;
        while let Some(range) = chunks.take() {
            let mut selected = Selected::new(rows.included, range);
            let [mut now, mut next] = [(); 2].map(|()| Vec::with_capacity(size));
            selected.take(size, &mut now);
            while !now.is_empty() {
                selected.take(size, &mut next);
                batch.fill(simd, &now, size);
                product.run(simd, &now, &batch, rows.span_of(&next), survivors);
                std::mem::swap(&mut now, &mut next);
            }
        }
    }
}

/// The product of all queries with a batch of rows, and its memory.
struct Product<'a> {
    queries: Rows<'a>,
    are_few: bool,
    /// Rows per batch, whole vectors.
    batch_rows: usize,
    transposed: Box<Transposed>,
    panels: Panels,
}

impl<'a> Product<'a> {
    #[inline(always)]
    fn new<S: Simd>(_: S, queries: &'a Queries) -> Self {
        let Queries { values, stride, dim, height, are_few } = queries;
        let panel = 2 * S::LANES;
        let panels = if *are_few { 1 } else { (PACKED_BYTES / (panel * dim * size_of::<f32>())).max(1) };
        Self {
            queries: Rows::of_f32(values, *stride, *height, *dim),
            are_few: *are_few,
            batch_rows: panels * panel,
            transposed: Transposed::new(),
            panels: Panels::default(),
        }
    }

    /// Multiplies the rows `numbers` of the block, which are in `batch`; `upcoming` are those of the next
    /// batch.
    #[inline(always)]
    fn run<S: Simd>(
        &mut self,
        simd: S,
        numbers: &[u32],
        batch: &Batch<'_>,
        upcoming: &[u8],
        survivors: &mut Survivors,
    ) {
        let mut scores =
            Scores { first_row: batch.rows.first_row, numbers, biases: &batch.biases, survivors };
        let columns = |column: usize| batch.row(column, numbers);
        if self.are_few {
            let upcoming = (upcoming, &mut *self.transposed);
            multiply_few(simd, F32, self.queries, (numbers.len(), columns), upcoming, &mut scores);
        } else {
            self.panels.pack_columns(simd, numbers.len(), batch.rows.dim, columns);
            let panels = self.panels.range(self.panels.all());
            multiply(simd, F32, self.queries, panels, upcoming, &mut scores);
        }
    }
}
