//! The end at which long texts are cut.

use tokenizers::TruncationDirection;

use super::TextTokenizer;
use crate::Result;

/// The end at which a text that is too long is cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TruncationSide {
    /// Its last tokens are cut off.
    #[default]
    Right,
    /// Its first tokens are cut off, those of a prompt included, as by transformers' `truncation_side="left"`.
    Left,
}

impl From<TruncationSide> for TruncationDirection {
    fn from(side: TruncationSide) -> Self {
        match side {
            TruncationSide::Right => Self::Right,
            TruncationSide::Left => Self::Left,
        }
    }
}

impl TextTokenizer {
    /// The same tokenizer, which cuts long texts at this end. To cut them at their beginning, it must tokenize all of them.
    ///
    /// # Errors
    /// If the tokenizer refuses the limit.
    pub(crate) fn truncating(self, side: TruncationSide) -> Result<Self> {
        if self.side == side {
            return Ok(self);
        }
        let max_tokens = self.limits.max_tokens;
        Self { side, ..self }.with_max_tokens(max_tokens)
    }
}
