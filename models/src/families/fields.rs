//! Reading fields of config.json.

use nearsay_kernels::Activation;
use serde_json::Value;

use crate::Result;
use crate::config::refused;

/// A required whole number.
pub(super) fn size(config: &Value, field: &str) -> Result<usize> {
    match config.get(field) {
        None => Err(refused(field, "must be a whole number, got nothing".to_owned())),
        Some(value) => as_size(field, value),
    }
}

/// A whole number, or `default` if it is missing or null.
pub(super) fn size_or(config: &Value, field: &str, default: usize) -> Result<usize> {
    match config.get(field) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => as_size(field, value),
    }
}

fn as_size(field: &str, value: &Value) -> Result<usize> {
    let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| refused(field, format!("must be a whole number of at least 0, got {value}")))
}

/// A number, or `default` if it is missing or null.
pub(super) fn number_or(config: &Value, field: &str, default: f64) -> Result<f64> {
    match config.get(field) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value.as_f64().ok_or_else(|| refused(field, format!("must be a number, got {value}"))),
    }
}

/// The activation function that `field` names, as in transformers' `ACT2FN`.
pub(super) fn activation(config: &Value, field: &str) -> Result<Activation> {
    let known = "gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, silu, swish, tanh";
    let name = match config.get(field) {
        None | Some(Value::Null) => "gelu",
        Some(Value::String(name)) => name,
        Some(other) => return Err(refused(field, format!("must be one of {known}, got {other}"))),
    };
    Ok(match name {
        "gelu" => Activation::Gelu,
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Activation::GeluTanh,
        "relu" => Activation::Relu,
        "silu" | "swish" => Activation::Silu,
        "tanh" => Activation::Tanh,
        other => return Err(refused(field, format!("must be one of {known}, got `{other}`"))),
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
