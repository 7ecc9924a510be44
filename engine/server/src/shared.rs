//! What all connections of a server share.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::{Notify, watch};

use crate::auth::ApiKeys;
use crate::body_memory::BodyMemory;
use crate::config::Config;
use crate::errors::{Reason, Refusal};
use crate::host::Allowed;
use crate::ids::Ids;
use crate::metrics::{Metrics, Rejection};
use crate::models::{Model, Models, Slot};
#[cfg(feature = "otlp")]
use crate::traces::Traces;
use crate::watchdog::{Loads, Overdue};
use crate::work::Work;

/// The life of a server, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The models are being loaded.
    Starting,
    /// Requests are served.
    Serving,
    /// Requests are served, and the system is told to send no more.
    Leaving,
    /// No new connections; requests in flight finish.
    Closing,
}

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) allowed: Allowed,
    pub(crate) metrics: Metrics,
    pub(crate) work: Work,
    pub(crate) body_memory: BodyMemory,
    pub(crate) ids: Ids,
    pub(crate) phase: watch::Sender<Phase>,
    /// Why no request can be answered any more, if that is so.
    pub(crate) broken: watch::Sender<Option<Broken>>,
    /// Told when keys and models are to be read again.
    pub(crate) reload: Notify,
    /// Models that are being loaded.
    pub(crate) loading: Loads,
    /// Where the spans of requests go, if anywhere.
    #[cfg(feature = "otlp")]
    pub(crate) traces: Option<Traces>,
    models: Models,
    keys: RwLock<Arc<ApiKeys>>,
}

/// Why no request can be answered any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A device was lost.
    DeviceLost,
    /// A batch has been at work for longer than any could take.
    Hung(Overdue),
}

impl Broken {
    /// The refusal of all requests.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::DeviceLost => Refusal::new(Reason::Lost, "the device was lost, and the server is ending"),
            Self::Hung(_) => Refusal::new(Reason::Hung, "the encoder hangs, and the server is ending"),
        }
    }
}

impl Shared {
    /// # Errors
    /// If the models of the configuration contradict each other.
    pub(crate) fn new(config: Config, keys: ApiKeys) -> nearsay::Result<Self> {
        let metrics = Metrics::new();
        let is_open = config.listen.iter().any(|listen| listen.is_open_to_others());
        Ok(Self {
            allowed: Allowed::new(&config.allowed_hosts, &config.origins, is_open),
            work: Work::new(&metrics, &config.limits),
            body_memory: BodyMemory::new(config.limits.body_memory()),
            metrics,
            ids: Ids::new(),
            phase: watch::Sender::new(Phase::Starting),
            broken: watch::Sender::new(None),
            reload: Notify::new(),
            loading: Loads::default(),
            #[cfg(feature = "otlp")]
            traces: Traces::of_environment()?,
            models: Models::new(&config)?,
            keys: RwLock::new(Arc::new(keys)),
            config,
        })
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits until it is in this phase or a later one.
    pub(crate) async fn reached(&self, awaited: Phase) {
        // The sender is part of `self`, so that it does not end.
        let _ = self.phase.subscribe().wait_for(|phase| *phase >= awaited).await.map(drop);
    }

    /// Enters a phase, unless a later one has been entered.
    pub(crate) fn enter(&self, next: Phase) {
        self.phase.send_if_modified(|phase| {
            let is_next = *phase < next;
            if is_next {
                *phase = next;
            }
            is_next
        });
    }

    /// The keys that clients must have one of, now.
    pub(crate) fn keys(&self) -> Arc<ApiKeys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_keys(&self, keys: ApiKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Whether requests can be answered.
    pub(crate) fn is_healthy(&self) -> bool {
        self.broken.borrow().is_none()
    }

    /// No request can be answered any more. The first reason counts.
    pub(crate) fn break_down(&self, why: Broken) {
        self.broken.send_if_modified(|broken| {
            let is_first = broken.is_none();
            broken.get_or_insert(why);
            is_first
        });
    }

    /// Waits until no request can be answered any more.
    pub(crate) async fn broken(&self) -> Broken {
        let mut broken = self.broken.subscribe();
        let why = broken.wait_for(Option::is_some).await.ok().and_then(|why| *why);
        // The sender is part of `self`, so that it does not end.
        why.unwrap_or(Broken::DeviceLost)
    }

    /// All models, loaded or not.
    pub(crate) fn all_models(&self) -> &Models {
        &self.models
    }

    /// The models, which may have to be loaded.
    ///
    /// # Errors
    /// While the server starts, and when no request can be answered any more.
    pub(crate) fn models(&self) -> Result<&Models, Refusal> {
        let broken = *self.broken.borrow();
        let refusal = match broken {
            Some(broken) => broken.refusal(),
            None if self.phase() == Phase::Starting => {
                Refusal::new(Reason::Starting, "the models are being loaded: try again soon")
            }
            None => return Ok(&self.models),
        };
        self.metrics.reject(Rejection::Unavailable);
        Err(refusal)
    }

    /// The model of this name; without a name the first. If it is not loaded, it is, and the request waits for it until
    /// `deadline`.
    ///
    /// # Errors
    /// If the model is unknown, or not loaded by then.
    pub(crate) async fn model(
        self: &Arc<Self>,
        asked: Option<&str>,
        deadline: Instant,
    ) -> Result<Arc<Model>, Refusal> {
        let slot = self.models()?.find(asked)?;
        self.load(slot, deadline).await
    }

    /// The model of a request, see [`Shared::model`].
    ///
    /// # Errors
    /// If it is not loaded by then.
    pub(crate) async fn load(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        deadline: Instant,
    ) -> Result<Arc<Model>, Refusal> {
        let model = slot.model(self, deadline).await;
        model.inspect_err(|_| self.metrics.reject(Rejection::Unavailable))
    }
}
