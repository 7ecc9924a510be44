use std::fs;

use super::*;

/// A folder with these files; a name that ends with a slash is a folder.
fn folder(names: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in names {
        let path = directory.path().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
            continue;
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, r#"{"base_model_name_or_path": "org/base"}"#).unwrap();
    }
    directory
}

#[test]
fn a_folder_without_a_config_says_what_it_is() {
    let cached = format!("models{}org{}name/", "--", "--");
    for (names, part) in [
        (&["adapter_config.json", "adapter_model.safetensors"][..], Some("its base model, org/base")),
        (&[cached.as_str(), "version.txt"], Some("a cache of models: give the name of one, org/name")),
        (&["model/config.json", "model/tokenizer.json"], Some("has config.json: /")),
        (&["checkpoint-500/config.json", "checkpoint-900/config.json"], Some("checkpoint-500, ")),
        (&["wrapped/modules.json", "wrapped/0_Transformer/config.json"], Some("wrapped")),
        (&["model.zip"], Some("unpack /")),
        (&["model.tar.gz", "README.md"], Some("model.tar.gz")),
        (&["model.Q4_K_M.gguf"], Some("a model of GGUF")),
        (&["model.onnx"], Some("a model of ONNX")),
        (&["saved_model.pb", "variables/"], Some("a model of TensorFlow")),
        (&["bert_model.ckpt.index"], Some("a model of TensorFlow")),
        (&["flax_model.msgpack"], Some("a model of Flax")),
        (&["openvino_model.xml"], Some("a model of OpenVINO")),
        // An absolute path hides no name of the hub, and nothing is known about the rest.
        (&[], None),
        (&["model.safetensors", "tokenizer.json"], None),
        (&["notes.txt"], None),
    ] {
        let folder = folder(names);
        let hint = missing_file(&folder.path().join("config.json"));
        match part {
            Some(part) => {
                assert!(hint.as_deref().is_some_and(|hint| hint.contains(part)), "{names:?}: {hint:?}")
            }
            None => assert_eq!(hint, None, "{names:?}"),
        }
    }
}

#[test]
fn a_file_that_another_file_names_is_missing_from_a_copy() {
    let folder = folder(&["modules.json", "1_Pooling/"]);
    for name in ["1_Pooling/config.json", "config.json", "model-00001-of-00002.safetensors"] {
        assert!(missing_file(&folder.path().join(name)).unwrap().contains("with all of its files"), "{name}");
    }
}

#[test]
fn a_folder_in_the_current_one_may_hide_a_name() {
    assert!(hidden_name(Path::new("org/name")).unwrap().contains("hides the model org/name"));
    for path in ["./org/name", "/org/name", "../name", "a/b/c"] {
        assert_eq!(hidden_name(Path::new(path)), None, "{path}");
    }
}

#[test]
fn a_folder_without_weights_says_which_others_it_has() {
    for (names, part) in [
        (&["tf_model.h5"][..], Some("tf_model.h5 is a model of TensorFlow")),
        (&["flax_model.msgpack"], Some("Flax")),
        (&["rust_model.ot"], Some("rust-bert")),
        (&["onnx/model.onnx"], Some("onnx/model.onnx is a model of ONNX")),
        (&["openvino/openvino_model.xml"], Some("OpenVINO")),
        (&["ggml-model-f16.gguf"], Some("GGUF")),
        (&["model-00001-of-00002.safetensors"], Some("the index that lists them is missing")),
        (&["pytorch_model-00002-of-00002.bin"], Some("the index that lists them is missing")),
        (&["bert.safetensors"], Some("name bert.safetensors model.safetensors if")),
        (&["weights.pt"], Some("name weights.pt pytorch_model.bin if")),
        (&["adapter_config.json", "adapter_model.safetensors"], Some("this is an adapter")),
        (&["weights.zip"], Some("unpack weights.zip")),
        (&["training_args.bin"], None),
        (&["2_Dense/model.safetensors"], None),
        (&["vocab.txt"], None),
    ] {
        let folder = folder(names);
        let hint = no_weights(folder.path());
        match part {
            Some(part) => {
                assert!(hint.as_deref().is_some_and(|hint| hint.contains(part)), "{names:?}: {hint:?}")
            }
            None => assert_eq!(hint, None, "{names:?}"),
        }
    }
}

#[test]
fn a_folder_without_a_tokenizer_says_which_one_it_has() {
    for (names, part) in [
        (&["vocab.txt"][..], Some("vocab.txt is read only for the class")),
        (&["vocab.txt", "tokenizer_config.json"], Some("save_pretrained")),
        (&["sentencepiece.bpe.model"], Some("sentencepiece.bpe.model is read only")),
        (&["tokenizer.model"], Some("tokenizer.model is read only")),
        (&["vocab.json", "merges.txt"], Some("vocab.json is read only")),
        (&["vocab.json"], Some("vocab.json needs merges.txt")),
        (&["config.json"], None),
    ] {
        let hint = no_tokenizer(folder(names).path());
        match part {
            Some(part) => {
                assert!(hint.as_deref().is_some_and(|hint| hint.contains(part)), "{names:?}: {hint:?}")
            }
            None => assert_eq!(hint, None, "{names:?}"),
        }
    }
}
