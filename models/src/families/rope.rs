//! The fields of rotary positions: `rope_parameters` of transformers 5, and `rope_theta` with `rope_scaling` before.

use serde_json::{Value, json};

use super::fields::{self, refused};
use super::post_norm::Sizes;
use crate::encoder::rotary::{RotaryRecipe, RotaryScaling};
use crate::{Error, Result};

/// Rotary positions of whole heads, without scaling.
pub(super) fn unscaled(sizes: &Sizes, theta: f64) -> Result<RotaryRecipe> {
    let head_dim = sizes.hidden_dim / sizes.num_heads;
    if !head_dim.is_multiple_of(2) {
        let rule = format!("must be twice a multiple of num_attention_heads ({})", sizes.num_heads);
        return Err(refused("hidden_size", format!("{rule}, got {}", sizes.hidden_dim)));
    }
    Ok(RotaryRecipe::new(theta, head_dim))
}

/// `rope_parameters`, if there are any. The older fields must not contradict them.
pub(super) fn parameters(config: &Value, sizes: &Sizes, default: f64) -> Result<Option<RotaryRecipe>> {
    const PARAMETERS: &str = "rope_parameters";
    let Some(parameters) = config.get(PARAMETERS).filter(|value| !value.is_null()) else { return Ok(None) };
    fields::only(config, "rope_scaling", &Value::Null)?;
    let inside = |error| inside(PARAMETERS, error);
    let theta = theta(parameters, "rope_theta", default).map_err(inside)?;
    fields::only(config, "rope_theta", &json!(theta))?;
    fields::only(parameters, "partial_rotary_factor", &json!(1.0)).map_err(inside)?;
    let scaling = match fields::text_or(parameters, "rope_type", "default").map_err(inside)? {
        "default" => RotaryScaling::None,
        "linear" => RotaryScaling::Linear { factor: factor(parameters).map_err(inside)? },
        other => {
            let rule = format!("must be default or linear, got `{other}`");
            return Err(inside(refused("rope_type", rule)));
        }
    };
    Ok(Some(RotaryRecipe { scaling, ..unscaled(sizes, theta)? }))
}

/// The error of a field inside `outer`.
pub(super) fn inside(outer: &str, error: Error) -> Error {
    match error {
        Error::Config { path, field, rule } => {
            Error::Config { path, field: format!("{outer}.{field}"), rule }
        }
        other => other,
    }
}

/// A number above 0.
pub(super) fn theta(config: &Value, field: &str, default: f64) -> Result<f64> {
    let theta = fields::number_or(config, field, default)?;
    match theta > 0.0 {
        true => Ok(theta),
        false => Err(refused(field, format!("must be above 0, got {theta}"))),
    }
}

/// The factor of a scaling, at least 1.
pub(super) fn factor(scaling: &Value) -> Result<f64> {
    let factor = fields::number_or(scaling, "factor", 0.0)?;
    match factor >= 1.0 {
        true => Ok(factor),
        false => Err(refused("factor", format!("must be at least 1, got {factor}"))),
    }
}
