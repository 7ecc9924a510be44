//! The Hugging Face cache: `models--org--name/{blobs,refs/<revision>,snapshots/<commit>,.no_exist/<commit>}`.
//!
//! Layout: huggingface_hub's guide "Understand caching". The files of a snapshot are links into `blobs/`.

use std::path::{Path, PathBuf};

use super::ModelFolder;
use super::folder::{Source, plain_parts, read_limited};
use crate::{Error, Result};

/// The default revision.
pub(super) const DEFAULT_REVISION: &str = "main";
/// The largest size of a file in `refs/`, in bytes. Such a file has a commit of 40 digits.
const REFERENCE_LIMIT: u64 = 1024;

/// A repository of the hub at a revision: `organisation/name@revision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repository {
    pub(super) name: String,
    pub(super) revision: String,
}

impl Repository {
    /// Parses `NAME` or `NAME@REVISION`; `None` if it cannot be a repository's name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, revision) = text.split_once('@').unwrap_or((text, DEFAULT_REVISION));
        let named = name.split('/').count() <= 2 && name.split('/').all(is_plain);
        let revised =
            plain_parts(revision).is_some_and(|parts| parts.join("/") == revision && !parts.is_empty());
        (named && revised).then(|| Self { name: name.to_owned(), revision: revision.to_owned() })
    }

    /// The repository's folder in a cache.
    pub(super) fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(format!("models--{}", self.name.replace('/', "--")))
    }
}

/// Whether this is one part of a repository's name: only characters that the hub allows, no leading dot or
/// dash.
fn is_plain(part: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !part.is_empty() && !part.starts_with(['.', '-']) && part.bytes().all(allowed)
}

/// The files of a repository that a cache has.
pub(super) enum Found {
    /// The snapshot of the revision.
    Snapshot(ModelFolder),
    /// Nothing for the revision, for this reason.
    Missing(String),
    /// No usable reference to the default revision, for this reason, but exactly one snapshot: this commit.
    Unreferenced(String, String),
}

/// Looks for a repository's revision in a cache. A reference that is empty or garbled, as a writer that was
/// cut off leaves it, counts as absent.
pub(super) fn find(cache: &Path, repository: &Repository, follow_links: bool) -> Result<Found> {
    let folder = repository.folder(cache);
    if !folder.is_dir() {
        return Ok(Found::Missing(format!("the cache has no {}", folder.display())));
    }
    let commit = match commit(&folder, &repository.revision)? {
        Ok(commit) => commit,
        Err(reason) if repository.revision == DEFAULT_REVISION => {
            return Ok(match snapshots(&folder).as_slice() {
                [only] => Found::Unreferenced(reason, only.clone()),
                _ => Found::Missing(reason),
            });
        }
        Err(reason) => return Ok(Found::Missing(reason)),
    };
    snapshot(cache, repository, commit, follow_links)
}

/// The empty file by which huggingface_hub notes that a commit does not have the file `name`, in a
/// repository's folder.
pub(super) fn absence(folder: &Path, commit: &str, name: &str) -> PathBuf {
    folder.join(".no_exist").join(commit).join(name)
}

/// The snapshot of this commit.
pub(super) fn snapshot(
    cache: &Path,
    repository: &Repository,
    commit: String,
    follow_links: bool,
) -> Result<Found> {
    let folder = repository.folder(cache);
    let root = folder.join("snapshots").join(&commit);
    if !root.is_dir() {
        return Ok(Found::Missing(format!("the cache has no {}", root.display())));
    }
    let Repository { name, revision } = repository.clone();
    let boundary = (!follow_links).then_some(folder.as_path());
    let full_name = if revision == DEFAULT_REVISION { name.clone() } else { format!("{name}@{revision}") };
    let source = Source::Cache { repository: name, revision, commit };
    ModelFolder::new(&full_name, root, boundary, source).map(Found::Snapshot)
}

/// The commit of a revision: the revision itself, or the content of `refs/<revision>`. Else a phrase that
/// says what is wrong with that.
fn commit(folder: &Path, revision: &str) -> Result<Result<String, String>> {
    if is_commit(revision) {
        return Ok(Ok(revision.to_owned()));
    }
    let reference = folder.join("refs").join(revision);
    if !reference.is_file() {
        return Ok(Err(format!("the cache has no {}", reference.display())));
    }
    let bytes = match read_limited(&reference, REFERENCE_LIMIT) {
        Err(Error::TooLarge { bytes, .. }) => {
            return Ok(Err(format!("{} has {bytes} bytes, not a commit's 40", reference.display())));
        }
        other => other?,
    };
    let commit = String::from_utf8_lossy(&bytes).trim().to_owned();
    let found = if commit.is_empty() { "is empty".to_owned() } else { format!("is {commit:?}") };
    let reason = || format!("{} must have 40 hexadecimal digits and {found}", reference.display());
    Ok(if is_commit(&commit) { Ok(commit) } else { Err(reason()) })
}

/// The commits with a snapshot in a repository's folder, sorted.
pub(super) fn snapshots(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("snapshots")).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let mut commits: Vec<String> = names.filter(|name| is_commit(name)).collect();
    commits.sort_unstable();
    commits
}

/// The cache and the repository, if this path is a repository's folder in a cache, or its `snapshots`, `refs`
/// or `blobs`.
pub(super) fn of_repository(path: &Path) -> Option<(PathBuf, Repository)> {
    let path = path.canonicalize().ok()?;
    let is_part = ["snapshots", "refs", "blobs"].iter().any(|part| path.ends_with(part));
    let folder = if is_part { path.parent()? } else { &path };
    let name = repository_name(folder.file_name()?.to_str()?)?;
    folder.join("snapshots").is_dir().then_some(())?;
    Some((folder.parent()?.to_owned(), Repository { name, revision: DEFAULT_REVISION.to_owned() }))
}

/// `org/name` for `models--org--name`.
pub(super) fn repository_name(folder: &str) -> Option<String> {
    Some(folder.strip_prefix("models--")?.replacen("--", "/", 1))
}

/// Whether this is a full commit id.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The repository's folder and the source, if this path is itself a snapshot in a cache (as returned by
/// huggingface_hub's `snapshot_download`).
pub(super) fn of_snapshot(path: &Path) -> Option<(PathBuf, Source)> {
    let path = path.canonicalize().ok()?;
    let commit = path.file_name()?.to_str().filter(|name| is_commit(name))?.to_owned();
    let snapshots = path.parent().filter(|parent| parent.ends_with("snapshots"))?;
    let folder = snapshots.parent()?;
    let repository = repository_name(folder.file_name()?.to_str()?)?;
    Some((folder.to_owned(), Source::Cache { repository, revision: commit.clone(), commit }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_repositories_are_told_from_paths() {
        let parse = |text| Repository::parse(text).map(|it| (it.name, it.revision));
        let is = |name: &str, revision: &str| Some((name.to_owned(), revision.to_owned()));
        assert_eq!(parse("org/name"), is("org/name", "main"));
        assert_eq!(parse("bert-base-uncased"), is("bert-base-uncased", "main"));
        assert_eq!(parse("org/name@v1.0"), is("org/name", "v1.0"));
        assert_eq!(parse("org/name@refs/pr/3"), is("org/name", "refs/pr/3"));
        for text in ["", "/a", "a/b/c", "../a", "./a", "a//b", "a/..", "a b", "a@", "a@../b", "a@/b"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
