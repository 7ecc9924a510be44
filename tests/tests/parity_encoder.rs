//! Hidden states of every layer against transformers, for tiny random models of each family.
//!
//! Bound: a layer's states are the output of a LayerNorm, so they are of size 1. Each of the four products
//! before it sums over at most 64 values, and the fixtures' weights of size 0.3 magnify their input about
//! fivefold; that is some 100 roundings of 6e-8 per layer. Three layers stay within 2e-5; the observed
//! difference is under 4e-6. Where the norm comes before a part, states are sums that grow from layer to layer, and
//! roundings with them: of ModernBERT they reach 27 and are off by up to 2.3e-5 (AVX2), so the bound is in proportion to
//! the largest value above that of the others, 5.

use std::collections::HashMap;
use std::fs;

use candle_core::Tensor;
use nearsay::tokens::{TextTokenizer, TokenizerLimits};
use nearsay_models::{Encoder, EncoderOptions, HubOptions, Model};
use nearsay_tests::cases::Case;
use nearsay_tests::{copy_folder, fixture, tensors};
use serde_json::{Value, json};

const BOUND: f32 = 2e-5;

/// The largest value of the states that are outputs of a LayerNorm.
const NORMED: f32 = 5.0;

fn open(folder: &str) -> Model {
    Model::open(fixture(folder).to_str().unwrap(), &HubOptions::default()).unwrap()
}

fn load(model: &Model, num_layers: usize) -> nearsay_models::Result<Encoder> {
    model.load_encoder(&EncoderOptions { num_layers: Some(num_layers), ..EncoderOptions::default() })
}

fn tokenizer(model: &Model) -> TextTokenizer {
    let limits = TokenizerLimits {
        max_tokens: model.tokenizer_length().tokens,
        vocab_size: model.recipe().vocab_size(),
        lower_case: false,
    };
    TextTokenizer::open(&model.tokenizer().file().unwrap(), model.tokenizer().settings(), limits).unwrap()
}

fn texts(folder: &str) -> Vec<String> {
    serde_json::from_value(nearsay_tests::json(&format!("{folder}/texts.json"))).unwrap()
}

fn expected_ids(expected: &HashMap<String, Tensor>, text: usize) -> Vec<u32> {
    let ids = expected[&format!("input_ids.{text}")].flatten_all().unwrap();
    ids.to_dtype(candle_core::DType::U32).unwrap().to_vec1().unwrap()
}

/// The largest difference, and its bound.
fn worst(got: &[f32], expected: &Tensor) -> (f32, f32) {
    let expected = expected.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(got.len(), expected.len());
    let off = got.iter().zip(&expected).map(|(got, expected)| (got - expected).abs()).fold(0.0, f32::max);
    let largest = expected.iter().fold(NORMED, |largest, value| largest.max(value.abs()));
    (off, BOUND * largest / NORMED)
}

/// Token ids and hidden states of every layer of all texts of `folder`, encoded in one batch.
fn check(folder: &str, expected_folder: &str) {
    let model = open(folder);
    let layers = model.recipe().num_layers();
    let encoder = load(&model, layers).unwrap();
    let tokenizer = tokenizer(&model);
    let expected = tensors(&format!("{expected_folder}/expected.safetensors"));
    let texts = texts(expected_folder);
    assert!(texts.len() >= 3);
    let mut ids = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let got = tokenizer.encode(text).unwrap().ids;
        assert_eq!(got, expected_ids(&expected, number), "{folder}, text {number}: {text:?}");
        ids.push(got);
    }
    let ids: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
    let wanted: Vec<usize> = (0..=layers).collect();
    let batch = encoder.pack(&ids).unwrap();
    let raw = encoder.forward_raw(&batch, &wanted).unwrap();
    let finished = encoder.forward(&batch, &[layers]).unwrap();
    for layer in wanted {
        // The norm after the last layer, where there is one, belongs to the last layer's states.
        let states = if layer == layers { &finished } else { &raw };
        let (values, dim) = (states.layer(layer).unwrap().to_vec().unwrap(), model.recipe().hidden_dim());
        for (text, range) in states.cu_seqlens().ranges().enumerate() {
            let got = &values[range.start * dim..range.end * dim];
            let (off, bound) = worst(got, &expected[&format!("hidden.{text}.layer.{layer}")]);
            assert!(
                off <= bound,
                "{folder}, text {text}, layer {layer}: off by {off:e}, more than {bound:e}"
            );
        }
    }
}

#[test]
fn bert() {
    check("families/bert", "families/bert");
}

#[test]
fn bert_with_tanh_gelu() {
    check("families/bert-gelu-new", "families/bert-gelu-new");
}

#[test]
fn bert_with_relu() {
    check("families/bert-relu", "families/bert-relu");
}

#[test]
fn bert_with_odd_sizes() {
    check("families/bert-odd", "families/bert-odd");
}

#[test]
fn distilbert() {
    check("families/distilbert", "families/distilbert");
}

#[test]
fn roberta() {
    check("families/roberta", "families/roberta");
}

#[test]
fn xlm_roberta() {
    check("families/xlm-roberta", "families/xlm-roberta");
}

#[test]
fn electra() {
    check("families/electra", "families/electra");
}

#[test]
fn albert() {
    check("families/albert", "families/albert");
    check("families/albert-one-group", "families/albert-one-group");
}

#[test]
fn mpnet() {
    check("families/mpnet", "families/mpnet");
}

#[test]
fn bert_with_relative_keys() {
    check("families/bert-relative-key", "families/bert-relative-key");
    check("families/bert-relative-key-query", "families/bert-relative-key-query");
}

#[test]
fn bart() {
    check("families/bart", "families/bart");
}

#[test]
fn mbart() {
    check("families/mbart", "families/mbart");
}

#[test]
fn t5() {
    check("families/t5", "families/t5");
    check("families/umt5", "families/umt5");
}

#[test]
fn modernbert() {
    check("families/modernbert", "families/modernbert");
}

#[test]
fn windows_of_longformer_and_led() {
    check("families/longformer", "families/longformer");
    check("families/led", "families/led");
}

#[test]
fn pegasus_and_blenderbot() {
    for family in ["pegasus", "blenderbot", "blenderbot-small"] {
        check(&format!("families/{family}"), &format!("families/{family}"));
    }
}

#[test]
fn prophetnet() {
    check("families/prophetnet", "families/prophetnet");
}

#[test]
fn big_bird() {
    check("families/big_bird", "families/big_bird");
}

#[test]
fn deberta() {
    check("families/deberta", "families/deberta");
}

#[test]
fn deberta_v2() {
    check("families/deberta-v2", "families/deberta-v2");
}

#[test]
fn qwen3() {
    check("families/qwen3", "families/qwen3");
}

#[test]
fn embedding_gemma() {
    check("families/gemma3_text", "families/gemma3_text");
}

#[test]
fn eurobert() {
    check("families/eurobert", "families/eurobert");
}

#[test]
fn neobert() {
    check("families/neobert", "families/neobert");
}

#[test]
fn convbert() {
    check("families/convbert", "families/convbert");
}

#[test]
fn squeezebert() {
    check("families/squeezebert", "families/squeezebert");
}

#[test]
fn xlnet() {
    check("families/xlnet", "families/xlnet");
}

#[test]
fn xlm() {
    check("families/xlm", "families/xlm");
}

#[test]
fn camembert() {
    check("families/camembert", "families/camembert");
}

/// A formula that is read wrongly must not pass: each of these changes one number or name of config.json.
#[test]
fn a_wrong_reading_is_seen() {
    for (family, field, wrong) in [
        ("albert", "hidden_act", json!("gelu")),
        ("t5", "relative_attention_max_distance", json!(24)),
        ("deberta-v2", "max_relative_positions", json!(33)),
        ("bert-relative-key-query", "position_embedding_type", json!("relative_key")),
        ("longformer", "attention_window", json!([4, 6])),
        ("modernbert", "local_attention", json!(12)),
        ("modernbert", "global_rope_theta", json!(10000.0)),
        ("bart", "scale_embedding", json!(false)),
        ("gte", "rope_scaling", json!(null)),
        ("gte", "layer_norm_eps", json!(1e-3)),
        ("gte-mixed", "rope_scaling", json!({"type": "ntk", "factor": 3.0, "mixed_b": 0.6})),
        ("gte-mixed", "hidden_act", json!("gelu_new")),
        ("nomic", "activation_function", json!("geglu")),
        ("nomic", "rotary_emb_base", json!(1010)),
        ("nomic-experts", "moe_top_k", json!(1)),
        ("jina", "feed_forward_type", json!("reglu")),
        ("jina", "num_attention_heads", json!(2)),
        ("jina-code", "num_attention_heads", json!(8)),
        ("jina-v3", "rotary_emb_base", json!(2020)),
        ("qwen3", "rope_theta", json!(10000.0)),
        ("qwen3", "rms_norm_eps", json!(1e-6)),
        ("gemma3_text", "sliding_window", json!(8)),
        ("gemma3_text", "rope_local_base_freq", json!(5000.0)),
        ("gemma3_text", "query_pre_attn_scalar", json!(10)),
        ("gemma3_text", "hidden_activation", json!("gelu")),
        ("eurobert", "rope_theta", json!(10000.0)),
        ("xlm", "gelu_activation", json!(false)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&fixture(&format!("families/{family}")), folder.path());
        let path = folder.path().join("config.json");
        let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        config[field] = wrong;
        fs::write(&path, config.to_string()).unwrap();
        let difference = Case::open(folder.path()).difference();
        assert!(difference.relative > 1e-4, "{family}, {field}: {difference:?}");
    }
}

#[test]
fn every_container_of_the_same_weights() {
    for container in ["single", "sharded", "pickle", "f16", "old-names"] {
        check(&format!("loaders/{container}"), "loaders/single");
    }
}

#[test]
fn layers_above_the_one_asked_for_are_neither_loaded_nor_run() {
    let model = open("families/bert");
    let encoder = load(&model, 1).unwrap();
    assert_eq!(encoder.loaded_layers(), 1);
    let unused = model.weights().unused();
    assert!(unused.iter().any(|name| name.contains("layer.1.")), "{unused:?}");
    assert!(unused.iter().all(|name| !name.contains("layer.0.")), "{unused:?}");
    let batch = encoder.pack(&[&[1, 2, 3]]).unwrap();
    let error = encoder.forward(&batch, &[2]).unwrap_err().to_string();
    assert_eq!(error, "layer 2 was asked for; there are layers 0 to 1");
    let full = load(&model, 3).unwrap();
    let bits = |encoder: &Encoder| encoder.forward(&batch, &[1]).unwrap().layer(1).unwrap().to_vec().unwrap();
    assert_eq!(bits(&encoder), bits(&full));
    let error = load(&model, 4).unwrap_err().to_string();
    assert_eq!(error, "layer 4 was asked for; there are layers 0 to 3");
}
