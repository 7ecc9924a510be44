//! A model of the server over time: loaded, replaced, freed.
//!
//! A model is loaded at the start, or at its first request; all requests for it wait for the same load. When it is read
//! again, the new one is loaded next to the old one, which is freed when its last request is done. There are never more
//! than these two.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearsay::session::SessionWatch;
use nearsay::{Error, ErrorKind};
use tokio::sync::watch;

use super::model::Model;
use crate::config::ModelSource;
use crate::errors::{Reason, Refusal, without_folders};
use crate::shared::Shared;

/// Time between two looks whether the requests of a replaced model are done.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The end of a load.
type Loaded = Result<Arc<Model>, Arc<Error>>;

/// A load at work; `None` until its end.
type Load = watch::Receiver<Option<Loaded>>;

/// A model of the configuration.
#[derive(Debug)]
pub(crate) struct Slot {
    source: ModelSource,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    model: Option<Arc<Model>>,
    /// When a request was last seen to use it.
    used: Instant,
    load: Option<Load>,
    /// Models that were here before, and may still be in use.
    former: Vec<SessionWatch>,
}

impl State {
    /// Puts a model in the place of the one that is there, which is returned: dropping it may take a while.
    fn replace(&mut self, model: Option<Arc<Model>>) -> Option<Arc<Model>> {
        let old = std::mem::replace(&mut self.model, model);
        self.former.retain(SessionWatch::is_used);
        self.former.extend(old.as_ref().map(|old| old.embedder.session().watch()));
        old
    }
}

impl Slot {
    pub(super) fn new(source: &ModelSource) -> Self {
        let state = State { model: None, used: Instant::now(), load: None, former: Vec::new() };
        Self { source: source.clone(), state: Mutex::new(state) }
    }

    /// The name that clients ask for.
    pub(crate) fn name(&self) -> &str {
        &self.source.name
    }

    /// Whether clients may ask for it by this name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.source.name == name || self.source.source == name
    }

    /// The model, if it is loaded.
    pub(crate) fn loaded(&self) -> Option<Arc<Model>> {
        self.state().model.clone()
    }

    /// The model for a request. If it is not loaded, it is, and the request waits for it until `deadline`.
    ///
    /// # Errors
    /// If it is not loaded by then, or cannot be loaded; the next request tries again.
    pub(crate) async fn model(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        deadline: Instant,
    ) -> Result<Arc<Model>, Refusal> {
        let mut load = match self.use_or_load(shared) {
            Ok(model) => return Ok(model),
            Err(load) => load,
        };
        let name = &self.source.name;
        let ended = match tokio::time::timeout_at(deadline.into(), load.wait_for(Option::is_some)).await {
            Ok(ended) => ended.map(|ended| ended.clone()),
            Err(_) => {
                let message = format!("the model {name} is being loaded: try again soon");
                return Err(Refusal::new(Reason::Starting, message));
            }
        };
        match ended {
            Ok(Some(Ok(model))) => Ok(model),
            Ok(Some(Err(error))) => Err(self.not_loaded(&error)),
            Ok(None) | Err(_) => {
                Err(self.not_loaded(&Error::Bug("loading ended without a model".to_owned())))
            }
        }
    }

    /// The model, or the load that will return it; starts the load if needed.
    fn use_or_load(self: &Arc<Self>, shared: &Arc<Shared>) -> Result<Arc<Model>, Load> {
        let mut state = self.state();
        state.used = Instant::now();
        if let Some(model) = &state.model {
            return Ok(model.clone());
        }
        if let Some(load) = &state.load {
            return Err(load.clone());
        }
        let (sender, load) = watch::channel(None);
        state.load = Some(load.clone());
        let (slot, shared) = (self.clone(), shared.clone());
        // The load goes on if the client that caused it leaves.
        tokio::task::spawn_blocking(move || {
            // After a panic, the next request tries again, too.
            let loaded = std::panic::catch_unwind(AssertUnwindSafe(|| slot.load(&shared)));
            let loaded = loaded.unwrap_or_else(|_| Err(Error::Bug("loading a model failed".to_owned())));
            let loaded = loaded.map(Arc::new).map_err(Arc::new);
            if let Err(error) = &loaded
                && error.kind() != ErrorKind::Cancelled
            {
                tracing::error!("the model {} cannot be loaded: {error}", slot.source.name);
            }
            let mut state = slot.state();
            state.used = Instant::now();
            state.load = None;
            state.model = loaded.as_ref().ok().cloned();
            drop(state);
            sender.send_replace(Some(loaded));
        });
        Err(load)
    }

    /// Loads the model, on this thread.
    fn load(&self, shared: &Shared) -> nearsay::Result<Model> {
        let _loading = shared.loading.start();
        let session = (shared.config.open)(&self.source.source)?;
        let model = Model::load(&self.source, &session, &shared.config)?;
        shared.work.start(&shared.config, model.embedder.session())?;
        Ok(model)
    }

    /// Loads the model at the start of the server, on this thread.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub(super) fn load_first(&self, shared: &Shared) -> nearsay::Result<()> {
        let model = self.load(shared)?;
        let mut state = self.state();
        state.used = Instant::now();
        state.model = Some(Arc::new(model));
        Ok(())
    }

    /// Replaces a loaded model if its files have changed. Whether they have.
    ///
    /// # Errors
    /// If the new one cannot be loaded, or its files change meanwhile; the old one stays.
    pub(crate) async fn reload(self: &Arc<Self>, shared: &Arc<Shared>) -> nearsay::Result<bool> {
        let load = self.state().load.clone();
        if let Some(mut load) = load {
            let _ = load.wait_for(Option::is_some).await;
        }
        self.former_are_gone().await;
        let (slot, shared) = (self.clone(), shared.clone());
        let reloaded = tokio::task::spawn_blocking(move || slot.replace_if_changed(&shared)).await;
        reloaded.map_err(|error| Error::Bug(format!("loading ended: {error}")))?
    }

    fn replace_if_changed(&self, shared: &Shared) -> nearsay::Result<bool> {
        // A model that is not loaded is read when it is needed. This one stays as long as there is a copy of it.
        let Some(old) = self.loaded() else { return Ok(false) };
        let _loading = shared.loading.start();
        let session = (shared.config.open)(&self.source.source)?;
        if session.model_digest()? == old.sha256 {
            return Ok(false);
        }
        let new = Model::load(&self.source, &session, &shared.config)?;
        if new.embedder.session().model().digest()? != new.sha256 {
            let rule = "its files changed while they were read".to_owned();
            return Err(Error::BadInput { input: self.source.source.clone(), rule });
        }
        tracing::info!("the model {} was replaced: {} by {}", old.name, old.sha256, new.sha256);
        let replaced = self.state().replace(Some(Arc::new(new)));
        drop((replaced, old));
        Ok(true)
    }

    /// Waits until the last requests of the models before this one are done.
    async fn former_are_gone(&self) {
        let is_used = || self.state().former.iter().any(SessionWatch::is_used);
        while is_used() {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Frees the model if no request has used it for `time`.
    pub(super) fn free_if_unused(&self, time: Duration) {
        let mut state = self.state();
        let Some(model) = &state.model else { return };
        let now = Instant::now();
        if Arc::strong_count(model) > 1 {
            state.used = now;
        } else if now.saturating_duration_since(state.used) >= time {
            let freed = state.replace(None);
            drop(state);
            drop(freed);
            tracing::info!("the model {} was freed", self.source.name);
        }
    }

    /// The refusal of a request for a model that cannot be loaded. Where its files are is for the log.
    fn not_loaded(&self, error: &Error) -> Refusal {
        let Refusal { reason, message, .. } = error.into();
        let name = &self.source.name;
        match reason {
            Reason::Lost | Reason::Draining => Refusal::new(reason, message),
            _ => {
                let message = without_folders(&message, &[&self.source.source]);
                Refusal::new(Reason::NotLoaded, format!("the model {name} cannot be loaded: {message}"))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is a single assignment, or several that cannot panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
