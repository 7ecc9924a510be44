//! A running server with the tiny model, which ends with the test.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nearsay::{Devices, EmbedOptions, Embedder, Session, SessionOptions};
use nearsay_server::{ApiKeys, Config, Error, Limits, ModelSource, Server, ServerControl};
use nearsay_tests::fixture;

use crate::client::Client;

/// The model that servers of tests have.
pub(crate) const MODEL: &str = "families/bert";
/// Its longest text in tokens, and the width of its vectors.
pub(crate) const MAX_TOKENS: usize = 40;
pub(crate) const DIMENSIONS: usize = 32;

/// A configuration with the tiny model, on a port that the system chooses.
pub(crate) fn config() -> Config {
    let source = fixture(MODEL).display().to_string();
    Config {
        models: vec![ModelSource { name: "bert".to_owned(), source }],
        aliases: vec![("text-embedding-3-small".to_owned(), "bert".to_owned())],
        open: Arc::new(|name| Session::with(name, &SessionOptions::default().devices(Devices::cpu()))),
        embedding: EmbedOptions::default(),
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        keys: Arc::new(|| Ok(ApiKeys::default())),
        is_lazy: false,
        unload_after: None,
        insecure: false,
        open_models: false,
        allowed_hosts: Vec::new(),
        origins: Vec::new(),
        takes_token_ids: false,
        refuses_empty: false,
        vector_cache: 0,
        limits: Limits { drain: Duration::from_secs(5), ..Limits::default() },
        log: None,
        #[cfg(feature = "mcp")]
        mcp: None,
    }
}

/// The tiny model, opened by the library.
pub(crate) fn embedder() -> Embedder {
    let options = SessionOptions::default().devices(Devices::cpu());
    let session = Session::with(&fixture(MODEL).display().to_string(), &options).unwrap();
    session.embedder(&EmbedOptions::default()).unwrap()
}

/// A running server.
pub(crate) struct Served {
    pub(crate) address: String,
    pub(crate) control: ServerControl,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Served {
    /// A server with the usual configuration.
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// A server with a changed configuration, which answers requests.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (sender, ready) = mpsc::channel();
        let served = Self::starting(change, move || sender.send(()).unwrap());
        ready.recv_timeout(Duration::from_secs(30)).expect("the server is ready");
        served
    }

    /// A server that may still be loading its model.
    pub(crate) fn starting(change: impl FnOnce(&mut Config), ready: impl FnOnce() + Send + 'static) -> Self {
        let mut config = config();
        change(&mut config);
        let server = Server::bind(config).unwrap();
        let (address, control) = (server.addresses()[0].clone(), server.control());
        let thread = std::thread::spawn(move || {
            server.run(|_| {
                ready();
                Ok(())
            })
        });
        Self { address, control, thread: Some(thread) }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// The value of a metric without labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.client().get("/metrics").with(200).text().to_owned();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("{name} is not in\n{text}"))
    }

    pub(crate) fn wait_until_nothing_is_queued(&self) {
        let start = Instant::now();
        while self.metric("nearsay_queued_tokens") > 0.0 {
            assert!(start.elapsed() < Duration::from_secs(20), "the queue does not drain");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until it ends.
    pub(crate) fn join(mut self) -> Result<(), Error> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.control.drain();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(std::thread::panicking() || matches!(ended, Ok(Ok(()))), "{ended:?}");
        }
    }
}
