//! Jina's third embedding models (Sturua et al., 2024: <https://arxiv.org/abs/2409.10173>): XLM-RoBERTa with rotary
//! positions, and adapters for tasks.

use serde_json::Value;

use super::fields::{self, refused};
use super::post_norm::{BERT_DEFAULTS, RotaryParts, Sizes};
use super::{Family, bert, known, roberta, rope};
use crate::adapters::{ADAPTERS, AdaptersRecipe, Task};
use crate::encoder::feed_forward::{FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "jina_v3",
    model_types: &["xlm-roberta"],
    parts: "position_embedding_type rotary, adapters for tasks",
    examples: &["jinaai/jina-embeddings-v3"],
    prefixes: roberta::FAMILY.prefixes,
    fields: &[&known::LAYER, &known::BERT, &FIELDS],
    recipe,
    classifier: Some(|_| Ok(roberta::CLASSIFIER)),
    masked_language: None,
    next_token: None,
};

fn recipe(config: &Value) -> Result<Recipe> {
    fields::only(config, "truncate_dim", &Value::Null)?;
    let sizes = Sizes::read(config, &BERT_DEFAULTS)?;
    let [hidden, inner] = [sizes.hidden_dim, sizes.intermediate_dim];
    let parts = RotaryParts {
        query_key_value: QueryKeyValueRecipe::Joined(LinearRecipe::new("mixer.Wqkv", [hidden, 3 * hidden])),
        output: LinearRecipe::new("mixer.out_proj", [hidden, hidden]),
        attention_norm: "norm1",
        feed_forward: FeedForwardRecipe {
            up: UpRecipe::Plain(LinearRecipe::new("mlp.fc1", [hidden, inner])),
            down: LinearRecipe::new("mlp.fc2", [inner, hidden]),
            activation: sizes.activation,
        },
        output_norm: "norm2",
    };
    let embeddings = bert::embeddings(config, Positions::None, sizes.norm("emb_ln"))?;
    let mut recipe = Recipe::new(embeddings, sizes.rotary_blocks("encoder.layers", &parts));
    recipe.rotary = vec![rope::unscaled(&sizes, rope::theta(config, "rotary_emb_base", 10_000.0)?)?];
    recipe.stated_tokens = Some(fields::size_or(config, "max_position_embeddings", 512)?);
    recipe.adapters = adapters(config)?;
    recipe.unread = &ADAPTERS;
    Ok(recipe)
}

/// The largest factor of adapters, before it is divided by their rank. Published ones have 1 to 256.
const LARGEST_ALPHA: f64 = 65_536.0;

/// The tasks and the sizes of their adapters, if there are any.
fn adapters(config: &Value) -> Result<Option<AdaptersRecipe>> {
    const TASKS: &str = "lora_adaptations";
    let names = match config.get(TASKS) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(names)) => names,
        Some(other) => return Err(refused(TASKS, format!("must be a list of task names, got {other}"))),
    };
    let task = |name: &Value| {
        let rule = || refused(TASKS, format!("must be a list of task names, got {name}"));
        let name = name.as_str().ok_or_else(rule)?.to_owned();
        Ok(Task { instruction: instruction(config, &name)?, name })
    };
    let tasks = names.iter().map(task).collect::<Result<_>>()?;
    let rank = fields::size_or(config, "lora_rank", 4)?;
    let scale = fields::number_within(config, "lora_alpha", 1.0, 0.0..=LARGEST_ALPHA)? / rank as f64;
    Ok(Some(AdaptersRecipe { tasks, rank, scale: scale as f32 }))
}

/// The text that a task puts before each text, if it has one.
fn instruction(config: &Value, task: &str) -> Result<String> {
    const INSTRUCTIONS: &str = "task_instructions";
    let instructions = config.get(INSTRUCTIONS).unwrap_or(&Value::Null);
    if !instructions.is_object() && !instructions.is_null() {
        return Err(refused(
            INSTRUCTIONS,
            format!("must be an object with a text per task, got {instructions}"),
        ));
    }
    let text = fields::text_or(instructions, task, "").map_err(|error| rope::inside(INSTRUCTIONS, error))?;
    Ok(text.to_owned())
}

/// Fields of Jina's models with adapters, besides BERT's.
const FIELDS: [&str; 13] = [
    "emb_pooler",
    "load_trained_adapters",
    "lora_adaptations",
    "lora_alpha",
    "lora_dropout_p",
    "lora_main_params_trainable",
    "lora_rank",
    "matryoshka_dimensions",
    "rotary_emb_base",
    "task_instructions",
    "truncate_dim",
    "use_flash_attn",
    "use_reentrant",
];
