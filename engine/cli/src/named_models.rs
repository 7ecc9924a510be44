//! Models with the names that clients of a server use.

use std::path::{Path, PathBuf};

use nearsay_server::ModelSource;

/// A model as `NAME=NAME_OR_DIR`; without a name, a folder has its own name, and a model of the hub that which it has
/// there.
pub(crate) fn source(text: &str) -> ModelSource {
    let named = text.split_once('=').filter(|(name, _)| !name.contains('/') && !Path::new(text).exists());
    if let Some((name, source)) = named {
        return ModelSource { name: name.to_owned(), source: source.to_owned() };
    }
    let path = PathBuf::from(text);
    let folder = path.canonicalize().ok().filter(|path| path.is_dir());
    let name = folder.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    ModelSource { name: name.unwrap_or_else(|| text.to_owned()), source: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_names() {
        let pair = |text: &str| {
            let ModelSource { name, source } = source(text);
            (name, source)
        };
        let owned = |name: &str, source: &str| (name.to_owned(), source.to_owned());
        assert_eq!(pair("small=./a/b"), owned("small", "./a/b"));
        assert_eq!(pair("org/name@main"), owned("org/name@main", "org/name@main"));
        assert_eq!(pair("./no/such=folder"), owned("./no/such=folder", "./no/such=folder"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a=b");
        std::fs::create_dir(&path).unwrap();
        let text = path.display().to_string();
        assert_eq!(pair(&text), ("a=b".to_owned(), text));
    }
}
