//! Nomic's embedding models (Nussbaum et al., 2024: <https://arxiv.org/abs/2402.01613>, and the second version with
//! experts, 2025: <https://arxiv.org/abs/2502.07972>): post-norm, rotary positions, gates. Their repositories' code
//! has GPT-2's names of fields; transformers 5 has BERT's.

use nearsay_kernels::Activation;
use serde_json::{Value, json};

use super::fields::{self, refused};
use super::post_norm::{BERT_DEFAULTS, Defaults, RotaryParts, Sizes};
use super::{Family, bert, known, native, rope};
use crate::encoder::block::BlockRecipe;
use crate::encoder::experts::ExpertsRecipe;
use crate::encoder::feed_forward::{FeedForwardKind, FeedForwardRecipe, UpRecipe};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::query_key_value::QueryKeyValueRecipe;
use crate::encoder::recipe::Alternative;
use crate::encoder::rotary::RotaryRecipe;
use crate::{Positions, Recipe, Result};

pub(super) const FAMILY: Family = Family {
    name: "nomic_bert",
    model_types: &["nomic_bert"],
    parts: "rotary positions, gates, or experts",
    examples: &["nomic-ai/nomic-embed-text-v1.5", "nomic-ai/nomic-embed-text-v2-moe"],
    prefixes: &["", "nomic_bert.", "bert.", "model."],
    fields: &[&known::LAYER, &known::NOMIC_BERT, &known::EXPERTS],
    recipe,
    classifier: super::no_classifier,
    masked_language: super::no_masked_language,
};

/// Names of the older code.
const EMBEDDING_NORM: &str = "emb_ln";
const LAYERS: &str = "encoder.layers";

fn recipe(config: &Value) -> Result<Recipe> {
    let model = match config.get("n_embd") {
        Some(_) => Model::of_repository(config)?,
        None => Model::of_transformers(config)?,
    };
    let mut recipe = model.recipe(config, EMBEDDING_NORM, model.blocks(config)?)?;
    if model.has_native_parts() {
        let native = model.recipe(config, bert::EMBEDDING_NORM, native::blocks(&model.sizes, false))?;
        recipe.alternatives.push(Alternative { tensor: native::TENSOR, rows: None, recipe: native });
    }
    if let Some(inner) = model.stated_inner {
        let narrow = Model { sizes: Sizes { intermediate_dim: inner, ..model.sizes }, ..model };
        let narrow = narrow.recipe(config, EMBEDDING_NORM, narrow.blocks(config)?)?;
        let tensor = "encoder.layers.0.mlp.fc11.weight";
        recipe.alternatives.push(Alternative { tensor, rows: Some(inner), recipe: narrow });
    }
    Ok(recipe)
}

/// Sizes and settings, whatever their fields are called.
#[derive(Clone, Copy)]
struct Model {
    sizes: Sizes,
    /// The width of gates in config.json, if the published code makes them wider and other code may not.
    stated_inner: Option<usize>,
    /// The activation is that of a gate.
    is_gated: bool,
    rotary: RotaryRecipe,
    /// Of query, key and value and of the attention's output; of the feed-forward part's two layers.
    biases: [bool; 3],
    stated_tokens: usize,
    /// The longest text with angles that do not depend on other texts.
    most_tokens: Option<usize>,
}

impl Model {
    fn of_transformers(config: &Value) -> Result<Self> {
        let sizes = Sizes::read(config, &Defaults { activation: "silu", ..BERT_DEFAULTS })?;
        fields::only(config, "head_dim", &json!(sizes.hidden_dim / sizes.num_heads))?;
        let rotary = match rope::parameters(config, &sizes, 1000.0)? {
            Some(rotary) => rotary,
            None => rope::unscaled(&sizes, rope::theta(config, "rope_theta", 1000.0)?)?,
        };
        let stated_tokens = fields::size_or(config, "max_position_embeddings", 2048)?;
        Ok(Self {
            sizes,
            stated_inner: None,
            is_gated: true,
            rotary,
            biases: [false; 3],
            stated_tokens,
            most_tokens: None,
        })
    }

    /// The fields of the repositories' code, and its defaults, which are GPT-2's.
    fn of_repository(config: &Value) -> Result<Self> {
        refuse_other_blocks(config)?;
        let hidden_dim = fields::size(config, "n_embd")?;
        let (activation, is_gated) = activation(config)?;
        let inner = fields::size_or(config, "n_inner", 4 * hidden_dim)?;
        let sizes = Sizes {
            hidden_dim,
            num_layers: fields::layers(config, "n_layer")?,
            num_heads: fields::heads(config, "n_head", ("n_embd", hidden_dim))?,
            intermediate_dim: if is_gated { inner.next_multiple_of(GATE_MULTIPLE) } else { inner },
            epsilon: fields::epsilon_or(config, "layer_norm_epsilon", 1e-5)?,
            activation,
        };
        let flag = |field| fields::flag_or(config, field, true);
        Ok(Self {
            rotary: rotary(config, &sizes)?,
            stated_inner: (sizes.intermediate_dim != inner).then_some(inner),
            sizes,
            is_gated,
            biases: [flag("qkv_proj_bias")?, flag("mlp_fc1_bias")?, flag("mlp_fc2_bias")?],
            stated_tokens: fields::size_or(config, "n_positions", 2048)?,
            most_tokens: unscaled_tokens(config)?,
        })
    }

    /// Whether transformers has a class for it.
    fn has_native_parts(&self) -> bool {
        self.is_gated && self.biases == [false; 3]
    }

    fn recipe(&self, config: &Value, norm: &'static str, blocks: Vec<BlockRecipe>) -> Result<Recipe> {
        let mut embeddings = bert::embeddings(config, Positions::None, self.sizes.norm(norm))?;
        let multiple = fields::size_or(config, "pad_vocab_size_multiple", 1)?;
        embeddings.word.rows = embeddings.word.rows.next_multiple_of(multiple);
        let mut recipe = Recipe::new(embeddings, blocks);
        recipe.rotary = vec![self.rotary];
        recipe.stated_tokens = Some(self.stated_tokens);
        if let Some(most) = self.most_tokens {
            recipe.limit_tokens(most);
        }
        Ok(recipe)
    }

    /// The layers by the names of the repositories' code.
    fn blocks(&self, config: &Value) -> Result<Vec<BlockRecipe>> {
        let (hidden, [attention, first, second]) = (self.sizes.hidden_dim, self.biases);
        let inner = self.sizes.intermediate_dim;
        let linear = LinearRecipe::with_bias;
        let up = |name| linear(name, [hidden, inner], first);
        let parts = RotaryParts {
            query_key_value: QueryKeyValueRecipe::Joined(linear(
                "attn.Wqkv",
                [hidden, 3 * hidden],
                attention,
            )),
            output: linear("attn.out_proj", [hidden, hidden], attention),
            attention_norm: "norm1",
            feed_forward: FeedForwardRecipe {
                up: match self.is_gated {
                    true => UpRecipe::Gated { gate: up("mlp.fc12"), up: up("mlp.fc11") },
                    false => UpRecipe::Plain(up("mlp.fc1")),
                },
                down: linear("mlp.fc2", [inner, hidden], second),
                activation: self.sizes.activation,
            },
            output_norm: "norm2",
        };
        let mut blocks = self.sizes.rotary_blocks(LAYERS, &parts);
        if let Some((every, experts)) = self.experts(config)? {
            for block in blocks.iter_mut().skip(1).step_by(every) {
                block.feed_forward = FeedForwardKind::Experts(experts.clone());
            }
        }
        Ok(blocks)
    }

    /// The experts, and how often layers have them, counted from the second layer.
    fn experts(&self, config: &Value) -> Result<Option<(usize, ExpertsRecipe)>> {
        let Some(every) = fields::size_if_positive(config, "moe_every_n_layers")? else { return Ok(None) };
        for field in ["expert_choice_router", "moe_normalize_expert_weights"] {
            fields::only(config, field, &json!(false))?;
        }
        fields::only(config, "num_shared_experts", &json!(0))?;
        fields::only(config, "ffn_div", &json!(1))?;
        if every < 2 {
            return Err(refused("moe_every_n_layers", format!("must be at least 2, or 0, got {every}")));
        }
        if self.is_gated {
            let rule = "must be an activation without a gate for experts".to_owned();
            return Err(refused("activation_function", rule));
        }
        // All experts together are as wide as other families' feed-forward parts may be.
        let most = fields::LARGEST_SIZE / self.sizes.intermediate_dim;
        let count = fields::within("num_experts", fields::size(config, "num_experts")?, 1..=most)?;
        let hidden = self.sizes.hidden_dim;
        let experts = ExpertsRecipe {
            router: LinearRecipe::without_bias("mlp.router.layer", [hidden, count]),
            weights: ["mlp.experts.mlp.w1", "mlp.experts.mlp.w2"],
            bias: "mlp.experts.bias",
            inner_dim: self.sizes.intermediate_dim,
            chosen: fields::within("moe_top_k", fields::size_or(config, "moe_top_k", 1)?, 1..=count)?,
            activation: self.sizes.activation,
        };
        Ok(Some((every, experts)))
    }
}

/// The published code makes gated feed-forward parts as wide as the next multiple.
const GATE_MULTIPLE: usize = 256;

/// The activation, and whether it is that of a gate.
fn activation(config: &Value) -> Result<(Activation, bool)> {
    const FIELD: &str = "activation_function";
    Ok(match fields::text_or(config, FIELD, "gelu_new")? {
        "swiglu" => (Activation::Silu, true),
        "geglu" => (Activation::Gelu, true),
        "glu" => (Activation::Sigmoid, true),
        name => (fields::activation_named(FIELD, name)?, false),
    })
}

/// Of the first part of each head (`rotary_emb_fraction`), by default of none: such models have a table of positions.
fn rotary(config: &Value, sizes: &Sizes) -> Result<RotaryRecipe> {
    const FIELD: &str = "rotary_emb_fraction";
    let whole = rope::unscaled(sizes, rope::theta(config, "rotary_emb_base", 10_000.0)?)?;
    let fraction = fields::number_or(config, FIELD, 0.0)?;
    let width = (whole.width as f64 * fraction) as usize;
    match fraction <= 1.0 && width > 0 && width.is_multiple_of(2) {
        true => Ok(RotaryRecipe { width, ..whole }),
        false => {
            let rule = format!("must leave an even number of each head's {} values", whole.width);
            Err(refused(FIELD, format!("{rule}, got {fraction}")))
        }
    }
}

/// With a scaling factor, angles of texts beyond this length would depend on the longest text of a batch, and on
/// those before it.
fn unscaled_tokens(config: &Value) -> Result<Option<usize>> {
    let trained = fields::size_or(config, "max_trained_positions", 2048)?;
    let factor = config.get("rotary_scaling_factor").filter(|factor| !factor.is_null());
    Ok(factor.is_some().then_some(trained))
}

/// Refuses what no published model has.
fn refuse_other_blocks(config: &Value) -> Result<()> {
    let off = ["prenorm", "parallel_block", "causal", "use_rms_norm", "rotary_emb_interleaved"];
    for field in off {
        fields::only(config, field, &json!(false))?;
    }
    fields::only(config, "scale_attn_by_inverse_layer_idx", &json!(false))?;
    fields::only(config, "scale_attn_weights", &json!(true))?;
    fields::only(config, "rotary_emb_scale_base", &Value::Null)
}
