//! Settings of a server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use nearsay::{EmbedOptions, Session};

use crate::auth::ReadKeys;
use crate::listen::Listen;
use crate::log::LogFormat;

/// Opens the model that a [`ModelSource`] names, on the devices and threads that all models share.
pub type OpenModel = Arc<dyn Fn(&str) -> nearsay::Result<Session> + Send + Sync>;

/// A model to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSource {
    /// The name that clients ask for.
    pub name: String,
    /// The folder, or the name on the hub, as the user gave it. Clients may ask for it, too.
    pub source: String,
}

/// Settings of a server.
#[derive(Clone)]
pub struct Config {
    /// The models. Routes that name none use the first.
    pub models: Vec<ModelSource>,
    /// Other names of models: the alias, and the name that it stands for.
    pub aliases: Vec<(String, String)>,
    /// How a model is opened.
    pub open: OpenModel,
    /// Whether a model is loaded at its first request, and not at the start.
    pub is_lazy: bool,
    /// How long a model stays in memory without a request; `None`: always. It is loaded again at the next one.
    pub unload_after: Option<Duration>,
    /// How texts are embedded if a request does not say otherwise.
    pub embedding: EmbedOptions,
    /// The addresses and sockets that it listens on.
    pub listen: Vec<Listen>,
    /// How the keys are read that clients must have one of; without keys, none is asked for.
    pub keys: ReadKeys,
    /// Whether an address that other machines can reach is allowed without a key.
    pub insecure: bool,
    /// Whether the list of models is shown without a key.
    pub open_models: bool,
    /// Names in `Host` that are allowed besides those of this machine's loopback; `*` allows all.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may use the server.
    pub origins: Vec<String>,
    /// Whether requests may have token ids in place of texts.
    pub takes_token_ids: bool,
    /// Whether empty texts are refused.
    pub refuses_empty: bool,
    /// Size of the vector cache in bytes.
    pub vector_cache: usize,
    /// Sizes and times.
    pub limits: Limits,
    /// The form of the lines about requests; `None`: no lines.
    pub log: Option<LogFormat>,
    /// The tools for agents at `/mcp`; `None`: no such route.
    #[cfg(feature = "mcp")]
    pub mcp: Option<crate::Toolset>,
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("models", &self.models)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// Sizes and times that requests must keep.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bytes of the bodies of all requests that are being answered; others wait. `None`: 64 times `body_bytes`, which it is
    /// at least.
    pub body_memory: Option<usize>,
    /// Texts of a request.
    pub inputs: usize,
    /// Tokens of a request, after long texts were truncated.
    pub tokens_per_request: u64,
    /// Bytes of an answer.
    pub response_bytes: u64,
    /// Connections that are open at once; others wait to be accepted.
    pub connections: usize,
    /// Tokens that wait to be encoded; `None`: those of `wait` at the measured speed.
    pub queued_tokens: Option<u64>,
    /// How long a request may be expected to wait when it is accepted.
    pub wait: Duration,
    /// Time from a request's arrival to its answer.
    pub request: Duration,
    /// Time in which a request's headers must arrive.
    pub headers: Duration,
    /// Time in which a request's body must arrive.
    pub body: Duration,
    /// Time that a connection may be idle.
    pub idle: Duration,
    /// Time in which a client must have read [`Limits::WRITTEN`] bytes of an answer that waits for it.
    pub write: Duration,
    /// Time that a batch may take besides [`Limits::HANG_PER_TOKEN`], or [`Limits::SLOWEST`] times what was predicted for its
    /// tokens if that is more. After that, the encoder hangs, and the server ends.
    pub hang: Duration,
    /// Time between the signal to end and the end of accepting connections.
    pub drain_delay: Duration,
    /// Time after that in which requests must finish.
    pub drain: Duration,
}

impl Limits {
    /// Bytes of a request's line and headers.
    pub const HEADER_BYTES: usize = 16 << 10;
    /// Bytes that a client must read in each [`Limits::write`].
    pub const WRITTEN: usize = 512 << 10;
    /// See [`Limits::hang`]. A large model on a slow core encodes some 35 tokens per second of its longest texts.
    pub const HANG_PER_TOKEN: Duration = Duration::from_millis(100);
    /// How many times longer than predicted a batch may take, see [`Limits::hang`].
    pub const SLOWEST: u32 = 100;

    /// Bytes of the bodies of all requests that are being answered.
    pub fn body_memory(&self) -> usize {
        self.body_memory.unwrap_or(self.body_bytes.saturating_mul(64)).max(self.body_bytes)
    }
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            body_bytes: 8 << 20,
            body_memory: None,
            inputs: 2048,
            tokens_per_request: 300_000,
            response_bytes: 256 << 20,
            connections: 1024,
            queued_tokens: None,
            wait: seconds(30),
            request: seconds(120),
            headers: seconds(10),
            body: seconds(30),
            idle: seconds(60),
            write: seconds(30),
            hang: seconds(60),
            drain_delay: Duration::ZERO,
            drain: seconds(30),
        }
    }
}
