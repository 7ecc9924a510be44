//! Families whose published models bring code of their own, against the formulas in scripts/fixtures: hidden states
//! of every layer, under the names of that code and those of transformers 5, and with adapters of tasks.
//!
//! Bound: as in parity_encoder.rs. The expected states are computed in f64; the observed difference is under 4e-6.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::Tensor;
use nearsay_models::{EncoderOptions, Error, HubOptions, Model, Stop};
use nearsay_tests::cases::Case;
use nearsay_tests::{copy_folder, fixture, tensors};
use serde_json::{Value, json};

const BOUND: f32 = 2e-5;

fn check(folder: &Path) {
    let case = Case::open(folder);
    case.check_tokenizer();
    let difference = case.difference();
    assert!(difference.relative <= BOUND, "{}: {difference:?}", folder.display());
}

#[test]
fn gte() {
    check(&fixture("families/gte"));
    check(&fixture("families/gte-mixed"));
}

#[test]
fn nomic() {
    check(&fixture("families/nomic"));
    check(&fixture("families/nomic-experts"));
}

#[test]
fn jina() {
    check(&fixture("families/jina"));
    check(&fixture("families/jina-code"));
    check(&fixture("families/jina-v3"));
}

/// A copy of a family's folder, with other fields of config.json and other tensors.
fn rewritten(
    family: &str,
    fields: impl FnOnce(&mut Value),
    rename: impl Fn(&str, &Tensor) -> Vec<(String, Tensor)>,
) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&fixture(&format!("families/{family}")), folder.path());
    let path = folder.path().join("config.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    fields(&mut config);
    fs::write(&path, config.to_string()).unwrap();
    let stored = tensors(&format!("families/{family}/model.safetensors"));
    let renamed = stored.iter().flat_map(|(name, tensor)| rename(name, tensor));
    let renamed: HashMap<String, Tensor> = renamed.collect();
    candle_core::safetensors::save(&renamed, folder.path().join("model.safetensors")).unwrap();
    folder
}

/// The parts of a tensor's first dimension.
fn parts<const N: usize>(tensor: &Tensor) -> [Tensor; N] {
    let parts = tensor.chunk(N, 0).unwrap().into_iter().map(|part| part.contiguous().unwrap());
    parts.collect::<Vec<_>>().try_into().unwrap()
}

/// A tensor of gte or nomic by transformers 5: query, key and value have names of their own, and so have gates.
fn by_transformers(name: &str, tensor: &Tensor) -> Vec<(String, Tensor)> {
    let renames = [
        ("new.", ""),
        ("encoder.layers.", "layers."),
        ("encoder.layer.", "layers."),
        ("emb_ln", "embeddings.LayerNorm"),
        ("attention.o_proj", "self_attn.o_proj"),
        ("attn.out_proj", "self_attn.o_proj"),
        ("attn_ln", "post_attention_layernorm"),
        ("norm1", "post_attention_layernorm"),
        ("mlp_ln", "post_mlp_layernorm"),
        ("norm2", "post_mlp_layernorm"),
        ("fc11", "up_proj"),
        ("fc12", "gate_proj"),
        ("fc2", "down_proj"),
    ];
    let renamed = renames.iter().fold(name.to_owned(), |name, (old, new)| name.replace(old, new));
    for joined in ["attention.qkv_proj", "attn.Wqkv"] {
        if renamed.contains(joined) {
            let names = ["q_proj", "k_proj", "v_proj"];
            let named = names.map(|part| renamed.replace(joined, &format!("self_attn.{part}")));
            return named.into_iter().zip(parts::<3>(tensor)).collect();
        }
    }
    if renamed.contains("up_gate_proj") {
        let named = ["up_proj", "gate_proj"].map(|part| renamed.replace("up_gate_proj", part));
        return named.into_iter().zip(parts::<2>(tensor)).collect();
    }
    vec![(renamed, tensor.clone())]
}

/// gte's fields as transformers 5 has them. Its scaling is that of Alibaba's code with a larger theta: for heads of 8
/// values, angles are divided by 3^(2/8).
fn fields_of_gte(config: &mut Value) {
    config["model_type"] = json!("gte");
    config["rope_parameters"] =
        json!({"rope_type": "linear", "rope_theta": 15000.0, "factor": 3f64.powf(0.25)});
    for old in ["rope_scaling", "rope_theta", "auto_map", "position_embedding_type", "pack_qkv"] {
        config.as_object_mut().unwrap().remove(old);
    }
}

fn fields_of_nomic(config: &mut Value) {
    let sizes = config.clone();
    *config = json!({
        "model_type": "nomic_bert",
        "vocab_size": sizes["vocab_size"],
        "hidden_size": sizes["n_embd"],
        "num_hidden_layers": sizes["n_layer"],
        "num_attention_heads": sizes["n_head"],
        "intermediate_size": sizes["n_inner"],
        "max_position_embeddings": sizes["n_positions"],
        "rope_parameters": {"rope_type": "default", "rope_theta": 1000.0},
    });
}

#[test]
fn fields_and_names_of_transformers_5_in_any_combination() {
    let same = |name: &str, tensor: &Tensor| vec![(name.to_owned(), tensor.clone())];
    check(rewritten("gte", fields_of_gte, by_transformers).path());
    check(rewritten("gte", fields_of_gte, same).path());
    check(rewritten("gte", |_| (), by_transformers).path());
    check(rewritten("nomic", fields_of_nomic, by_transformers).path());
    check(rewritten("nomic", fields_of_nomic, same).path());
}

/// The published code makes gates of 48 values as wide as 256; files have either.
#[test]
fn gates_have_the_width_of_the_file() {
    let widened = |name: &str, tensor: &Tensor| {
        let dim = match name {
            name if name.contains("fc11") || name.contains("fc12") => Some(0),
            name if name.contains("fc2") => Some(1),
            _ => None,
        };
        let tensor = dim.map_or(tensor.clone(), |dim| tensor.pad_with_zeros(dim, 0, 256 - 48).unwrap());
        vec![(name.to_owned(), tensor.contiguous().unwrap())]
    };
    check(rewritten("nomic", |_| (), widened).path());
}

fn open(folder: &Path) -> Model {
    Model::open(folder.to_str().unwrap(), &HubOptions::default()).unwrap()
}

#[test]
fn adapters_of_each_task() {
    let model = open(&fixture("families/jina-v3"));
    assert_eq!(model.tasks().collect::<Vec<_>>(), ["retrieval.query", "retrieval.passage", "separation"]);
    assert_eq!(model.task_instruction("retrieval.query").unwrap(), "river: ");
    // The states of tasks are part of the case. Read wrongly, the scale or the order of tasks would not pass.
    let same = |name: &str, tensor: &Tensor| vec![(name.to_owned(), tensor.clone())];
    let order = json!(["separation", "retrieval.query", "retrieval.passage"]);
    for (field, wrong, least) in [("lora_alpha", json!(2.001), 1e-4), ("lora_adaptations", order, 1e-2)] {
        let other = rewritten("jina-v3", |config| config[field] = wrong, same);
        let difference = Case::open(other.path()).difference();
        assert!(difference.relative > least && difference.tensor.starts_with("task."), "{difference:?}");
    }
}

#[test]
fn layers_loaded_later_have_the_same_adapters() {
    let model = open(&fixture("families/jina-v3"));
    let options = |num_layers| EncoderOptions {
        num_layers: Some(num_layers),
        task: Some("separation".to_owned()),
        ..EncoderOptions::default()
    };
    let grown = model.grow_encoder(&model.load_encoder(&options(1)).unwrap(), 2, &Stop::default()).unwrap();
    let whole = model.load_encoder(&options(2)).unwrap();
    let [grown, whole] = [grown, whole].map(|encoder| {
        let batch = encoder.pack(&[&[5, 9, 20, 6]]).unwrap();
        encoder.forward(&batch, &[2]).unwrap().layer(2).unwrap().to_vec().unwrap()
    });
    assert_eq!(grown, whole);
}

#[test]
fn a_task_without_adapters_is_an_error() {
    let of_task = |folder: &Path, task: &str| {
        let options = EncoderOptions { task: Some(task.to_owned()), ..EncoderOptions::default() };
        open(folder).load_encoder(&options).unwrap_err()
    };
    let error = of_task(&fixture("families/jina-v3"), "clustering");
    assert!(matches!(&error, Error::NoSuchTask { tasks, .. } if tasks.len() == 3), "{error}");
    assert!(error.to_string().contains("`clustering`: its tasks are retrieval.query, "), "{error}");
    let error = of_task(&fixture("families/bert"), "separation").to_string();
    assert!(error.contains("it has no tasks"), "{error}");
    // Merged weights are not those of any task.
    let merged = rewritten(
        "jina-v3",
        |_| (),
        |name, tensor| {
            let merged = name.replace("parametrizations.weight.original", "weight");
            if name.contains("lora") { Vec::new() } else { vec![(merged, tensor.clone())] }
        },
    );
    open(merged.path()).load_encoder(&EncoderOptions::default()).unwrap();
    let error = of_task(merged.path(), "separation");
    assert!(matches!(error, Error::MissingTensor { .. }), "{error}");
    assert!(error.to_string().contains("parametrizations"), "{error}");
}

#[test]
fn a_flag_stops_the_loading() {
    let model = open(&fixture("families/bert"));
    let flag = Arc::new(AtomicBool::new(false));
    let options =
        EncoderOptions { num_layers: Some(1), stop: Stop::new(flag.clone()), ..EncoderOptions::default() };
    let encoder = model.load_encoder(&options).unwrap();
    flag.store(true, Ordering::Relaxed);
    assert!(matches!(model.load_encoder(&options), Err(Error::Stopped)));
    assert!(matches!(model.grow_encoder(&encoder, 2, &options.stop), Err(Error::Stopped)));
    // Nothing is left to load.
    assert_eq!(model.grow_encoder(&encoder, 1, &options.stop).unwrap().loaded_layers(), 1);
}
