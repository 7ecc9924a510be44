//! Attention on the CPU: keys and values of one head packed into panels, then two products with a softmax
//! between them.
//!
//! Scores are kept for [`BLOCK_QUERIES`] queries at a time. The sum of the weights divides the second
//! product's result, not the weights: head_dim divisions per query instead of one per key. With a window or
//! causally, a block multiplies only the panels of keys that one of its queries attends to, and only their
//! values.

mod block;
mod by_vectors;
mod group;
mod masks;
mod positions;
mod softmax;

use std::cell::RefCell;
use std::ops::Range;

use super::Heads;
use super::distances::VectorTables;
use super::options::{AttentionOptions, Terms};
use crate::CuSeqlens;
use crate::cpu::matrix_mut::MatrixMut;
use crate::cpu::product::Panels;
use crate::cpu::simd::{InstructionSet, Kernel, Simd, dispatch_to};
use crate::cpu::{buffers, team};
use group::Group;
use positions::{PackPositions, Positions};

/// Queries whose scores are kept together: 512 keys need 96 KiB.
const BLOCK_QUERIES: usize = 48;

/// The same for scores with vectors by distance: a strip of T queries and P keys has T + P distances, so that
/// larger blocks multiply fewer of them twice. Whole panels of every instruction set.
const BLOCK_QUERIES_BY_VECTORS: usize = 96;

/// Queries of all heads that are processed together: short sequences process several heads at once, so that
/// the work per head does not outweigh the work per query.
const ROWS_TOGETHER: usize = 96;

/// The number of tokens from which the heads are divided among threads: below it, a head needs less time than
/// waking a thread.
const TOKENS_OF_A_TEAM: usize = 64;

/// What is computed for every sequence and head.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) heads: Heads,
    pub(super) options: &'a AttentionOptions<'a>,
    pub(super) terms: Terms<'a>,
}

pub(super) fn attention_for(
    set: InstructionSet,
    qkv: &[f32],
    cu_seqlens: &CuSeqlens,
    task: Task<'_>,
) -> Vec<f32> {
    let heads = task.heads;
    let mut output = buffers::take(cu_seqlens.total_tokens() * heads.hidden_dim());
    let threads = if cu_seqlens.total_tokens() < TOKENS_OF_A_TEAM { 1 } else { team::threads() };
    let mut parts = Vec::with_capacity(threads);
    let mut rest = MatrixMut::new(&mut output, heads.hidden_dim());
    for some in team::divide(heads.num_heads, threads) {
        let [output, others] = rest.split_at_column(some.len() * heads.head_dim);
        parts.push(Packed { qkv, cu_seqlens, task, some, output });
        rest = others;
    }
    team::for_each(parts, |part| dispatch_to(set, part));
    output
}

/// Some heads of every sequence.
struct Packed<'a> {
    qkv: &'a [f32],
    cu_seqlens: &'a CuSeqlens,
    task: Task<'a>,
    some: Range<usize>,
    /// [total_tokens, head_dim of each of `some`]
    output: MatrixMut<'a>,
}

impl Kernel for Packed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let mut scratch = SCRATCH.take();
        match self.task.terms {
            Terms::Vectors(tables) => self.attend_by_vectors(simd, tables, &mut scratch),
            _ => self.attend(simd, &mut scratch),
        }
        SCRATCH.set(scratch);
    }
}

impl<'a> Packed<'a> {
    #[inline(always)]
    fn attend<S: Simd>(&mut self, simd: S, scratch: &mut Scratch) {
        for (sequence, tokens) in
            self.cu_seqlens.ranges().enumerate().filter(|(_, tokens)| !tokens.is_empty())
        {
            let together = (ROWS_TOGETHER / tokens.len()).max(1);
            for first in self.some.clone().step_by(together) {
                let heads = first..(first + together).min(self.some.end);
                self.group(heads, sequence, tokens.clone()).attend(simd, scratch, &mut self.output);
            }
        }
    }

    /// Head by head, so that the vectors of one head are packed once and in memory alone.
    #[inline(always)]
    fn attend_by_vectors<S: Simd>(&mut self, simd: S, tables: VectorTables<'_>, scratch: &mut Scratch) {
        for head in self.some.clone() {
            if head == self.some.start || !tables.are_shared() {
                simd.call(PackPositions { positions: &mut scratch.positions, tables, head });
            }
            for (sequence, tokens) in
                self.cu_seqlens.ranges().enumerate().filter(|(_, tokens)| !tokens.is_empty())
            {
                self.group(head..head + 1, sequence, tokens).attend(simd, scratch, &mut self.output);
            }
        }
    }

    fn group(&self, heads: Range<usize>, sequence: usize, tokens: Range<usize>) -> Group<'a> {
        let first_column = (heads.start - self.some.start) * self.task.heads.head_dim;
        let num_keys = self.task.options.num_keys(sequence, tokens.len());
        Group { qkv: self.qkv, task: self.task, heads, tokens, num_keys, first_column }
    }
}

/// Buffers that all groups reuse.
#[derive(Default)]
struct Scratch {
    /// One per head.
    packed: Vec<PackedHead>,
    scores: Vec<f32>,
    inverse_sums: Vec<f32>,
    positions: Positions,
    /// Products by distance.
    strip: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

/// Keys as the right factor of the first product, values as that of the second.
#[derive(Default)]
struct PackedHead {
    keys: Panels,
    values: Panels,
}
