//! The README's program is the one that is tested, and runs.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use candle_core::{Device, Tensor};
use nearsay_tests::{fixture, repository};
use serde_json::Value;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A folder in a cache of the model hub for the files of `name`.
fn snapshot(cache: &Path, name: &str) -> PathBuf {
    let folder = cache.join(format!("models--{}", name.replace('/', "--")));
    fs::create_dir_all(folder.join("refs")).unwrap();
    fs::write(folder.join("refs/main"), COMMIT).unwrap();
    let snapshot = folder.join("snapshots").join(COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    snapshot
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A model of `layers` layers with the tokenizer and sizes of a two-layer fixture. Each layer has different
/// weights, permuted from the fixture's.
fn deepen(model: &Path, to: &Path, layers: usize) {
    copy(model, to);
    let mut config: Value = serde_json::from_slice(&fs::read(to.join("config.json")).unwrap()).unwrap();
    config["num_hidden_layers"] = layers.into();
    fs::write(to.join("config.json"), config.to_string()).unwrap();
    let file = to.join("model.safetensors");
    let given = candle_core::safetensors::load(&file, &Device::Cpu).unwrap();
    let mut tensors: HashMap<String, Tensor> = HashMap::new();
    for (name, tensor) in given {
        let Some((before, after)) = name.split_once("layer.0.") else {
            if !name.contains("layer.1.") {
                tensors.insert(name, tensor);
            }
            continue;
        };
        for layer in 0..layers {
            let mut values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let length = values.len();
            values.rotate_left(layer * 7 % length);
            let tensor = Tensor::from_vec(values, tensor.dims(), &Device::Cpu).unwrap();
            tensors.insert(format!("{before}layer.{layer}.{after}"), tensor);
        }
    }
    candle_core::safetensors::save(&tensors, &file).unwrap();
}

#[test]
fn the_program_is_the_readmes() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```rust\n").expect("a Rust program");
    let (program, _) = rest.split_once("```").unwrap();
    let (_, tested) = include_str!("../src/bin/readme-program.rs").split_once("\n\n").unwrap();
    assert_eq!(program, tested);
}

#[test]
fn the_program_runs_with_models_of_the_cache() {
    let cache = tempfile::tempdir().unwrap();
    let minilm = snapshot(cache.path(), "sentence-transformers/all-MiniLM-L6-v2");
    copy(&fixture("sentence-transformers/dense-prompts"), &minilm);
    deepen(&fixture("families/roberta"), &snapshot(cache.path(), "roberta-large"), 24);
    let mut command = Command::new(env!("CARGO_BIN_EXE_readme-program"));
    command.env("HF_HUB_CACHE", cache.path()).env("HF_HUB_OFFLINE", "1");
    let output = command.output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    let lines: Vec<&str> = text.lines().collect();
    let [hit, score] = lines[..] else { panic!("{text}") };
    let (similarity, row) = hit.split_once("  row ").expect(hit);
    assert!((-1.0..=1.0001).contains(&similarity.parse::<f32>().unwrap()), "{hit}");
    assert!(row.parse::<usize>().unwrap() < 2, "{hit}");
    let (f1, signature) = score.strip_prefix("F1 ").and_then(|rest| rest.split_once("  ")).expect(score);
    assert!((-1.0..=1.0001).contains(&f1.parse::<f32>().unwrap()), "{score}");
    assert!(signature.starts_with("roberta-large_L17_no-idf_"), "{score}");
    command.env("HF_HUB_CACHE", cache.path().join("none"));
    let output = command.output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("all-MiniLM-L6-v2"));
}
