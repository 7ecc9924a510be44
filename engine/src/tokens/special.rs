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
    /// The names in tokenizer_config.json or special_tokens_map.json, else the defaults of the tokenizer's
    /// kind in transformers: `[CLS]` and `[SEP]` for BERT's, `<s>` and `</s>` for RoBERTa's.
    pub fn find(settings: &TokenizerSettings, tokenizer: &TextTokenizer) -> Self {
        let id = |named: &Option<String>, usual: [&str; 2]| match named {
            Some(token) => tokenizer.token_to_id(token),
            None => usual.into_iter().find_map(|token| tokenizer.token_to_id(token)),
        };
        Self {
            cls: id(&settings.cls_token, ["[CLS]", "<s>"]),
            sep: id(&settings.sep_token, ["[SEP]", "</s>"]),
        }
    }
}
