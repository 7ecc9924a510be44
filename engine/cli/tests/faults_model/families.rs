//! Fields and tensors of families: each fault is refused by the name of the field or tensor.

use serde_json::{Value, json};

use super::support::{Broken, entry};

const FILE: &str = "model.safetensors";

#[test]
fn fields_that_ask_for_something_else_are_refused() {
    let yarn = json!({"rope_type": "yarn", "factor": 4.0});
    let other_code = json!({"AutoModel": "modeling_other.Other"});
    let cases: &[(&str, &str, Value, &str)] = &[
        ("qwen3", "num_attention_heads", json!(0), "got 0"),
        ("qwen3", "num_key_value_heads", json!(4), "must divide num_attention_heads (6), got 4"),
        ("qwen3", "head_dim", json!(7), "must be even, got 7"),
        ("qwen3", "head_dim", json!(1 << 24), "got 16777216"),
        ("qwen3", "is_causal", json!(false), "must be true"),
        ("qwen3", "use_sliding_window", json!(true), "must be false"),
        (
            "qwen3",
            "layer_types",
            json!(["full_attention", "sliding_attention"]),
            "full_attention for every layer",
        ),
        ("qwen3", "layer_types", json!(["full_attention"]), "for each of the 2 layers"),
        ("qwen3", "rope_scaling", yarn.clone(), "must have rope_type default, got \"yarn\""),
        ("eurobert", "rope_theta", json!(-1), "must be above 0, got -1"),
        ("eurobert", "rope_parameters", yarn, "must have rope_type default, got \"yarn\""),
        (
            "eurobert",
            "rope_parameters",
            json!({"rope_theta": 7.0}),
            "must agree with rope_theta (5000), got 7",
        ),
        ("eurobert", "auto_map", other_code, "modeling_other.Other"),
        ("gemma3_text", "use_bidirectional_attention", json!(false), "must be true"),
        ("gemma3_text", "attn_logit_softcapping", json!(50.0), "must be null, got 50"),
        ("gemma3_text", "query_pre_attn_scalar", json!(0), "must be above 0, got 0"),
        ("gemma3_text", "query_pre_attn_scalar", json!(1e300), "must be 1e-16 to 1e16, got 1e300"),
        ("gemma3_text", "layer_types", json!(["chunked_attention", "full_attention"]), "sliding_attention"),
        ("neobert", "hidden_act", json!("gelu"), "must be SwiGLU, got `gelu`"),
        ("neobert", "dim_head", json!(9), "must be 8, got 9"),
        ("neobert", "num_attention_heads", json!(32), "must be an even multiple"),
        ("convbert", "conv_kernel_size", json!(4), "must be odd, got 4"),
        (
            "convbert",
            "num_groups",
            json!(3),
            "must divide hidden_size (32) and intermediate_size (48), got 3",
        ),
        ("squeezebert", "q_groups", json!(3), "must divide the widths 32 and 32, got 3"),
        ("squeezebert", "embedding_size", json!(16), "must be 32, got 16"),
        ("xlnet", "attn_type", json!("uni"), "must be \"bi\", got \"uni\""),
        ("xlnet", "clamp_len", json!(5), "must be -1, got 5"),
        ("xlnet", "d_model", json!(33), "must be a multiple of n_head (4), got 33"),
        ("qwen3", "max_position_embeddings", json!(-1), "must be a whole number of at least 0, got -1"),
        ("eurobert", "rope_theta", json!(1e300), "must be 1e-16 to 1e16, got 1e300"),
        ("jina-v3", "lora_alpha", json!(1e300), "must be 0.0 to 65536.0, got 1e300"),
        ("nomic", "rotary_scaling_factor", json!("two"), "must be a number, got \"two\""),
        ("xlm", "n_words", json!(7), "got 7"),
        ("xlm", "causal", json!(true), "must be false, got true"),
        ("xlm", "n_heads", json!(5), "must be a multiple of n_heads (5), got 32"),
    ];
    for (family, field, value, rule) in cases {
        let broken = Broken::of(&format!("families/{family}"));
        broken.edit_json("config.json", |config| config[*field] = value.clone());
        // A number of heads is refused by the width that it does not divide.
        let shown = if *family == "xlm" && *field == "n_heads" || *field == "num_attention_heads" {
            ""
        } else {
            field
        };
        broken.embed(&[]).is_refused(&["config.json", shown, rule]).is_cheap();
    }
}

/// A tensor of a family's first layer, and that layer.
const TENSORS: [(&str, &str, &str); 8] = [
    ("qwen3", "layers.0.self_attn.k_norm.weight", "layers.0"),
    ("gemma3_text", "layers.0.post_feedforward_layernorm.weight", "layers.0"),
    ("eurobert", "model.layers.0.mlp.gate_proj.weight", "model.layers.0"),
    ("neobert", "model.transformer_encoder.0.qkv.weight", "model.transformer_encoder.0"),
    ("convbert", "encoder.layer.0.attention.self.key_conv_attn_layer.depthwise.weight", "encoder.layer.0"),
    ("squeezebert", "encoder.layers.0.post_attention.conv1d.weight", "encoder.layers.0"),
    ("xlnet", "layer.0.rel_attn.r_w_bias", "layer.0"),
    ("xlm", "ffns.0.lin1.bias", "ffns.0"),
];

#[test]
fn a_misspelt_tensor_is_missing_and_one_that_nothing_reads_is_refused() {
    for (family, tensor, layer) in TENSORS {
        let folder = format!("families/{family}");
        let broken = Broken::of(&folder);
        broken.edit_weights(|header, _| {
            let found = header.remove(tensor).unwrap();
            header.insert(format!("{tensor}s"), found);
        });
        broken.is_refused(&[FILE, tensor, "missing"]);

        let broken = Broken::of(&folder);
        let stray = format!("{layer}.stray.weight");
        broken.edit_weights(|header, data| {
            let start = data.len() as u64;
            data.extend([0; 8]);
            header.insert(stray.clone(), entry("F32", &[2], start, start + 8));
        });
        broken.is_refused(&[FILE, &stray, &format!("family {family}")]);
    }
}

#[test]
fn a_tensor_of_another_shape_is_refused_with_both() {
    for (family, tensor, _) in TENSORS {
        let broken = Broken::of(&format!("families/{family}"));
        let mut shape = String::new();
        broken.edit_weights(|header, _| {
            let mut sizes: Vec<u64> = serde_json::from_value(header[tensor]["shape"].clone()).unwrap();
            shape = format!("{sizes:?}");
            sizes.insert(0, 1);
            header[tensor]["shape"] = json!(sizes);
        });
        broken.is_refused(&[FILE, tensor, &shape]);
    }
}

#[test]
fn an_unknown_field_is_reported() {
    for (family, ..) in TENSORS {
        let broken = Broken::of(&format!("families/{family}"));
        let quiet = broken.embed(&[]);
        assert!(!quiet.works().stderr.contains("not known"), "{quiet:#?}");
        broken.edit_json("config.json", |config| config["wavelength"] = json!(5));
        broken.embed(&[]).works().says(&["the field wavelength is not known"]);
    }
}
