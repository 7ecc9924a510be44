//! A model's folder. All access to its files goes through it.

use std::collections::BTreeSet;
use std::fs::{File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;

use super::Content;
use super::layout;
use crate::{Error, Result};

/// The largest configuration file, in bytes: 16 MiB. The largest known index of shards has 2 MB.
pub const CONFIG_LIMIT: u64 = 16 << 20;

/// Where a model's folder was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder named by the user.
    Folder,
    /// A snapshot in the Hugging Face cache.
    Cache {
        /// `organisation/name`, or `name` alone.
        repository: String,
        /// The branch, tag or commit that was requested.
        revision: String,
        /// The commit of that revision.
        commit: String,
    },
}

/// A model's folder. All files are read through it, so no file outside it is ever read.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    name: String,
    root: PathBuf,
    /// Links must stay inside this canonical path: the folder itself, or the repository's folder in the
    /// cache, where a snapshot's links point into `blobs/`. `None`: links may point anywhere.
    boundary: Option<PathBuf>,
    source: Source,
    transformer_prefix: String,
    /// The configurations and vocabularies that were read, of this folder and its clones.
    read: Arc<Mutex<BTreeSet<String>>>,
}

impl ModelFolder {
    /// A folder whose links must stay in `boundary`. Reads the model's layout.
    pub(super) fn new(name: &str, root: PathBuf, boundary: Option<&Path>, source: Source) -> Result<Self> {
        let boundary = boundary.map(|path| path.canonicalize().map_err(Error::io(path))).transpose()?;
        let transformer_prefix = String::new();
        let (name, read) = (name.to_owned(), Arc::default());
        let mut folder = Self { name, root, boundary, source, transformer_prefix, read };
        folder.transformer_prefix = layout::transformer_prefix(&folder)?;
        Ok(folder)
    }

    /// The same folder under another name.
    pub(super) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// The same folder, with the transformer's files in `subfolder`.
    pub(crate) fn with_transformer_in(&self, subfolder: &str) -> Self {
        Self { transformer_prefix: subfolder.to_owned(), ..self.clone() }
    }

    /// The model's name as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder's path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the folder was found.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether this path, existing or not, is among the model's files: in its folder, or, for a snapshot in
    /// the cache, in its repository's folder, which has the linked blobs.
    pub fn holds(&self, path: &Path) -> bool {
        let above = match &self.source {
            Source::Folder => 0,
            Source::Cache { .. } => 2,
        };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let (Ok(root), Ok(folder)) = (self.root.canonicalize(), folder.canonicalize()) else { return false };
        root.ancestors().nth(above).is_some_and(|home| folder.starts_with(home))
    }

    /// The subfolder of the transformer's files: empty, or `0_Transformer` in sentence-transformers' old
    /// layout.
    pub fn transformer_prefix(&self) -> &str {
        &self.transformer_prefix
    }

    /// [`Self::file`] in the transformer's folder: `config.json`, `tokenizer.json`, the weights.
    pub fn transformer_file(&self, name: &str) -> Result<Option<PathBuf>> {
        self.file(&join(&self.transformer_prefix, name))
    }

    /// The path of a file, if it exists.
    ///
    /// # Errors
    /// If the name is absolute, has `..`, or leads through a link out of the model's folder; if it is a
    /// broken link; or if it is not an ordinary file (a folder, a pipe, a device), which is checked without
    /// opening it.
    pub fn file(&self, relative: &str) -> Result<Option<PathBuf>> {
        let Some(path) = self.walk(relative)? else { return Ok(None) };
        let metadata = path.metadata().map_err(Error::io(&path))?;
        match metadata.is_file() {
            true => Ok(Some(path)),
            false => Err(Error::NotAFile { path, kind: kind(metadata.file_type()) }),
        }
    }

    /// [`Self::file`] for a required file.
    pub fn required_file(&self, relative: &str) -> Result<PathBuf> {
        self.file(relative)?.ok_or_else(|| Error::MissingFile { path: self.root.join(relative) })
    }

    /// A JSON file of at most `limit` bytes ([`CONFIG_LIMIT`] for configurations), if it exists.
    pub fn read_json<T: DeserializeOwned>(&self, relative: &str, limit: u64) -> Result<Option<T>> {
        let Some(path) = self.file(relative)? else { return Ok(None) };
        let value = parse_json(&path, &read_limited(&path, limit)?)?;
        let name = self.parts(relative)?.join("/");
        self.mark_read(&name);
        Ok(Some(value))
    }

    /// Counts a file as read: it is part of the model's digest.
    pub(crate) fn mark_read(&self, name: &str) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    /// The names of the JSON files, and of others that count, that were read so far.
    pub(super) fn files_read(&self) -> BTreeSet<String> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// [`Self::read_json`] in the transformer's folder, with [`CONFIG_LIMIT`].
    pub fn read_transformer_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.read_json(&join(&self.transformer_prefix, name), CONFIG_LIMIT)
    }

    /// Follows a relative name part by part and checks the target of each link on the way.
    fn walk(&self, relative: &str) -> Result<Option<PathBuf>> {
        let mut path = self.root.clone();
        for part in self.parts(relative)? {
            path.push(part);
            match path.symlink_metadata() {
                Ok(metadata) if metadata.is_symlink() => self.check_link(&path)?,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(Error::io(path)(error)),
            }
        }
        Ok(Some(path))
    }

    fn parts<'a>(&self, relative: &'a str) -> Result<Vec<&'a str>> {
        match plain_parts(relative) {
            Some(parts) if !parts.is_empty() => Ok(parts),
            _ => Err(self.outside(relative, "a file's name must be relative, without `..`".to_owned())),
        }
    }

    fn check_link(&self, link: &Path) -> Result<()> {
        let target = link.canonicalize().map_err(Error::io(link))?;
        match &self.boundary {
            Some(boundary) if !target.starts_with(boundary) => {
                let (link, root) = (link.to_owned(), self.root.clone());
                Err(Error::LinkOutsideFolder { link, target, root })
            }
            _ => Ok(()),
        }
    }

    fn outside(&self, name: &str, rule: String) -> Error {
        Error::OutsideFolder { name: format!("{name:?}"), rule, root: self.root.clone() }
    }
}

/// The parts of a relative name, without `.`; `None` if it is absolute, has `..`, a backslash (a separator on
/// Windows) or a NUL.
pub(super) fn plain_parts(relative: &str) -> Option<Vec<&str>> {
    if relative.contains(['\\', '\0']) {
        return None;
    }
    let parts = Path::new(relative).components().filter(|part| *part != Component::CurDir);
    parts.map(|part| if let Component::Normal(name) = part { name.to_str() } else { None }).collect()
}

/// `folder/name`, or `name` if the folder is empty.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{}/{name}", folder.trim_end_matches('/')) }
}

/// The bytes of a file: at most `limit`, even if it grows while being read.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let too_large = |bytes| Error::TooLarge { path: path.to_owned(), bytes, limit };
    let mut file = File::open(path).map_err(Error::io(path))?;
    let size = file.metadata().map_err(Error::io(path))?.len();
    if size > limit {
        return Err(too_large(size));
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(limit + 1).read_to_end(&mut bytes).map_err(Error::io(path))?;
    if bytes.len() as u64 > limit { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
}

/// Parses JSON. Errors name the field. A byte order mark at the start is skipped, as Python's `utf-8-sig`
/// does.
pub(crate) fn parse_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let error = |field: String, message: String| match Content::of(bytes) {
        Some(content) if content != Content::Json => {
            Error::OtherContent { path: path.to_owned(), expected: "JSON", content }
        }
        _ => Error::Json { path: path.to_owned(), field, message },
    };
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|cause| error(cause.path().to_string(), cause.inner().to_string()))?;
    reader.end().map_err(|cause| error(".".to_owned(), cause.to_string()))?;
    Ok(value)
}

fn kind(file_type: FileType) -> &'static str {
    match file_type {
        other if other.is_dir() => "a folder",
        other if other.is_fifo() => "a pipe",
        other if other.is_socket() => "a socket",
        other if other.is_char_device() || other.is_block_device() => "a device",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests;
