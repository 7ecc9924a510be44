//! The fields of Nomic's models: GPT-2's names in their repositories, BERT's in transformers 5.

use nearsay_kernels::Activation;
use serde_json::{Value, json};

use super::fields::{self, refused};
use super::post_norm::{BERT_DEFAULTS, Defaults, Sizes};
use super::rope;
use crate::Result;
use crate::encoder::rotary::RotaryRecipe;

/// Sizes and settings, whatever their fields are called.
#[derive(Clone, Copy)]
pub(super) struct Model {
    pub(super) sizes: Sizes,
    /// The width of gates in config.json, if the published code makes them wider and other code may not.
    pub(super) stated_inner: Option<usize>,
    /// The activation is that of a gate.
    pub(super) is_gated: bool,
    pub(super) rotary: RotaryRecipe,
    /// Of query, key and value and of the attention's output; of the feed-forward part's two layers.
    pub(super) biases: [bool; 3],
    pub(super) stated_tokens: usize,
    /// The longest text with angles that do not depend on other texts.
    pub(super) most_tokens: Option<usize>,
}

impl Model {
    /// The fields of transformers 5.
    pub(super) fn of_transformers(config: &Value) -> Result<Self> {
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
    pub(super) fn of_repository(config: &Value) -> Result<Self> {
        refuse_other_blocks(config)?;
        refuse_contradictions(config)?;
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
            let rule = format!("must select an even number of each head's {} values", whole.width);
            Err(refused(FIELD, format!("{rule}, got {fraction}")))
        }
    }
}

/// With a scaling factor, angles of texts beyond this length would depend on the longest text of a batch, and on
/// those before it.
fn unscaled_tokens(config: &Value) -> Result<Option<usize>> {
    let trained = fields::size_or(config, "max_trained_positions", 2048)?;
    const FACTOR: &str = "rotary_scaling_factor";
    let is_stated = config.get(FACTOR).is_some_and(|factor| !factor.is_null());
    fields::positive_or(config, FACTOR, 1.0)?;
    Ok(is_stated.then_some(trained))
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

/// Refuses fields of transformers 5 that contradict the older ones.
fn refuse_contradictions(config: &Value) -> Result<()> {
    let pairs = [
        ("n_embd", "hidden_size"),
        ("n_layer", "num_hidden_layers"),
        ("n_head", "num_attention_heads"),
        ("n_inner", "intermediate_size"),
        ("layer_norm_epsilon", "layer_norm_eps"),
    ];
    for (old, new) in pairs {
        if let Some(value) = config.get(old).filter(|value| !value.is_null()) {
            fields::only(config, new, value)?;
        }
    }
    Ok(())
}

/// Nomic's fields, many of them GPT-2's and without effect.
pub(super) const NOMIC_FIELDS: [&str; 39] = [
    "activation_function",
    "add_pooling_layer",
    "attn_pdrop",
    "causal",
    "dense_seq_output",
    "embd_pdrop",
    "fused_bias_fc",
    "fused_dropout_add_ln",
    "head_dim",
    "layer_norm_epsilon",
    "max_trained_positions",
    "mlp_fc1_bias",
    "mlp_fc2_bias",
    "n_embd",
    "n_head",
    "n_inner",
    "n_layer",
    "n_positions",
    "pad_vocab_size_multiple",
    "parallel_block",
    "parallel_block_tied_norm",
    "prenorm",
    "qkv_proj_bias",
    "reorder_and_upcast_attn",
    "resid_pdrop",
    "rope_parameters",
    "rope_theta",
    "rotary_emb_base",
    "rotary_emb_fraction",
    "rotary_emb_interleaved",
    "rotary_emb_scale_base",
    "rotary_scaling_factor",
    "scale_attn_by_inverse_layer_idx",
    "scale_attn_weights",
    "seq_len",
    "unpad_inputs",
    "use_flash_attn",
    "use_rms_norm",
    "use_xentropy",
];

/// Fields of Nomic's experts.
pub(super) const EXPERT_FIELDS: [&str; 10] = [
    "expert_choice_router",
    "ffn_div",
    "moe_every_n_layers",
    "moe_impl",
    "moe_normalize_expert_weights",
    "moe_resid_pdrop",
    "moe_top_k",
    "num_experts",
    "num_shared_experts",
    "router_aux_loss_coef",
];
