//! Options of a cross-encoder.

use crate::tokens::TruncationSide;

/// How pairs are scored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrossEncoderOptions {
    /// The longest pair in tokens, special tokens included; `None`: the model's own length.
    pub max_length: Option<usize>,
    /// The end at which longer texts are cut.
    pub truncation_side: TruncationSide,
    /// Logits as they are, without the function that the model's files name.
    pub logits: bool,
    /// The name of the model's prompt that is put before each query, or that a language model gets as its instruction;
    /// `None`: the default one of its files, if they have one.
    pub prompt_name: Option<String>,
    /// The prompt itself, instead of one of the model's.
    pub prompt: Option<String>,
}

impl CrossEncoderOptions {
    /// Cuts pairs to this many tokens.
    #[must_use]
    pub fn max_length(mut self, tokens: usize) -> Self {
        self.max_length = Some(tokens);
        self
    }

    /// Cuts the texts of long pairs at this end.
    #[must_use]
    pub fn truncation_side(mut self, side: TruncationSide) -> Self {
        self.truncation_side = side;
        self
    }

    /// Leaves logits as they are.
    #[must_use]
    pub fn logits(mut self, logits: bool) -> Self {
        self.logits = logits;
        self
    }

    /// Uses the model's prompt of this name.
    #[must_use]
    pub fn prompt_name(mut self, name: &str) -> Self {
        self.prompt_name = Some(name.to_owned());
        self
    }

    /// Uses this prompt.
    #[must_use]
    pub fn prompt(mut self, prompt: &str) -> Self {
        self.prompt = Some(prompt.to_owned());
        self
    }
}
