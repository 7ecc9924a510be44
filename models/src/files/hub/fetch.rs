//! What is fetched of a repository, and in which order. Runs on the thread of a download.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use hf_hub::api::sync::{Api, ApiBuilder, ApiRepo};
use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use super::blobs;
use super::failure::Failure;
use super::watch::{Heartbeat, Sign};
use crate::files::cache::{Repository, absence, is_commit};
use crate::files::checksum::sha256;
use crate::files::folder::{CONFIG_LIMIT, join, parse_json, plain_parts, read_limited};
use crate::files::layout::{LENGTH_FILES, MODULES, ModuleEntry};
use crate::files::router::{ROUTER, RouterConfig, is_router};
use crate::files::weight_files::{ShardIndex, is_file_name};
use crate::files::{HubOptions, Token, diagnosis};
use crate::heads::{LEXICAL_FILE, PROJECTION_FILE};
use crate::sentence_transformers::{ARTIFACT, CHAT_TEMPLATE, IDF};
use crate::tokenizers::{TOKENIZER, VOCABULARY_FILES};

/// The small files that nearsay reads in the model's folder and its modules' folders.
const SMALL_FILES: [&str; 10] = [
    ARTIFACT,
    CHAT_TEMPLATE,
    IDF,
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "adapter_config.json",
    "config_sentence_transformers.json",
];

/// How often a transfer that broke off is continued.
const RETRIES: usize = 2;

/// A running download.
pub(super) struct Fetch {
    api: Result<Api, Failure>,
    repo: Repo,
    cache: CacheRepo,
    /// The repository's `blobs`.
    blobs: PathBuf,
    token: Option<Token>,
    endpoint: String,
    /// The files of the repository.
    files: BTreeSet<String>,
    /// The folder of this commit in the cache, existing or not.
    snapshot: PathBuf,
    commit: String,
    /// Whether there were blobs before this download.
    had_blobs: bool,
    sender: Option<Sender<Sign>>,
}

impl Fetch {
    pub(super) fn new(repository: &Repository, cache: &Path, options: &HubOptions, endpoint: &str) -> Self {
        // Not `ApiBuilder::new`, which panics without a home folder.
        let api = ApiBuilder::from_cache(Cache::new(cache.to_owned()))
            .with_endpoint(endpoint.to_owned())
            .with_token(options.token.as_ref().map(|token| token.reveal().to_owned()))
            .with_retries(RETRIES)
            .with_progress(false)
            .build();
        let Repository { name, revision } = repository.clone();
        let repo = Repo::with_revision(name, RepoType::Model, revision);
        Self {
            api: api.map_err(|error| Failure::new(error.to_string(), "check the proxy's variables")),
            cache: Cache::new(cache.to_owned()).repo(repo.clone()),
            repo,
            blobs: blobs(repository, cache),
            token: options.token.clone(),
            endpoint: endpoint.to_owned(),
            files: BTreeSet::new(),
            snapshot: PathBuf::new(),
            commit: String::new(),
            had_blobs: fs::read_dir(blobs(repository, cache))
                .is_ok_and(|mut entries| entries.next().is_some()),
            sender: None,
        }
    }

    pub(super) fn report_to(&mut self, sender: Sender<Sign>) {
        self.sender = Some(sender);
    }

    /// The files of the repository.
    pub(super) fn files(&self) -> impl Iterator<Item = &String> {
        self.files.iter()
    }

    /// Asks for the list of files and the commit.
    pub(super) fn list(&mut self) -> Result<(), Failure> {
        let info = self.repo()?.info().map_err(|error| self.explained("", error))?;
        self.files = info.siblings.into_iter().map(|sibling| sibling.rfilename).collect();
        if !is_commit(&info.sha) {
            return Err(Failure::unexplained(format!(
                "the commit must be 40 hexadecimal digits and is {:?}",
                info.sha
            )));
        }
        self.snapshot = self.cache.pointer_path(&info.sha);
        self.commit = info.sha;
        Ok(())
    }

    /// The configurations and the tokenizer, of the model's folder and of its modules'.
    pub(super) fn description(&mut self) -> Result<(), Failure> {
        self.file(MODULES)?;
        for folder in self.folders()? {
            for name in SMALL_FILES.iter().chain(&LENGTH_FILES) {
                self.file(&join(&folder, name))?;
            }
            self.vocabulary(&folder)?;
        }
        self.refuse_what_is_no_model()?;
        // hf-hub writes the reference for each file that it downloads, but all files may have been in the
        // cache already.
        self.reference()
    }

    /// The files that a tokenizer is built from, if a folder has a configuration and no tokenizer.json. Then
    /// the cache notes that there is none, as huggingface_hub does.
    fn vocabulary(&self, folder: &str) -> Result<(), Failure> {
        let name = join(folder, TOKENIZER);
        if self.files.contains(&name) || !self.files.contains(&join(folder, "config.json")) {
            return Ok(());
        }
        for name in VOCABULARY_FILES {
            self.file(&join(folder, name))?;
        }
        let noted = absence(self.blobs.parent().unwrap_or(&self.blobs), &self.commit, &name);
        let write = || {
            fs::create_dir_all(noted.parent().unwrap_or(&noted))?;
            fs::write(&noted, "")
        };
        write().map_err(|error| Failure::of_io(&error, &noted))
    }

    /// The weights of the model's folder come last: if they are there, everything is.
    pub(super) fn weights(&mut self) -> Result<(), Failure> {
        for name in [PROJECTION_FILE, LEXICAL_FILE] {
            self.file(name)?;
        }
        for folder in self.folders()?.iter().rev() {
            for (name, index) in [
                ("model.safetensors", "model.safetensors.index.json"),
                ("pytorch_model.bin", "pytorch_model.bin.index.json"),
            ] {
                if self.file(&join(folder, name))?.is_some() || self.shards(folder, index)? {
                    break;
                }
            }
        }
        self.reference()
    }

    fn reference(&self) -> Result<(), Failure> {
        self.cache.create_ref(&self.commit).map_err(|error| Failure::of_io(&error, &self.blobs))
    }

    /// The model's folder and those of its modules.
    fn folders(&self) -> Result<Vec<String>, Failure> {
        let mut folders = Vec::new();
        let Some(modules) = self.file(MODULES)? else { return Ok(vec![String::new()]) };
        for module in json::<Vec<ModuleEntry>>(&modules)? {
            folders.push(plain(&module.path, MODULES)?);
            folders.extend(self.routed(&module)?);
        }
        folders.retain(|folder| !folder.is_empty());
        folders.insert(0, String::new());
        Ok(folders)
    }

    /// The folders of the modules that this one leads to, if it is a Router.
    fn routed(&self, module: &ModuleEntry) -> Result<Vec<String>, Failure> {
        let name = join(&module.path, ROUTER);
        if !is_router(module) {
            return Ok(Vec::new());
        }
        let Some(config) = self.file(&name)? else { return Ok(Vec::new()) };
        let config = json::<RouterConfig>(&config)?;
        config.subfolders().map(|folder| plain(&join(&module.path, folder), ROUTER)).collect()
    }

    /// Names the files that a repository has instead of config.json or weights.
    fn refuse_what_is_no_model(&self) -> Result<(), Failure> {
        let names: Vec<String> = self.files.iter().cloned().collect();
        let is_there = |name: &str| names.iter().any(|file| file.rsplit('/').next() == Some(name));
        if !is_there("config.json") {
            let hint = diagnosis::no_weights_among(&names);
            return Err(Failure::with("the repository has no config.json".to_owned(), hint));
        }
        let is_weights =
            |name: &&String| [".safetensors", ".bin", ".index.json"].iter().any(|end| name.ends_with(end));
        if !names.iter().any(|name| is_weights(&name)) {
            let hint = diagnosis::no_weights_among(&names);
            return Err(Failure::with(
                "the repository has no safetensors or PyTorch weights".to_owned(),
                hint,
            ));
        }
        Ok(())
    }

    fn shards(&self, folder: &str, index: &str) -> Result<bool, Failure> {
        let Some(path) = self.file(&join(folder, index))? else { return Ok(false) };
        let shards: BTreeSet<String> = json::<ShardIndex>(&path)?.weight_map.into_values().collect();
        for shard in &shards {
            if !is_file_name(shard) {
                return Err(Failure::unexplained(format!("{index} names {shard:?}, which is no file name")));
            }
            self.file(&join(folder, shard))?;
        }
        Ok(true)
    }

    /// Downloads one file, if the repository has it.
    fn file(&self, name: &str) -> Result<Option<PathBuf>, Failure> {
        if !self.files.contains(name) {
            return Ok(None);
        }
        let there = self.snapshot.join(name);
        if there.is_file() {
            return Ok(Some(there));
        }
        if self.reuse(name)? {
            return Ok(Some(there));
        }
        tracing::debug!("downloading {name}");
        let heartbeat = Heartbeat::new(self.sender.clone(), name);
        let path = self.repo()?.download_with_progress(name, heartbeat);
        path.map(Some).map_err(|error| self.explained(name, error))
    }

    /// Uses a blob that another revision has, or one that an interrupted download completed but did not name;
    /// removes remains that cannot be continued. hf-hub would download the first again and fail on the others
    /// for ever.
    fn reuse(&self, name: &str) -> Result<bool, Failure> {
        if !self.had_blobs {
            return Ok(false);
        }
        let repo = self.repo()?;
        let api = self.api.as_ref().map_err(Clone::clone)?;
        let metadata = api.metadata(&repo.url(name)).map_err(|error| self.explained(name, error))?;
        if !is_file_name(metadata.etag()) || metadata.commit_hash() != self.commit {
            return Ok(false);
        }
        let (blob, size) = (self.blobs.join(metadata.etag()), metadata.size() as u64);
        let mut part = blob.clone();
        part.set_extension("part");
        let length = |path: &Path| path.metadata().map(|metadata| metadata.len()).ok();
        if length(&blob) == Some(size) && is_whole(&blob, metadata.etag()) {
            return self.link(&blob, name).map(|()| true).map_err(|error| Failure::of_io(&error, &blob));
        }
        if length(&part) == Some(size) && is_whole(&part, metadata.etag()) {
            let named = fs::rename(&part, &blob).and_then(|()| self.link(&blob, name));
            return named.map(|()| true).map_err(|error| Failure::of_io(&error, &blob));
        }
        if length(&part).is_some_and(|length| length >= size) {
            fs::remove_file(&part).map_err(|error| Failure::of_io(&error, &part))?;
        }
        Ok(false)
    }

    /// The link of a snapshot to a blob: `../../blobs/ETAG`, from as deep as the file is.
    fn link(&self, blob: &Path, name: &str) -> std::io::Result<()> {
        let path = self.snapshot.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // A broken link of an earlier download.
        if path.symlink_metadata().is_ok() {
            fs::remove_file(&path)?;
        }
        let up = "../".repeat(2 + name.matches('/').count());
        let etag = blob.file_name().unwrap_or_default();
        symlink(PathBuf::from(format!("{up}blobs")).join(etag), path)
    }

    fn repo(&self) -> Result<ApiRepo, Failure> {
        Ok(self.api.as_ref().map_err(Clone::clone)?.repo(self.repo.clone()))
    }

    fn explained(&self, file: &str, error: hf_hub::api::sync::ApiError) -> Failure {
        Failure::of_api(
            &error,
            &super::failure::Asked {
                file,
                endpoint: &self.endpoint,
                token: self.token.as_ref(),
                cache: &self.blobs,
            },
        )
    }
}

/// A relative folder that `file` names.
fn plain(folder: &str, file: &str) -> Result<String, Failure> {
    let parts = plain_parts(folder).map(|parts| parts.join("/"));
    parts.ok_or_else(|| Failure::unexplained(format!("{file} names {folder:?}")))
}

/// Whether a file has the SHA-256 that names it. Small files are named by git's SHA-1 of something else; for
/// them the length must do.
fn is_whole(path: &Path, etag: &str) -> bool {
    let is_digest = etag.len() == 64 && etag.bytes().all(|byte| byte.is_ascii_hexdigit());
    !is_digest || sha256(path).is_ok_and(|digest| digest.eq_ignore_ascii_case(etag))
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let bytes = read_limited(path, CONFIG_LIMIT);
    let value = bytes.and_then(|bytes| parse_json(path, &bytes));
    value.map_err(|error| Failure::with(error.to_string(), error.hint()))
}
