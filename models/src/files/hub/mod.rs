//! Downloads a model from the hub into the cache with hf-hub.
//!
//! hf-hub 0.5 reads neither `HF_TOKEN` nor `HF_HUB_CACHE` and sets no timeouts, so both settings are passed
//! to it explicitly. It runs on a separate thread that must report progress at least every [`STALL_LIMIT`];
//! otherwise the resolver, connection or transfer is considered hung and abandoned. Only the files that
//! nearsay reads are downloaded.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use hf_hub::api::Progress;
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use super::HubOptions;
use super::cache::{Repository, is_commit};
use super::folder::{CONFIG_LIMIT, join, parse_json, plain_parts, read_limited};
use super::layout::{LENGTH_FILES, MODULES, ModuleEntry};
use super::weight_files::{ShardIndex, is_file_name};

/// How long a download may go without progress.
const STALL_LIMIT: Duration = Duration::from_secs(30);
/// The default hub.
pub(super) const HUB: &str = "https://huggingface.co";
/// The small files that nearsay reads in the model's folder and its modules' folders.
const SMALL_FILES: [&str; 6] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "config_sentence_transformers.json",
    "vocab.txt",
];

/// Why a download failed.
#[derive(Debug)]
pub(super) struct HubFailure {
    /// A phrase that includes the hub's address.
    pub(super) reason: String,
    /// What to do about it.
    pub(super) hint: &'static str,
}

/// Messages from the downloading thread.
enum Sign {
    Alive,
    Done(Result<(), String>),
}

/// Downloads the files that nearsay reads from a repository into a cache.
pub(super) fn download(
    repository: &Repository,
    cache: &Path,
    options: &HubOptions,
) -> Result<(), HubFailure> {
    let endpoint = options.endpoint.as_deref().unwrap_or(HUB);
    tracing::info!("downloading {} ({}) from {endpoint}", repository.name, repository.revision);
    let fetched = watch(&start(repository, cache, options, endpoint), STALL_LIMIT);
    fetched.map_err(|reason| HubFailure {
        hint: hint(&reason),
        reason: format!("{endpoint} did not give {}@{}: {reason}", repository.name, repository.revision),
    })
}

/// Starts the downloading thread.
fn start(repository: &Repository, cache: &Path, options: &HubOptions, endpoint: &str) -> Receiver<Sign> {
    let builder = ApiBuilder::new()
        .with_cache_dir(cache.to_owned())
        .with_endpoint(endpoint.to_owned())
        .with_token(options.token.as_ref().map(|token| token.reveal().to_owned()))
        .with_progress(false);
    let Repository { name, revision } = repository.clone();
    let repo = Repo::with_revision(name, RepoType::Model, revision);
    let cache = Cache::new(cache.to_owned()).repo(repo.clone());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let fetched = match builder.build() {
            Ok(api) => Fetch::new(api.repo(repo), cache, sender.clone()).all(),
            Err(error) => Err(error.to_string()),
        };
        // The receiver is gone only if the download was abandoned.
        sender.send(Sign::Done(fetched)).ok();
    });
    receiver
}

/// Waits for the download to end, as long as it makes progress.
fn watch(signs: &Receiver<Sign>, stall_limit: Duration) -> Result<(), String> {
    loop {
        match signs.recv_timeout(stall_limit) {
            Ok(Sign::Alive) => {}
            Ok(Sign::Done(result)) => return result,
            Err(RecvTimeoutError::Timeout) => return Err(format!("no answer for {stall_limit:?}")),
            Err(RecvTimeoutError::Disconnected) => {
                return Err("the download ended without a result".to_owned());
            }
        }
    }
}

/// What to do about a failure. Without a token, the hub also answers 401 for a repository that does not
/// exist.
fn hint(reason: &str) -> &'static str {
    let has_status = |codes: &[&str]| codes.iter().any(|code| reason.contains(&format!("status: {code}")));
    match () {
        () if has_status(&["401", "403"]) => {
            "check the spelling; a private or gated model needs HF_TOKEN, and its terms accepted on the hub"
        }
        () if has_status(&["404"]) => "check the spelling of the model's name and of the revision",
        () => "check the network, or copy the model here and give its folder",
    }
}

/// A running download.
struct Fetch {
    repo: ApiRepo,
    cache: CacheRepo,
    /// The files of the repository.
    files: BTreeSet<String>,
    /// The folder of this commit in the cache, existing or not.
    snapshot: PathBuf,
    sender: Sender<Sign>,
}

impl Fetch {
    fn new(repo: ApiRepo, cache: CacheRepo, sender: Sender<Sign>) -> Self {
        Self { repo, cache, files: BTreeSet::new(), snapshot: PathBuf::new(), sender }
    }

    fn all(&mut self) -> Result<(), String> {
        let info = self.repo.info().map_err(|error| error.to_string())?;
        self.files = info.siblings.into_iter().map(|sibling| sibling.rfilename).collect();
        if !is_commit(&info.sha) {
            return Err(format!("the commit must be 40 hexadecimal digits and is {:?}", info.sha));
        }
        self.snapshot = self.cache.pointer_path(&info.sha);
        self.folder("")?;
        self.modules()?;
        // hf-hub writes the reference for each file that it downloads, but all files may have been in the
        // cache already.
        self.cache.create_ref(&info.sha).map_err(|error| error.to_string())
    }

    fn modules(&self) -> Result<(), String> {
        let Some(modules) = self.file(MODULES)? else { return Ok(()) };
        for module in json::<Vec<ModuleEntry>>(&modules)? {
            let parts =
                plain_parts(&module.path).ok_or_else(|| format!("{MODULES} names {:?}", module.path))?;
            if !parts.is_empty() {
                self.folder(&parts.join("/"))?;
            }
        }
        Ok(())
    }

    /// The small files and the weights of one folder.
    fn folder(&self, folder: &str) -> Result<(), String> {
        for name in SMALL_FILES.iter().chain(&LENGTH_FILES) {
            self.file(&join(folder, name))?;
        }
        for (name, index) in [
            ("model.safetensors", "model.safetensors.index.json"),
            ("pytorch_model.bin", "pytorch_model.bin.index.json"),
        ] {
            if self.file(&join(folder, name))?.is_some() || self.shards(folder, index)? {
                break;
            }
        }
        Ok(())
    }

    fn shards(&self, folder: &str, index: &str) -> Result<bool, String> {
        let Some(path) = self.file(&join(folder, index))? else { return Ok(false) };
        let shards: BTreeSet<String> = json::<ShardIndex>(&path)?.weight_map.into_values().collect();
        for shard in &shards {
            if !is_file_name(shard) {
                return Err(format!("{index} names {shard:?}, which is no file name"));
            }
            self.file(&join(folder, shard))?;
        }
        Ok(true)
    }

    /// Downloads one file, if the repository has it.
    fn file(&self, name: &str) -> Result<Option<PathBuf>, String> {
        if !self.files.contains(name) {
            return Ok(None);
        }
        let there = self.snapshot.join(name);
        if there.is_file() {
            return Ok(Some(there));
        }
        tracing::debug!("downloading {name}");
        let heartbeat = Heartbeat(self.sender.clone());
        let path = self.repo.download_with_progress(name, heartbeat);
        path.map(Some).map_err(|error: ApiError| format!("{name}: {error}"))
    }
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    let bytes = read_limited(path, CONFIG_LIMIT).map_err(|error| error.to_string())?;
    parse_json(path, &bytes).map_err(|error| error.to_string())
}

/// Reports that bytes arrive.
struct Heartbeat(Sender<Sign>);

impl Progress for Heartbeat {
    fn init(&mut self, _size: usize, _name: &str) {
        self.0.send(Sign::Alive).ok();
    }

    fn update(&mut self, _bytes: usize) {
        self.0.send(Sign::Alive).ok();
    }

    fn finish(&mut self) {
        self.0.send(Sign::Alive).ok();
    }
}

#[cfg(test)]
mod tests;
