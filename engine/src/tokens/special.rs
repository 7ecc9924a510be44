//! The tokens at a text's start and end, to which BERTScore gives no weight.

use nearsay_models::TokenizerSettings;

use super::TextTokenizer;

/// Ids of the tokenizer's `cls_token` and `sep_token`, if it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialTokens {
    /// The token before a text.
    pub cls: Option<u32>,
    /// The token after it.
    pub sep: Option<u32>,
}

impl SpecialTokens {
    /// The tokens that the settings name, if the tokenizer knows them.
    pub fn find(settings: &TokenizerSettings, tokenizer: &TextTokenizer) -> Self {
        let id = |named: &Option<String>| tokenizer.token_to_id(named.as_ref()?);
        Self { cls: id(&settings.cls_token), sep: id(&settings.sep_token) }
    }
}
