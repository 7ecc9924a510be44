//! Names and folders that are not what they were taken for: each gets a hint for its cause, or none.

use std::fs;
use std::path::Path;

use nearsay_tests::fixture;
use nearsay_tests::hub::{COMMIT, files};
use nearsay_tests::run::{Desk, finish};

use super::desk;

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";

/// Writes the files of a fixture into a folder.
fn copy(desk: &Desk, name: &str, to: &str) {
    let own = |(file, _): &(String, Vec<u8>)| !matches!(file.as_str(), "expected.safetensors" | "texts.json");
    for (file, bytes) in files(&fixture(name), "").into_iter().filter(own) {
        let path = desk.path(to).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn write(desk: &Desk, name: &str, text: impl AsRef<[u8]>) {
    fs::create_dir_all(desk.path(name).parent().unwrap()).unwrap();
    fs::write(desk.path(name), text).unwrap();
}

#[test]
fn a_file_of_another_kind_is_named_by_its_kind() {
    for (file, content, parts) in [
        ("model.safetensors", POINTER, &["is a Git LFS pointer, not a safetensors file", "git lfs pull"][..]),
        ("pytorch_model.bin", POINTER, &["is a Git LFS pointer, not a PyTorch file", "git lfs pull"]),
        ("tokenizer.json", POINTER, &["is a Git LFS pointer, not a tokenizer", "git lfs pull"]),
        ("config.json", POINTER, &["is a Git LFS pointer, not JSON", "git lfs pull"]),
        ("tokenizer_config.json", POINTER, &["is a Git LFS pointer", "git lfs pull"]),
        ("model.safetensors", "<!DOCTYPE html>\n<html>", &["is an HTML page", "/resolve/"]),
        ("tokenizer.json", "<html><head>", &["is an HTML page, not a tokenizer", "/resolve/"]),
        ("config.json", "\n<!doctype html>", &["is an HTML page, not JSON", "/resolve/"]),
        (
            "model.safetensors",
            "<?xml version=\"1.0\"?><Error/>",
            &["is an XML document", "download it again"],
        ),
        ("tokenizer.json", "", &["is not a tokenizer: it is empty", "download it again"]),
    ] {
        let desk = desk();
        copy(&desk, "families/bert", "m");
        if file.ends_with(".bin") {
            fs::remove_file(desk.path("m/model.safetensors")).unwrap();
        }
        write(&desk, &format!("m/{file}"), content);
        let run = desk.run("embed in.txt -m m").ends(78, parts);
        assert_eq!(run.stderr.matches("hint:").count(), 1, "{}", run.stderr);
    }
}

#[test]
fn a_folder_without_a_model_is_described_by_its_files() {
    for (names, parts) in [
        (&["adapter_config.json"][..], &["this is an adapter", "merge it into its base model"][..]),
        (&["inner/config.json"], &["give the folder that has config.json: m/inner"]),
        (&["model.zip"], &["unpack m/model.zip"]),
        (&["model.gguf"], &["a model of GGUF"]),
        (&["models--org--name/refs/main"], &["a cache of models", "org/name"]),
        // It may also have been meant as the model `m` of the hub.
        (&["notes.md"], &["hides the model m of the hub"]),
    ] {
        let desk = desk();
        names.iter().for_each(|name| write(&desk, &format!("m/{name}"), "{}"));
        let run = desk.run("embed in.txt -m m").ends(78, &["config.json is missing", "hint:"]);
        parts.iter().for_each(|part| assert!(run.stderr.contains(part), "{part}: {}", run.stderr));
        // A path is never the name of a model.
        let run = desk.run("embed in.txt -m ./m").ends(78, &["config.json is missing"]);
        assert!(!run.stderr.contains("hides") && !run.stderr.contains("again"), "{}", run.stderr);
    }
}

#[test]
fn weights_and_tokenizers_of_other_programs_are_recognized() {
    for (removed, added, part) in [
        ("model.safetensors", "onnx/model.onnx", "ONNX"),
        ("model.safetensors", "tf_model.h5", "TensorFlow"),
        ("model.safetensors", "flax_model.msgpack", "Flax"),
        ("model.safetensors", "model-00001-of-00002.safetensors", "index"),
        ("tokenizer.json", "spiece.model", "spiece.model is read only for"),
        ("tokenizer.json", "vocab.json", "vocab.json needs merges.txt"),
    ] {
        let desk = desk();
        copy(&desk, "families/bert", "m");
        for name in [removed, "vocab.txt", "onnx/model.onnx"] {
            fs::remove_file(desk.path("m").join(name)).ok();
        }
        let run = desk.run("embed in.txt -m m").ends(78, &[]);
        assert!(!run.stderr.contains("hint:"), "the cause is not known: {}", run.stderr);
        write(&desk, &format!("m/{added}"), "x");
        desk.run("embed in.txt -m m").ends(78, &["hint:", part]);
    }
}

#[test]
fn a_file_is_no_folder_but_may_lead_to_one() {
    let desk = desk();
    copy(&desk, "families/bert", "m");
    for (name, parts) in [
        ("m/model.safetensors", &["a file, not a folder", "hint: give the model's folder, m"][..]),
        ("model.zip", &["a file, not a folder", "hint: unpack it"]),
        ("model.gguf", &["hint: models of GGUF are not read"]),
        ("https://huggingface.co/org/name", &["hint: give the model's name: org/name"]),
        ("./m/none", &["hint: check the path"]),
    ] {
        if !name.contains('/') {
            write(&desk, name, "x");
        }
        desk.run(&format!("embed in.txt -m {name}")).ends(78, parts);
    }
}

/// A cache with a model whose branch `main` is named by this text.
fn cache(desk: &Desk, reference: &str) {
    let folder = format!("hub/models--acme--tiny/snapshots/{COMMIT}");
    copy(desk, "families/bert", &folder);
    write(desk, "hub/models--acme--tiny/refs/main", reference);
}

#[test]
fn the_folder_of_a_cached_model_is_the_model() {
    let desk = desk();
    cache(&desk, COMMIT);
    let expected = desk.run("embed in.txt -m BERT").ok().stdout;
    for name in ["hub/models--acme--tiny", "hub/models--acme--tiny/snapshots", "hub/models--acme--tiny/"] {
        assert_eq!(desk.run(&format!("embed in.txt -m {name}")).ok().stdout, expected, "{name}");
    }
    desk.run("embed in.txt -m hub").ends(78, &["a cache of models: give the name of one, acme/tiny"]);
}

#[test]
fn the_cache_is_found_where_huggingface_hub_finds_it() {
    let desk = desk();
    cache(&desk, COMMIT);
    let expected = desk.run("embed in.txt -m BERT").ok().stdout;
    let home = desk.path("");
    let home = home.to_str().unwrap().trim_end_matches('/');
    for (name, value) in [
        ("HF_HOME", "$HOME"),
        ("HF_HOME", "${HOME}"),
        ("HF_HOME", "~"),
        ("HF_HUB_CACHE", "$HOME/hub"),
        ("HUGGINGFACE_HUB_CACHE", "~/hub"),
        ("HF_HUB_CACHE", "$PLACE/hub"),
    ] {
        let mut command = desk.command("embed in.txt -m acme/tiny");
        for other in ["HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"] {
            command.env(other, "");
        }
        command.env("HOME", home).env("PLACE", home).env(name, value).current_dir(Path::new("/"));
        command.env("HF_HUB_OFFLINE", "True");
        let mut arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        arguments[1] = desk.path("in.txt").into();
        let mut moved = std::process::Command::new(desk.program());
        moved
            .args(arguments)
            .current_dir("/")
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command.get_envs().for_each(|(name, value)| {
            match value {
                Some(value) => moved.env(name, value),
                None => moved.env_remove(name),
            };
        });
        assert_eq!(finish(value, moved, None).ok().stdout, expected, "{name}={value}");
    }
}

#[test]
fn an_empty_reference_counts_as_absent() {
    for text in ["", "\n", "garbled", "\0\0\0\0"] {
        let desk = desk();
        cache(&desk, text);
        let expected = desk.run("embed in.txt -m BERT").ok().stdout;
        let with = |offline: &str| {
            let mut command = desk.command("embed in.txt -m acme/tiny");
            command.env("HF_HUB_CACHE", desk.path("hub")).env("HF_HUB_OFFLINE", offline);
            command.env("HF_ENDPOINT", "http://127.0.0.1:9");
            finish("embed in.txt -m acme/tiny", command, None)
        };
        let run = with("1").ends(0, &["refs/main", "the only snapshot", COMMIT]);
        assert_eq!(run.stdout, expected);
        with("").ends(78, &["refs/main", "http://127.0.0.1:9", "hint:", "HF_HUB_OFFLINE=1"]);
        // With a second snapshot there is nothing to choose by.
        fs::create_dir_all(desk.path("hub/models--acme--tiny/snapshots").join("f".repeat(40))).unwrap();
        with("1").ends(78, &["refs/main", "offline"]);
    }
}

#[test]
fn a_bare_name_is_looked_up_in_the_cache() {
    let desk = desk();
    cache(&desk, COMMIT);
    for name in ["tiny", "Tiny", "ACME/tiny", "other/tiny"] {
        let mut command = desk.command(&format!("embed in.txt -m {name}"));
        command.env("HF_HUB_CACHE", desk.path("hub"));
        finish(name, command, None).ends(78, &["hint: did you mean acme/tiny, in the cache?"]);
    }
}

#[test]
fn wrappers_names_before_the_weights_are_read_through() {
    let desk = desk();
    let expected = desk.run("embed in.txt -m BERT").ok().stdout;
    for prefixes in [
        &["module."][..],
        &["_orig_mod."],
        &["0.auto_model."],
        &["question_encoder.bert_model."],
        &["question_encoder.bert_model.", "ctx_encoder.bert_model."],
    ] {
        copy(&desk, "families/bert", "m");
        let file = fs::read(desk.path("m/model.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
        let named = prefixes.iter().flat_map(|prefix| {
            tensors.tensors().into_iter().map(move |(name, view)| (format!("{prefix}{name}"), view))
        });
        write(&desk, "m/model.safetensors", safetensors::serialize(named.collect::<Vec<_>>(), None).unwrap());
        let run = desk.run("embed in.txt -m m");
        match prefixes {
            [one] => {
                let run = run.ok();
                assert_eq!(run.stdout, expected, "{one}");
                assert_eq!(
                    run.stderr.contains("question_encoder"),
                    one.contains("question"),
                    "{}",
                    run.stderr
                );
            }
            _ => {
                run.ends(
                    78,
                    &["has 2 encoders", "ctx_encoder.bert_model, question_encoder.bert_model", "hint:"],
                );
            }
        }
    }
}
