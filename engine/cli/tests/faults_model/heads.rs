//! Heads: settings and tensors that are missing, strange, or of something else.

use nearsay_tests::fixture;
use serde_json::{Value, json};

use super::support::{Broken, Run};

const SPARSE: &str = "sparse-encoders/bert";
const PYLATE: &str = "late-interaction/pylate";
const SETTINGS: &str = "config_sentence_transformers.json";
const SPLADE: &str = "1_SpladePooling/config.json";

fn with(fixture: &str, file: &str, field: &str, value: Value) -> Broken {
    let broken = Broken::of(fixture);
    broken.edit_json(file, |config| config[field] = value);
    broken
}

/// The same model with a tensor under another name.
fn renamed(fixture: &str, tensor: &str) -> Broken {
    let broken = Broken::of(fixture);
    broken.edit_weights(|header, _| {
        let entry = header.remove(tensor).unwrap();
        header.insert(format!("{tensor}_"), entry);
    });
    broken
}

#[test]
fn a_sparse_encoder_that_is_whole_works() {
    Broken::of(SPARSE).embed(&[]).works();
    Broken::of(PYLATE).embed(&[]).works();
}

#[test]
fn a_tensor_of_a_head_that_is_missing_is_named() {
    let dense = "cls.predictions.transform.dense.weight";
    renamed(SPARSE, dense).is_refused(&["has no masked-language head", "model.safetensors", dense]);
    for tensor in ["cls.predictions.transform.LayerNorm.weight", "cls.predictions.bias"] {
        renamed(SPARSE, tensor).is_refused(&["model.safetensors", tensor, "is missing"]);
    }
    let stanford = "late-interaction/stanford";
    renamed(stanford, "linear.weight").is_refused(&["has no late-interaction head", "linear.weight"]);
}

#[test]
fn a_head_of_another_shape_is_refused_with_both() {
    let broken = Broken::of("sparse-encoders/roberta-untied");
    let name = "lm_head.dense.weight";
    broken.edit_weights(|header, _| header[name]["shape"] = json!([16, 64]));
    broken.is_refused(&[name, "[16, 64]", "[32, 32]"]);
}

#[test]
fn settings_of_sparse_encoders_are_checked() {
    with(SPARSE, SPLADE, "pooling_strategy", json!("mean")).is_refused(&[SPLADE, "mean", "max, sum"]);
    with(SPARSE, SPLADE, "activation_function", json!("gelu")).is_refused(&[SPLADE, "gelu", "log1p_relu"]);
    with(SPARSE, SPLADE, "word_embedding_dimension", json!(7)).is_refused(&[SPLADE, "vocabulary", "got 7"]);
    with(SPARSE, SPLADE, "temperature", json!(2)).is_refused(&[SPLADE, "temperature"]);
    let kind = with(SPARSE, SETTINGS, "model_type", json!("SentenceTransformer"));
    kind.is_refused(&[SETTINGS, "model_type", "SparseEncoder", "SentenceTransformer"]);
    with(SPARSE, SETTINGS, "max_active_dims", json!(64)).is_refused(&[SETTINGS, "max_active_dims", "64"]);
    let broken = Broken::of(SPARSE);
    broken.edit_json("modules.json", |modules| {
        let normalize =
            json!({"idx": 2, "name": "2", "path": "2_N", "type": "sentence_transformers.models.Normalize"});
        modules.as_array_mut().unwrap().push(normalize);
    });
    broken.is_refused(&["modules.json", "MLMTransformer and SpladePooling", "Normalize"]);
}

#[test]
fn settings_of_late_interaction_are_checked() {
    with(PYLATE, SETTINGS, "query_length", json!(3)).is_refused(&[
        SETTINGS,
        "query_length",
        "must be 4",
        "got 3",
    ]);
    let marker = with(PYLATE, SETTINGS, "query_prefix", json!("[X] "));
    marker.embed(&["--prompt-name", "query"]).is_refused(&[SETTINGS, "query_prefix", "vocabulary", "[X] "]);
    marker.embed(&[]).works();
    let window = with("late-interaction/pylate-window", SETTINGS, "query_length", json!(9));
    window.embed(&["--prompt-name", "query"]).is_refused(&[SETTINGS, "query_length", "at most 8", "got 9"]);
    with(SPARSE, SETTINGS, "query_length", json!(32)).is_refused(&[SETTINGS, "query_length", "PyLate"]);
    let broken = Broken::of(PYLATE);
    broken.edit_json("modules.json", |modules| modules[1]["type"] = json!("pylate.models.LSTM.LSTM"));
    broken.is_refused(&["modules.json", "pylate.models.LSTM.LSTM"]);
}

#[test]
fn a_head_in_a_pickle_is_read_as_tensors_only() {
    let broken = Broken::of("late-interaction/bge-m3");
    broken.embed(&["--pooling", "colbert"]).works();
    broken.write("sparse_linear.pt", b"not a pickle");
    broken.embed(&["--pooling", "lexical"]).is_refused(&["sparse_linear.pt"]);
    broken.remove("colbert_linear.pt");
    broken
        .embed(&["--pooling", "colbert"])
        .is_refused(&["has no late-interaction head", "colbert_linear.pt"]);
}

#[test]
fn families_whose_head_is_not_read_are_named() {
    let model = fixture("families/t5");
    let arguments = ["embed", "--text", "river", "-m", model.to_str().unwrap(), "--pooling", "splade"];
    Run::of(&arguments, &[]).is_refused(&["config.json", "masked-language", "roberta", "`t5`"]);
}
