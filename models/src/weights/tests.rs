use std::fs;

use super::test_files::{Pickled, f32_bytes, model_folder, safetensors, state_pickle, torch_archive};
use super::*;

const VALUES: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

fn two_tensors() -> Vec<u8> {
    safetensors(&[("a", &[2, 3], &VALUES), ("b", &[2], &[7.0, 8.0])])
}

fn values(tensor: &Tensor) -> Vec<f32> {
    assert!(tensor.is_contiguous() && tensor.device().is_cpu());
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn safetensors_are_read_and_what_was_not_used_is_known() {
    let (_directory, folder) =
        model_folder(&[("model.safetensors", &two_tensors()), ("pytorch_model.bin", b"x")]);
    let weights = Weights::open(&folder).unwrap();
    assert_eq!(weights.description(), "model.safetensors");
    assert_eq!(weights.names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((weights.shape("a"), weights.dtype("a")), (Some(&[2, 3][..]), Some(Dtype::F32)));
    assert!(weights.contains("b") && !weights.contains("c") && weights.shape("c").is_none());
    assert_eq!(weights.unused(), ["a", "b"]);
    assert_eq!(values(&weights.load("a", &[2, 3]).unwrap()), VALUES);
    assert_eq!(weights.unused(), ["b"]);
}

#[test]
fn a_missing_tensor_and_another_shape_are_named() {
    let (_directory, folder) = model_folder(&[("model.safetensors", &two_tensors())]);
    let weights = Weights::open(&folder).unwrap();
    let missing = weights.load("c", &[1]).unwrap_err();
    assert_eq!(missing.to_string(), "model.safetensors: tensor c is missing; it has a, b, ..");
    let message = weights.load("a", &[3, 2]).unwrap_err().to_string();
    assert!(
        message.contains("tensor a has shape [2, 3], and [3, 2] is expected from config.json"),
        "{message}"
    );
    assert_eq!(weights.unused(), ["a", "b"]);
}

#[test]
fn values_that_are_not_finite_are_counted() {
    let file = safetensors(&[("a", &[3], &[f32::NAN, 1.0, f32::NEG_INFINITY])]);
    let (_directory, folder) = model_folder(&[("model.safetensors", &file)]);
    let error = Weights::open(&folder).unwrap().load("a", &[3]).unwrap_err();
    assert!(matches!(error, Error::NonFinite { count: 2, .. }), "{error}");
    assert!(error.to_string().contains("non-finite"));
}

#[test]
fn a_file_that_is_cut_short_while_it_is_open_is_an_error() {
    let (directory, folder) = model_folder(&[("model.safetensors", &two_tensors())]);
    let weights = Weights::open(&folder).unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(directory.path().join("model.safetensors"))
        .unwrap()
        .set_len(0)
        .unwrap();
    assert!(matches!(weights.load("a", &[2, 3]), Err(Error::Io { .. })));
}

#[test]
fn a_folder_without_weights_says_what_it_looked_for() {
    let (_directory, folder) = model_folder(&[("2_Dense/model.safetensors", &two_tensors()), ("x", b"")]);
    let message = Weights::open(&folder).unwrap_err().to_string();
    assert!(
        message.contains("model.safetensors") && message.contains("pytorch_model.bin.index.json"),
        "{message}"
    );
    let weights = Weights::open_in(&folder, "2_Dense").unwrap();
    assert_eq!((weights.description(), weights.contains("a")), ("2_Dense/model.safetensors", true));
}

#[test]
fn the_old_layout_is_opened_in_its_subfolder() {
    let files: [(&str, &[u8]); 2] =
        [("0_Transformer/config.json", b"{}"), ("0_Transformer/model.safetensors", &two_tensors())];
    let (_directory, folder) = model_folder(&files);
    assert_eq!(Weights::open(&folder).unwrap().description(), "0_Transformer/model.safetensors");
}

fn shards(index: &str) -> Result<Weights> {
    let one = safetensors(&[("a", &[2, 3], &VALUES)]);
    let two = safetensors(&[("b", &[2], &[7.0, 8.0]), ("extra", &[1], &[9.0])]);
    let files: [(&str, &[u8]); 3] = [
        ("model.safetensors.index.json", index.as_bytes()),
        ("1.safetensors", &one),
        ("2.safetensors", &two),
    ];
    let (directory, folder) = model_folder(&files);
    let weights = Weights::open(&folder);
    drop(directory);
    weights
}

#[test]
fn shards_are_read_as_one_model() {
    let weights =
        shards(r#"{"metadata": {}, "weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}"#).unwrap();
    assert_eq!(weights.description(), "model.safetensors.index.json (2 files)");
    assert_eq!(values(&weights.load("b", &[2]).unwrap()), [7.0, 8.0]);
    assert_eq!(weights.unused(), ["a", "extra"]);
}

#[test]
fn an_index_that_names_what_is_not_there_is_refused() {
    for shard in ["../1.safetensors", "/etc/passwd", "x/../1.safetensors", "..", "", "x/1.safetensors"] {
        let error = shards(&format!(r#"{{"weight_map": {{"a": "{shard}"}}}}"#)).unwrap_err();
        assert!(matches!(error, Error::OutsideFolder { .. }), "{shard}: {error}");
    }
    let error = shards(r#"{"weight_map": {"a": "3.safetensors"}}"#).unwrap_err();
    assert!(matches!(error, Error::MissingFile { .. }), "{error}");
    let message = shards(r#"{"weight_map": {"a": "2.safetensors"}}"#).unwrap_err().to_string();
    assert!(message.contains("tensor a should be in 2.safetensors"), "{message}");
    assert!(matches!(shards("{}"), Err(Error::Json { .. })));
}

#[test]
fn pytorch_files_are_read_alone_and_in_shards() {
    let tensor = |name| Pickled {
        name,
        storage: "FloatStorage",
        key: "0",
        offset: 0,
        shape: &[2, 3],
        strides: &[3, 1],
    };
    let file = torch_archive(&state_pickle(&[tensor("a")]), &[("data/0", &f32_bytes(&VALUES))]);
    let (_directory, folder) = model_folder(&[("pytorch_model.bin", &file)]);
    let weights = Weights::open(&folder).unwrap();
    assert_eq!(weights.description(), "pytorch_model.bin");
    assert_eq!(values(&weights.load("a", &[2, 3]).unwrap()), VALUES);
    let index = br#"{"weight_map": {"a": "pytorch_model-00001-of-00001.bin"}}"#;
    let files: [(&str, &[u8]); 2] =
        [("pytorch_model.bin.index.json", index), ("pytorch_model-00001-of-00001.bin", &file)];
    let (_directory, folder) = model_folder(&files);
    assert_eq!(values(&Weights::open(&folder).unwrap().load("a", &[2, 3]).unwrap()), VALUES);
}

#[test]
fn a_file_of_another_kind_is_recognized_by_its_content() {
    let pointer: &[u8] = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
    let cases: [(&str, &[u8], &str); 9] = [
        ("model.safetensors", pointer, "is a Git LFS pointer, not a safetensors file"),
        ("pytorch_model.bin", pointer, "is a Git LFS pointer, not a PyTorch file"),
        ("model.safetensors", b"<!doctype html><html>", "is an HTML page, not a safetensors file"),
        ("model.safetensors", b"{\"error\":\"Entry not found\"}", "is a JSON document"),
        ("model.safetensors", b"\x80\x02}q\0.\0\0\0\0\0", "is a pickle, not a safetensors file"),
        ("pytorch_model.bin", &two_tensors(), "is a safetensors file, not a PyTorch file"),
        ("pytorch_model.bin", b"\x1f\x8b\x08\0\0\0\0\0", "is a gzip file"),
        ("model.safetensors", b"GGUF\x03\0\0\0\0\0", "is a GGUF file"),
        ("model.safetensors.index.json", pointer, "is a Git LFS pointer, not JSON"),
    ];
    for (name, bytes, told) in cases {
        let (_directory, folder) = model_folder(&[(name, bytes)]);
        let error = Weights::open(&folder).unwrap_err();
        assert!(error.to_string().contains(&format!("{name} {told}")), "{error}");
    }
}

#[test]
fn weights_can_be_loaded_from_several_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Weights>();
}
