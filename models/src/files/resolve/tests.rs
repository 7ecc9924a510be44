use std::fs;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const FILES: [&str; 3] = ["config.json", "tokenizer.json", "model.safetensors"];

/// A cache with `org/name` at a commit named by `refs/main` and `refs/v1`; files are links into blobs/.
fn cache_with(files: &[&str]) -> TempDir {
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("models--org--name");
    let snapshot = folder.join("snapshots").join(COMMIT);
    for path in [&folder.join("blobs"), &folder.join("refs"), &snapshot] {
        fs::create_dir_all(path).unwrap();
    }
    for reference in ["main", "v1"] {
        fs::write(folder.join("refs").join(reference), COMMIT).unwrap();
    }
    for name in files {
        fs::write(folder.join("blobs").join(name), "{}").unwrap();
        link(&format!("../../blobs/{name}"), &snapshot.join(name));
    }
    cache
}

fn link(target: &str, path: &Path) {
    std::os::unix::fs::symlink(target, path).unwrap();
}

fn offline(cache: &TempDir) -> HubOptions {
    HubOptions { offline: true, cache: Some(cache.path().to_owned()), ..HubOptions::default() }
}

fn failure(name: &str, options: &HubOptions) -> (String, String) {
    let error = ModelFolder::resolve(name, options).unwrap_err();
    assert!(matches!(error, Error::ModelNotFound { .. }), "{error}");
    (error.to_string(), error.hint().unwrap_or_default())
}

#[test]
fn a_snapshot_is_found_by_branch_tag_and_commit() {
    let cache = cache_with(&FILES);
    for (name, revision) in
        [("org/name", "main"), ("org/name@v1", "v1"), (&format!("org/name@{COMMIT}"), COMMIT)]
    {
        let folder = ModelFolder::resolve(name, &offline(&cache)).unwrap();
        let source = Source::Cache {
            repository: "org/name".to_owned(),
            revision: revision.to_owned(),
            commit: COMMIT.to_owned(),
        };
        assert_eq!((folder.name(), folder.source()), (name, &source));
        assert!(folder.file("config.json").unwrap().is_some());
    }
}

#[test]
fn the_path_of_a_snapshot_is_a_cache_too() {
    let cache = cache_with(&FILES);
    let path = cache.path().join("models--org--name/snapshots").join(COMMIT);
    let folder = ModelFolder::resolve(path.to_str().unwrap(), &offline(&cache)).unwrap();
    assert!(matches!(folder.source(), Source::Cache { repository, .. } if repository == "org/name"));
    assert!(folder.file("config.json").unwrap().is_some());
}

#[test]
fn a_snapshot_that_links_out_of_its_repository_is_refused() {
    let cache = cache_with(&FILES);
    let snapshot = cache.path().join("models--org--name/snapshots").join(COMMIT);
    fs::remove_file(snapshot.join("config.json")).unwrap();
    link("/etc/passwd", &snapshot.join("config.json"));
    let error = ModelFolder::resolve("org/name", &offline(&cache)).unwrap_err();
    assert!(matches!(error, Error::LinkOutsideFolder { .. }), "{error}");
}

#[test]
fn a_failure_says_what_was_looked_for() {
    let cache = cache_with(&FILES);
    let (message, hint) = failure("org/other", &offline(&cache));
    assert!(message.contains("no folder org/other") && message.contains("models--org--other"), "{message}");
    assert!(hint.contains("HF_HUB_OFFLINE"), "{hint}");
    let (message, _) = failure("org/name@v2", &offline(&cache));
    assert!(message.contains("refs/v2") || message.contains("refs\\v2"), "{message}");
    let (message, _) = failure(&format!("org/name@{}", COMMIT.replace('0', "f")), &offline(&cache));
    assert!(message.contains("snapshots"), "{message}");
    let (_, hint) = failure("./no/such/folder", &offline(&cache));
    assert!(hint.contains("path"), "{hint}");
    let (_, hint) = failure("org/name", &HubOptions::default());
    assert!(hint.contains("HF_HOME"), "{hint}");
}

#[test]
fn an_incomplete_snapshot_says_what_it_lacks() {
    for (left_out, name) in [(0, "config.json"), (1, "tokenizer.json"), (2, "weights")] {
        let mut files = FILES.to_vec();
        files.remove(left_out);
        let (message, _) = failure("org/name", &offline(&cache_with(&files)));
        assert!(message.contains(&format!("is incomplete: it has no {name}")), "{message}");
    }
}

#[test]
fn a_link_to_a_blob_that_is_not_there_is_an_incomplete_snapshot() {
    let cache = cache_with(&FILES);
    fs::remove_file(cache.path().join("models--org--name/blobs/model.safetensors")).unwrap();
    let (message, _) = failure("org/name", &offline(&cache));
    assert!(message.contains("no weights"), "{message}");
}

/// The folder of `org/name` in a cache.
fn repository(cache: &TempDir) -> PathBuf {
    cache.path().join("models--org--name")
}

/// Adds a snapshot without files.
fn add_snapshot(cache: &TempDir) -> String {
    let commit = COMMIT.replace('0', "f");
    fs::create_dir_all(repository(cache).join("snapshots").join(&commit)).unwrap();
    commit
}

#[test]
fn a_reference_that_is_no_commit_counts_as_absent() {
    let long = "a".repeat(5000);
    let broken =
        [Some(""), Some("\n"), Some("\0\0\0"), Some("../../../etc"), Some("0123"), Some(&long), None];
    for text in broken {
        let cache = cache_with(&FILES);
        let write = |name: &str| match text {
            Some(text) => fs::write(repository(&cache).join("refs").join(name), text).unwrap(),
            None => fs::remove_file(repository(&cache).join("refs").join(name)).unwrap(),
        };
        write("main");
        write("v1");
        // The only snapshot must be that of main.
        let folder = ModelFolder::resolve("org/name", &offline(&cache)).unwrap();
        assert!(matches!(folder.source(), Source::Cache { commit, .. } if commit == COMMIT));
        // It need not be that of another branch.
        let (message, _) = failure("org/name@v1", &offline(&cache));
        assert!(message.contains("refs/v1"), "{message}");
        // The hub is asked if it can be, and the snapshot is not used unasked.
        let endpoint = Some("http://127.0.0.1:9".to_owned());
        let online = HubOptions { offline: false, endpoint, ..offline(&cache) };
        let (message, hint) = failure("org/name", &online);
        assert!(message.contains("refs/main") && message.contains("http://127.0.0.1:9"), "{message}");
        assert!(hint.contains("HF_HUB_OFFLINE=1 uses the snapshot"), "{hint}");
        add_snapshot(&cache);
        let (message, hint) = failure("org/name", &offline(&cache));
        assert!(message.contains("refs/main") && hint.contains("offline"), "{message} {hint}");
    }
}

#[test]
fn an_incomplete_snapshot_is_not_used_without_a_reference_either() {
    let cache = cache_with(&FILES[..2]);
    fs::write(repository(&cache).join("refs/main"), "").unwrap();
    let (message, _) = failure("org/name", &offline(&cache));
    assert!(message.contains("refs/main") && message.contains("no weights"), "{message}");
}

#[test]
fn the_folder_of_a_repository_means_its_snapshot() {
    let cache = cache_with(&FILES);
    for name in ["", "snapshots", "refs", "blobs"] {
        let path = repository(&cache).join(name);
        let folder = ModelFolder::resolve(path.to_str().unwrap(), &offline(&cache)).unwrap();
        assert!(matches!(folder.source(), Source::Cache { repository, .. } if repository == "org/name"));
        assert_eq!(folder.name(), path.to_str().unwrap());
        assert!(folder.file("config.json").unwrap().is_some(), "{name}");
    }
    let path = repository(&cache);
    let path = path.to_str().unwrap();
    fs::remove_dir_all(repository(&cache).join("refs")).unwrap();
    assert!(ModelFolder::resolve(path, &offline(&cache)).is_ok(), "the only snapshot");
    add_snapshot(&cache);
    let (message, hint) = failure(path, &offline(&cache));
    assert!(message.contains("a model's folder in a cache") && message.contains("refs/main"), "{message}");
    assert!(hint.contains("snapshots") && hint.contains(COMMIT), "{hint}");
}

#[test]
fn a_name_that_is_almost_right_is_recognised_in_the_cache() {
    let cache = cache_with(&FILES);
    for name in ["name", "Org/Name", "other/name", "NAME"] {
        let (message, hint) = failure(name, &offline(&cache));
        assert!(message.contains("was not found"), "{message}");
        assert_eq!(hint, "did you mean org/name, in the cache?", "{name}");
    }
    for name in ["roberta-large", "all-minilm-l6-v2"] {
        let (message, hint) = failure(name, &offline(&cache));
        assert!(message.contains("; the hub, which was not asked, has "), "{message}");
        assert!(hint.starts_with("the hub was not asked, since this run is offline"), "{hint}");
    }
    let (_, hint) = failure("https://huggingface.co/org/name", &offline(&cache));
    assert_eq!(hint, "give the model's name: org/name");
}

#[test]
fn a_hub_that_cannot_be_reached_fails_soon_and_is_named() {
    let cache = tempfile::tempdir().unwrap();
    let endpoint = Some("http://127.0.0.1:9".to_owned());
    let options = HubOptions { offline: false, endpoint, ..offline(&cache) };
    let start = Instant::now();
    let (message, hint) = failure("org/name", &options);
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(message.contains("http://127.0.0.1:9"), "{message}");
    assert!(hint.contains("network"), "{hint}");
}

#[test]
fn a_file_is_not_a_model() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (message, _) = failure(file.path().to_str().unwrap(), &HubOptions::default());
    assert!(message.contains("a file, not a folder"), "{message}");
}
