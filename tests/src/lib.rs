//! Shared code of the tests: the paths of fixtures, the model and the program.

pub mod cases;
pub mod compare;
pub mod head_cases;
pub mod hub;
pub mod job;
pub mod run;
pub mod signals;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use candle_core::{Device, Tensor};
use std::collections::HashMap;

/// The repository: `NEARSAY_TEST_REPOSITORY` if the tests run on another machine, else the folder where they
/// were built.
pub fn repository() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let built_in = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    FOLDER.get_or_init(|| std::env::var_os("NEARSAY_TEST_REPOSITORY").map_or_else(built_in, PathBuf::from))
}

/// A file or folder of tests/fixtures.
pub fn fixture(name: &str) -> PathBuf {
    repository().join("tests/fixtures").join(name)
}

/// The tensors of a .safetensors fixture.
///
/// # Panics
/// If it cannot be read.
pub fn tensors(name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(fixture(name), &Device::Cpu)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A .json fixture.
///
/// # Panics
/// If it cannot be read.
pub fn json(name: &str) -> serde_json::Value {
    let path = fixture(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Copies the files of a folder, and those of its folders, into another.
///
/// # Panics
/// If one cannot be copied.
pub fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir_all(&target).expect("a folder");
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// A copy of the fixture `base` with more files: JSON, or the names of stored ones in the fixture `stored`.
///
/// # Panics
/// If a file cannot be read or written.
pub fn completed_folder(base: &str, stored: &str, files: &serde_json::Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy_folder(&fixture(base), folder.path());
    for (name, contents) in files.as_object().expect("an object") {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        match contents {
            serde_json::Value::String(file) => {
                std::fs::copy(fixture(stored).join(file), path).expect("copied");
            }
            json => std::fs::write(path, json.to_string()).expect("written"),
        }
    }
    folder
}

/// The folder of all-MiniLM-L6-v2: `NEARSAY_TEST_MINILM`, else the cache, to which it is downloaded if
/// necessary.
///
/// # Panics
/// If it is not available: no test passes by skipping.
pub fn minilm() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = std::env::var_os("NEARSAY_TEST_MINILM") {
            return folder.into();
        }
        let output = Command::new("python3").arg(repository().join("scripts/fetch-minilm")).output();
        let output = output.expect("python3 runs scripts/fetch-minilm");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
    })
}
