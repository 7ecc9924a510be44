//! The models in a cache.

use std::fs;
use std::path::Path;

use super::cache::{DEFAULT_REVISION, Found, Repository, find, repository_name};
use super::resolve::missing_part;
use super::{ModelFolder, Wanted};
use crate::Result;

/// The most folders of a cache that are looked at.
const FOLDERS: usize = 100_000;

/// A model in a cache.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CachedModel {
    /// `organisation/name`, or `name` alone.
    pub name: String,
    /// The size of its files in bytes, of all revisions.
    pub bytes: u64,
    /// The snapshot of its default revision, if there is one.
    pub snapshot: Option<ModelFolder>,
}

impl CachedModel {
    /// The part that the snapshot of the default revision lacks; `None` if it has everything.
    ///
    /// # Errors
    /// If a file in it breaks a rule.
    pub fn missing_part(&self) -> Result<Option<String>> {
        match &self.snapshot {
            Some(folder) => missing_part(folder, Wanted::Everything),
            None => Ok(Some("snapshot of its main branch".to_owned())),
        }
    }
}

/// The models in a cache, by name. Empty if it cannot be read.
pub fn cached_models(cache: &Path) -> Vec<CachedModel> {
    let entries = fs::read_dir(cache).into_iter().flatten().flatten().take(FOLDERS);
    let folders = entries.filter_map(|entry| repository_name(&entry.file_name().into_string().ok()?));
    let mut models: Vec<CachedModel> = folders.map(|name| cached(cache, name)).collect();
    models.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    models
}

fn cached(cache: &Path, name: String) -> CachedModel {
    let repository = Repository { name: name.clone(), revision: DEFAULT_REVISION.to_owned() };
    let snapshot = match find(cache, &repository, false) {
        Ok(Found::Snapshot(folder)) => Some(folder),
        _ => None,
    };
    let blobs = fs::read_dir(repository.folder(cache).join("blobs")).into_iter().flatten().flatten();
    let sizes = blobs.filter_map(|entry| Some(entry.metadata().ok()?.len()));
    CachedModel { name, bytes: sizes.sum(), snapshot }
}
