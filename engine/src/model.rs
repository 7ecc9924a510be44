//! Opening a model for the engine: its tokenizer and its encoder.

use nearsay_kernels::Precision;
use nearsay_models::{Encoder, EncoderOptions, Model};

use crate::tokens::{TextTokenizer, TokenizerLimits};
use crate::{Error, Result};

/// The model's tokenizer, cutting texts to `max_tokens`.
///
/// # Errors
/// If tokenizer.json is missing, is not one, or does not fit the model.
pub(crate) fn open_tokenizer(model: &Model, max_tokens: usize, lower_case: bool) -> Result<TextTokenizer> {
    let limits = TokenizerLimits { max_tokens, vocab_size: model.config().vocab_size, lower_case };
    TextTokenizer::open(&model.tokenizer_file()?, model.tokenizer_settings(), limits)
}

/// The encoder with layers up to `layer`, multiplying in `precision`, on the CPU.
///
/// # Errors
/// If a weight is missing, has another shape than the model's config says, or is not finite.
pub(crate) fn load_encoder(model: &Model, layer: usize, precision: Precision) -> Result<Encoder> {
    let options = EncoderOptions { num_layers: Some(layer), precision, ..EncoderOptions::default() };
    model.load_encoder(&options).map_err(Error::from)
}
