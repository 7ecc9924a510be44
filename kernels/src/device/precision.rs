//! The number format of an encoder's products.

/// The number format of linear layers. The steps between them (norms, softmax, pooling, scores) are computed
/// in f32 in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// f32, summed in f32: exact to rounding.
    #[default]
    F32,
    /// f16, summed in f32: 11 bits of mantissa in weights, inputs and hidden states. On GPUs only.
    F16,
    /// bf16, summed in f32: 8 bits of mantissa in weights and inputs; on GPUs in hidden states too.
    Bf16,
    /// Bytes, summed exactly: weights with a scale per output, inputs with a scale and a zero per token. On
    /// CPUs only.
    Int8,
}

impl Precision {
    /// The precisions of CPUs, most exact first.
    pub const OF_CPU: [Self; 3] = [Self::F32, Self::Bf16, Self::Int8];

    /// The precisions of CUDA devices.
    pub const OF_CUDA: [Self; 3] = [Self::F32, Self::F16, Self::Bf16];

    /// The precisions of operations composed for Metal.
    pub const OF_METAL: [Self; 2] = [Self::F32, Self::F16];

    /// The name on the command line and in signatures.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }
}
