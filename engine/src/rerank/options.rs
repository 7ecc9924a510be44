//! Options of a cross-encoder.

/// How pairs are scored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrossEncoderOptions {
    /// The longest pair in tokens, special tokens included; `None`: the model's own length.
    pub max_length: Option<usize>,
    /// Logits as they are, without the function that the model's files name.
    pub logits: bool,
}

impl CrossEncoderOptions {
    /// Cuts pairs to this many tokens.
    #[must_use]
    pub fn max_length(mut self, tokens: usize) -> Self {
        self.max_length = Some(tokens);
        self
    }

    /// Leaves logits as they are.
    #[must_use]
    pub fn logits(mut self, logits: bool) -> Self {
        self.logits = logits;
        self
    }
}
