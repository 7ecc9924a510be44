//! Reading fields of config.json, within the limits that keep a damaged file from allocating anything.

use std::ops::RangeInclusive;

use nearsay_kernels::Activation;
use serde_json::Value;

use crate::{Error, Positions, Result};

/// The largest value of any size field. A hidden size, vocabulary or depth above it means a damaged file.
pub(super) const LARGEST_SIZE: usize = 1 << 24;

/// The most layers an encoder may have; no BERT comes close.
pub(super) const MOST_LAYERS: usize = 4096;

/// The largest number above 0 that a base or a factor may be, and one over it the smallest: published ones are within
/// 1 to 1e8, and beyond this powers of them overflow f32.
const LARGEST_NUMBER: f64 = 1e16;

/// The error for a field of config.json that breaks a rule.
pub(super) fn refused(field: &str, rule: String) -> Error {
    Error::Config { path: "config.json".into(), field: field.to_owned(), rule }
}

/// A required size, of at least 1.
pub(super) fn size(config: &Value, field: &str) -> Result<usize> {
    within(field, required(config, field)?, 1..=LARGEST_SIZE)
}

/// A size of at least 1, or `default` if it is missing or null.
pub(super) fn size_or(config: &Value, field: &str, default: usize) -> Result<usize> {
    within(field, count_or(config, field, default)?, 1..=LARGEST_SIZE)
}

/// The required number of layers, which may be 0.
pub(super) fn layers(config: &Value, field: &str) -> Result<usize> {
    within(field, required(config, field)?, 0..=MOST_LAYERS)
}

/// The rows of a table that a model may lack (0), or `default` if the field is missing or null.
pub(super) fn rows_or(config: &Value, field: &str, default: usize) -> Result<usize> {
    within(field, count_or(config, field, default)?, 0..=LARGEST_SIZE)
}

/// A whole number, or `default` if it is missing or null.
pub(super) fn count_or(config: &Value, field: &str, default: usize) -> Result<usize> {
    match config.get(field) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => whole(field, value),
    }
}

fn required(config: &Value, field: &str) -> Result<usize> {
    match config.get(field) {
        None => Err(refused(field, "must be a whole number, got nothing".to_owned())),
        Some(value) => whole(field, value),
    }
}

fn whole(field: &str, value: &Value) -> Result<usize> {
    let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| refused(field, format!("must be a whole number of at least 0, got {value}")))
}

/// `value`, if it is within the limits.
pub(super) fn within(field: &str, value: usize, limits: RangeInclusive<usize>) -> Result<usize> {
    let (least, most) = (limits.start(), limits.end());
    match limits.contains(&value) {
        true => Ok(value),
        false => Err(refused(field, format!("must be {least} to {most}, got {value}"))),
    }
}

/// A size, or `None` if it is missing, null, 0 or negative.
pub(super) fn size_if_positive(config: &Value, field: &str) -> Result<Option<usize>> {
    match config.get(field) {
        Some(value) if value.as_i64().is_none_or(|size| size > 0) && !value.is_null() => {
            Ok(Some(within(field, whole(field, value)?, 1..=LARGEST_SIZE)?))
        }
        _ => Ok(None),
    }
}

/// A size of at least 1, or `None` if it is missing or null.
pub(super) fn size_if_stated(config: &Value, field: &str) -> Result<Option<usize>> {
    match config.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => size(config, field).map(Some),
    }
}

/// A text, or `default` if it is missing or null.
pub(super) fn text_or<'a>(config: &'a Value, field: &str, default: &'a str) -> Result<&'a str> {
    match config.get(field) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(refused(field, format!("must be a text, got {other}"))),
    }
}

/// A truth value, or `default` if it is missing or null.
pub(crate) fn flag_or(config: &Value, field: &str, default: bool) -> Result<bool> {
    match config.get(field) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Bool(value)) => Ok(*value),
        Some(other) => Err(refused(field, format!("must be true or false, got {other}"))),
    }
}

/// Words in a list, or in one string between bars (`c2p|p2c`), in lower case; none if the field is missing, null
/// or `none`.
pub(super) fn words(config: &Value, field: &str) -> Result<Vec<String>> {
    let rule = |value: &Value| {
        refused(field, format!("must be a list of words, or words separated by |, got {value}"))
    };
    let words: Vec<&str> = match config.get(field) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(words)) => words.split('|').collect(),
        Some(Value::Array(words)) => {
            words.iter().map(|word| word.as_str().ok_or_else(|| rule(word))).collect::<Result<_>>()?
        }
        Some(other) => return Err(rule(other)),
    };
    let words = words.into_iter().map(|word| word.trim().to_lowercase());
    Ok(words.filter(|word| !word.is_empty() && word != "none").collect())
}

/// The number of heads, which must divide the hidden states' width that `hidden` is the field of.
pub(super) fn heads(config: &Value, field: &str, hidden: (&str, usize)) -> Result<usize> {
    let (num_heads, (hidden, hidden_dim)) = (size(config, field)?, hidden);
    match hidden_dim.is_multiple_of(num_heads) {
        true => Ok(num_heads),
        false => {
            Err(refused(hidden, format!("must be a multiple of {field} ({num_heads}), got {hidden_dim}")))
        }
    }
}

/// A number, or `default` if it is missing or null.
pub(super) fn number_or(config: &Value, field: &str, default: f64) -> Result<f64> {
    match config.get(field) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value.as_f64().ok_or_else(|| refused(field, format!("must be a number, got {value}"))),
    }
}

/// A number within `limits`, or `default` if it is missing or null.
pub(super) fn number_within(
    config: &Value,
    field: &str,
    default: f64,
    limits: RangeInclusive<f64>,
) -> Result<f64> {
    let number = number_or(config, field, default)?;
    let (least, most) = (limits.start(), limits.end());
    match limits.contains(&number) {
        true => Ok(number),
        false => Err(refused(field, format!("must be {least:?} to {most:?}, got {number:?}"))),
    }
}

/// A number above 0, or `default` if it is missing or null.
pub(super) fn positive_or(config: &Value, field: &str, default: f64) -> Result<f64> {
    let number = number_or(config, field, default)?;
    match number > 0.0 {
        true => number_within(config, field, default, 1.0 / LARGEST_NUMBER..=LARGEST_NUMBER),
        false => Err(refused(field, format!("must be above 0, got {number}"))),
    }
}

/// The epsilon of a norm, or `default` if it is missing or null.
pub(super) fn epsilon_or(config: &Value, field: &str, default: f64) -> Result<f64> {
    let epsilon = number_or(config, field, default)?;
    match (0.0..1.0).contains(&epsilon) {
        true => Ok(epsilon),
        false => Err(refused(field, format!("must be at least 0 and below 1, got {epsilon}"))),
    }
}

/// The padding token's id, or `default` if it is missing or null.
pub(super) fn pad_token_id_or(config: &Value, default: u32) -> Result<u32> {
    let id = count_or(config, "pad_token_id", default as usize)?;
    let id32 = u32::try_from(id).ok().filter(|&id| id < u32::MAX);
    id32.ok_or_else(|| refused("pad_token_id", format!("must be below 2^32 - 1, got {id}")))
}

/// The rows of the position table, which must have one for a text of one token.
pub(super) fn position_rows(config: &Value, field: &str, positions: Positions) -> Result<usize> {
    let rows = size(config, field)?;
    match (positions, rows > positions.first()) {
        (Positions::AfterPadding { pad_token_id }, false) => {
            Err(refused(field, format!("must be above pad_token_id + 1 ({}), got {rows}", pad_token_id + 1)))
        }
        _ => Ok(rows),
    }
}

/// The names of activations.
const ACTIVATIONS: &str = "gelu, gelu_python, gelu_new, gelu_pytorch_tanh, gelu_fast, gelu_accurate, \
                           gelu_python_tanh, relu, silu, swish, tanh, sigmoid, linear";

/// The activation that `field` names, or the one named `default`.
pub(super) fn activation_or(config: &Value, field: &str, default: &str) -> Result<Activation> {
    let name = match config.get(field) {
        None | Some(Value::Null) => default,
        Some(Value::String(name)) => name,
        Some(other) => return Err(refused(field, format!("must be one of {ACTIVATIONS}, got {other}"))),
    };
    activation_named(field, name)
}

/// The activation of this name, as in transformers' `ACT2FN`; `field` has it.
pub(super) fn activation_named(field: &str, name: &str) -> Result<Activation> {
    Ok(match name {
        "gelu" | "gelu_python" => Activation::Gelu,
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" | "gelu_accurate" | "gelu_python_tanh" => {
            Activation::GeluTanh
        }
        "relu" => Activation::Relu,
        "silu" | "swish" => Activation::Silu,
        "tanh" => Activation::Tanh,
        "sigmoid" => Activation::Sigmoid,
        "linear" => Activation::Identity,
        other => return Err(refused(field, format!("must be one of {ACTIVATIONS}, got `{other}`"))),
    })
}

/// Refuses a value that would change the encoder's computation. A missing field and null are accepted.
pub(super) fn only(config: &Value, field: &str, supported: &Value) -> Result<()> {
    match config.get(field) {
        None | Some(Value::Null) => Ok(()),
        Some(value) if value == supported => Ok(()),
        Some(value) => Err(refused(field, format!("must be {supported}, got {value}"))),
    }
}
