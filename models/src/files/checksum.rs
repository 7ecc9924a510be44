//! Checks a snapshot against the digests that name its blobs.
//!
//! The hub stores large files (weights) under their SHA-256, and the cache keeps that as the blob's name.
//! Small files are named by git's SHA-1, which does not protect against an attacker, so they are not checked.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::ModelFolder;
use super::folder::join;
use crate::{Error, Result, Stop};

/// How deep subfolders are searched. A model's modules are one level deep.
const DEPTH: usize = 3;
/// The tokenizer's file.
const TOKENIZER: &str = "tokenizer.json";
/// Bytes read at a time.
const BLOCK: usize = 1 << 20;

/// Which files of a model were checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Files whose content matches the digest in their name.
    pub checked: Vec<String>,
    /// Files without a digest to check against.
    pub unpinned: Vec<String>,
}

impl ModelFolder {
    /// Compares every file that the cache pins by a SHA-256 with that digest. Reads all these files, unless it is
    /// stopped.
    ///
    /// # Errors
    /// [`Error::Checksum`] for the first file that differs; [`Error::Stopped`].
    pub fn verify(&self, stop: &Stop) -> Result<Verification> {
        let mut verification = Verification::default();
        for name in self.list("", DEPTH)? {
            let Some(path) = self.file(&name)? else { continue };
            match pinned(&path)? {
                Some(expected) => {
                    compare(&path, expected, stop)?;
                    verification.checked.push(name);
                }
                None => verification.unpinned.push(name),
            }
        }
        Ok(verification)
    }

    /// The SHA-256 of a model's files: the JSON files that were read, its tokenizer or the vocabulary that it
    /// is built from, and `weights`. Other files of the folder do not count. Reads all these files.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn digest<'a>(&self, weights: impl Iterator<Item = &'a Path>) -> Result<String> {
        let mut names = self.files_read();
        names.insert(join(self.transformer_prefix(), TOKENIZER));
        let mut digests = Vec::new();
        for name in names {
            digests.extend(self.file(&name)?.map(|path| sha256(&path)).transpose()?.map(|it| (name, it)));
        }
        for path in weights {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            digests.push((name, sha256(path)?));
        }
        let lines: String = digests.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
        Ok(hexadecimal(&Sha256::digest(lines)))
    }

    /// The names of the files in a subfolder, sorted; hidden files are skipped.
    fn list(&self, folder: &str, depth: usize) -> Result<Vec<String>> {
        let path = if folder.is_empty() { self.root().to_owned() } else { self.root().join(folder) };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(Error::io(&path))? {
            let entry = entry.map_err(Error::io(&path))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            // A link counts as its target. `file` decides whether it may be followed and handles broken
            // links.
            let is_folder = match entry.path().metadata() {
                Ok(metadata) => metadata.is_dir(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(Error::io(entry.path())(error)),
            };
            let name = join(folder, &name);
            match is_folder {
                true if depth > 0 => names.extend(self.list(&name, depth - 1)?),
                true => {}
                false => names.push(name),
            }
        }
        names.sort();
        Ok(names)
    }
}

/// The digest in the name of the blob that this path links to.
fn pinned(path: &Path) -> Result<Option<String>> {
    let target = path.canonicalize().map_err(Error::io(path))?;
    let name = target.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let in_blobs = target.parent().is_some_and(|parent| parent.ends_with("blobs"));
    let is_digest = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok((in_blobs && is_digest).then(|| name.to_ascii_lowercase()))
}

fn compare(path: &Path, expected: String, stop: &Stop) -> Result<()> {
    let actual = sha256_unless(path, stop)?;
    if actual == expected { Ok(()) } else { Err(Error::Checksum { path: path.to_owned(), expected, actual }) }
}

/// The SHA-256 of a file's content, in hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    sha256_unless(path, &Stop::default())
}

fn sha256_unless(path: &Path, stop: &Stop) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        stop.check()?;
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(count) => hasher.update(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io(path)(error)),
        }
    }
    Ok(hexadecimal(&hasher.finalize()))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::files::HubOptions;

    /// SHA-256 of `abc`: FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_models_digest_is_that_of_the_files_that_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("config.json", "{}");
        write("weights", "abc");
        write("tokenizer.json", "{}");
        write("README.md", "words");
        let weights = folder.path().join("weights");
        let digest = || {
            let model =
                ModelFolder::resolve(folder.path().to_str().unwrap(), &HubOptions::default()).unwrap();
            for name in ["config.json", "special_tokens_map.json"] {
                model.read_transformer_json::<serde_json::Value>(name).unwrap();
            }
            model.digest([weights.as_path()].into_iter()).unwrap()
        };
        let first = digest();
        for name in ["README.md", "eval_results.json", "vocab.json", "generation_config.json", ".DS_Store"] {
            write(name, "other words");
            assert_eq!(digest(), first, "{name}");
        }
        for name in ["special_tokens_map.json", "tokenizer.json"] {
            write(name, "{  }");
            assert_ne!(digest(), first, "{name}");
            write(name, "{}");
        }
        fs::remove_file(folder.path().join("special_tokens_map.json")).unwrap();
        assert_eq!(digest(), first);
        write("config.json", "{ }");
        let second = digest();
        assert_ne!(second, first);
        write("weights", "abd");
        assert_ne!(digest(), second);
    }

    #[test]
    fn a_changed_blob_is_found_and_named_with_both_digests() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("models--org--name");
        let snapshot = folder.join("snapshots/0123456789abcdef0123456789abcdef01234567");
        fs::create_dir_all(folder.join("blobs")).unwrap();
        fs::create_dir_all(&snapshot).unwrap();
        fs::write(folder.join("blobs").join(ABC), "abc").unwrap();
        symlink(format!("../../blobs/{ABC}"), snapshot.join("model.safetensors")).unwrap();
        fs::write(snapshot.join("config.json"), "{}").unwrap();
        let model = ModelFolder::resolve(snapshot.to_str().unwrap(), &HubOptions::default()).unwrap();
        let verification = model.verify(&Stop::default()).unwrap();
        assert_eq!(verification.checked, ["model.safetensors"]);
        assert_eq!(verification.unpinned, ["config.json"]);
        fs::write(folder.join("blobs").join(ABC), "abd").unwrap();
        let message = model.verify(&Stop::default()).unwrap_err().to_string();
        assert!(message.contains(ABC) && message.contains("model.safetensors"), "{message}");
    }
}
