//! The linear layer on the CPU: one product over packed weights, bias and activation in its epilogue.

use std::cell::RefCell;
use std::ops::Range;

use super::columns::{CombineRows, RowColumns};
use super::epilogue::{BiasActivation, GatedActivation};
use super::operand::Operand;
use super::packed_weights::PackedWeights;
use crate::Activation;
use crate::cpu::matrix_mut::MatrixMut;
use crate::cpu::product::{Bf16, ByteScales, F32, Int8, Rows, WordFormat, block_rows, multiply, padded};
use crate::cpu::simd::{Bf16Kernel, Bf16Simd, Kernel, Simd};
use crate::cpu::team;

/// A product of some rows and some panels.
pub(super) struct Forward<'a> {
    pub(super) weights: &'a PackedWeights,
    /// [rows, in_dim]
    pub(super) hidden: &'a [f32],
    pub(super) finish: Finish<'a>,
    pub(super) panels: Range<usize>,
    /// [rows, outputs of `panels`]; if rows are combined, a row per sequence.
    pub(super) output: MatrixMut<'a>,
}

/// What happens to the outputs.
#[derive(Clone, Copy)]
pub(super) enum Finish<'a> {
    Activate(Activation),
    Combine(RowColumns<'a>),
}

thread_local! {
    static OPERAND: RefCell<Operand> = RefCell::new(Operand::default());
}

impl<'a> Forward<'a> {
    /// Splits the rows into `parts`.
    pub(super) fn divide_rows(mut self, parts: usize) -> Vec<Self> {
        let in_dim = self.weights.in_dim;
        let mut divided = Vec::with_capacity(parts);
        for rows in team::divide(self.hidden.len() / in_dim, parts) {
            let [output, rest] = self.output.split_at_row(rows.len());
            let hidden = &self.hidden[rows.start * in_dim..rows.end * in_dim];
            divided.push(Self { hidden, output, panels: self.panels.clone(), ..self });
            self.output = rest;
        }
        divided
    }

    /// Splits the panels into `parts`.
    pub(super) fn divide_columns(mut self, parts: usize) -> Vec<Self> {
        let mut divided = Vec::with_capacity(parts);
        for range in team::divide(self.panels.len(), parts) {
            let [output, rest] = self.output.split_at_column(range.len() * self.weights.panel_outputs());
            let panels = self.panels.start + range.start..self.panels.start + range.end;
            divided.push(Self { panels, output, ..self });
            self.output = rest;
        }
        divided
    }

    /// Turns blocks of rows into operands of the product (`prepare`) and multiplies them while they are in
    /// the cache.
    #[inline(always)]
    fn multiply<S: Simd, F: WordFormat<S>, P: Prepare<S, F>>(self, simd: S, format: F, prepare: P) {
        let Self { weights: PackedWeights { panels, bias, in_dim, is_gated, .. }, finish, .. } = self;
        let step = block_rows(panels.inner());
        let mut operand = OPERAND.take();
        let mut output = self.output;
        let first_column = self.panels.start * panels.width();
        for (number, hidden) in self.hidden.chunks(step * in_dim).enumerate() {
            let (rows, scales) = prepare.rows(simd, &mut operand, hidden, *in_dim);
            let panels = panels.range(self.panels.clone());
            let epilogue = |activation, output| BiasActivation::<S, F> {
                bias,
                activation,
                scales,
                first_column,
                output,
            };
            match finish {
                Finish::Combine(columns) => {
                    let outputs = epilogue(Activation::Identity, output.reborrow());
                    let columns = columns.after(number * step);
                    multiply(simd, format, rows, panels, &mut CombineRows { outputs, columns });
                }
                Finish::Activate(activation) => {
                    let [block, rest] = output.split_at_row(hidden.len() / in_dim);
                    output = rest;
                    let mut epilogue = epilogue(activation, block);
                    if *is_gated {
                        multiply(simd, format, rows, panels, &mut GatedActivation(epilogue));
                    } else {
                        multiply(simd, format, rows, panels, &mut epilogue);
                    }
                }
            }
        }
        OPERAND.set(operand);
    }
}

/// Turns rows of f32 into the left factor of a product in the format `F`.
trait Prepare<S: Simd, F: WordFormat<S>> {
    /// `hidden`, rows of `in_dim` values, either unchanged or converted into `operand`.
    fn rows<'a>(
        &'a self,
        simd: S,
        operand: &'a mut Operand,
        hidden: &'a [f32],
        in_dim: usize,
    ) -> (Rows<'a>, F::Scales<'a>);
}

/// The input in f32, unchanged or rounded to bf16.
pub(super) struct ForwardF32<'a> {
    pub(super) forward: Forward<'a>,
    pub(super) rounded: bool,
}

struct Words {
    rounded: bool,
}

impl<S: Simd> Prepare<S, F32> for Words {
    #[inline(always)]
    fn rows<'a>(
        &'a self,
        simd: S,
        operand: &'a mut Operand,
        hidden: &'a [f32],
        in_dim: usize,
    ) -> (Rows<'a>, ()) {
        if self.rounded {
            operand.set_rounded(simd, hidden, in_dim);
        } else if padded(in_dim) == in_dim {
            return (Rows::of_f32(hidden, in_dim, hidden.len() / in_dim, in_dim), ());
        } else {
            operand.set_f32(hidden, in_dim);
        }
        (operand.rows(), ())
    }
}

impl Kernel for ForwardF32<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.forward.multiply(simd, F32, Words { rounded: self.rounded });
    }
}

/// The input as bf16.
pub(super) struct ForwardBf16<'a>(pub(super) Forward<'a>);

struct Halved;

impl<S: Bf16Simd> Prepare<S, Bf16> for Halved {
    #[inline(always)]
    fn rows<'a>(
        &'a self,
        simd: S,
        operand: &'a mut Operand,
        hidden: &'a [f32],
        in_dim: usize,
    ) -> (Rows<'a>, ()) {
        operand.set_bf16(simd, hidden, in_dim);
        (operand.rows(), ())
    }
}

impl Bf16Kernel for ForwardBf16<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Bf16Simd>(self, simd: S) {
        self.0.multiply(simd, Bf16, Halved);
    }
}

/// The input as bytes, with a scale and a zero per row.
pub(super) struct ForwardBytes<'a> {
    pub(super) forward: Forward<'a>,
    pub(super) columns: ColumnScales<'a>,
}

/// Step and sum of each column's bytes.
#[derive(Clone, Copy)]
pub(super) struct ColumnScales<'a> {
    pub(super) scales: &'a [f32],
    pub(super) sums: &'a [u32],
}

impl<S: Simd> Prepare<S, Int8> for ColumnScales<'_> {
    #[inline(always)]
    fn rows<'a>(
        &'a self,
        simd: S,
        operand: &'a mut Operand,
        hidden: &'a [f32],
        in_dim: usize,
    ) -> (Rows<'a>, ByteScales<'a>) {
        operand.set_bytes(simd, hidden, in_dim);
        let scales = ByteScales {
            row_scales: &operand.scales,
            row_zeros: &operand.zeros,
            column_scales: self.scales,
            column_sums: self.sums,
        };
        (operand.rows(), scales)
    }
}

impl Kernel for ForwardBytes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.forward.multiply(simd, Int8, self.columns);
    }
}
