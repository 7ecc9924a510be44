//! Opening a model for the engine: its tokenizer and its encoder.

use nearsay_kernels::{Placement, Pooling, Precision};
use nearsay_models::{Encoder, EncoderOptions, Model, SentenceHead, StatedLength};

use crate::devices::name_of;
use crate::tokens::{TextTokenizer, TokenizerLimits};
use crate::{Devices, Error, Result};

/// The model's tokenizer, cutting texts to the length asked for, else to the one that the model's files state.
///
/// # Errors
/// If tokenizer.json is missing, is not one, or does not fit the model; a length beyond the positions, or too short for a token.
pub(crate) fn open_tokenizer(
    model: &Model,
    asked: Option<usize>,
    stated: StatedLength,
    lower_case: bool,
) -> Result<TextTokenizer> {
    let max_tokens = asked.map_or(Ok(stated.tokens), |length| within_positions(model, length))?;
    let limits = TokenizerLimits { max_tokens, vocab_size: model.config().vocab_size, lower_case };
    let opened = TextTokenizer::open(&model.tokenizer_file()?, model.tokenizer_settings(), limits);
    opened.map_err(|error| match (error, asked) {
        (Error::LengthTooShort { length, special_tokens }, None) => too_short(stated, length, special_tokens),
        (error, _) => error,
    })
}

fn within_positions(model: &Model, length: usize) -> Result<usize> {
    let positions = model.config().max_tokens();
    if length <= positions {
        return Ok(length);
    }
    let rule = "the positions that this model has";
    Err(Error::Usage {
        message: format!("--max-length must be at most {positions}, {rule}, got {length}"),
        hint: None,
    })
}

/// What the user could not know is wrong with the model's files.
fn too_short(stated: StatedLength, length: usize, special_tokens: usize) -> Error {
    let StatedLength { path, field, .. } = stated;
    let rule = format!("must leave room for more than the {special_tokens} special tokens, got {length}");
    Error::Model(nearsay_models::Error::Config { path, field: field.to_owned(), rule })
}

/// What makes vectors of `model`'s hidden states, beside them.
///
/// # Errors
/// As [`Model::load_head`]; [`Error::DeviceMemory`] if the device has no room.
pub(crate) fn load_head(
    model: &Model,
    pooling: Option<Pooling>,
    normalize: Option<bool>,
    placement: &Placement,
) -> Result<SentenceHead> {
    let mut head = match pooling {
        Some(mode) => model.pooled_head(mode),
        None => model.load_head(placement).map_err(|error| no_room_for_model(error, placement))?,
    };
    if let Some(normalized) = normalize {
        head.set_normalized(normalized);
    }
    Ok(head)
}

/// An error of loading, told as what became of the device if it is about that.
pub(crate) fn no_room_for_model(error: nearsay_models::Error, placement: &Placement) -> Error {
    Error::from(error).on_device(&name_of(placement.device()), || "the model".to_owned())
}

/// The encoder with layers up to `layer`, multiplying in `precision`, on each of `devices`.
///
/// # Errors
/// If a weight is missing, has another shape than the model's config says, or is not finite; if a device does not have `precision`.
pub(crate) fn load_encoders(
    model: &Model,
    layer: usize,
    precision: Precision,
    devices: &Devices,
) -> Result<Vec<Encoder>> {
    let load = |placement: Placement| {
        let options = EncoderOptions { num_layers: Some(layer), placement };
        model.load_encoder(&options).map_err(|error| no_room_for_model(error, &options.placement))
    };
    devices.placements(precision)?.into_iter().map(load).collect()
}
