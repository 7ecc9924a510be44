//! The Hugging Face cache: its location, revisions, and blobs that do not match their names.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Broken, Run};

const NAME: &str = "org/tiny";
const MAIN: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "89abcdef0123456789abcdef0123456789abcdef";
const FILE: &str = "model.safetensors";

/// Adds a model to a cache as huggingface_hub does: blobs by digest, a snapshot of links, a branch.
fn publish(model: &Broken, cache: &Path, branch: &str, commit: &str) {
    let folder = cache.join("models--org--tiny");
    let snapshot = folder.join("snapshots").join(commit);
    for part in [&folder.join("blobs"), &folder.join("refs"), &snapshot] {
        fs::create_dir_all(part).unwrap();
    }
    fs::write(folder.join("refs").join(branch), commit).unwrap();
    for item in fs::read_dir(model.root()).unwrap() {
        let path = item.unwrap().path();
        let digest = digest(&path);
        fs::copy(&path, folder.join("blobs").join(&digest)).unwrap();
        symlink(format!("../../blobs/{digest}"), snapshot.join(path.file_name().unwrap())).unwrap();
    }
}

fn digest(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

/// The blob of a file of the main branch.
fn blob(cache: &Path, name: &str) -> PathBuf {
    cache.join("models--org--tiny/snapshots").join(MAIN).join(name).canonicalize().unwrap()
}

/// A model with other weights.
fn other() -> Broken {
    let model = Broken::new();
    model.edit_weights(|_, data| data[3] ^= 1);
    model
}

fn embed(model: &Broken, name: &str, cache: &Path) -> Run {
    model.embed_as(name, &[], &[("HF_HUB_CACHE", cache.to_str().unwrap())])
}

#[test]
fn every_variable_leads_to_the_cache_and_the_first_one_wins() {
    let model = Broken::new();
    let expected = model.embed(&[]);
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    let order = [
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
        ("HOME", ".cache/huggingface/hub"),
    ];
    for (at, (variable, below)) in order.into_iter().enumerate() {
        let home = tempfile::tempdir().unwrap();
        publish(&model, &home.path().join(below), "main", MAIN);
        let mut variables = vec![(variable, home.path().to_str().unwrap())];
        // Later variables in the order are not used.
        variables.extend(order[at + 1..].iter().map(|(later, _)| (*later, empty)));
        let run = model.embed_as(NAME, &[], &variables);
        assert_eq!(run.works().stdout, expected.stdout, "{variable}");
        // An earlier one is.
        if at > 0 {
            variables.push((order[at - 1].0, empty));
            model.embed_as(NAME, &[], &variables).is_refused(&["org/tiny was not found", empty]);
        }
    }
}

#[test]
fn a_revision_is_a_branch_or_a_commit() {
    let (model, other) = (Broken::new(), other());
    let cache = tempfile::tempdir().unwrap();
    publish(&model, cache.path(), "main", MAIN);
    publish(&other, cache.path(), "v2", OTHER);
    let (first, second) = (model.embed(&[]).stdout, other.embed(&[]).stdout);
    assert_ne!(first, second);
    for (revision, expected) in
        [("", &first), ("@main", &first), ("@v2", &second), (&format!("@{OTHER}"), &second)]
    {
        let run = embed(&model, &format!("{NAME}{revision}"), cache.path());
        assert_eq!(&run.works().stdout, expected, "{revision}");
    }
    for revision in ["v3", &"f".repeat(40)] {
        embed(&model, &format!("{NAME}@{revision}"), cache.path()).is_refused(&[
            "was not found",
            revision,
            "offline",
        ]);
    }
    fs::write(cache.path().join("models--org--tiny/refs/v2"), "../../../etc").unwrap();
    embed(&model, "org/tiny@v2", cache.path()).is_refused(&["refs/v2", "40 hexadecimal", "../../../etc"]);
    for name in ["org/tiny@../v2", "../org/tiny", "org/tiny@", "a/b/c"] {
        embed(&model, name, cache.path()).is_refused(&["was not found", name]);
    }
}

#[test]
fn a_flipped_bit_in_a_blob_is_found_by_its_digest() {
    let model = Broken::new();
    let cache = tempfile::tempdir().unwrap();
    publish(&model, cache.path(), "main", MAIN);
    let inspect = || {
        let cache = cache.path().to_str().unwrap();
        Run::of(&["models", "inspect", NAME, "--verify"], &[("HF_HUB_CACHE", cache)])
    };
    let whole = inspect();
    assert!(whole.works().stdout.contains(FILE), "{whole:?}");
    let blob = blob(cache.path(), FILE);
    let pinned = blob.file_name().unwrap().to_str().unwrap().to_owned();
    let mut bytes = fs::read(&blob).unwrap();
    let middle = bytes.len() / 2;
    // The lowest bit of a value: only the checksum detects it.
    bytes[middle / 4 * 4] ^= 1;
    fs::write(&blob, bytes).unwrap();
    inspect().is_refused(&[FILE, "SHA-256", &pinned, &digest(&blob)]);
}

#[test]
fn a_snapshot_that_is_not_complete_says_what_is_missing() {
    let model = Broken::new();
    for (name, part) in
        [(FILE, "weights"), ("tokenizer.json", "tokenizer.json"), ("config.json", "config.json")]
    {
        let cache = tempfile::tempdir().unwrap();
        publish(&model, cache.path(), "main", MAIN);
        fs::remove_file(blob(cache.path(), name)).unwrap();
        embed(&model, NAME, cache.path()).is_refused(&["was not found", part, "offline"]);
    }
}

#[test]
fn a_link_of_a_snapshot_out_of_its_repository_is_refused() {
    let model = Broken::new();
    let cache = tempfile::tempdir().unwrap();
    publish(&model, cache.path(), "main", MAIN);
    let link = cache.path().join("models--org--tiny/snapshots").join(MAIN).join(FILE);
    fs::remove_file(&link).unwrap();
    symlink(model.path(FILE), &link).unwrap();
    embed(&model, NAME, cache.path()).is_refused(&[FILE, "outside", "--follow-links"]);
}

#[test]
fn an_output_never_takes_the_place_of_a_file_in_the_cache() {
    let (model, cache) = (Broken::new(), tempfile::tempdir().unwrap());
    publish(&model, cache.path(), "main", MAIN);
    let repository = cache.path().join("models--org--tiny");
    let variables = [("HF_HUB_CACHE", cache.path().to_str().unwrap())];
    for output in [repository.join("snapshots").join(MAIN).join(FILE), repository.join("blobs/new.npy")] {
        let run = model.embed_as(NAME, &["--overwrite", "-o", output.to_str().unwrap()], &variables);
        assert_eq!(run.code, Some(2), "{run:#?}");
        run.says(&["among the files of the model org/tiny"]);
    }
    let linked = model.parent().join("linked.safetensors");
    symlink(blob(cache.path(), FILE), &linked).unwrap();
    let run = model.embed_as(NAME, &["--overwrite", "-o", linked.to_str().unwrap()], &variables);
    assert_eq!(run.code, Some(2), "{run:#?}");
    assert_eq!(fs::read(blob(cache.path(), FILE)).unwrap(), model.read(FILE));
}
