//! tokenizer_config.json overrides a few settings of tokenizer.json: transformers' fast tokenizers for BERT
//! and RoBERTa rewrite normalizer and pre-tokenizer if the two disagree (`tokenization_bert_fast.py`,
//! `tokenization_roberta_fast.py`, version 4). Only settings that the file states outright are applied.
//! outright is applied.

use nearsay_models::TokenizerSettings;
use tokenizers::Tokenizer;
use tokenizers::normalizers::{BertNormalizer, NormalizerWrapper};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;

pub(super) fn apply(settings: &TokenizerSettings, tokenizer: &mut Tokenizer) -> Result<(), String> {
    if let Some(NormalizerWrapper::BertNormalizer(normalizer)) = tokenizer.get_normalizer() {
        let normalizer = BertNormalizer::new(
            normalizer.clean_text,
            settings.tokenize_chinese_chars.unwrap_or(normalizer.handle_chinese_chars),
            settings.strip_accents.or(normalizer.strip_accents),
            settings.do_lower_case.unwrap_or(normalizer.lowercase),
        );
        tokenizer.with_normalizer(Some(normalizer)).map_err(|error| error.to_string())?;
    }
    if let (Some(PreTokenizerWrapper::ByteLevel(bytes)), Some(prefix)) =
        (tokenizer.get_pre_tokenizer(), settings.add_prefix_space)
    {
        let bytes = bytes.add_prefix_space(prefix);
        tokenizer.with_pre_tokenizer(Some(bytes));
    }
    Ok(())
}
