//! The linear layer on the CPU: one product over packed weights, bias and activation in its epilogue.

use std::cell::RefCell;

use super::operand::{Operand, bf16_words, byte_rows, rounded_words};
use crate::product::{Bf16, ByteScales, Epilogue, F32, Format, Int8, Panels, Rows, block_rows, multiply};
use crate::simd::{
    Bf16Kernel, Bf16Simd, InstructionSet, Interleaved, Kernel, MAX_LANES, NativeBf16, Simd,
    dispatch_bytes_to, dispatch_to,
};
use crate::{Activation, Precision, buffers};

/// Weights in panels, and what goes with each column, filled up with zeros to whole panels.
#[derive(Debug)]
pub(super) struct PackedWeights {
    panels: Panels,
    bias: Vec<f32>,
    format: PackedFormat,
    set: InstructionSet,
    in_dim: usize,
}

#[derive(Debug)]
enum PackedFormat {
    F32,
    RoundedF32,
    Bf16(NativeBf16),
    Int8 { scales: Vec<f32>, sums: Vec<u32> },
}

/// How a precision is carried out on a CPU.
#[derive(Debug, Clone, Copy)]
pub(super) enum Encoding {
    F32,
    /// f32 that were rounded to bf16, as inputs are: for CPUs without a fast instruction for bf16.
    RoundedF32,
    Bf16(NativeBf16),
    Int8,
}

impl Encoding {
    pub(super) fn of(set: InstructionSet, precision: Precision) -> Self {
        let native = NativeBf16::new().filter(|_| set.multiplies_bf16_fast());
        match precision {
            Precision::F32 => Self::F32,
            Precision::Bf16 => native.map_or(Self::RoundedF32, Self::Bf16),
            Precision::Int8 => Self::Int8,
        }
    }
}

impl PackedWeights {
    /// Packs `weight` [out_dim, in_dim] for `set`; `bias` has `out_dim` values.
    pub(super) fn new(
        (set, encoding): (InstructionSet, Encoding),
        weight: &[f32],
        in_dim: usize,
        bias: Vec<f32>,
    ) -> Self {
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
                let rows = byte_rows(weight, in_dim);
                pack(&rows.words, Int8::GROUP);
                PackedFormat::Int8 { scales: filled_up(rows.scales), sums: filled_up(rows.sums) }
            }
        };
        Self { panels, bias: filled_up(bias), format, set, in_dim }
    }

    /// `hidden` [total_tokens, in_dim] to [total_tokens, out_dim].
    pub(super) fn forward(&self, hidden: &[f32], total_tokens: usize, activation: Activation) -> Vec<f32> {
        let mut output = buffers::take(total_tokens * self.panels.columns());
        let forward = Forward { weights: self, hidden, activation, output: &mut output };
        match &self.format {
            PackedFormat::F32 => dispatch_to(self.set, ForwardF32(forward)),
            PackedFormat::RoundedF32 => dispatch_to(self.set, ForwardRounded(forward)),
            PackedFormat::Bf16(native) => native.run(ForwardBf16(forward)),
            PackedFormat::Int8 { scales, sums } => {
                dispatch_bytes_to(self.set, ForwardBytes { forward, columns: ColumnScales { scales, sums } });
            }
        }
        output
    }
}

struct PackWeights<'a> {
    panels: &'a mut Panels,
    words: &'a [u32],
    /// Columns and words of each.
    shape: [usize; 2],
}

impl Kernel for PackWeights<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.panels.pack_transposed(simd, self.words, self.shape[1], self.shape);
    }
}

/// Room for the last panel's padding, whatever its width.
fn filled_up<T: Copy + Default>(mut values: Vec<T>) -> Vec<T> {
    values.resize(values.len() + 2 * MAX_LANES, T::default());
    values
}

struct Forward<'a> {
    weights: &'a PackedWeights,
    hidden: &'a [f32],
    activation: Activation,
    output: &'a mut [f32],
}

thread_local! {
    static OPERAND: RefCell<Operand> = RefCell::new(Operand::default());
}

impl Forward<'_> {
    /// Blocks of rows become operands of the product (`prepare`), and are multiplied while the cache has them.
    #[inline(always)]
    fn multiply<S: Simd, F: Format<S>, P: Prepare<S, F>>(self, simd: S, format: F, prepare: P) {
        let (in_dim, panels) = (self.weights.in_dim, &self.weights.panels);
        let (out_dim, step) = (panels.columns(), block_rows(panels.inner()));
        let mut operand = OPERAND.take();
        let outputs = self.output.chunks_mut(step * out_dim);
        for (hidden, output) in self.hidden.chunks(step * in_dim).zip(outputs) {
            prepare.set(simd, &mut operand, hidden, in_dim);
            let rows = Rows::new(&operand.words, operand.stride, hidden.len() / in_dim, operand.row_words);
            let scales = prepare.scales(&operand);
            let (bias, activation) = (&self.weights.bias, self.activation);
            let mut epilogue = BiasActivation::<S, F> { bias, activation, out_dim, scales, output };
            multiply(simd, format, rows, panels, &mut epilogue);
        }
        OPERAND.set(operand);
    }
}

/// How a block of rows becomes the left factor of a product in the format `F`.
trait Prepare<S: Simd, F: Format<S>> {
    fn set(&self, simd: S, operand: &mut Operand, rows: &[f32], in_dim: usize);
    fn scales<'a>(&'a self, operand: &'a Operand) -> F::Scales<'a>;
}

/// The input as it is.
struct ForwardF32<'a>(Forward<'a>);

struct Copied;

impl<S: Simd> Prepare<S, F32> for Copied {
    #[inline(always)]
    fn set(&self, simd: S, operand: &mut Operand, rows: &[f32], in_dim: usize) {
        operand.set_f32(simd, rows, in_dim);
    }
    #[inline(always)]
    fn scales(&self, _: &Operand) {}
}

impl Kernel for ForwardF32<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.0.multiply(simd, F32, Copied);
    }
}

/// The input rounded to bf16.
struct ForwardRounded<'a>(Forward<'a>);

struct Rounded;

impl<S: Simd> Prepare<S, F32> for Rounded {
    #[inline(always)]
    fn set(&self, simd: S, operand: &mut Operand, rows: &[f32], in_dim: usize) {
        operand.set_rounded(simd, rows, in_dim);
    }
    #[inline(always)]
    fn scales(&self, _: &Operand) {}
}

impl Kernel for ForwardRounded<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.0.multiply(simd, F32, Rounded);
    }
}

/// The input as bf16.
struct ForwardBf16<'a>(Forward<'a>);

struct Halved;

impl<S: Bf16Simd> Prepare<S, Bf16> for Halved {
    #[inline(always)]
    fn set(&self, simd: S, operand: &mut Operand, rows: &[f32], in_dim: usize) {
        operand.set_bf16(simd, rows, in_dim);
    }
    #[inline(always)]
    fn scales(&self, _: &Operand) {}
}

impl Bf16Kernel for ForwardBf16<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Bf16Simd>(self, simd: S) {
        self.0.multiply(simd, Bf16, Halved);
    }
}

/// The input as bytes, with a scale and a zero for each row.
struct ForwardBytes<'a> {
    forward: Forward<'a>,
    columns: ColumnScales<'a>,
}

#[derive(Clone, Copy)]
struct ColumnScales<'a> {
    scales: &'a [f32],
    sums: &'a [u32],
}

impl<S: Simd> Prepare<S, Int8> for ColumnScales<'_> {
    #[inline(always)]
    fn set(&self, simd: S, operand: &mut Operand, rows: &[f32], in_dim: usize) {
        operand.set_bytes(simd, rows, in_dim);
    }
    #[inline(always)]
    fn scales<'a>(&'a self, operand: &'a Operand) -> ByteScales<'a> {
        ByteScales {
            row_scales: &operand.scales,
            row_zeros: &operand.zeros,
            column_scales: self.scales,
            column_sums: self.sums,
        }
    }
}

impl Kernel for ForwardBytes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.forward.multiply(simd, Int8, self.columns);
    }
}

struct BiasActivation<'a, S: Simd, F: Format<S>> {
    bias: &'a [f32],
    activation: Activation,
    out_dim: usize,
    scales: F::Scales<'a>,
    output: &'a mut [f32],
}

impl<S: Simd, F: Format<S>> Epilogue<S, F> for BiasActivation<'_, S, F> {
    #[inline(always)]
    fn finish<const ROWS: usize>(&mut self, simd: S, row: usize, column: usize, sums: [[F::Sums; 2]; ROWS]) {
        let mut values = [[simd.splat(0.0); 2]; ROWS];
        for half in [0, 1] {
            let column = column + half * S::LANES;
            let bias = simd.load(&self.bias[column..]);
            for i in 0..ROWS {
                let product = F::to_f32(simd, sums[i][half], self.scales, row + i, column);
                values[i][half] = simd.add(product, bias);
            }
        }
        let values = self.activation.apply(Interleaved::<_, ROWS>(Interleaved::<_, 2>(simd)), values);
        let width = (self.out_dim - column).min(2 * S::LANES);
        for (row, values) in (row..).zip(values) {
            let output = &mut self.output[row * self.out_dim + column..][..width];
            for (value, output) in values.into_iter().zip(output.chunks_mut(S::LANES)) {
                simd.store_front(value, output);
            }
        }
    }
}
