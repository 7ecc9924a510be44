//! The scan of codes on the CPU: integer products, and the comparison of each row's upper end.

use std::ops::{Range, RangeInclusive};

use super::bound::{self, Measure, QueryBound};
use super::candidates::{Candidate, Candidates};
use super::codes::{CodeBlock, GROUP, PANEL_ROWS, panel_bytes};
use super::rotation::Rotation;
use crate::cpu::chunks::Chunks;
use crate::cpu::simd::{InstructionSet, Kernel, Simd, dispatch_bytes_to};
use crate::cpu::team;

/// Products of bytes from which the panels are divided among threads.
const WORK_OF_A_TEAM: usize = 1 << 22;

/// Panels that a thread takes at a time.
const CHUNK_PANELS: RangeInclusive<usize> = 16..=256;

/// Queries that share a pass over a chunk: their codes fit into an L2.
const QUERY_BLOCK: usize = 1024;

/// Candidates of all queries together beyond which a query is given up, 96 MiB; and the least per query.
const MOST: usize = 8 << 20;
const MOST_OF_A_QUERY: usize = 4096;

/// Queries and their candidates so far.
pub(super) struct Scan {
    set: InstructionSet,
    queries: Queries,
    found: Found,
}

/// Queries as bytes.
struct Queries {
    /// [num_queries, words]: four codes each, padded with zeros.
    codes: Vec<u32>,
    /// Values per row.
    dim: usize,
    /// Words per query.
    words: usize,
    /// -128 times the sum of each query's codes: what products with codes + 128 have too much.
    starts: Vec<i32>,
    bounds: Vec<QueryBound>,
}

/// Candidates, and the limits of each query side by side.
struct Found {
    limits: Vec<f32>,
    candidates: Vec<Candidates>,
}

impl Scan {
    pub(super) fn new(
        set: InstructionSet,
        (queries, dim): (&[f32], usize),
        (k, measure): (usize, Measure),
        rotation: Option<&Rotation>,
    ) -> Self {
        let num_queries = queries.len() / dim;
        let most = (MOST / num_queries.max(1)).max(k.saturating_mul(4)).max(MOST_OF_A_QUERY);
        let words = dim.div_ceil(GROUP);
        let mut all = Queries { codes: Vec::new(), dim, words, starts: Vec::new(), bounds: Vec::new() };
        let mut candidates = Vec::new();
        let mut query = vec![0.0; dim];
        for values in queries.chunks_exact(dim) {
            query.iter_mut().zip(values).for_each(|(target, value)| *target = f64::from(*value));
            if let Some(rotation) = rotation {
                rotation.apply(&mut query);
            }
            let step = bound::step(&query);
            let mut codes = vec![0; words * GROUP];
            bound::round(&query, step, &mut codes);
            all.codes.extend(
                codes
                    .as_chunks::<GROUP>()
                    .0
                    .iter()
                    .map(|group| u32::from_le_bytes(group.map(|code| code as u8))),
            );
            all.starts.push(-128 * codes.iter().map(|&code| i32::from(code)).sum::<i32>());
            // Every product with a query of zeros is 0: all rows would be candidates.
            let is_zero = step == 0.0;
            let step = if is_zero { 1.0 } else { step };
            let bound = QueryBound::new(&query, &codes[..dim], step, measure);
            let mut list = Candidates::new(k, 2.0 * bound.slack, most);
            if is_zero || !bound.is_finite() {
                list.give_up();
            }
            all.bounds.push(bound);
            candidates.push(list);
        }
        let limits = candidates.iter().map(Candidates::limit).collect();
        Self { set, queries: all, found: Found { limits, candidates } }
    }

    pub(super) fn candidates(&mut self) -> &mut [Candidates] {
        &mut self.found.candidates
    }

    /// Adds the rows of a block that was checked.
    pub(super) fn feed(&mut self, block: &CodeBlock<'_>) {
        let Self { set, queries, found } = self;
        let longest = block.lengths.iter().fold(0.0f32, |longest, &length| longest.max(length));
        for (query, bound) in queries.bounds.iter().enumerate() {
            if f64::from(longest) > bound.longest {
                found.candidates[query].give_up();
                found.limits[query] = f32::INFINITY;
            }
        }
        let panels = block.num_rows().div_ceil(PANEL_ROWS);
        let work = block.codes.len().saturating_mul(queries.bounds.len());
        let threads = if work < WORK_OF_A_TEAM { 1 } else { team::threads() };
        let chunks = Chunks::new(panels, CHUNK_PANELS, threads);
        let part = |found| Part { block, chunks: &chunks, queries, found };
        if threads == 1 {
            return dispatch_bytes_to(*set, part(found));
        }
        let mut parts: Vec<Found> = (0..threads).map(|_| found.following()).collect();
        team::for_each(&mut parts, |found| dispatch_bytes_to(*set, part(found)));
        parts.into_iter().for_each(|part| found.merge(part));
    }
}

impl Found {
    fn following(&self) -> Self {
        let candidates = self.candidates.iter().map(Candidates::following).collect();
        Self { limits: self.limits.clone(), candidates }
    }

    fn merge(&mut self, other: Self) {
        for ((own, limit), other) in self.candidates.iter_mut().zip(&mut self.limits).zip(other.candidates) {
            own.merge(other);
            *limit = own.limit();
        }
    }
}

/// Some of a block's panels, for all queries.
struct Part<'a> {
    block: &'a CodeBlock<'a>,
    chunks: &'a Chunks,
    queries: &'a Queries,
    found: &'a mut Found,
}

impl Kernel for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { block, chunks, queries, found } = self;
        while let Some(panels) = chunks.take() {
            for first in (0..queries.bounds.len()).step_by(QUERY_BLOCK) {
                let range = first..(first + QUERY_BLOCK).min(queries.bounds.len());
                for panel in panels.clone() {
                    let counted = block.counted(panel);
                    if counted == 0 {
                        continue;
                    }
                    for first_row in (0..PANEL_ROWS).step_by(2 * S::LANES) {
                        let counted = counted >> first_row & (u32::MAX >> (32 - 2 * S::LANES));
                        let rows =
                            Rows::new(simd, block, queries.dim, panel * PANEL_ROWS + first_row, counted);
                        rows.scan(simd, queries, range.clone(), found);
                    }
                }
            }
        }
    }
}

/// Two vectors of rows.
struct Rows<'a> {
    /// The panel's codes from the first of these rows on.
    codes: &'a [i8],
    /// The first row, in the corpus.
    first_row: u32,
    /// Rows that count, as bits.
    counted: u32,
    steps: [f32; PANEL_ROWS],
    residuals: [f32; PANEL_ROWS],
    lengths: [f32; PANEL_ROWS],
}

impl<'a> Rows<'a> {
    #[inline(always)]
    fn new<S: Simd>(_: S, block: &CodeBlock<'a>, dim: usize, first: usize, counted: u32) -> Self {
        let rows = first..(first + 2 * S::LANES).min(block.num_rows()).max(first);
        let padded = |values: &[f32]| {
            let mut padded = [0.0; PANEL_ROWS];
            let values = values.get(rows.clone()).unwrap_or(&[]);
            padded[..values.len()].copy_from_slice(values);
            padded
        };
        let panel = &block.codes[first / PANEL_ROWS * panel_bytes(dim)..][..panel_bytes(dim)];
        Self {
            codes: &panel[first % PANEL_ROWS * GROUP..],
            first_row: block.first_row + first as u32,
            counted,
            steps: padded(block.steps),
            residuals: padded(block.residuals),
            lengths: padded(block.lengths),
        }
    }

    /// Compares the rows with the limits of some queries.
    #[inline(always)]
    fn scan<S: Simd>(&self, simd: S, queries: &Queries, range: Range<usize>, found: &mut Found) {
        let mut query = range.start;
        while query < range.end {
            query += match (range.end - query).min(S::TILE_ROWS) {
                12.. => self.tile::<S, 12>(simd, queries, query, found),
                8.. => self.tile::<S, 8>(simd, queries, query, found),
                6.. => self.tile::<S, 6>(simd, queries, query, found),
                4.. => self.tile::<S, 4>(simd, queries, query, found),
                2.. => self.tile::<S, 2>(simd, queries, query, found),
                _ => self.tile::<S, 1>(simd, queries, query, found),
            };
        }
    }

    /// The same for `HEIGHT` queries from `query` on; returns their number.
    #[inline(always)]
    fn tile<S: Simd, const HEIGHT: usize>(
        &self,
        simd: S,
        queries: &Queries,
        query: usize,
        found: &mut Found,
    ) -> usize {
        let sums = self.products::<S, HEIGHT>(simd, queries, query);
        let [steps, residuals, lengths] = [&self.steps, &self.residuals, &self.lengths]
            .map(|values| [simd.load(values), simd.load(&values[S::LANES..])]);
        for (query, sums) in (query..).zip(&sums) {
            let QueryBound { code_factor, row_factor, half: minus, .. } = queries.bounds[query];
            let [code_factor, row_factor] = [code_factor, row_factor].map(|factor| simd.splat(factor));
            let limit = simd.splat(found.limits[query]);
            let mut kept = 0;
            let mut products = [simd.splat(0.0); 2];
            let mut upper = products;
            for half in [0, 1] {
                products[half] = simd.to_f32(sums[half]);
                let error = simd.mul(residuals[half], code_factor);
                let error = simd.mul_add(lengths[half], row_factor, error);
                upper[half] = simd.mul_add(products[half], steps[half], error);
                if minus != 0.0 {
                    let square = simd.mul(lengths[half], lengths[half]);
                    upper[half] = simd.mul_add(square, simd.splat(-minus), upper[half]);
                }
                kept |= simd.not_at_most(upper[half], limit) << (half * S::LANES);
            }
            if kept & self.counted != 0 {
                let mut stored = [[0.0; PANEL_ROWS]; 2];
                for (stored, vectors) in stored.iter_mut().zip([products, upper]) {
                    simd.store(vectors[0], stored);
                    simd.store(vectors[1], &mut stored[S::LANES..]);
                }
                self.keep(queries.bounds[query], &stored, kept & self.counted, &mut found.candidates[query]);
                found.limits[query] = found.candidates[query].limit();
            }
        }
        HEIGHT
    }

    /// The integer products of `HEIGHT` queries with all rows.
    #[inline(always)]
    fn products<S: Simd, const HEIGHT: usize>(
        &self,
        simd: S,
        queries: &Queries,
        query: usize,
    ) -> [[S::Words; 2]; HEIGHT] {
        let words = queries.words;
        let codes = &queries.codes[query * words..(query + HEIGHT) * words];
        assert!(self.codes.len() >= ((words - 1) * PANEL_ROWS + 2 * S::LANES) * GROUP);
        let mut sums = [[simd.splat_word(0); 2]; HEIGHT];
        for (sums, &start) in sums.iter_mut().zip(&queries.starts[query..]) {
            *sums = [simd.splat_word(start as u32); 2];
        }
        for word in 0..words {
            // SAFETY: the assertion covers two vectors of each of `words` groups of a panel, and the slice
            // above `words` words of HEIGHT queries.
            unsafe {
                let rows = self.codes.as_ptr().cast::<u32>().add(word * PANEL_ROWS);
                let left = simd.flip_signs(simd.load_words_unchecked(rows));
                let right = simd.flip_signs(simd.load_words_unchecked(rows.add(S::LANES)));
                for (offset, [sum_left, sum_right]) in sums.iter_mut().enumerate() {
                    let code = simd.splat_word(*codes.as_ptr().add(offset * words + word));
                    *sum_left = simd.dot_bytes(*sum_left, left, code);
                    *sum_right = simd.dot_bytes(*sum_right, right, code);
                }
            }
        }
        sums
    }

    /// Adds the row of each set bit of `kept` to the candidates, with its products and its upper ends.
    #[cold]
    #[inline(never)]
    fn keep(
        &self,
        bound: QueryBound,
        [products, upper]: &[[f32; PANEL_ROWS]; 2],
        mut kept: u32,
        candidates: &mut Candidates,
    ) {
        while kept != 0 {
            let lane = kept.trailing_zeros() as usize;
            kept &= kept - 1;
            let product = f64::from(products[lane]) * f64::from(self.steps[lane]);
            let lower = bound.lower(product, self.residuals[lane], self.lengths[lane]);
            candidates.take(Candidate { row: self.first_row + lane as u32, lower, upper: upper[lane] });
        }
    }
}
