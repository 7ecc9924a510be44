//! Families whose published models bring code of their own: what is not supported is refused by its field, and code
//! that is not known by its name.

use serde_json::{Value, json};

use super::support::{Broken, entry};

const CONFIG: &str = "config.json";

#[test]
fn fields_that_ask_for_another_computation_are_refused_by_name() {
    let cases = [
        ("gte", "logn_attention_scale", json!(true), "got true"),
        ("gte", "layer_norm_type", json!("rms_norm"), "got \"rms_norm\""),
        ("gte", "pack_qkv", json!(false), "got false"),
        ("gte", "position_embedding_type", json!("absolute"), "got \"absolute\""),
        ("gte", "rope_scaling", json!({"type": "linear", "factor": 2}), "got `linear`"),
        ("gte", "rope_scaling", json!({"type": "ntk", "factor": 0.5}), "got 0.5"),
        ("gte", "rope_scaling", json!({"type": "ntk", "factor": 2, "mixed_b": -1}), "got -1"),
        ("gte", "rope_parameters", json!({"rope_theta": 5000.0}), "rope_scaling"),
        ("gte", "rope_theta", json!(0), "got 0"),
        ("gte", "num_attention_heads", json!(32), "twice a multiple"),
        ("nomic", "prenorm", json!(true), "got true"),
        ("nomic", "parallel_block", json!(true), "got true"),
        ("nomic", "causal", json!(true), "got true"),
        ("nomic", "use_rms_norm", json!(true), "got true"),
        ("nomic", "rotary_emb_interleaved", json!(true), "got true"),
        ("nomic", "rotary_emb_scale_base", json!(512), "got 512"),
        ("nomic", "rotary_emb_fraction", json!(0.0), "got 0"),
        ("nomic", "activation_function", json!("mish"), "got `mish`"),
        ("nomic", "n_head", json!(3), "got 32"),
        ("nomic", "hidden_size", json!(36), "got 36"),
        ("nomic-experts", "expert_choice_router", json!(true), "got true"),
        ("nomic-experts", "moe_normalize_expert_weights", json!(true), "got true"),
        ("nomic-experts", "num_shared_experts", json!(1), "got 1"),
        ("nomic-experts", "ffn_div", json!(2), "got 2"),
        ("nomic-experts", "moe_top_k", json!(5), "got 5"),
        ("nomic-experts", "moe_every_n_layers", json!(1), "got 1"),
        ("nomic-experts", "num_experts", json!(1 << 24), "got 16777216"),
        ("nomic-experts", "activation_function", json!("swiglu"), "activation_function"),
        ("jina", "feed_forward_type", json!("swiglu"), "got `swiglu`"),
        ("jina-v3", "lora_adaptations", json!("separation"), "got \"separation\""),
        ("jina-v3", "lora_adaptations", json!([1]), "got 1"),
        ("jina-v3", "lora_rank", json!(0), "got 0"),
        ("jina-v3", "task_instructions", json!([]), "got []"),
        ("jina-v3", "truncate_dim", json!(16), "got 16"),
    ];
    for (family, field, value, shown) in cases {
        let broken = Broken::of(&format!("families/{family}"));
        broken.edit_json(CONFIG, |config| config[field] = value);
        let shown_field = if field == "n_head" { "n_embd" } else { field };
        let shown_field = if shown == "twice a multiple" { "hidden_size" } else { shown_field };
        let shown_field = if field == "rope_parameters" { "rope_scaling" } else { shown_field };
        broken.embed(&[]).is_refused(&[CONFIG, shown_field, shown]).is_cheap();
    }
}

#[test]
fn code_that_is_not_known_is_refused_by_name() {
    for (family, code) in [
        ("gte", "Alibaba-NLP/new-impl--modeling.NewDecoder"),
        ("gte", "someone/new-impl--modeling.NewModel"),
        ("nomic", "modeling.JinaBertModel"),
        ("jina", "jinaai/jina-bert-implementation--modeling_bert.NewModel"),
        ("jina-v3", "jinaai/xlm-roberta-flash-implementation--modeling_lora.Other"),
    ] {
        let broken = Broken::of(&format!("families/{family}"));
        broken.edit_json(CONFIG, |config| config["auto_map"]["AutoModel"] = json!(code));
        broken.is_refused(&["auto_map.AutoModel", code]);
    }
    // A copy of known code in the model's own repository.
    let broken = Broken::of("families/gte");
    broken.edit_json(CONFIG, |config| config["auto_map"]["AutoModel"] = json!("modeling.NewModel"));
    broken.embed(&[]).works();
    // BERT without linear biases is not what the code computes.
    let broken = Broken::of("families/jina");
    broken.edit_json(CONFIG, |config| config["position_embedding_type"] = json!("absolute"));
    broken.is_refused(&["auto_map.AutoModel", "JinaBertModel", "family bert"]);
}

#[test]
fn missing_and_unread_tensors_are_refused_by_name() {
    for (family, tensor) in [
        ("gte", "new.encoder.layer.1.mlp.up_gate_proj.weight"),
        ("gte-mixed", "embeddings.token_type_embeddings.weight"),
        ("nomic", "encoder.layers.0.mlp.fc12.weight"),
        ("nomic-experts", "encoder.layers.1.mlp.experts.bias"),
        ("nomic-experts", "encoder.layers.1.mlp.router.layer.weight"),
        ("jina", "encoder.layer.0.mlp.layernorm.bias"),
        ("jina-code", "encoder.layer.1.attention.self.layer_norm_k.weight"),
        ("jina-code", "encoder.layer.1.layer_norm_1.weight"),
        ("jina-v3", "roberta.encoder.layers.0.mixer.out_proj.bias"),
    ] {
        let broken = Broken::of(&format!("families/{family}"));
        broken.edit_weights(|header, _| {
            let moved = header.remove(tensor).expect("a tensor");
            header.insert("left.over".to_owned(), moved);
        });
        broken.is_refused(&[tensor, "missing"]);
    }
    for (family, tensor) in [
        ("gte", "new.encoder.layer.0.attention.q_proj.weight"),
        ("nomic", "encoder.layers.1.mlp.fc11.bias"),
        ("jina", "encoder.layer.0.attention.self.layer_norm_q.weight"),
        ("jina-v3", "roberta.encoder.layers.1.mixer.rotary.weight"),
    ] {
        let broken = Broken::of(&format!("families/{family}"));
        broken.edit_weights(|header, data| {
            let start = data.len() as u64;
            data.extend([0; 8]);
            header.insert(tensor.to_owned(), entry("F32", &[2], start, start + 8));
        });
        broken.is_refused(&[tensor]);
    }
}

#[test]
fn missing_adapters_are_refused_by_name() {
    let adapter = "roberta.encoder.layers.1.mlp.fc2.parametrizations.weight.0.lora_B";
    let broken = Broken::of("families/jina-v3");
    broken.edit_weights(|header, _| {
        let moved = header.remove(adapter).expect("a tensor");
        header.insert(adapter.replace("lora_B", "lora_C"), moved);
    });
    broken.embed(&["--task", "separation"]).is_refused(&[adapter, "missing"]);
    let broken = Broken::of("families/jina-v3");
    broken.edit_json(CONFIG, |config| config["lora_rank"] = json!(2));
    broken.embed(&["--task", "separation"]).is_refused(&["lora_A", "[3, 175, 2]"]);
}

/// Alibaba's first models have no field with the scaling.
#[test]
fn a_scaling_that_is_null_is_none() {
    let broken = Broken::of("families/gte");
    broken.edit_json(CONFIG, |config| config["rope_scaling"] = Value::Null);
    broken.embed(&[]).works();
}
