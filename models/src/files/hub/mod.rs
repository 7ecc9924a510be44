//! Downloads a model from the hub into the cache with hf-hub.
//!
//! hf-hub 0.5 reads neither `HF_TOKEN` nor `HF_HUB_CACHE` and sets no timeouts, so both settings are passed
//! to it explicitly. It runs on a separate thread that must report progress at least every [`STALL_LIMIT`];
//! otherwise the resolver, connection or transfer is considered hung and abandoned. Only the files that
//! nearsay reads are downloaded, the weights last. An interrupted file stays in `blobs/` as `ETAG.part`, and
//! the next download continues it.

mod failure;
mod fetch;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use super::cache::Repository;
use super::{DownloadProgress, HubOptions, diagnosis};
use failure::Failure;
pub(super) use failure::HubFailure;
use fetch::Fetch;
use watch::{Sign, watch};

/// How long a download may go without progress.
const STALL_LIMIT: Duration = Duration::from_secs(30);
/// The default hub.
pub(super) const HUB: &str = "https://huggingface.co";

/// One step of a download, which runs on its own thread.
type Step = fn(&mut Fetch) -> Result<(), Failure>;

/// A download in steps: the list of files, the description, the weights.
pub(super) struct Download<'a> {
    options: &'a HubOptions,
    cache: &'a Path,
    endpoint: &'a str,
    /// None while a step runs, and after one that was abandoned.
    fetch: Option<Box<Fetch>>,
    progress: DownloadProgress,
}

impl<'a> Download<'a> {
    /// Asks the hub for the files of a repository.
    pub(super) fn start(
        repository: &'a Repository,
        cache: &'a Path,
        options: &'a HubOptions,
    ) -> Result<Self, HubFailure> {
        let endpoint = options.endpoint.as_deref().unwrap_or(HUB);
        let model = format!("{}@{}", repository.name, repository.revision);
        let progress = DownloadProgress { model, cache: cache.to_owned(), ..DownloadProgress::default() };
        let mut download = Self { options, cache, endpoint, fetch: None, progress };
        if let Some(failure) = download.impossible() {
            return Err(download.failed(failure));
        }
        tracing::info!("downloading {} from {endpoint}", download.progress.model);
        download.fetch = Some(Box::new(Fetch::new(repository, cache, options, endpoint)));
        download.run(Fetch::list)?;
        Ok(download)
    }

    /// Downloads the configurations and the tokenizer.
    pub(super) fn description(&mut self) -> Result<(), HubFailure> {
        self.run(Fetch::description)
    }

    /// Downloads the weights.
    pub(super) fn weights(&mut self) -> Result<(), HubFailure> {
        self.run(Fetch::weights)
    }

    /// The weights that the repository has in formats that are not read.
    pub(super) fn no_weights(&self) -> Option<String> {
        let names: Vec<String> = self.fetch.as_ref()?.files().cloned().collect();
        diagnosis::no_weights_among(&names)
    }

    /// What makes a download impossible before the hub is asked.
    fn impossible(&self) -> Option<Failure> {
        if let Some(flaw) = self.options.token.as_ref().and_then(super::Token::flaw) {
            return Some(Failure::new(flaw, "check it, or unset it: public models need none"));
        }
        if !self.endpoint.starts_with("https://") && !self.endpoint.starts_with("http://") {
            let reason =
                format!("the hub's address must start with https:// or http:// and is {:?}", self.endpoint);
            return Some(Failure::new(reason, "check HF_ENDPOINT"));
        }
        std::fs::create_dir_all(self.cache).err().map(|error: io::Error| Failure::of_io(&error, self.cache))
    }

    /// Runs a step, and waits for it as long as it makes progress.
    fn run(&mut self, step: Step) -> Result<(), HubFailure> {
        let Some(fetch) = self.fetch.take() else {
            return Err(self.failed(Failure::of_stall("an earlier step ended without a result")));
        };
        let signs = start(fetch, step);
        let watched = watch(&signs, STALL_LIMIT, &mut self.progress, self.options.progress.as_ref());
        let (fetch, result) = watched.map_err(|failure| self.failed(failure))?;
        self.fetch = Some(fetch);
        result.map_err(|failure| self.failed(failure))
    }

    /// A failure with the names of the hub and the model.
    fn failed(&self, failure: Failure) -> HubFailure {
        match failure {
            Failure::Stopped => HubFailure::Stopped,
            Failure::Failed { reason, hint, is_unknown } => HubFailure::Failed {
                reason: format!("{} did not give {}: {reason}", self.endpoint, self.progress.model),
                hint,
                is_unknown,
            },
        }
    }
}

/// Starts a thread for one step.
fn start(mut fetch: Box<Fetch>, step: Step) -> Receiver<Sign> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        fetch.report_to(sender.clone());
        let result = step(&mut fetch);
        // The receiver is gone only if the download was abandoned.
        sender.send(Sign::Done(fetch, result)).ok();
    });
    receiver
}

/// Where a repository's blobs are.
fn blobs(repository: &Repository, cache: &Path) -> PathBuf {
    repository.folder(cache).join("blobs")
}

#[cfg(test)]
mod tests;
