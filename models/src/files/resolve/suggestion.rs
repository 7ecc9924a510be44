//! The model that was probably meant by a name that was not found.

use std::path::Path;

use crate::files::cache::Repository;
use crate::files::diagnosis::{is_archive, other_weights};
use crate::files::hub::HUB;
use crate::files::{KNOWN_MODELS, cached_models};

/// A model with the same name in another case or under an organisation, in the cache or among the known ones.
pub(super) fn of_name(repository: &Repository, cache: &Path) -> Option<String> {
    let on_hub = || known(repository).map(|name| format!("did you mean {name}, on the hub?"));
    in_cache(repository, cache).or_else(on_hub)
}

/// The same in the cache alone.
pub(super) fn in_cache(repository: &Repository, cache: &Path) -> Option<String> {
    let mut cached = cached_models(cache).into_iter().map(|model| model.name);
    let name = cached.find(|name| is_meant(name, &repository.name))?;
    Some(format!("did you mean {name}, in the cache?"))
}

/// The name of a known model that was probably meant.
pub(super) fn known(repository: &Repository) -> Option<&'static str> {
    KNOWN_MODELS.iter().map(|model| model.name).find(|name| is_meant(name, &repository.name))
}

/// Whether `asked` is `name` with other capitals, separators or organisation, or without that; not `name`
/// itself.
fn is_meant(name: &str, asked: &str) -> bool {
    let plain = |text: &str| -> String {
        let kept = text.chars().filter(|c| c.is_alphanumeric() || *c == '/');
        kept.map(|c| c.to_ascii_lowercase()).collect()
    };
    let name_is_other = name != asked;
    let (name, asked) = (plain(name), plain(asked));
    let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    name_is_other && last(&name) == last(&asked)
}

/// What to do about a path that is a file of a model.
pub(super) fn of_file(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str().filter(|_| path.is_file())?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.display().to_string(),
        _ => ".".to_owned(),
    };
    if is_archive(name) {
        return Some("unpack it and give the folder".to_owned());
    }
    if let Some(format) = other_weights(name) {
        return Some(format!("models of {format} are not read: get the safetensors or PyTorch files"));
    }
    if path.with_file_name("config.json").is_file() {
        return Some(format!("give the model's folder, {folder}"));
    }
    let is_weights = [".safetensors", ".bin", ".pt", ".pth"].iter().any(|end| name.ends_with(end));
    is_weights.then(|| format!("give a folder with {name}, config.json and tokenizer.json"))
}

/// The name in the address of a model's page: `https://huggingface.co/org/name/tree/main`.
pub(super) fn of_address(text: &str, endpoint: Option<&str>) -> Option<String> {
    let hubs =
        [HUB, "http://huggingface.co", "https://hf.co", "hf://models", "hf:/"].into_iter().chain(endpoint);
    let rest = hubs.into_iter().find_map(|hub| text.strip_prefix(hub)?.strip_prefix('/'))?;
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').take(2).filter(|part| !part.is_empty()).collect();
    let name = parts.join("/");
    Repository::parse(&name).map(|_| format!("give the model's name: {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_its_organisation_or_capitals_is_recognised() {
        let cache = tempfile::tempdir().unwrap();
        for (kind, name) in [("models", "Tiny-Model"), ("models", "other"), ("datasets", "words")] {
            let folder = format!("{kind}{dashes}acme{dashes}{name}", dashes = "--");
            std::fs::create_dir_all(cache.path().join(folder).join("snapshots")).unwrap();
        }
        let meant = |name: &str| of_name(&Repository::parse(name).unwrap(), cache.path());
        for name in [
            "Tiny-Model",
            "tiny-model",
            "acme/tiny_model",
            "sentence-transformers/Tiny-Model",
            "tiny-model@v2",
        ] {
            assert_eq!(meant(name).unwrap(), "did you mean acme/Tiny-Model, in the cache?", "{name}");
        }
        let known = "did you mean sentence-transformers/all-MiniLM-L6-v2, on the hub?";
        assert_eq!(meant("all-minilm-l6-v2").as_deref(), Some(known));
        for name in ["words", "tiny", "Tiny-Model-2", "acme", "acme/Tiny-Model", "BAAI/bge-m3"] {
            assert_eq!(meant(name), None, "{name}");
        }
    }

    #[test]
    fn a_file_of_a_model_is_recognized() {
        let folder = tempfile::tempdir().unwrap();
        let hint = |name: &str| {
            std::fs::write(folder.path().join(name), "x").unwrap();
            of_file(&folder.path().join(name))
        };
        for (name, part) in [
            ("model.zip", "unpack it"),
            ("model.TAR.GZ", "unpack it"),
            ("model.gguf", "GGUF"),
            ("model.onnx", "ONNX"),
            ("model.safetensors", "give a folder with model.safetensors, config.json"),
        ] {
            assert!(hint(name).unwrap().contains(part), "{name}");
        }
        assert_eq!(hint("notes"), None);
        assert_eq!(of_file(folder.path()), None);
        hint("config.json");
        for name in ["config.json", "model.safetensors", "notes"] {
            assert!(hint(name).unwrap().starts_with("give the model's folder, /"), "{name}");
        }
    }

    #[test]
    fn the_address_of_a_page_has_a_name() {
        let name = |text: &str| {
            of_address(text, Some("http://mirror")).map(|hint| hint.replace("give the model's name: ", ""))
        };
        for text in [
            "https://huggingface.co/a/b",
            "https://huggingface.co/a/b/tree/main",
            "hf://a/b",
            "http://mirror/a/b/",
        ] {
            assert_eq!(name(text).as_deref(), Some("a/b"), "{text}");
        }
        assert_eq!(name("https://huggingface.co/gpt?x=1").as_deref(), Some("gpt"));
        assert_eq!(name("https://example.org/a/b"), None);
    }
}
