//! From a model's name to its folder.

use std::io;
use std::path::{Path, PathBuf};

use super::cache::{self, Repository};
use super::folder::{Source, join};
use super::hub::{self, HubFailure};
use super::weight_files::WEIGHT_FILES;
use super::{HubOptions, ModelFolder};
use crate::{Error, Result};

impl ModelFolder {
    /// Finds a model: a folder of that name, a snapshot in the cache, or the hub, unless offline.
    /// `NAME@REVISION` names a branch, a tag or a commit; the default is `main`.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`] lists everything that was looked for, and where.
    pub fn resolve(name: &str, options: &HubOptions) -> Result<Self> {
        let path = Path::new(name);
        if path.is_dir() {
            return open_folder(name, path, options.follow_links);
        }
        let what = if path.exists() { "a file, not a folder," } else { "no folder" };
        let mut search = Lookup { name, options, looked: vec![format!("there is {what} {name}")] };
        match Repository::parse(name) {
            Some(repository) => search.find(&repository),
            None => Err(search.failure("check the path: it is not the name of a model on the hub either")),
        }
    }
}

fn open_folder(name: &str, path: &Path, follow_links: bool) -> Result<ModelFolder> {
    let (boundary, source) = cache::of_snapshot(path).unwrap_or((path.to_owned(), Source::Folder));
    ModelFolder::new(name, path.to_owned(), (!follow_links).then_some(boundary.as_path()), source)
}

/// A running search and the places it has looked at.
struct Lookup<'a> {
    name: &'a str,
    options: &'a HubOptions,
    looked: Vec<String>,
}

impl Lookup<'_> {
    fn find(&mut self, repository: &Repository) -> Result<ModelFolder> {
        let Some(cache) = self.options.cache.clone() else {
            self.looked.push("there is no cache folder".to_owned());
            return Err(self.failure("set HF_HOME to a folder for models"));
        };
        if let Some(folder) = self.find_in_cache(&cache, repository)? {
            return Ok(folder);
        }
        if self.options.offline {
            let hint = "the hub was not asked, since this run is offline: unset HF_HUB_OFFLINE";
            return Err(self.not_found(hint, true));
        }
        if let Err(HubFailure { reason, hint }) = hub::download(repository, &cache, self.options) {
            self.looked.push(reason);
            return Err(self.failure(hint));
        }
        let found = self.find_in_cache(&cache, repository)?;
        let folder = found.ok_or_else(|| self.failure("the repository has no model that we can read"))?;
        folder.verify()?;
        Ok(folder)
    }

    /// A snapshot with everything that a model needs.
    fn find_in_cache(&mut self, cache: &Path, repository: &Repository) -> Result<Option<ModelFolder>> {
        let folder = match cache::find(cache, repository, self.options.follow_links) {
            Ok(Ok(folder)) => folder,
            Ok(Err(reason)) => return Ok(self.note(reason)),
            // A link to a blob that has not been downloaded yet.
            Err(error) if is_absent(&error) => return Ok(self.note(error.to_string())),
            Err(error) => return Err(error),
        };
        match missing_part(&folder)? {
            Some(part) => Ok(self
                .note(format!("the snapshot {} is incomplete: it has no {part}", folder.root().display()))),
            None => Ok(Some(folder)),
        }
    }

    fn note<T>(&mut self, reason: String) -> Option<T> {
        self.looked.push(reason);
        None
    }

    fn failure(&self, hint: &'static str) -> Error {
        self.not_found(hint, false)
    }

    fn not_found(&self, hint: &'static str, offline: bool) -> Error {
        Error::ModelNotFound { name: self.name.to_owned(), looked: self.looked.clone(), offline, hint }
    }
}

/// The part that a snapshot lacks, for instance after an interrupted download.
fn missing_part(folder: &ModelFolder) -> Result<Option<&'static str>> {
    let has = |names: &[&str]| -> Result<bool> {
        for name in names {
            if present(folder.file(&join(folder.transformer_prefix(), name)))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    };
    if !has(&["config.json"])? {
        return Ok(Some("config.json"));
    }
    if !has(&["tokenizer.json", "vocab.txt"])? {
        return Ok(Some("tokenizer.json"));
    }
    Ok((!has(&WEIGHT_FILES)?).then_some("weights"))
}

/// A file, if it exists. A broken link counts as absent.
fn present(file: Result<Option<PathBuf>>) -> Result<Option<PathBuf>> {
    match file {
        Err(error) if is_absent(&error) => Ok(None),
        other => other,
    }
}

fn is_absent(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests;
