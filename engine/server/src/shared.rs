//! What all connections of a server share.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::config::Config;
use crate::errors::{Reason, Refusal};
use crate::host::Allowed;
use crate::ids::Ids;
use crate::metrics::{Metrics, Rejection};
use crate::models::Models;
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
    pub(crate) ids: Ids,
    pub(crate) phase: watch::Sender<Phase>,
    /// Whether a device was lost.
    pub(crate) lost: watch::Sender<bool>,
    models: RwLock<Option<Arc<Models>>>,
}

impl Shared {
    pub(crate) fn new(config: Config) -> Self {
        let metrics = Metrics::new();
        let is_open = config.listen.iter().any(|listen| listen.is_open_to_others());
        Self {
            allowed: Allowed::new(&config.allowed_hosts, &config.origins, is_open),
            work: Work::new(&metrics, &config.limits),
            metrics,
            ids: Ids::new(),
            phase: watch::Sender::new(Phase::Starting),
            lost: watch::Sender::new(false),
            models: RwLock::new(None),
            config,
        }
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

    /// The models, if they are loaded.
    pub(crate) fn loaded(&self) -> Option<Arc<Models>> {
        self.models.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_models(&self, models: Models) {
        *self.models.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(models));
    }

    /// The models.
    ///
    /// # Errors
    /// While they are being loaded, and after a device was lost.
    pub(crate) fn models(&self) -> Result<Arc<Models>, Refusal> {
        let unavailable = |reason, message: &str| {
            self.metrics.reject(Rejection::Unavailable);
            Err(Refusal::new(reason, message))
        };
        match self.loaded() {
            _ if *self.lost.borrow() => {
                unavailable(Reason::Lost, "the device was lost, and the server is ending")
            }
            Some(models) => Ok(models),
            None => unavailable(Reason::Starting, "the models are being loaded: try again soon"),
        }
    }
}
