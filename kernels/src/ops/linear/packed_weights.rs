//! The weights of a linear layer on the CPU, packed once.

use super::LinearParameters;
use super::columns::RowColumns;
use super::encoding::Encoding;
use super::forward::{ColumnScales, Finish, Forward, ForwardBf16, ForwardBytes, ForwardF32};
use super::operand::{bf16_words, byte_rows, rounded_words};
use crate::Activation;
use crate::cpu::matrix_mut::MatrixMut;
use crate::cpu::product::{Bf16, Int8, Panels};
use crate::cpu::simd::{InstructionSet, Kernel, MAX_LANES, NativeBf16, Simd, dispatch_bytes_to, dispatch_to};
use crate::cpu::{buffers, team};

/// Rows that justify a thread: with fewer, reading the weights dominates, so threads divide the columns.
const ROWS_OF_A_THREAD: usize = 96;

/// Weights in panels, and the values per column, padded with zeros to whole panels.
#[derive(Debug)]
pub(super) struct PackedWeights {
    pub(super) panels: Panels,
    pub(super) bias: Vec<f32>,
    format: PackedFormat,
    set: InstructionSet,
    pub(super) in_dim: usize,
    /// Whether a panel has a vector of gates and one of what they multiply.
    pub(super) is_gated: bool,
    out_dim: usize,
}

#[derive(Debug)]
enum PackedFormat {
    F32,
    RoundedF32,
    Bf16(NativeBf16),
    Int8 { scales: Vec<f32>, sums: Vec<u32> },
}

impl PackedWeights {
    /// Packs parameters for `set`. If they are `gated`, the first half of the rows are gates.
    pub(super) fn new(
        target: (InstructionSet, Encoding),
        parameters: &LinearParameters,
        is_gated: bool,
    ) -> Self {
        let out_dim = parameters.bias.len();
        if !is_gated {
            return Self { is_gated, out_dim, ..Self::of_rows(target, parameters) };
        }
        let packed = Self::of_rows(target, &parameters.interleaved(target.0.lanes()));
        Self { is_gated, out_dim: out_dim / 2, ..packed }
    }

    fn of_rows((set, encoding): (InstructionSet, Encoding), parameters: &LinearParameters) -> Self {
        let LinearParameters { weight, bias, in_dim } = parameters;
        let (in_dim, out_dim) = (*in_dim, bias.len());
        let mut panels = Panels::default();
        let mut pack = |words: &[u32], group: usize| {
            let shape = [bias.len(), in_dim.div_ceil(group)];
            dispatch_to(set, PackWeights { panels: &mut panels, words, shape });
        };
        let format = match encoding {
            Encoding::F32 => {
                pack(bytemuck::cast_slice(weight), 1);
                PackedFormat::F32
            }
            Encoding::Bf16(native) => {
                pack(&bf16_words(weight, in_dim), Bf16::GROUP);
                PackedFormat::Bf16(native)
            }
            Encoding::RoundedF32 => {
                pack(&rounded_words(weight), 1);
                PackedFormat::RoundedF32
            }
            Encoding::Int8 => {
                let rows = byte_rows(set, weight, in_dim);
                pack(&rows.words, Int8::GROUP);
                PackedFormat::Int8 { scales: filled_up(rows.scales), sums: filled_up(rows.sums) }
            }
        };
        Self { panels, bias: filled_up(bias.clone()), format, set, in_dim, is_gated: false, out_dim }
    }

    /// `hidden` [total_tokens, in_dim] to [total_tokens, out_dim].
    pub(super) fn forward(&self, hidden: &[f32], total_tokens: usize, activation: Activation) -> Vec<f32> {
        let mut output = buffers::take(total_tokens * self.out_dim);
        let matrix = MatrixMut::new(&mut output, self.out_dim);
        let finish = Finish::Activate(activation);
        let whole = Forward { weights: self, hidden, finish, panels: self.panels.all(), output: matrix };
        let parts = match team::threads() {
            1 => vec![whole],
            threads if total_tokens >= ROWS_OF_A_THREAD * threads => whole.divide_rows(threads),
            threads => whole.divide_columns(threads),
        };
        team::for_each(parts, |part| self.run(part));
        output
    }

    /// Combines the outputs of `hidden` [total_tokens, in_dim] into `output` [num_sequences, out_dim].
    pub(super) fn forward_columns(&self, hidden: &[f32], columns: RowColumns<'_>, output: &mut [f32]) {
        let output = MatrixMut::new(output, self.out_dim);
        let finish = Finish::Combine(columns);
        let whole = Forward { weights: self, hidden, finish, panels: self.panels.all(), output };
        team::for_each(whole.divide_columns(team::threads()), |part| self.run(part));
    }

    /// Outputs of a panel.
    pub(super) fn panel_outputs(&self) -> usize {
        if self.is_gated { self.panels.width() / 2 } else { self.panels.width() }
    }

    fn run(&self, forward: Forward<'_>) {
        match &self.format {
            PackedFormat::F32 => dispatch_to(self.set, ForwardF32 { forward, rounded: false }),
            PackedFormat::RoundedF32 => dispatch_to(self.set, ForwardF32 { forward, rounded: true }),
            PackedFormat::Bf16(native) => native.run(ForwardBf16(forward)),
            PackedFormat::Int8 { scales, sums } => {
                dispatch_bytes_to(self.set, ForwardBytes { forward, columns: ColumnScales { scales, sums } });
            }
        }
    }
}

struct PackWeights<'a> {
    panels: &'a mut Panels,
    words: &'a [u32],
    /// Number of columns, and words per column.
    shape: [usize; 2],
}

impl Kernel for PackWeights<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.panels.pack_transposed(simd, self.words, self.shape[1], self.shape);
    }
}

/// Adds room for the last panel's padding, for every panel width.
fn filled_up<T: Copy + Default>(mut values: Vec<T>) -> Vec<T> {
    values.resize(values.len() + 2 * MAX_LANES, T::default());
    values
}
