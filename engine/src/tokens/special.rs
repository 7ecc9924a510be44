//! Which tokens stand for a text's begin and end: BERTScore gives them no weight of their own.

use nearsay_models::TokenizerSettings;

use super::TextTokenizer;

/// Ids of the tokenizer's `cls_token` and `sep_token`, where it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialTokens {
    /// The token before a text.
    pub cls: Option<u32>,
    /// The token behind it.
    pub sep: Option<u32>,
}

impl SpecialTokens {
    /// What tokenizer_config.json or special_tokens_map.json names, else the names that the tokenizer's kind
    /// is born with in transformers: `[CLS]` and `[SEP]` for BERT's, `<s>` and `</s>` for RoBERTa's.
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
