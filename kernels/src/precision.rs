//! The number format of an encoder's products.

/// What linear layers multiply in. Everything between them (norms, softmax, pooling, scores) is f32 in each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// f32, summed in f32: exact to rounding.
    #[default]
    F32,
    /// bf16, summed in f32: 8 bits of mantissa in weights and inputs.
    Bf16,
    /// Bytes, summed exactly: weights with a scale for each output, inputs with a scale and a zero for each token.
    Int8,
}

impl Precision {
    /// All, most exact first.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::Int8];

    /// The name on the command line and in signatures.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }
}
