//! [`super::convolve`] on the CPU, token by token.

use std::ops::Range;

use crate::CuSeqlens;
use crate::cpu::buffers;
use crate::cpu::simd::{InstructionSet, Kernel, MAX_LANES, Simd, dispatch_to, math};

/// Arguments as in [`super::convolve`].
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) hidden: &'a [f32],
    pub(super) width: usize,
    /// Weights of columns or logits of heads.
    pub(super) filters: &'a [f32],
    pub(super) taps: usize,
    pub(super) num_heads: Option<usize>,
    pub(super) cu_seqlens: &'a CuSeqlens,
}

pub(super) fn convolve(task: Task<'_>) -> Vec<f32> {
    convolve_for(InstructionSet::current(), task)
}

pub(super) fn convolve_for(set: InstructionSet, task: Task<'_>) -> Vec<f32> {
    let mut output = buffers::take(task.hidden.len());
    output.fill(0.0);
    match task.num_heads {
        None => dispatch_to(set, Columns { task, output: &mut output }),
        Some(num_heads) => dispatch_to(set, Heads { task, num_heads, output: &mut output }),
    }
    output
}

impl Task<'_> {
    /// The taps of `token`, a token of `text`, that are in the text.
    #[inline(always)]
    fn inside(&self, text: &Range<usize>, token: usize) -> Range<usize> {
        let half = self.taps / 2;
        (text.start + half).saturating_sub(token)..(text.end + half - token).min(self.taps)
    }

    /// The row under a tap of `token`.
    #[inline(always)]
    fn row(&self, token: usize, tap: usize) -> &[f32] {
        let place = token + tap - self.taps / 2;
        &self.hidden[place * self.width..][..self.width]
    }
}

struct Columns<'a> {
    task: Task<'a>,
    output: &'a mut [f32],
}

impl Kernel for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { task, output } = self;
        for text in task.cu_seqlens.ranges() {
            for token in text.clone() {
                let row = &mut output[token * task.width..][..task.width];
                for tap in task.inside(&text, token) {
                    let weights = &task.filters[tap * task.width..][..task.width];
                    let sources = task.row(token, tap).chunks(S::LANES).zip(weights.chunks(S::LANES));
                    for (sums, (values, weights)) in row.chunks_mut(S::LANES).zip(sources) {
                        let (values, weights) = (simd.load_or(values, 0.0), simd.load_or(weights, 0.0));
                        let sum = simd.mul_add(values, weights, simd.load_or(sums, 0.0));
                        simd.store_front(sum, sums);
                    }
                }
            }
        }
    }
}

struct Heads<'a> {
    task: Task<'a>,
    num_heads: usize,
    output: &'a mut [f32],
}

impl Kernel for Heads<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { task, num_heads, output } = self;
        let (head_dim, taps) = (task.width / num_heads, task.taps);
        let mut filter = vec![0.0; taps.next_multiple_of(MAX_LANES)];
        for text in task.cu_seqlens.ranges() {
            for token in text.clone() {
                for head in 0..num_heads {
                    softmax(simd, &task.filters[(token * num_heads + head) * taps..][..taps], &mut filter);
                    let columns = head * head_dim..(head + 1) * head_dim;
                    let row = &mut output[token * task.width..][..task.width];
                    for tap in task.inside(&text, token) {
                        let weight = simd.splat(filter[tap]);
                        let values = &task.row(token, tap)[columns.clone()];
                        add_product(simd, weight, values, &mut row[columns.clone()]);
                    }
                }
            }
        }
    }
}

/// Adds `weight` times `values` to `sums`.
#[inline(always)]
fn add_product<S: Simd>(simd: S, weight: S::Vector, values: &[f32], sums: &mut [f32]) {
    for (sums, values) in sums.chunks_mut(S::LANES).zip(values.chunks(S::LANES)) {
        let sum = simd.mul_add(weight, simd.load_or(values, 0.0), simd.load_or(sums, 0.0));
        simd.store_front(sum, sums);
    }
}

/// The softmax of `logits` into the first values of `filter`.
#[inline(always)]
fn softmax<S: Simd>(simd: S, logits: &[f32], filter: &mut [f32]) {
    let mut largest = simd.splat(f32::NEG_INFINITY);
    for logits in logits.chunks(S::LANES) {
        largest = simd.max(largest, simd.load_or(logits, f32::NEG_INFINITY));
    }
    let (largest, mut sums) = (simd.splat(simd.largest(largest)), simd.splat(0.0));
    for (logits, filter) in logits.chunks(S::LANES).zip(filter.chunks_mut(S::LANES)) {
        let distance = simd.sub(simd.load_or(logits, f32::NEG_INFINITY), largest);
        let value = math::exp(simd, distance);
        sums = simd.add(sums, value);
        simd.store_front(value, filter);
    }
    let scale = simd.splat(1.0 / simd.sum(sums));
    for filter in filter[..logits.len()].chunks_mut(S::LANES) {
        simd.store_front(simd.mul(simd.load_or(filter, 0.0), scale), filter);
    }
}
