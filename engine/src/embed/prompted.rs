//! A tokenizer with a prompt before each text.

use std::borrow::Cow;

use super::late_interaction::LateInteraction;
use crate::Result;
use crate::tokens::{OffsetTokens, TextTokenizer, TokenizedText};

/// A tokenizer that puts a prompt, which may be empty, before each text.
#[derive(Debug)]
pub(super) struct PromptedTokenizer {
    tokenizer: TextTokenizer,
    prompt: String,
    /// The tokens of an empty text.
    prompt_tokens: TokenizedText,
    late_interaction: Option<LateInteraction>,
}

impl PromptedTokenizer {
    pub(super) fn new(
        tokenizer: TextTokenizer,
        prompt: String,
        late_interaction: Option<LateInteraction>,
    ) -> Result<Self> {
        let prompt_tokens = tokenizer.encode(&prompt)?;
        Ok(Self { tokenizer, prompt, prompt_tokens, late_interaction })
    }

    /// What happens to tokens after that, in late interaction.
    pub(super) fn late_interaction(&self) -> Option<&LateInteraction> {
        self.late_interaction.as_ref()
    }

    /// The tokenizer without the prompt.
    pub(super) fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    pub(super) fn prompt(&self) -> &str {
        &self.prompt
    }

    /// Tokens that the prompt puts before a text: all except the special token that ends it, as
    /// sentence-transformers counts.
    pub(super) fn tokens_before_text(&self) -> usize {
        if self.prompt.is_empty() {
            return 0;
        }
        let ids = &self.prompt_tokens.ids;
        let ends_special = ids.last().is_some_and(|id| self.tokenizer.is_special(*id));
        ids.len() - usize::from(ends_special)
    }

    /// Tokenizes a text. It is empty if it has no tokens except the prompt's.
    pub(super) fn encode(&self, text: &str) -> Result<TokenizedText> {
        let tokens = self.marked(self.tokenizer.encode(&self.after_prompt(text))?);
        Ok(match &self.late_interaction {
            Some(late) => late.marked(tokens),
            None => tokens,
        })
    }

    /// Tokenizes two texts as one sequence, the prompt before the first.
    pub(super) fn encode_pair(&self, first: &str, second: &str) -> Result<TokenizedText> {
        self.tokenizer.encode_pair(&self.after_prompt(first), second)
    }

    /// [`Self::encode`] with the offsets of the tokens in the text.
    pub(super) fn encode_with_offsets(&self, text: &str) -> Result<OffsetTokens> {
        let OffsetTokens { tokens, offsets } = self.tokenizer.encode_with_offsets(&self.prompt, text)?;
        let tokens = OffsetTokens { tokens: self.marked(tokens), offsets };
        Ok(match &self.late_interaction {
            Some(late) => late.marked_with_offsets(tokens),
            None => tokens,
        })
    }

    fn after_prompt<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.prompt.is_empty() {
            true => Cow::Borrowed(text),
            false => Cow::Owned(format!("{}{text}", self.prompt)),
        }
    }

    /// Marks a text as empty if its tokens are only the prompt's.
    fn marked(&self, tokens: TokenizedText) -> TokenizedText {
        let is_empty = match self.prompt.is_empty() {
            true => tokens.is_empty,
            false => !tokens.truncated && tokens.ids == self.prompt_tokens.ids,
        };
        TokenizedText { is_empty, ..tokens }
    }
}
