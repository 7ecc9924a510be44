//! A tokenizer whose clones share the vocabulary, which may have 17 MB: each requested text length is a
//! clone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokenizers::models::{ModelWrapper, TrainerWrapper};
use tokenizers::{
    DecoderWrapper, Model, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, Result, Token,
    Tokenizer, TokenizerImpl,
};

/// A tokenizer that is cheap to clone.
pub(super) type SharedTokenizer =
    TokenizerImpl<SharedModel, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

/// The model that splits words into tokens, shared by clones.
#[derive(Debug, Clone)]
pub(super) struct SharedModel(Arc<ModelWrapper>);

impl SharedModel {
    pub(super) fn inner(&self) -> &ModelWrapper {
        &self.0
    }
}

impl Model for SharedModel {
    type Trainer = TrainerWrapper;

    fn tokenize(&self, sequence: &str) -> Result<Vec<Token>> {
        self.0.tokenize(sequence)
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.0.token_to_id(token)
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        self.0.id_to_token(id)
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        self.0.get_vocab()
    }

    fn get_vocab_size(&self) -> usize {
        self.0.get_vocab_size()
    }

    fn save(&self, folder: &Path, prefix: Option<&str>) -> Result<Vec<PathBuf>> {
        self.0.save(folder, prefix)
    }

    fn get_trainer(&self) -> TrainerWrapper {
        self.0.get_trainer()
    }
}

/// `tokenizer` without padding and truncation.
///
/// # Errors
/// If the normalizer cannot be transferred.
pub(super) fn share(tokenizer: Tokenizer) -> Result<SharedTokenizer> {
    let tokenizer = tokenizer.into_inner();
    let mut shared = SharedTokenizer::new(SharedModel(Arc::new(tokenizer.get_model().clone())));
    shared.with_normalizer(tokenizer.get_normalizer().cloned())?;
    shared.with_pre_tokenizer(tokenizer.get_pre_tokenizer().cloned());
    shared.with_post_processor(tokenizer.get_post_processor().cloned());
    shared.with_decoder(tokenizer.get_decoder().cloned());
    // After the normalizer, for which it has already been prepared.
    shared.with_added_vocabulary(tokenizer.get_added_vocabulary().clone());
    Ok(shared)
}
