//! The fields of rotary positions: `rope_parameters` of transformers 5, and `rope_theta` with `rope_scaling` before.

use serde_json::{Value, json};

use super::fields::{self, refused};
use super::post_norm::Sizes;
use crate::encoder::rotary::{RotaryRecipe, RotaryScaling};
use crate::{Error, Result};

/// The largest factor by which texts may be longer than those that a model was trained for.
const LARGEST_FACTOR: f64 = 65_536.0;

/// The field of transformers 5.
const PARAMETERS: &str = "rope_parameters";

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

/// The base of angles.
pub(super) fn theta(config: &Value, field: &str, default: f64) -> Result<f64> {
    fields::positive_or(config, field, default)
}

/// The factor of a scaling, at least 1.
pub(super) fn factor(scaling: &Value) -> Result<f64> {
    fields::number_within(scaling, "factor", 0.0, 1.0..=LARGEST_FACTOR)
}

/// Where the base of rotary angles is in config.json.
#[derive(Clone, Copy)]
pub(super) struct ThetaField {
    /// The kind of layers, where `rope_parameters` (transformers 5) has an entry for each.
    pub(super) kind: Option<&'static str>,
    /// The field of transformers 4.
    pub(super) old: &'static str,
    pub(super) default: f64,
}

impl ThetaField {
    /// The base: by `rope_parameters`, else by the older field; they must agree if both are there.
    pub(super) fn read(self, config: &Value) -> Result<f64> {
        let old = theta(config, self.old, self.default)?;
        let Some(parameters) = config.get(PARAMETERS).filter(|value| !value.is_null()) else {
            return Ok(old);
        };
        let (field, parameters) = match self.kind {
            Some(kind) => {
                let missing = || refused(PARAMETERS, format!("must have an entry {kind}, got {parameters}"));
                (format!("{PARAMETERS}.{kind}"), parameters.get(kind).ok_or_else(missing)?)
            }
            None => (PARAMETERS.to_owned(), parameters),
        };
        refuse_scaling(&field, parameters)?;
        let theta = theta(parameters, "rope_theta", old).map_err(|error| inside(&field, error))?;
        if config.get(self.old).is_some_and(|value| !value.is_null()) && theta != old {
            let rule = format!("must agree with {} ({old}), got {theta}", self.old);
            return Err(refused(&field, rule));
        }
        Ok(theta)
    }
}

/// Refuses `rope_scaling` (transformers 4) unless it changes nothing.
pub(super) fn no_scaling(config: &Value) -> Result<()> {
    refuse_scaling("rope_scaling", config.get("rope_scaling").unwrap_or(&Value::Null))
}

fn refuse_scaling(field: &str, parameters: &Value) -> Result<()> {
    if !parameters.is_null() && !parameters.is_object() {
        return Err(refused(field, format!("must be an object, got {parameters}")));
    }
    let named = parameters.get("rope_type").or_else(|| parameters.get("type"));
    match named.filter(|kind| !kind.is_null()) {
        None => fields::only(parameters, "factor", &json!(1.0)).map_err(|error| inside(field, error)),
        Some(kind) if kind == "default" => Ok(()),
        Some(kind) => Err(refused(field, format!("must have rope_type default, got {kind}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Recipe, Shape};

    #[test]
    fn both_spellings_are_one_recipe() {
        let qwen = json!({"rope_theta": 1e6, "rope_type": "default"});
        let gemma = json!({
            "full_attention": {"rope_theta": 1e6, "rope_type": "default"},
            "sliding_attention": {"rope_theta": 10_000, "rope_type": "default"},
        });
        for (shape, parameters) in [("qwen3-embedding-0.6b", qwen), ("embedding-gemma-300m", gemma)] {
            let old = Shape::find(shape).unwrap().config();
            let mut new = old.clone();
            new["rope_parameters"] = parameters;
            let both = Recipe::read(&new).unwrap();
            new.as_object_mut().unwrap().remove("rope_theta");
            let recipes = [&old, &new].map(|config| Recipe::read(config).unwrap());
            assert!(recipes.iter().all(|recipe| *recipe == both), "{shape}");
        }
    }

    #[test]
    fn layers_attend_to_all_tokens_by_their_types_or_by_their_numbers() {
        let mut config = Shape::find("embedding-gemma-300m").unwrap().config();
        let by_number = Recipe::read(&config).unwrap();
        let windows = |recipe: &Recipe| -> Vec<_> {
            recipe.blocks.iter().map(|block| block.attention.window).collect()
        };
        let every_sixth: Vec<_> = (0..24).map(|layer| (layer % 6 != 5).then_some(256)).collect();
        assert_eq!(windows(&by_number), every_sixth);
        let types = every_sixth.iter().map(|window| match window {
            Some(_) => "sliding_attention",
            None => "full_attention",
        });
        config["layer_types"] = types.collect::<Vec<_>>().into();
        assert_eq!(Recipe::read(&config).unwrap(), by_number);
    }
}
