//! From a model's name to its folder.

mod completeness;
mod suggestion;

use std::path::{Path, PathBuf};

use super::cache::{self, Found, Repository};
use super::folder::{Source, join};
use super::hub::{Download, HubFailure};
use super::{HubOptions, ModelFolder, diagnosis};
use crate::tokenizers::TOKENIZER;
use crate::{Error, Result, Stop};
use completeness::is_absent;
pub(super) use completeness::missing_part;

/// The files of a model that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Configurations and the tokenizer, which describe the model.
    Description,
    /// The weights too.
    Everything,
}

/// Checks a model by its description, before its weights are downloaded.
pub(crate) type Check<'a> = &'a dyn Fn(&ModelFolder) -> Result<()>;

impl ModelFolder {
    /// Finds a model: a folder of that name, a snapshot in the cache, or the hub, unless offline.
    /// `NAME@REVISION` names a branch, a tag or a commit; the default is `main`.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`] lists everything that was looked for, and where.
    pub fn resolve(name: &str, options: &HubOptions) -> Result<Self> {
        Self::find(name, options, Wanted::Everything, &|_| Ok(()))
    }

    /// The same, with the `wanted` files only. If the model must be downloaded, its description comes first,
    /// and its weights only after `check` has accepted that.
    pub(crate) fn find(name: &str, options: &HubOptions, wanted: Wanted, check: Check<'_>) -> Result<Self> {
        let path = Path::new(name);
        let mut search = Lookup { name, options, wanted, looked: Vec::new() };
        if path.is_dir() {
            return search.open_folder(path);
        }
        let what = if path.exists() { "a file, not a folder," } else { "no folder" };
        search.looked.push(format!("there is {what} {name}"));
        if let Some(hint) = suggestion::of_file(path) {
            return Err(search.not_found(Some(hint), false));
        }
        if let Some(repository) = Repository::parse(name) {
            return search.find(&repository, check);
        }
        let hint = suggestion::of_address(name, options.endpoint.as_deref());
        let hint = hint
            .unwrap_or_else(|| "check the path: it is not the name of a model on the hub either".to_owned());
        Err(search.not_found(Some(hint), false))
    }
}

/// A running search and the places it has looked at.
struct Lookup<'a> {
    name: &'a str,
    options: &'a HubOptions,
    wanted: Wanted,
    looked: Vec<String>,
}

impl Lookup<'_> {
    /// A model's folder; or a repository's folder in a cache, for its snapshot.
    fn open_folder(&mut self, path: &Path) -> Result<ModelFolder> {
        if let Some((cache, repository)) = cache::of_repository(path) {
            return self.open_repository(&cache, &repository);
        }
        let (boundary, source) = cache::of_snapshot(path).unwrap_or((path.to_owned(), Source::Folder));
        let boundary = (!self.options.follow_links).then_some(boundary.as_path());
        ModelFolder::new(self.name, path.to_owned(), boundary, source)
    }

    fn open_repository(&mut self, cache: &Path, repository: &Repository) -> Result<ModelFolder> {
        let folder = repository.folder(cache);
        match cache::find(cache, repository, self.options.follow_links)? {
            Found::Snapshot(found) => Ok(found.named(self.name)),
            Found::Unreferenced(reason, commit) => {
                Ok(self.only_snapshot(cache, repository, &reason, commit)?.named(self.name))
            }
            Found::Missing(reason) => {
                self.looked
                    .push(format!("{} is a model's folder in a cache, and {reason}", folder.display()));
                let snapshots = cache::snapshots(&folder);
                let first = snapshots.first().map(|commit| folder.join("snapshots").join(commit));
                let hint =
                    first.map(|first| format!("give one of its snapshots, such as {}", first.display()));
                Err(self.not_found(hint, false))
            }
        }
    }

    /// The only snapshot of a repository without a usable reference, with a warning.
    fn only_snapshot(
        &mut self,
        cache: &Path,
        repository: &Repository,
        reason: &str,
        commit: String,
    ) -> Result<ModelFolder> {
        tracing::warn!("{reason}; using the only snapshot of {}, {commit}", repository.name);
        match cache::snapshot(cache, repository, commit, self.options.follow_links)? {
            Found::Snapshot(found) => Ok(found),
            Found::Missing(reason) | Found::Unreferenced(reason, _) => {
                self.looked.push(reason);
                Err(self.not_found(None, false))
            }
        }
    }

    fn find(&mut self, repository: &Repository, check: Check<'_>) -> Result<ModelFolder> {
        let Some(cache) = self.options.cache.clone() else {
            self.looked.push("there is no cache folder".to_owned());
            return Err(self.not_found(Some("set HF_HOME to a folder for models".to_owned()), false));
        };
        let unreferenced = match self.in_cache(&cache, repository)? {
            InCache::Complete(folder) => return self.newest(folder, &cache, repository, check),
            InCache::Unreferenced(reason, commit) => Some((reason, commit)),
            InCache::Incomplete => None,
        };
        match (self.options.offline, unreferenced) {
            (false, unreferenced) => self.download(&cache, repository, check, unreferenced.is_some()),
            (true, Some((reason, commit))) => {
                let folder = self.only_snapshot(&cache, repository, &reason, commit)?;
                match missing_part(&folder, self.wanted)? {
                    None => Ok(folder),
                    Some(part) => {
                        self.incomplete(&folder, &part);
                        Err(self.not_asked(&cache, repository))
                    }
                }
            }
            (true, None) => Err(self.not_asked(&cache, repository)),
        }
    }

    /// A complete snapshot, or the one of the newest commit if that is asked for and the hub answers. The hub
    /// is asked for a tokenizer.json, too, if it may have one that the snapshot lacks.
    fn newest(
        &mut self,
        folder: ModelFolder,
        cache: &Path,
        repository: &Repository,
        check: Check<'_>,
    ) -> Result<ModelFolder> {
        let is_renewed = self.options.refresh && !cache::is_commit(&repository.revision);
        if self.options.offline || !(is_renewed || may_lack_tokenizer(&folder, cache, repository)?) {
            return Ok(folder);
        }
        match self.download(cache, repository, check, false) {
            Err(Error::ModelNotFound { looked, .. }) => {
                let reason = looked.last().cloned().unwrap_or_default();
                tracing::warn!("{reason}; using the snapshot in the cache, {}", folder.root().display());
                Ok(folder)
            }
            other => other,
        }
    }

    /// Looks into the cache, and notes what is wrong there.
    fn in_cache(&mut self, cache: &Path, repository: &Repository) -> Result<InCache> {
        match cache::find(cache, repository, self.options.follow_links) {
            Ok(Found::Snapshot(folder)) => match missing_part(&folder, self.wanted)? {
                None => return Ok(InCache::Complete(folder)),
                Some(part) => self.incomplete(&folder, &part),
            },
            Ok(Found::Missing(reason)) => self.looked.push(reason),
            Ok(Found::Unreferenced(reason, commit)) => {
                self.looked.push(reason.clone());
                return Ok(InCache::Unreferenced(reason, commit));
            }
            // A link to a blob that has not been downloaded yet.
            Err(error) if is_absent(&error) => self.looked.push(error.to_string()),
            Err(error) => return Err(error),
        }
        Ok(InCache::Incomplete)
    }

    /// The failure of a search that must not ask the hub, and so cannot use a name that only the hub has.
    fn not_asked(&mut self, cache: &Path, repository: &Repository) -> Error {
        match suggestion::in_cache(repository, cache) {
            Some(meant) => self.not_found(Some(meant), false),
            None => {
                let known = suggestion::known(repository);
                self.looked.extend(known.map(|name| format!("the hub, which was not asked, has {name}")));
                let hint = "the hub was not asked, since this run is offline: unset HF_HUB_OFFLINE";
                self.not_found(Some(hint.to_owned()), true)
            }
        }
    }

    /// Downloads the description, checks it, then downloads the weights.
    fn download(
        &mut self,
        cache: &Path,
        repository: &Repository,
        check: Check<'_>,
        has_snapshot: bool,
    ) -> Result<ModelFolder> {
        let explain = |search: &mut Self, failure| search.explained(failure, repository, cache, has_snapshot);
        let mut download =
            Download::start(repository, cache, self.options).map_err(|failure| explain(self, failure))?;
        download.description().map_err(|failure| explain(self, failure))?;
        let folder = self.downloaded(cache, repository)?;
        if !completeness::has_tokenizer(&folder)? {
            self.incomplete(&folder, TOKENIZER);
            return Err(self.not_found(diagnosis::no_tokenizer(folder.root()), false));
        }
        check(&folder)?;
        if self.wanted == Wanted::Description {
            return Ok(folder);
        }
        download.weights().map_err(|failure| explain(self, failure))?;
        let folder = self.downloaded(cache, repository)?;
        if let Some(part) = missing_part(&folder, self.wanted)? {
            self.incomplete(&folder, &part);
            return Err(self.not_found(download.no_weights(), false));
        }
        folder.verify(&Stop::default())?;
        Ok(folder)
    }

    /// The error for a download that failed.
    fn explained(
        &mut self,
        failure: HubFailure,
        repository: &Repository,
        cache: &Path,
        has_snapshot: bool,
    ) -> Error {
        match failure {
            HubFailure::Stopped => Error::DownloadStopped { name: self.name.to_owned() },
            HubFailure::Failed { reason, hint, is_unknown } => {
                self.looked.push(reason);
                let meant = if is_unknown { suggestion::of_name(repository, cache) } else { None };
                let snapshot = "HF_HUB_OFFLINE=1 uses the snapshot that is in the cache".to_owned();
                self.not_found(meant.or(has_snapshot.then_some(snapshot)).or(hint), false)
            }
        }
    }

    /// The snapshot after a download.
    fn downloaded(&mut self, cache: &Path, repository: &Repository) -> Result<ModelFolder> {
        match cache::find(cache, repository, self.options.follow_links)? {
            Found::Snapshot(folder) => Ok(folder),
            Found::Missing(reason) | Found::Unreferenced(reason, _) => {
                self.looked.push(reason);
                Err(self.not_found(None, false))
            }
        }
    }

    fn incomplete(&mut self, folder: &ModelFolder, part: &str) {
        self.looked.push(format!("the snapshot {} is incomplete: it has no {part}", folder.root().display()));
    }

    fn not_found(&self, hint: Option<String>, offline: bool) -> Error {
        Error::ModelNotFound { name: self.name.to_owned(), looked: self.looked.clone(), offline, hint }
    }
}

/// The files of the model that a cache has.
enum InCache {
    /// All of its wanted files.
    Complete(ModelFolder),
    /// One snapshot, and for this reason no reference to it: its commit.
    Unreferenced(String, String),
    /// Nothing, or only a part.
    Incomplete,
}

/// Whether the hub may have a tokenizer.json that this snapshot lacks: nobody has noted in the cache that the
/// commit has none.
fn may_lack_tokenizer(folder: &ModelFolder, cache: &Path, repository: &Repository) -> Result<bool> {
    let Source::Cache { commit, .. } = folder.source() else { return Ok(false) };
    let name = join(folder.transformer_prefix(), TOKENIZER);
    let is_known = cache::absence(&repository.folder(cache), commit, &name).is_file();
    Ok(!is_known && !completeness::has_tokenizer_file(folder)?)
}

/// A file, if it exists. A broken link counts as absent.
fn present(file: Result<Option<PathBuf>>) -> Result<Option<PathBuf>> {
    match file {
        Err(error) if is_absent(&error) => Ok(None),
        other => other,
    }
}

#[cfg(test)]
mod tests;
