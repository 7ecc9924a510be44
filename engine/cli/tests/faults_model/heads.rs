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
    renamed(STANFORD, "linear.weight").is_refused(&["has no late-interaction head", "linear.weight"]);
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

const STANFORD: &str = "late-interaction/stanford";
const ARTIFACT: &str = "artifact.metadata";

#[test]
fn settings_of_stanfords_colbert_are_checked() {
    let quiet = Broken::of(STANFORD).embed(&[]);
    assert!(!quiet.works().stderr.contains("not known"), "{quiet:#?}");
    let misspelt = with(STANFORD, ARTIFACT, "query_maxlenn", json!(12));
    misspelt.embed(&[]).works().says(&[ARTIFACT, "the field query_maxlenn is not known"]);
    misspelt.embed(&["--strict"]).is_refused(&[ARTIFACT, "query_maxlenn"]);
    let dim = with(STANFORD, ARTIFACT, "dim", json!(12));
    dim.is_refused(&[ARTIFACT, "dim", "must be 11, the rows of linear.weight, got 12"]);
    let long = with(STANFORD, ARTIFACT, "query_maxlen", json!(1 << 20));
    long.is_refused(&[
        ARTIFACT,
        "query_maxlen",
        "must be 4 to",
        "as queries are filled up to it, got 1048576",
    ]);
}

#[test]
fn a_query_of_a_length_that_is_asked_for_must_be_one_that_can_be_filled() {
    for (model, length, rule) in [
        (PYLATE, "1000000", "since queries are filled up to it, got 1000000"),
        (STANFORD, "1000000", "since queries are filled up to it, got 1000000"),
        ("late-interaction/pylate-window", "9", "at most 8, since a layer attends to 5 tokens on each side"),
    ] {
        let run = Broken::of(model).embed(&["--prompt-name", "query", "--max-length", length]);
        assert_eq!(run.says(&["--max-length must be at most", rule]).code, Some(2), "{run:#?}");
    }
}

/// `--pooling` is not a flag of score, and `--merge` was not asked for.
#[test]
fn hints_name_flags_of_their_own_command_alone() {
    let sparse = Broken::of(SPARSE);
    let [model, texts] = [sparse.root(), sparse.parent().join("texts.txt")];
    let copy = sparse.parent().join("copy.txt");
    std::fs::copy(&texts, &copy).unwrap();
    let [model, texts, copy] = [&model, &texts, &copy].map(|path| path.to_str().unwrap());
    let score = Run::of(&["score", "--metric", "cosine", "-m", model, "-c", texts, "-r", copy], &[]);
    let message = "one dense vector per text is needed, and the model makes sparse vectors";
    score
        .says(&[message, "hint: use a model that makes one, such as sentence-transformers/all-MiniLM-L6-v2"]);
    assert!(score.code == Some(2) && !score.stderr.contains("--pooling"), "{score:#?}");
    let out = sparse.parent().join("a.index");
    let build = ["index", "build", texts, "-o", out.to_str().unwrap(), "-m", model];
    Run::of(&build, &[]).says(&[message, "hint: --pooling mean pools its hidden states"]);
    let merged = Broken::of(PYLATE).embed(&["--dimensions", "4"]);
    assert!(merged.code == Some(2) && !merged.stderr.contains("--level"), "{merged:#?}");
    merged.says(&["--dimensions makes no sense with late interaction"]);
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
