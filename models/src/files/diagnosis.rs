//! Why a folder without the files of a model is not one: what is in it instead, and what to do about it.
//!
//! Asked only after a file was missing. The names are those that training, conversion and other runtimes
//! write.

use std::path::Path;

use serde_json::Value;

use super::cache::{Repository, repository_name};
use super::folder::{CONFIG_LIMIT, parse_json, read_limited};
use crate::tokenizers::VOCABULARY_FILES;

/// The most entries of a folder that are looked at.
const ENTRIES: usize = 10_000;

/// Weights of other programs: how a file's name ends, and their format.
const OTHER_WEIGHTS: [(&str, &str); 15] = [
    (".onnx", "ONNX"),
    (".gguf", "GGUF"),
    (".ggml", "GGML"),
    ("tf_model.h5", "TensorFlow"),
    (".h5", "Keras"),
    (".keras", "Keras"),
    ("saved_model.pb", "TensorFlow"),
    (".tflite", "TensorFlow Lite"),
    (".msgpack", "Flax"),
    ("rust_model.ot", "rust-bert"),
    ("openvino_model.xml", "OpenVINO"),
    (".mlmodel", "Core ML"),
    (".mlpackage", "Core ML"),
    (".npz", "MLX or NumPy"),
    (".ckpt.index", "TensorFlow"),
];

/// The names of a folder's entries, sorted. Empty if it cannot be read.
fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(ENTRIES);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// What to do about a missing file, if that is known.
pub(crate) fn missing_file(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|_| path.ends_with("config.json"));
    match folder {
        Some(folder) if !folder.join("modules.json").is_file() && !is_module(folder) => no_config(folder),
        // Another file of the model names this one.
        _ => Some("copy or download the model again, with all of its files".to_owned()),
    }
}

/// Whether this is a module's folder of a sentence-transformers model.
fn is_module(folder: &Path) -> bool {
    folder.parent().is_some_and(|parent| parent.join("modules.json").is_file())
}

/// Why this folder lacks config.json, if its files show it.
fn no_config(folder: &Path) -> Option<String> {
    let names = entries(folder);
    let shown = folder.display();
    let has = |name: &str| names.iter().any(|known| known == name);
    if has("adapter_config.json") {
        return Some(adapter(&folder.join("adapter_config.json")));
    }
    let cached: Vec<String> = names.iter().filter_map(|name| repository_name(name)).collect();
    if !cached.is_empty() {
        return Some(format!("{shown} is a cache of models: give the name of one, {}", some(&cached)));
    }
    if has("hub") && folder.join("hub").is_dir() && !no_models(&folder.join("hub")) {
        return Some(format!(
            "{shown} is the home folder of huggingface_hub, whose models are given by their names"
        ));
    }
    let inside: Vec<String> = names
        .iter()
        .filter(|name| {
            ["config.json", "modules.json"].iter().any(|file| folder.join(name).join(file).is_file())
        })
        .map(|name| folder.join(name).display().to_string())
        .collect();
    if !inside.is_empty() {
        return Some(format!("give the folder that has config.json: {}", some(&inside)));
    }
    if let Some(archive) = names.iter().find(|name| is_archive(name)) {
        return Some(format!("unpack {}", folder.join(archive).display()));
    }
    if let Some((file, format)) = first_other_weights(&names) {
        return Some(format!(
            "{file} is a model of {format}, which is not read: get its safetensors or PyTorch files"
        ));
    }
    // Last, since a folder that has something of a model was meant.
    hidden_name(folder)
}

/// A folder in the current one that has the name of a model on the hub.
fn hidden_name(folder: &Path) -> Option<String> {
    let name = folder.to_str()?;
    Repository::parse(name)?;
    let what = if entries(folder).is_empty() { "an empty folder" } else { "a folder" };
    Some(format!(
        "{what} of that name in the current folder hides the model {name} of the hub: rename it, or run elsewhere"
    ))
}

fn no_models(cache: &Path) -> bool {
    entries(cache).iter().all(|name| repository_name(name).is_none())
}

/// The hint for a PEFT adapter.
fn adapter(config: &Path) -> String {
    let bytes = read_limited(config, CONFIG_LIMIT).ok();
    let value: Option<Value> = bytes.and_then(|bytes| parse_json(config, &bytes).ok());
    let base = value.as_ref().and_then(|value| value.get("base_model_name_or_path")?.as_str());
    let base = base.filter(|base| !base.is_empty()).map(|base| format!(", {base}")).unwrap_or_default();
    format!(
        "this is an adapter (adapter_config.json), not a model: merge it into its base model{base}, with PEFT's \
         merge_and_unload, and save that with its tokenizer"
    )
}

/// Why none of the weight files that are read is in this folder, if its content says so.
pub(crate) fn no_weights(folder: &Path) -> Option<String> {
    let mut names = entries(folder);
    for runtime in ["onnx", "openvino", "tf", "flax", "gguf", "coreml"] {
        names.extend(entries(&folder.join(runtime)).iter().map(|name| format!("{runtime}/{name}")));
    }
    no_weights_among(&names)
}

/// The same, from the names of all files.
pub(super) fn no_weights_among(names: &[String]) -> Option<String> {
    let find = |test: &dyn Fn(&str) -> bool| names.iter().find(|name| test(name));
    if let Some(shard) = find(&|name| is_shard(name)) {
        return Some(format!("{shard} is one of several shards, and the index that lists them is missing"));
    }
    if find(&|name| name == "adapter_config.json").is_some() {
        return Some(
            "this is an adapter (adapter_config.json): merge it into its base model with PEFT's merge_and_unload"
                .to_owned(),
        );
    }
    let own = find(&|name| !name.contains('/') && name.ends_with(".safetensors"));
    let own = own.map(|name| (name, "model.safetensors"));
    let own = own.or_else(|| {
        let name = find(&|name| {
            !name.contains('/')
                && [".bin", ".pt", ".pth"].iter().any(|end| name.ends_with(end))
                && name != "training_args.bin"
        });
        name.map(|name| (name, "pytorch_model.bin"))
    });
    if let Some((found, expected)) = own {
        return Some(format!("name {found} {expected} if it has the model's weights"));
    }
    if let Some(archive) = find(&|name| is_archive(name)) {
        return Some(format!("unpack {archive}"));
    }
    let (file, format) = first_other_weights(names)?;
    Some(format!("{file} is a model of {format}, which is not read: get its safetensors or PyTorch files"))
}

/// Why no tokenizer can be built in this folder, which lacks tokenizer.json, and the remedy, if its files
/// show it.
pub(crate) fn no_tokenizer(folder: &Path) -> Option<String> {
    const MAKE: &str = "make tokenizer.json from it with transformers' \
                        AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)";
    let names = entries(folder);
    let has = |file: &str| names.iter().any(|name| name == file);
    let halves = [("vocab.json", "merges.txt"), ("merges.txt", "vocab.json")];
    if let Some((there, missing)) = halves.into_iter().find(|(there, missing)| has(there) && !has(missing)) {
        return Some(format!(
            "{there} needs {missing} next to it: copy or download the model with all of its files"
        ));
    }
    let found = VOCABULARY_FILES.into_iter().chain(["tokenizer.model"]).find(|file| has(file))?;
    Some(format!("{found} is read only for the class of tokenizers that it belongs to: {MAKE}"))
}

/// The program or format that a weight file is for, if it is not one that is read.
pub(super) fn other_weights(name: &str) -> Option<&'static str> {
    OTHER_WEIGHTS.iter().find(|(end, _)| name.ends_with(end)).map(|(_, format)| *format)
}

fn first_other_weights(names: &[String]) -> Option<(&str, &'static str)> {
    names.iter().find_map(|name| Some((name.as_str(), other_weights(name)?)))
}

/// `model-00001-of-00002.safetensors`.
fn is_shard(name: &str) -> bool {
    let numbers = name.strip_suffix(".safetensors").or_else(|| name.strip_suffix(".bin"));
    numbers.is_some_and(|name| {
        let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = name.rsplit('-');
        parts.next().is_some_and(digits) && parts.next() == Some("of") && parts.next().is_some_and(digits)
    })
}

pub(crate) fn is_archive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".zip", ".tar", ".tgz", ".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2", ".7z"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// The first few of some names.
fn some(names: &[String]) -> String {
    let first = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 3 { format!("{first}, ..") } else { first }
}

#[cfg(test)]
mod tests;
