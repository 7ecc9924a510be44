//! Fields of rotary embeddings and of layers' kinds, in the spellings of transformers 4 and 5.

use serde_json::Value;

use super::fields;
use crate::Result;

/// Where the base of rotary angles is in config.json.
#[derive(Clone, Copy)]
pub(super) struct ThetaField {
    /// The kind of layers, where `rope_parameters` (transformers 5) has an entry for each.
    pub(super) kind: Option<&'static str>,
    /// The field of transformers 4.
    pub(super) old: &'static str,
    pub(super) default: f64,
}

const PARAMETERS: &str = "rope_parameters";

impl ThetaField {
    /// The base: by `rope_parameters`, else by the older field; they must agree if both are there.
    pub(super) fn read(self, config: &Value) -> Result<f64> {
        let old = positive(config, self.old, self.old, self.default)?;
        let Some(parameters) = config.get(PARAMETERS).filter(|value| !value.is_null()) else {
            return Ok(old);
        };
        let (field, parameters) = match self.kind {
            Some(kind) => (format!("{PARAMETERS}.{kind}"), parameters.get(kind).unwrap_or(&Value::Null)),
            None => (PARAMETERS.to_owned(), parameters),
        };
        refuse_scaling(&field, parameters)?;
        let theta = positive(parameters, "rope_theta", &format!("{field}.rope_theta"), old)?;
        if config.get(self.old).is_some_and(|value| !value.is_null()) && theta != old {
            let rule = format!("must agree with {} ({old}), got {theta}", self.old);
            return Err(fields::refused(&field, rule));
        }
        Ok(theta)
    }
}

/// Refuses `rope_scaling` (transformers 4) unless it changes nothing.
pub(super) fn no_scaling(config: &Value) -> Result<()> {
    refuse_scaling("rope_scaling", config.get("rope_scaling").unwrap_or(&Value::Null))
}

fn refuse_scaling(field: &str, parameters: &Value) -> Result<()> {
    let named = parameters.get("rope_type").or_else(|| parameters.get("type"));
    match named.filter(|kind| !kind.is_null()) {
        None => Ok(()),
        Some(kind) if kind == "default" => Ok(()),
        Some(kind) => Err(fields::refused(field, format!("must have rope_type default, got {kind}"))),
    }
}

/// A number above 0, or `default`.
fn positive(config: &Value, field: &str, shown: &str, default: f64) -> Result<f64> {
    let number = fields::number_or(config, field, default)?;
    match number > 0.0 {
        true => Ok(number),
        false => Err(fields::refused(shown, format!("must be above 0, got {number}"))),
    }
}

/// Whether each layer attends to all tokens, by `layer_types`; none if there is no such field.
pub(super) fn full_layers(config: &Value, num_layers: usize) -> Result<Option<Vec<bool>>> {
    const TYPES: &str = "layer_types";
    let Some(types) = config.get(TYPES).filter(|types| !types.is_null()) else { return Ok(None) };
    let rule = || {
        fields::refused(
            TYPES,
            format!("must be {num_layers} layers' types, full_attention or sliding_attention, got {types}"),
        )
    };
    let full = |value: &Value| match value.as_str() {
        Some("full_attention") => Ok(true),
        Some("sliding_attention") => Ok(false),
        _ => Err(rule()),
    };
    let types: Vec<bool> = types.as_array().ok_or_else(rule)?.iter().map(full).collect::<Result<_>>()?;
    if types.len() == num_layers { Ok(Some(types)) } else { Err(rule()) }
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
