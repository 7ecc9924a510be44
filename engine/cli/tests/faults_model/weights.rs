//! Tensors that are missing, strange or not finite.

use nearsay_models::{HubOptions, ModelFolder, weights::Weights};
use serde_json::{Value, json};

use super::support::{Broken, entry};

const FILE: &str = "model.safetensors";
const WORDS: &str = "embeddings.word_embeddings.weight";
const QUERY: &str = "encoder.layer.1.attention.self.query.weight";

fn start(header: &serde_json::Map<String, Value>, name: &str) -> usize {
    header[name]["data_offsets"][0].as_u64().unwrap() as usize
}

#[test]
fn a_shape_other_than_the_configs_is_refused_with_both() {
    let broken = Broken::new();
    broken.edit_weights(|header, _| header[QUERY]["shape"] = json!([8, 32]));
    broken.is_refused(&[FILE, QUERY, "[8, 32]", "[16, 16]"]);
}

#[test]
fn a_vocabulary_larger_than_the_embeddings_is_refused() {
    let broken = Broken::new();
    broken.edit_json("config.json", |config| config["vocab_size"] = json!(181));
    broken.is_refused(&[FILE, WORDS, "[180, 16]", "[181, 16]"]);
}

#[test]
fn positions_beyond_the_table_are_refused() {
    let broken = Broken::new();
    broken.edit_json("config.json", |config| config["max_position_embeddings"] = json!(512));
    broken.is_refused(&[FILE, "position_embeddings", "[40, 16]", "[512, 16]"]);
}

#[test]
fn values_that_are_not_finite_are_refused() {
    for bits in [0x7fc0_0000_u32, 0x7f80_0000, 0xff80_0000, 0x7f80_0001] {
        let broken = Broken::new();
        broken.edit_weights(|header, data| {
            let at = start(header, QUERY) + 4 * 77;
            data[at..at + 4].copy_from_slice(&bits.to_le_bytes());
        });
        broken.is_refused(&[FILE, QUERY, "1 non-finite"]);
    }
}

#[test]
fn types_are_converted_or_refused_by_name() {
    for (dtype, size) in [("I32", 4), ("I64", 8), ("F8_E4M3", 1), ("U8", 1), ("BOOL", 1)] {
        let broken = Broken::new();
        broken.edit_weights(|header, data| replace(header, data, WORDS, dtype, &vec![0; 180 * 16 * size]));
        broken.is_refused(&[FILE, WORDS, dtype, "F32, F16, BF16"]);
    }
    let broken = Broken::new();
    broken.edit_weights(|header, _| header[WORDS]["dtype"] = json!("F99"));
    broken.is_refused(&[FILE, "F99"]);
}

#[test]
fn f64_is_converted_exactly() {
    let broken = Broken::new();
    let expected = broken.embed(&[]);
    expected.works();
    broken.edit_weights(|header, data| {
        let at = start(header, WORDS);
        let (floats, _) = data[at..at + 180 * 16 * 4].as_chunks::<4>();
        let wide: Vec<u8> =
            floats.iter().flat_map(|bytes| f64::from(f32::from_le_bytes(*bytes)).to_le_bytes()).collect();
        replace(header, data, WORDS, "F64", &wide);
    });
    assert_eq!(broken.embed(&[]).works().stdout, expected.stdout);
}

#[test]
fn bf16_is_converted_and_not_reinterpreted() {
    let broken = Broken::new();
    let mut rounded = Vec::new();
    let halved = Broken::new();
    halved.edit_weights(|header, data| {
        let at = start(header, WORDS);
        let (floats, _) = data[at..at + 180 * 16 * 4].as_chunks::<4>();
        // Zeroing the lower half of a float leaves a value of both types.
        rounded = floats.iter().flat_map(|bytes| [0, 0, bytes[2], bytes[3]]).collect();
        let short: Vec<u8> = floats.iter().flat_map(|bytes| [bytes[2], bytes[3]]).collect();
        replace(header, data, WORDS, "BF16", &short);
    });
    broken.edit_weights(|header, data| replace(header, data, WORDS, "F32", &rounded));
    let expected = broken.embed(&[]);
    assert_eq!(halved.embed(&[]).works().stdout, expected.works().stdout);
}

/// Replaces a tensor of [180, 16]: puts its new bytes at the end of the file and closes the gap.
fn replace(
    header: &mut serde_json::Map<String, Value>,
    data: &mut Vec<u8>,
    name: &str,
    dtype: &str,
    bytes: &[u8],
) {
    let span = |entry: &Value| [0, 1].map(|side| entry["data_offsets"][side].as_u64().unwrap());
    let [from, to] = span(&header[name]);
    data.drain(from as usize..to as usize);
    for (_, other) in header.iter_mut().filter(|(key, _)| *key != "__metadata__") {
        let [start, end] = span(other);
        if start >= to {
            other["data_offsets"] = json!([start - (to - from), end - (to - from)]);
        }
    }
    let start = data.len() as u64;
    data.extend(bytes);
    header[name] = entry(dtype, &[180, 16], start, data.len() as u64);
}

#[test]
fn a_missing_tensor_is_an_error_and_an_unused_one_a_warning() {
    let broken = Broken::new();
    broken.edit_weights(|header, _| {
        let tensor = header.remove(QUERY).unwrap();
        header.insert("encoder.layer.1.attention.self.stray.weight".to_owned(), tensor);
    });
    broken.is_refused(&[FILE, QUERY, "missing"]);

    let broken = Broken::new();
    let expected = broken.embed(&[]);
    broken.edit_weights(|header, data| {
        let start = data.len() as u64;
        data.extend([0; 8]);
        header.insert("adapter.left.over".to_owned(), entry("F32", &[2], start, start + 8));
    });
    let run = broken.embed(&[]);
    assert_eq!(run.works().stdout, expected.stdout);
    run.says(&["warning: ", FILE, "1 tensor is not used", "adapter.left.over"]);
}

#[test]
fn a_tensor_inside_a_layer_that_nothing_reads_is_an_error() {
    let broken = Broken::new();
    broken.edit_weights(|header, data| {
        let start = data.len() as u64;
        data.extend([0; 8]);
        let name = "encoder.layer.0.attention.self.key_conv_attn_layer.bias".to_owned();
        header.insert(name, entry("F32", &[2], start, start + 8));
    });
    broken.is_refused(&[FILE, "encoder.layer.0.attention.self.key_conv_attn_layer.bias", "family bert"]);
}

#[test]
fn a_prefix_before_every_name_is_found() {
    let broken = Broken::new();
    let expected = broken.embed(&[]);
    broken.edit_weights(|header, _| {
        let old = std::mem::take(header);
        let prefixed = |name: String| if name == "__metadata__" { name } else { format!("bert.{name}") };
        header.extend(old.into_iter().map(|(name, tensor)| (prefixed(name), tensor)));
    });
    let run = broken.embed(&[]);
    assert_eq!(run.works().stdout, expected.works().stdout);
    assert!(!run.stderr.contains("not used"), "{run:?}");
}

#[test]
fn weights_cut_short_after_they_were_opened_are_an_error() {
    let broken = Broken::new();
    let folder = ModelFolder::resolve(broken.root().to_str().unwrap(), &HubOptions::default()).unwrap();
    let weights = Weights::open(&folder).unwrap();
    weights.load(WORDS, &[180, 16]).unwrap();
    broken.set_length(FILE, 100);
    let message = weights.load(WORDS, &[180, 16]).unwrap_err().to_string();
    assert!(message.contains(FILE) && message.contains("reading"), "{message}");
}
