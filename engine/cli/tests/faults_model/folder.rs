//! Wrong names, links and other entries in a model's folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::json;

use super::support::{Broken, copy};

const SENTENCES: &str = "sentence-transformers/dense-prompts";
const FILE: &str = "model.safetensors";

#[test]
fn module_paths_that_leave_the_folder_are_refused() {
    for path in ["../../etc", "/etc", "1_Pooling/../../x", "..\\x", "a\u{0}b"] {
        for module in [0, 1, 2] {
            let broken = Broken::of(SENTENCES);
            broken.edit_json("modules.json", |modules| modules[module]["path"] = json!(path));
            broken.is_refused(&["modules.json", "is refused", "relative", &format!("{path:?}")]);
        }
    }
}

#[test]
fn a_link_out_of_the_folder_is_refused_unless_links_are_followed() {
    let broken = Broken::of(SENTENCES);
    let expected = broken.embed(&[]);
    let outside = broken.parent().join("outside");
    copy(&broken.path("1_Pooling"), &outside);
    fs::remove_dir_all(broken.path("1_Pooling")).unwrap();
    symlink(&outside, broken.path("1_Pooling")).unwrap();
    broken.is_refused(&["1_Pooling", outside.to_str().unwrap(), "--follow-links"]);
    assert_eq!(broken.embed(&["--follow-links"]).works().stdout, expected.works().stdout);
}

#[test]
fn every_file_may_be_a_link_inside_and_none_a_link_outside() {
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json", FILE] {
        let broken = Broken::new();
        let expected = broken.embed(&[]);
        fs::create_dir(broken.path("real")).unwrap();
        fs::rename(broken.path(name), broken.path("real").join(name)).unwrap();
        symlink(format!("real/{name}"), broken.path(name)).unwrap();
        assert_eq!(broken.embed(&[]).works().stdout, expected.works().stdout);
        fs::rename(broken.path("real"), broken.parent().join("real")).unwrap();
        broken.remove(name);
        symlink(format!("../real/{name}"), broken.path(name)).unwrap();
        broken.embed(&[]).is_refused(&[name, "outside", "--follow-links"]);
        assert_eq!(broken.embed(&["--follow-links"]).works().stdout, expected.stdout);
    }
}

#[test]
fn a_link_to_nothing_or_to_itself_is_refused() {
    for target in ["nowhere", FILE] {
        let broken = Broken::new();
        broken.remove(FILE);
        symlink(target, broken.path(FILE)).unwrap();
        broken.is_refused(&[FILE]);
    }
}

#[test]
fn shards_that_are_not_beside_their_index_are_refused() {
    let index = "model.safetensors.index.json";
    for shard in ["../outside.safetensors", "/etc/passwd", "sub/model.safetensors", "..", ""] {
        let broken = Broken::of("loaders/sharded");
        broken.edit_json(index, |index| index["weight_map"]["embeddings.LayerNorm.bias"] = json!(shard));
        broken.is_refused(&[index, "is refused", &format!("{shard:?}"), "file name"]);
    }
    let broken = Broken::of("loaders/sharded");
    broken.edit_json(index, |index| {
        index["weight_map"]["embeddings.LayerNorm.bias"] = json!("absent.safetensors")
    });
    broken.is_refused(&["absent.safetensors", "missing"]);
    let broken = Broken::of("loaders/sharded");
    let other = "model-00002-of-00002.safetensors";
    broken.edit_json(index, |index| index["weight_map"]["embeddings.LayerNorm.bias"] = json!(other));
    broken.is_refused(&[index, "embeddings.LayerNorm.bias", other]);
    for text in ["[]", "{}", r#"{"weight_map":[]}"#, r#"{"weight_map":{"a":5}}"#] {
        let broken = Broken::of("loaders/sharded");
        broken.write(index, text).is_refused(&[index]);
    }
}

#[test]
fn what_is_no_ordinary_file_is_refused_without_opening_it() {
    for name in [FILE, "config.json", "tokenizer.json", "tokenizer_config.json"] {
        let broken = Broken::new();
        broken.remove(name);
        fs::create_dir(broken.path(name)).unwrap();
        broken.embed(&[]).is_refused(&[name, "must be an ordinary file", "a folder"]).is_cheap();

        let broken = Broken::new();
        broken.remove(name);
        assert!(Command::new("mkfifo").arg(broken.path(name)).status().unwrap().success());
        broken.embed(&[]).is_refused(&[name, "must be an ordinary file", "a pipe"]).is_cheap();

        let broken = Broken::new();
        broken.remove(name);
        symlink("/dev/zero", broken.path(name)).unwrap();
        broken.embed(&[]).is_refused(&[name, "/dev/zero", "outside"]).is_cheap();
        let followed = broken.embed(&["--follow-links"]);
        followed.is_refused(&[name, "must be an ordinary file", "a device"]).is_cheap();
    }
}

#[test]
fn an_output_never_takes_the_place_of_a_file_of_the_model() {
    let broken = Broken::of(SENTENCES);
    let weights = broken.read(FILE);
    let linked = broken.parent().join("linked.safetensors");
    fs::hard_link(broken.path(FILE), &linked).unwrap();
    let outputs = [FILE, "2_Dense/model.safetensors", "new.npy", "../linked.safetensors"];
    for output in outputs.map(|name| broken.path(name)) {
        let output = output.to_str().unwrap();
        let run = broken.embed(&["--overwrite", "-o", output]);
        assert_eq!(run.code, Some(2), "{run:#?}");
        run.says(&[output, "among the files of the model", "hint:"]);
    }
    assert_eq!((broken.read(FILE), fs::read(linked).unwrap()), (weights.clone(), weights));
    assert!(!broken.path("new.npy").exists());
    let beside = broken.parent().join("beside.npy");
    broken.embed(&["-o", beside.to_str().unwrap()]).works();
}

#[test]
fn a_folder_without_weights_says_what_it_looked_for() {
    let broken = Broken::new();
    broken.remove(FILE).is_refused(&["no weights", FILE, "pytorch_model.bin"]);
}
