//! From a configuration to a server that runs until it is told to end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::Error;
use crate::accept::{self, Listener};
use crate::auth::ApiKeys;
use crate::config::Config;
use crate::front::Front;
use crate::models::usage;
use crate::shared::{Broken, Phase, Shared};
use crate::{reload, watchdog, work};

/// The most threads that do the work of connections; encoding has its own.
const MOST_THREADS: usize = 4;

/// How long clients are told of a lost device or a hanging encoder before the server ends.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// A server that listens, and has not started to answer.
#[derive(Debug)]
pub struct Server {
    runtime: Runtime,
    listeners: Vec<Listener>,
    shared: Arc<Shared>,
}

/// Controls a running server. Clones control the same one.
#[derive(Debug, Clone)]
pub struct ServerControl(Arc<Shared>);

impl ServerControl {
    /// The server answers that it is not ready any more, waits for the configured delay, accepts no more connections, and
    /// ends when the requests that it accepted are answered or the configured time is over.
    pub fn drain(&self) {
        self.0.enter(Phase::Leaving);
    }

    /// The server reads its keys again, and the models whose files have changed, while it answers requests. A model is
    /// replaced when the new one is loaded and checked. What cannot be read stays as it is, and an error is logged.
    pub fn reload(&self) {
        self.0.reload.notify_one();
    }
}

impl Server {
    /// Listens on all addresses. Connections are accepted when it runs.
    ///
    /// # Errors
    /// If the configuration contradicts itself; if others could reach it without a key; if an address is not available.
    pub fn bind(config: Config) -> Result<Self, Error> {
        let keys = (config.keys)()?;
        check_access(&config, &keys)?;
        if config.listen.is_empty() {
            return Err(usage("a server needs at least one address to listen on").into());
        }
        let shared = Arc::new(Shared::new(config, keys)?);
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS));
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("connections")
            .enable_all()
            .build()
            .map_err(|source| nearsay::Error::Io {
                action: "creating",
                target: "threads".to_owned(),
                source,
            })?;
        let listeners = {
            let _context = runtime.enter();
            shared.config.listen.iter().map(Listener::bind).collect::<Result<Vec<_>, _>>()?
        };
        Ok(Self { runtime, listeners, shared })
    }

    /// The addresses that it listens on, with the ports that the system chose: `http://127.0.0.1:8080`, `unix:PATH`.
    pub fn addresses(&self) -> Vec<String> {
        self.listeners.iter().map(Listener::address).collect()
    }

    /// A handle that controls it.
    pub fn control(&self) -> ServerControl {
        ServerControl(self.shared.clone())
    }

    /// Loads the models and answers requests until it is told to end; until the models are loaded, it answers that it is
    /// not ready. `ready` is called with the addresses when they are; at once if models are loaded at their first requests.
    ///
    /// # Errors
    /// If a model cannot be loaded, `ready` fails, a device is lost, or the encoder hangs.
    pub fn run(self, ready: impl FnOnce(&[String]) -> nearsay::Result<()>) -> Result<(), Error> {
        let addresses = self.addresses();
        let Self { runtime, listeners, shared } = self;
        let ended = runtime.block_on(async {
            let (open, mut accepting) = start(listeners, &shared);
            let serving = async {
                load(&shared).await?;
                // Whoever reads the line may ask at once.
                shared.enter(Phase::Serving);
                ready(&addresses)?;
                Err(serve(&shared).await)
            };
            let ended = tokio::select! {
                ended = serving => ended,
                () = shared.reached(Phase::Leaving) => Ok(()),
            };
            match ended {
                // The signal stopped the loading before it was heard of here.
                Err(Error::Engine(nearsay::Error::Cancelled)) | Ok(()) => drain(&shared, open).await,
                Err(Error::DeviceLost | Error::Hung { .. }) => part(&shared, open).await,
                Err(_) => {}
            }
            // Addresses are free and sockets removed when this returns.
            accepting.shutdown().await;
            match ended {
                Err(Error::Engine(nearsay::Error::Cancelled)) => Ok(()),
                ended => ended,
            }
        });
        if shared.work.is_busy() {
            // Dropping the scheduler would wait for its threads.
            std::mem::forget(shared);
        }
        // A model that is still being loaded, or a call of a request that was not answered in time, is left behind.
        runtime.shutdown_background();
        ended
    }
}

/// Starts to accept connections. The receiver ends when the last connection does.
fn start(listeners: Vec<Listener>, shared: &Arc<Shared>) -> (mpsc::Receiver<()>, JoinSet<()>) {
    let front = Front::new(shared.clone());
    let connections = Arc::new(Semaphore::new(shared.config.limits.connections));
    let (sender, open) = mpsc::channel(1);
    let mut accepting = JoinSet::new();
    for listener in listeners {
        let connections = connections.clone();
        accepting.spawn(accept::accept(listener, front.clone(), shared.clone(), connections, sender.clone()));
    }
    (open, accepting)
}

/// Loads the models, unless each is loaded at its first request.
async fn load(shared: &Arc<Shared>) -> nearsay::Result<()> {
    if shared.config.is_lazy {
        return Ok(());
    }
    let loading = shared.clone();
    let loaded = tokio::task::spawn_blocking(move || loading.all_models().load(&loading)).await;
    loaded.map_err(|error| nearsay::Error::Bug(format!("loading ended: {error}")))?
}

/// Looks after the models while requests are answered, until none can be.
async fn serve(shared: &Arc<Shared>) -> Error {
    let unload = async {
        match shared.config.unload_after {
            Some(time) => shared.all_models().free_unused(time).await,
            None => std::future::pending().await,
        }
    };
    let broken = tokio::select! {
        broken = shared.broken() => broken,
        overdue = watchdog::hang(shared) => {
            shared.break_down(Broken::Hung(overdue));
            Broken::Hung(overdue)
        }
        never = reload::whenever_asked(shared) => match never {},
        never = unload => match never {},
    };
    match broken {
        Broken::DeviceLost => Error::DeviceLost,
        Broken::Hung(overdue) => overdue.into(),
    }
}

/// Refuses to start on an address that other machines can reach without a key.
///
/// # Errors
/// [`Error::OpenToOthers`].
pub(crate) fn check_access(config: &Config, keys: &ApiKeys) -> Result<(), Error> {
    match config.listen.iter().find(|listen| listen.is_open_to_others()) {
        Some(open) if keys.is_empty() && !config.insecure => {
            Err(Error::OpenToOthers { address: open.to_string() })
        }
        _ => Ok(()),
    }
}

/// Tells the clients that are there that no request can be answered any more: theirs fail at once.
async fn part(shared: &Shared, mut open: mpsc::Receiver<()>) {
    shared.enter(Phase::Closing);
    let _ = tokio::time::timeout(LAST_ANSWERS, open.recv()).await;
}

/// Lets the requests in flight finish; then the scheduler drops the work of clients that have gone.
async fn drain(shared: &Shared, mut open: mpsc::Receiver<()>) {
    let limits = &shared.config.limits;
    tokio::time::sleep(limits.drain_delay).await;
    shared.enter(Phase::Closing);
    let end = work::deadline_after(limits.drain);
    let closed = tokio::time::timeout_at(end.into(), open.recv()).await;
    let left = end.saturating_duration_since(Instant::now());
    let is_idle = tokio::task::block_in_place(|| shared.work.drain(left));
    #[cfg(feature = "otlp")]
    if let Some(traces) = &shared.traces {
        tokio::task::block_in_place(|| traces.end());
    }
    if closed.is_err() || !is_idle {
        tracing::warn!(
            "requests that were not answered within {} s were dropped",
            limits.drain.as_secs_f64()
        );
    }
}
